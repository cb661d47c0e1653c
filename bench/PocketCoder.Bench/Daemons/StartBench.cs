using System.Runtime.Versioning;
using PocketCoder.Bench.Results;

namespace PocketCoder.Bench.Daemons;

/// <summary>How soon the program answers, with an empty home.</summary>
[UnsupportedOSPlatform("windows")]
internal static class StartBench
{
    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        measured.Add(Claims.ProgramSize, new FileInfo(options.Program).Length / 1e6);

        // The first start reads the program from the disk and compiles this side's code; it does not count.
        await using (await DaemonProcess.StartAsync(options))
        {
        }

        for (var run = 0; run < 2 * options.Runs; run++)
        {
            TimeSpan ready;
            await using (var daemon = await DaemonProcess.StartAsync(options))
            {
                ready = daemon.ReadyAfter;
                measured.Add(Claims.Ready, ready.TotalMilliseconds);
                measured.Add(Claims.ReadyCpu, daemon.Processor().TotalMilliseconds);
            }

            await CompareAsync(options.Bare, ready, measured, Claims.BareReady, Claims.ReadyRatio);
            await CompareAsync(options.BareNative, ready, measured, Claims.BareNativeReady, Claims.NativeReadyRatio);
        }
    }

    private static async Task CompareAsync(string? program, TimeSpan ready, Measured measured, Claim claim, Claim ratio)
    {
        if (program is not null)
        {
            await using var bare = await BareProcess.StartAsync(program);
            measured.Add(claim, bare.ReadyAfter.TotalMilliseconds);
            measured.Add(ratio, ready / bare.ReadyAfter);
        }
    }
}
