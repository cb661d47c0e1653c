using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using PocketCoder.Ledger;
using PocketCoder.Machine.SessionLinks;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Conversations;

/// <summary>
/// Which sessions' conversations a terminal of this machine goes on with (<c>pocketcoder resume --exec</c>), so that the daemon does not
/// write them too. A hold is the life of the processes that took it: it outlives the daemon, and ends with them however they end.
/// Thread-safe.
/// </summary>
/// <param name="sessions">Told when the last process of a hold is gone; from any thread, outside of every lock.</param>
public sealed partial class TerminalLocks(Store store, LiveSessions sessions, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>How often it is looked whether they still live. Who leaves in good order says so at once.</summary>
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<Guid, ImmutableArray<ProcessIdentity>> _held = new();
    private readonly AsyncSemaphore _changing = new(); // guards _held together with its rows
    private readonly CancellationTokenSource _ending = new();
    private Task _looking = Task.CompletedTask;

    /// <summary>Who holds the session's conversation; empty: nobody.</summary>
    public ImmutableArray<ProcessIdentity> Of(Guid session) => _held.GetValueOrDefault(session, []);

    public bool Has(Guid session) => !Of(session).IsEmpty;

    /// <summary>Takes up what an earlier daemon knew, and begins to look.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        foreach (var (session, process) in await store.ReadAsync(ConversationRows.Holds, cancellationToken))
        {
            _held.AddOrUpdate(session, [process], (_, others) => others.Add(process));
        }

        await LookAsync();
        _looking = KeepLookingAsync();
    }

    /// <summary>When it returns, the hold is durable.</summary>
    public async Task AddAsync(Guid session, ProcessIdentity process)
    {
        await _changing.WaitAsync();
        try
        {
            await store.WriteAsync(change => ConversationRows.Hold(change, session, process));
            _held.AddOrUpdate(session, [process], (_, others) => [.. others.Where(o => o.Pid != process.Pid), process]);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>One of them says that it leaves; the hold ends with the last one.</summary>
    public Task ReleaseAsync(Guid session, int pid)
        => RemoveAsync(p => p.Session == session && p.Process.Pid == pid || !ProcessGroup.IsAlive(p.Process));

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _looking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
    }

    private Task LookAsync() => RemoveAsync(p => !ProcessGroup.IsAlive(p.Process));

    private async Task KeepLookingAsync()
    {
        using var timer = new PeriodicTimer(s_interval, time);
        while (await timer.WaitForNextTickAsync(_ending.Token))
        {
            try
            {
                await LookAsync();
            }
            catch (LedgerException e)
            {
                LogNotRemoved(logger, e.Message); // it stays held, and is looked at again
            }
        }
    }

    private async Task RemoveAsync(Func<(Guid Session, ProcessIdentity Process), bool> isGone)
    {
        if (_held.IsEmpty)
        {
            return;
        }

        var left = new List<Guid>();
        await _changing.WaitAsync();
        try
        {
            var gone = _held.SelectMany(h => h.Value.Select(p => (Session: h.Key, Process: p))).Where(isGone).ToList();
            if (gone.Count == 0)
            {
                return;
            }

            await store.WriteAsync(change => gone.ForEach(g => ConversationRows.Release(change, g.Session, g.Process)));
            foreach (var (session, process) in gone)
            {
                var others = Of(session).Remove(process);
                if (others.IsEmpty)
                {
                    _held.TryRemove(session, out _);
                    left.Add(session);
                }
                else
                {
                    _held[session] = others;
                }
            }
        }
        finally
        {
            _changing.Release();
        }

        left.ForEach(session => sessions.Find(session)?.TerminalLeft());
    }

    [LoggerMessage(EventId = 351, Level = LogLevel.Warning, Message = "the end of a terminal's hold can't be recorded: {Why}")]
    private static partial void LogNotRemoved(ILogger logger, string why);
}
