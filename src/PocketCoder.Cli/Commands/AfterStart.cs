namespace PocketCoder.Cli.Commands;

/// <summary>
/// What starting needed and idling does not is given back once: the collector sizes its heap by what a burst of work took, and a daemon that then has nothing
/// to do gives it no reason to look again. Measured: docs/benchmarks.md, idle memory.
/// </summary>
internal static class AfterStart
{
    /// <summary>By then the sandboxes were looked at, which is the last of what a start does.</summary>
    private static readonly TimeSpan s_calm = TimeSpan.FromSeconds(5);

    /// <summary>The timer; dispose it with the daemon.</summary>
    public static ITimer GiveBackMemory(TimeProvider time)
        => time.CreateTimer(static _ => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true), null, s_calm, Timeout.InfiniteTimeSpan);
}
