using System.Runtime.Versioning;
using PocketCoder.Bench.Results;

namespace PocketCoder.Bench.Daemons;

/// <summary>What the program holds while nobody wants anything of it: alone, and with a paired device connected.</summary>
[UnsupportedOSPlatform("windows")]
internal static class MemoryBench
{
    private const double Megabyte = 1e6;

    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        for (var run = 0; run < options.Runs; run++)
        {
            await using var daemon = await DaemonProcess.StartAsync(options);
            var idle = await IdleAsync(daemon, options, measured, Claims.IdleRss, Claims.IdlePss);
            await CompareAsync(options, options.Bare, idle, measured, Claims.BareRss, Claims.MemoryRatio);
            await CompareAsync(options, options.BareNative, idle, measured, Claims.BareNativeRss, Claims.NativeMemoryRatio);
            await using var device = await daemon.PairAsync();
            await device.SubscribeAsync("machine", device.Hello.Instance, 0);
            await IdleAsync(daemon, options, measured, Claims.ConnectedRss, Claims.ConnectedPss);
        }
    }

    private static async Task CompareAsync(BenchOptions options, string? program, double idle, Measured measured, Claim claim, Claim ratio)
    {
        if (program is not null)
        {
            await using var bare = await BareProcess.StartAsync(program);
            await Task.Delay(options.Idle, TimeProvider.System);
            var rss = bare.Memory().Rss;
            measured.Add(claim, rss / Megabyte);
            measured.Add(ratio, idle / rss);
        }
    }

    /// <returns>The resident memory in bytes.</returns>
    private static async Task<double> IdleAsync(DaemonProcess daemon, BenchOptions options, Measured measured, Claim rss, Claim pss)
    {
        await Task.Delay(options.Idle, TimeProvider.System);
        var memory = daemon.Memory();
        measured.Add(rss, memory.Rss / Megabyte);
        measured.Add(pss, memory.Pss / Megabyte);
        return memory.Rss;
    }
}
