namespace PocketCoder.Entry;

/// <summary>
/// A way into the machine beside the app and the command line: a chat platform, in which people prompt, follow and decide. It lives as long
/// as the daemon and sees nothing of it but <see cref="IEntryMachine"/>.
/// </summary>
public interface IEntryPoint
{
    /// <summary>The platform, 1 to 20 lower-case letters: <c>feishu</c>. Each decision that it brings names it in the ledger.</summary>
    string Platform { get; }

    /// <summary>How it stands now.</summary>
    EntryStatus Status { get; }

    /// <summary>Asks the platform whether it takes what was set, without writing to anybody. Within 20 s.</summary>
    /// <returns>What was found, each in a sentence for people.</returns>
    /// <exception cref="EntryRefusal">UNAVAILABLE: it does not; the message says why.</exception>
    Task<IReadOnlyList<string>> TestAsync(IEntryMachine machine, CancellationToken cancellationToken);

    /// <summary>
    /// Serves until it is told to stop, and lets nothing that comes from outside end it. What it throws is logged, and the platform is away
    /// until the next start; the rest of the daemon goes on.
    /// </summary>
    /// <param name="stop">The daemon stops: what is in hand may take two seconds more.</param>
    Task RunAsync(IEntryMachine machine, CancellationToken stop);
}
