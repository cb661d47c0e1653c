namespace PocketCoder.Cli.Commands;

/// <summary>
/// What work needed and rest does not is given back: the collector sizes its heap by the last burst of work, and a daemon that then has
/// nothing to do gives it no reason to look again. Measured: docs/benchmarks.md, idle memory.
/// </summary>
internal static class SpareMemory
{
    /// <summary>Less than this was allocated since the last time: not worth the look. Bytes.</summary>
    private const long Worth = 2 * 1024 * 1024;

    private static long s_seen;

    /// <summary>Some tens of milliseconds; for a machine at rest. Thread-safe.</summary>
    public static void GiveBack()
    {
        var allocated = GC.GetTotalAllocatedBytes();
        if (allocated - Interlocked.Read(ref s_seen) >= Worth)
        {
            Interlocked.Exchange(ref s_seen, allocated);
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }
}
