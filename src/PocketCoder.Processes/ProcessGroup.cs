namespace PocketCoder.Processes;

/// <summary>
/// Asks after and ends whole process groups by <see cref="ProcessIdentity"/>: the group, the session, every descendant, and what carries
/// the mark. A signal is sent only to a process whose start time was compared right before, so a reused pid is never hit. Linux only.
/// Thread-safe.
/// </summary>
public static class ProcessGroup
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// How long a SIGKILLed process may take to leave (it can sit in the kernel on a dead disk); then it is reported as left.
    /// </summary>
    private static readonly TimeSpan s_killLimit = TimeSpan.FromSeconds(5);

    /// <summary>The identity of a running process, or null when there is none with this pid.</summary>
    public static ProcessIdentity? Identify(int pid)
        => ProcessTable.Find(pid) is { HasEnded: false } entry ? new ProcessIdentity(pid, entry.StartTicks, ProcessTable.BootId) : null;

    /// <summary>Whether exactly this process (not a later one with its pid) runs. A zombie does not.</summary>
    public static bool IsAlive(ProcessIdentity identity)
        => identity.BootId == ProcessTable.BootId
            && ProcessTable.Find(identity.Pid) is { HasEnded: false } entry
            && entry.StartTicks == identity.StartTicks;

    /// <summary>
    /// When the process with this pid started (to about a second: the clock may have been set since boot), or null when there is none.
    /// </summary>
    public static DateTimeOffset? StartedAt(int pid)
    {
        const long ticksPerSecond = 100; // USER_HZ: the same on every Linux .NET runs on
        return ProcessTable.Find(pid) is { HasEnded: false } entry
            ? DateTimeOffset.FromUnixTimeSeconds(ProcessTable.BootTime).AddMilliseconds(entry.StartTicks * 1000 / ticksPerSecond)
            : null;
    }

    /// <summary>Whether the process or anything it started runs.</summary>
    public static bool IsAnyAlive(ProcessIdentity identity) => Members(identity).Count > 0;

    /// <summary>
    /// What the process and everything it started used so far; null when the process itself ended. Reads the whole process table.
    /// </summary>
    public static ProcessUsage? Usage(ProcessIdentity identity)
    {
        if (!IsAlive(identity) || ProcessTable.Find(identity.Pid) is not { } leader)
        {
            return null;
        }

        var members = Members(identity);
        return new ProcessUsage(
            members.Sum(e => e.CpuTicks), members.Sum(e => e.ResidentPages) * Environment.SystemPageSize, leader.State is 'T' or 't');
    }

    /// <summary>
    /// Bytes of RAM that each of these has with everything it started, in their order, from one look at the process table; 0 for one that
    /// ended.
    /// </summary>
    public static IReadOnlyList<long> Resident(IReadOnlyList<ProcessIdentity> identities)
    {
        var all = ProcessTable.All();
        return [.. identities.Select(i => Members(i, all).Sum(e => e.ResidentPages) * Environment.SystemPageSize)];
    }

    /// <summary>What the process alone used so far; null when it ended, or another process has its number.</summary>
    public static ProcessUsage? OwnUsage(ProcessIdentity identity)
        => identity.BootId == ProcessTable.BootId && ProcessTable.Find(identity.Pid) is { HasEnded: false } entry
            && entry.StartTicks == identity.StartTicks
            ? new ProcessUsage(entry.CpuTicks, entry.ResidentPages * Environment.SystemPageSize, entry.State is 'T' or 't')
            : null;

    /// <summary>
    /// Everything of its group, its session and below it that runs, itself included. A snapshot: outdated as soon as it is given.
    /// </summary>
    public static IReadOnlyList<ProcessIdentity> WithDescendants(ProcessIdentity identity)
        => [.. Members(identity).Select(e => new ProcessIdentity(e.Pid, e.StartTicks, ProcessTable.BootId))];

    /// <summary>
    /// The pids of each of these processes and of everything below it, from one look at the process table. Empty for one that ended.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<int>> Below(IReadOnlyList<ProcessIdentity> roots)
    {
        var all = ProcessTable.All();
        var children = all.ToLookup(e => e.ParentPid, e => e.Pid);
        return [.. roots.Select(root =>
        {
            var found = new List<int>();
            if (root.BootId == ProcessTable.BootId && all.Exists(e => e.Pid == root.Pid && e.StartTicks == root.StartTicks))
            {
                found.Add(root.Pid);
                for (var i = 0; i < found.Count; i++)
                {
                    found.AddRange(children[found[i]]);
                }
            }

            return (IReadOnlyList<int>)found;
        })];
    }

    /// <summary>Sends a signal to exactly this one process, and not to a later one that got its pid.</summary>
    /// <returns>False when it does not run any more, or may not be signalled.</returns>
    public static bool TrySignal(ProcessIdentity identity, int signal) => IsAlive(identity) && Native.Signal(identity.Pid, signal) == 0;

    /// <summary>
    /// Sends SIGKILL to exactly this process and to nothing that it started. On kernels since 5.3 through a descriptor of the process
    /// (pidfd_open(2)), which never means a later process with the same number; elsewhere as <see cref="TrySignal"/> does.
    /// </summary>
    /// <returns>False when it does not run any more, or may not be signalled.</returns>
    public static bool KillOnly(ProcessIdentity identity)
    {
        using var held = Native.OpenProcess(identity.Pid);
        if (held is null)
        {
            return TrySignal(identity, Native.Kill);
        }

        // Compared while the descriptor is held: if the number was given to another process since, the descriptor is of that one and this
        // comparison fails.
        return IsAlive(identity) && Native.SignalHeld(held, Native.Kill);
    }

    /// <summary>
    /// Ends the process with all it started: SIGTERM, up to <paramref name="grace"/>, SIGKILL, up to 5 s. Does nothing when they are gone.
    /// </summary>
    /// <returns>Whether all are gone.</returns>
    public static async Task<bool> KillAsync(ProcessIdentity identity, TimeSpan grace, TimeProvider time)
    {
        var known = new Dictionary<int, long>();
        if (grace > TimeSpan.Zero && await SignalUntilGoneAsync(Native.Terminate, grace))
        {
            return true;
        }

        return await SignalUntilGoneAsync(Native.Kill, s_killLimit);

        async Task<bool> SignalUntilGoneAsync(int signal, TimeSpan limit)
        {
            var start = time.GetTimestamp();
            var signalled = new HashSet<(int, long)>();
            while (true)
            {
                // Looked up anew each round: a dying parent's children are reparented, and a fork may have raced with the last look.
                foreach (var member in Members(identity))
                {
                    known[member.Pid] = member.StartTicks;
                }

                var anyLeft = false;
                foreach (var (pid, ticks) in known)
                {
                    if (ProcessTable.Find(pid) is not { HasEnded: false } entry || entry.StartTicks != ticks)
                    {
                        continue;
                    }

                    anyLeft = true;
                    if (signalled.Add((pid, ticks)))
                    {
                        _ = Native.Signal(entry.GroupId == pid ? -pid : pid, signal); // a leader: its whole group at one stroke
                    }
                }

                if (!anyLeft)
                {
                    return true;
                }

                if (time.GetElapsedTime(start) >= limit)
                {
                    return false;
                }

                // the kernel is looked at in its own time, whatever clock the limit is on: one that stands still would wait for ever
                await Task.Delay(s_poll);
            }
        }
    }

    /// <summary>Ends what a killed daemon left behind. Processes of an earlier boot are gone by nature.</summary>
    /// <returns>Those that could not be ended.</returns>
    public static async Task<IReadOnlyList<ProcessIdentity>> ReapAsync(
        IEnumerable<ProcessIdentity> identities, TimeSpan grace, TimeProvider time)
    {
        var all = identities.ToList();
        var gone = await Task.WhenAll(all.Select(i => KillAsync(i, grace, time)));
        return [.. all.Where((_, index) => !gone[index])];
    }

    /// <summary>
    /// Everything that belongs to the identity and runs. The kernel does not reuse a number while a group or session bears it, so the
    /// group is ours while its leader is, and after the leader's end as long as a member carries the mark.
    /// </summary>
    internal static List<ProcessEntry> Members(ProcessIdentity identity)
        => identity.BootId == ProcessTable.BootId ? Members(identity, ProcessTable.All()) : [];

    private static List<ProcessEntry> Members(ProcessIdentity identity, List<ProcessEntry> all)
    {
        if (identity.BootId != ProcessTable.BootId)
        {
            return [];
        }

        var leader = all.Find(e => e.Pid == identity.Pid);
        var marked = identity.Mark is null
            ? []
            : all.FindAll(e => e.StartTicks >= identity.StartTicks
                && ProcessTable.Bears(e.Pid, identity.Mark));

        // Process id 0 stands for one that is to come, while group 0 is the kernel's own threads.
        var groupIsOurs = identity.Pid != 0
            && (leader.Pid != 0
                ? leader.StartTicks == identity.StartTicks
                : marked.Exists(e => e.GroupId == identity.Pid || e.SessionId == identity.Pid));

        var children = all.ToLookup(e => e.ParentPid);
        var found = new Dictionary<int, ProcessEntry>();
        marked.ForEach(Add);
        if (groupIsOurs)
        {
            all.FindAll(e => e.Pid == identity.Pid || e.GroupId == identity.Pid || e.SessionId == identity.Pid).ForEach(Add);
        }

        return [.. found.Values.Where(e => !e.HasEnded)];

        void Add(ProcessEntry entry)
        {
            if (entry.Pid != Environment.ProcessId && found.TryAdd(entry.Pid, entry))
            {
                foreach (var child in children[entry.Pid])
                {
                    Add(child);
                }
            }
        }
    }
}
