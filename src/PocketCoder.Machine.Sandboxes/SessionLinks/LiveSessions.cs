using System.Collections.Concurrent;
using PocketCoder.Broker.Egress;
using PocketCoder.Broker.Models;

namespace PocketCoder.Machine.SessionLinks;

/// <summary>What the parts below sessions may ask a session or tell it. Thread-safe.</summary>
public interface ILiveSession
{
    /// <summary>Whether a turn runs.</summary>
    bool IsWorking { get; }

    /// <summary>Asks a person whether a program of the session may reach a host that no rule of the project covers.</summary>
    ValueTask<EgressVerdict> MayReachAsync(EgressRequest wanted, CancellationToken cancellationToken);

    /// <summary>Asks a person whether the session may go on beyond a budget.</summary>
    Task<bool> AskBudgetAsync(BudgetSpent spent, CancellationToken ct);

    /// <summary>A provider refused the key that the session's models are asked with.</summary>
    /// <param name="status">The provider's HTTP status.</param>
    void KeyRefused(int status);

    /// <summary>The last process that had the session's conversation open in a terminal is gone.</summary>
    void TerminalLeft();
}

/// <summary>
/// The sessions that live now, for the parts below them. It is made before those parts and given to their constructors; the directory of
/// sessions puts sessions in and takes them out. Thread-safe.
/// </summary>
public sealed class LiveSessions
{
    private readonly ConcurrentDictionary<Guid, ILiveSession> _sessions = new();

    /// <summary>Whether a turn runs in any of them.</summary>
    public bool AnyWorks => _sessions.Values.Any(s => s.IsWorking);

    /// <summary>Null: there is no such session, or not any more.</summary>
    public ILiveSession? Find(Guid session) => _sessions.GetValueOrDefault(session);

    public void Add(Guid session, ILiveSession live) => _sessions[session] = live;

    public void Remove(Guid session) => _sessions.TryRemove(session, out _);
}
