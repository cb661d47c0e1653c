using System.Diagnostics;
using System.Net;
using System.Runtime.Versioning;
using PocketCoder.Bench.Daemons;
using PocketCoder.Bench.Results;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Notifications;
using PocketCoder.Testing;

namespace PocketCoder.Bench.Notifications;

/// <summary>How long a notification takes to the owner's own receiver: a webhook, signed.</summary>
[UnsupportedOSPlatform("windows")]
internal static class PushBench
{
    private const string Name = "bench";

    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        for (var run = 0; run < options.Runs; run++)
        {
            await using var daemon = await DaemonProcess.StartAsync(options);
            using var receiver = new HttpListener { Prefixes = { $"http://127.0.0.1:{Ports.Free()}/" } };
            receiver.Start();
            await daemon.Control.SetReceiverAsync(
                new NotifySetRequest(Name, ReceiverKind.Webhook, receiver.Prefixes.Single()), CancellationToken.None);
            var samples = new List<double>();
            for (var i = 0; i < (options.Quick ? 20 : 200); i++)
            {
                var began = Stopwatch.GetTimestamp();
                var told = daemon.Control.TestReceiverAsync(Name, CancellationToken.None);
                var call = await receiver.GetContextAsync();
                samples.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                call.Response.Close();
                await told;
            }

            measured.AddPercentiles(samples, Claims.PushP50, Claims.PushP99);
        }
    }
}
