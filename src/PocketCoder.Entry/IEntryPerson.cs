using PocketCoder.Protocol;

namespace PocketCoder.Entry;

/// <summary>
/// A paired person who is here: asks what devices ask, with the same scopes and bounds, and follows the same streams. Refused is what runs
/// or changes something without an approval (terminals, commands, files, git) and what guards the machine (keys, devices, budgets, rules,
/// a weaker sandbox). A decision has no signature, so the ledger says that the platform speaks for it, and what may destroy something is
/// refused unless the owner allowed it. Thread-safe.
/// </summary>
public interface IEntryPerson : IAsyncDisposable
{
    /// <summary>The name on approvals and in the ledger.</summary>
    string Name { get; }

    /// <summary>What they may do, as of now.</summary>
    IReadOnlyList<Scope> Scopes { get; }

    /// <summary>Cancelled when it is over: the person was revoked, or the machine stops. Open a new one then, or say so.</summary>
    CancellationToken Over { get; }

    /// <summary>
    /// Asks the machine. Requests are answered one after the other, long ones (those of agents, files and git) beside each other.
    /// </summary>
    /// <exception cref="EntryRefusal">The machine refuses, with the code and the words that a device would get.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or <see cref="Over"/>.</exception>
    Task<TResponse> AskAsync<TRequest, TResponse>(Verb<TRequest, TResponse> verb, TRequest request, CancellationToken cancellationToken)
        => AskAsync(verb, request, null, cancellationToken);

    /// <summary>Asks with less than they may do: with what they may do in one place, a group's role for one.</summary>
    /// <param name="within">Of their scopes only these count; null: all.</param>
    /// <inheritdoc cref="AskAsync{TRequest, TResponse}(Verb{TRequest, TResponse}, TRequest, CancellationToken)"/>
    Task<TResponse> AskAsync<TRequest, TResponse>(
        Verb<TRequest, TResponse> verb, TRequest request, IReadOnlyList<Scope>? within, CancellationToken cancellationToken);

    /// <summary>
    /// What comes on the streams that were subscribed to (<see cref="DeviceVerbs.Subscribe"/>), in order and without gaps. 256 events and
    /// 1 MiB wait for a slow reader; then the streams wait, not the machine. To be read once.
    /// </summary>
    IAsyncEnumerable<EntryEvent> ReadAsync(CancellationToken cancellationToken);
}
