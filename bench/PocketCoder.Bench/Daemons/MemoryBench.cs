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
            await IdleAsync(daemon, options, measured, Claims.IdleRss, Claims.IdlePss);
            await using var device = await daemon.PairAsync();
            await device.SubscribeAsync("machine", device.Hello.Instance, 0);
            await IdleAsync(daemon, options, measured, Claims.ConnectedRss, Claims.ConnectedPss);
        }
    }

    private static async Task IdleAsync(DaemonProcess daemon, BenchOptions options, Measured measured, Claim rss, Claim pss)
    {
        await Task.Delay(options.Idle, TimeProvider.System);
        var memory = daemon.Memory();
        measured.Add(rss, memory.Rss / Megabyte);
        measured.Add(pss, memory.Pss / Megabyte);
    }
}
