namespace PocketCoder.Entry;

/// <summary>The machine as one entry point has it: who of its platform's people may come in. Thread-safe.</summary>
public interface IEntryMachine
{
    /// <summary>What the entry point keeps over a restart.</summary>
    IEntryNotes Notes { get; }

    /// <summary>A secret of the platform's app among the machine's secrets: never to be logged, shown or kept.</summary>
    /// <returns>Null: the owner has set none.</returns>
    /// <exception cref="EntryRefusal">UNAVAILABLE: it can't be read; the message says why</exception>
    Task<string?> SecretAsync(EntrySecretKind kind, CancellationToken cancellationToken);

    /// <summary>
    /// Pairs a person with a code that the owner made (ten minutes, once). From then on <see cref="OpenAsync"/> knows them, until they are
    /// revoked. Pairing again replaces their rights by the new code's.
    /// </summary>
    /// <param name="account">The platform's id of the person, 1 to 128 visible ASCII characters. It must be the platform's own word, never
    /// something that came from the person.</param>
    /// <param name="name">How the platform calls them; not trusted. The code's own name goes before it.</param>
    /// <param name="code">As the person typed it; case, spaces and dashes don't matter.</param>
    /// <returns>The name that they are known by from now on.</returns>
    /// <exception cref="EntryRefusal">INVALID_REQUEST: no such code (any more); RATE_LIMITED: too many wrong ones</exception>
    Task<string> PairAsync(string account, string? name, string code, CancellationToken cancellationToken);

    /// <summary>Comes in as a person who is paired; dispose it when it is not needed any more.</summary>
    /// <returns>Null: nobody with this id is paired, or they were revoked.</returns>
    /// <exception cref="EntryRefusal">UNAVAILABLE: the machine stops, or can't write</exception>
    Task<IEntryPerson?> OpenAsync(string account, CancellationToken cancellationToken);
}
