using System.Runtime.Versioning;
using PocketCoder.Bench.Results;

namespace PocketCoder.Bench.Daemons;

/// <summary>How soon the program answers, with an empty home.</summary>
[UnsupportedOSPlatform("windows")]
internal static class StartBench
{
    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        // The first start reads the program from the disk and compiles this side's code; it does not count.
        await using (await DaemonProcess.StartAsync(options))
        {
        }

        for (var run = 0; run < 2 * options.Runs; run++)
        {
            await using var daemon = await DaemonProcess.StartAsync(options);
            measured.Add(Claims.Ready, daemon.ReadyAfter.TotalMilliseconds);
        }
    }
}
