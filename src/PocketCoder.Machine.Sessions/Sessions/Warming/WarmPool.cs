using System.Globalization;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Sessions.Warming;

/// <summary>
/// Which agents are kept without work, over all sessions, and which of them end when they are too many or take too much memory: those that
/// were used the longest ago. Thread-safe.
/// </summary>
/// <param name="measure">Bytes of RAM that each of these processes has with all it started; null: asks the system.</param>
public sealed class WarmPool(
    WarmLimits limits, TimeProvider time, Func<IReadOnlyList<ProcessIdentity>, IReadOnlyList<long>>? measure = null) : IDisposable
{
    /// <summary>How often the memory of what is kept is looked at, beside the end of each turn; when nothing is kept, never.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(30);

    /// <summary>
    /// So long after a turn it is looked at, which several turns share: right then the processor is wanted by whatever comes next.
    /// </summary>
    public static readonly TimeSpan LookAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new(); // guards what follows
    private readonly Dictionary<Guid, Kept> _kept = [];
    private long _uses;
    private ITimer? _look;
    private bool _looksSoon;
    private bool _disposed;

    public WarmLimits Limits => limits;

    /// <summary>Keeps room for an agent that is to be started ahead of a prompt; another one may end for it.</summary>
    /// <param name="end">Ends it, with the reason. Called on any thread; what works by then is to go on.</param>
    /// <param name="onlyFree">No other one ends for it.</param>
    /// <returns>False: none is kept at all, so many are being started already, or no place is free where only a free one may be
    /// taken.</returns>
    public bool TryReserve(Guid session, Action<string> end, bool onlyFree = false)
    {
        List<Ending> ending;
        lock (_gate)
        {
            if (_disposed || _kept.Count(k => k.Value.IsStarting && k.Key != session) >= limits.Agents
                || (onlyFree && _kept.Count(k => k.Key != session) >= limits.Agents))
            {
                return false;
            }

            _kept[session] = new Kept(++_uses, null, IsStarting: true, end);
            ending = TooMany();
        }

        End(ending);
        return true;
    }

    /// <summary>From now on the session's agent has no work. Again: it was used again.</summary>
    /// <param name="process">Null: it has none of its own.</param>
    /// <param name="end">Ends it, with the reason. Called on any thread; what works by then is to go on.</param>
    public void Rest(Guid session, ProcessIdentity? process, Action<string> end)
    {
        List<Ending> ending;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _kept[session] = new Kept(++_uses, process, IsStarting: false, end);
            ending = TooMany();
            _look ??= time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            if (!_looksSoon)
            {
                _looksSoon = process is not null;
                _look.Change(_looksSoon ? LookAfter : LookEvery, Timeout.InfiniteTimeSpan);
            }
        }

        End(ending);
    }

    /// <summary>The session's agent works or ended.</summary>
    public void Leave(Guid session)
    {
        lock (_gate)
        {
            _kept.Remove(session);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _kept.Clear();
            _look?.Dispose();
        }
    }

    /// <summary>Measures what is kept and ends what is too much.</summary>
    private void Look()
    {
        List<KeyValuePair<Guid, Kept>> all;
        lock (_gate)
        {
            _looksSoon = false;
            if (_disposed || _kept.Count == 0)
            {
                return;
            }

            _look?.Change(LookEvery, Timeout.InfiniteTimeSpan);
            all = [.. _kept.Where(k => k.Value.Process is { Pid: > 0 }).OrderBy(k => k.Value.Use)];
        }

        if (!OperatingSystem.IsLinux() || all.Count == 0)
        {
            return;
        }

        // Reads the whole process table: not on a session's own time, and once for all of them.
        var sizes = (measure ?? ProcessGroup.Resident)(all.ConvertAll(k => k.Value.Process!));
        var ending = new List<Ending>();
        lock (_gate)
        {
            // What began to work, ended or was used again meanwhile is not what was measured.
            var still = all.Zip(sizes).Where(m => _kept.GetValueOrDefault(m.First.Key) == m.First.Value).ToList();
            var sum = still.Sum(m => m.Second);
            foreach (var ((session, kept), bytes) in still.TakeWhile(_ => sum > limits.MemoryBytes))
            {
                ending.Add(new Ending(kept, string.Create(CultureInfo.InvariantCulture,
                    $"idle agents use {Megabytes(sum)} MB of at most {Megabytes(limits.MemoryBytes)}; this one was idle the longest")));
                _kept.Remove(session);
                sum -= bytes;
            }
        }

        End(ending);
    }

    private static long Megabytes(long bytes) => bytes / (1024 * 1024);

    private List<Ending> TooMany()
    {
        var ending = new List<Ending>();
        foreach (var (session, kept) in _kept.OrderBy(k => k.Value.Use).Take(_kept.Count - limits.Agents).ToList())
        {
            ending.Add(new Ending(kept, string.Create(
                CultureInfo.InvariantCulture, $"at most {limits.Agents} idle agents are kept; this one was idle the longest")));
            _kept.Remove(session);
        }

        return ending;
    }

    private static void End(List<Ending> ending) => ending.ForEach(e => e.Agent.End(e.Why));

    private sealed record Kept(long Use, ProcessIdentity? Process, bool IsStarting, Action<string> End);

    private sealed record Ending(Kept Agent, string Why);
}
