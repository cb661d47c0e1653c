using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using PocketCoder.Bench.Daemons;
using PocketCoder.Bench.Results;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Machine.Linking;
using PocketCoder.Testing;
using PocketCoder.Testing.Git;

namespace PocketCoder.Bench.Gateways;

/// <summary>A gateway on its own: what it costs, what it adds to a frame, and how everybody comes back when it was away.</summary>
[UnsupportedOSPlatform("windows")]
internal static class GatewayBench
{
    private const double Megabyte = 1e6;
    private const int Devices = 5000;
    private const int MostRuns = 3; // a minute each
    private const int FrameBytes = 1024;

    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(5);

    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        for (var run = 0; run < Math.Min(options.Runs, MostRuns); run++)
        {
            await using var gateway = await GatewayProcess.StartAsync(options, Devices);
            measured.Add(Claims.GatewayReady, gateway.ReadyAfter.TotalMilliseconds);
            await Task.Delay(options.Idle, TimeProvider.System);
            measured.Add(Claims.GatewayIdle, gateway.Memory().Rss / Megabyte);
            using var identity = ChannelIdentity.Create();
            var code = await gateway.Enrolments.NewCodeAsync(CancellationToken.None);
            await using (var machine = await EchoMachine.ConnectAsync(gateway.Address, identity, code))
            {
                await HopAsync(gateway, machine, identity.Id, options, measured);
            }

            await CrowdBench.RunAsync(gateway, identity, options.Quick ? Devices / 10 : Devices, options, measured);
            await WakeAsync(options, measured);
        }
    }

    /// <summary>Frames from a machine to its device: one now and then, and as many as go.</summary>
    private static async Task HopAsync(GatewayProcess gateway, EchoMachine machine, string id, BenchOptions options, Measured measured)
    {
        using var by = new HttpMessageInvoker(new SocketsHttpHandler());
        using var device = await BareDevice.ConnectAsync(gateway.Address, id, 0, by, CancellationToken.None);
        var samples = new List<double>();
        using var pace = new PeriodicTimer(s_between);
        for (var i = 0; i < (options.Quick ? 200 : 1000); i++)
        {
            await pace.WaitForNextTickAsync();
            await machine.SendAsync(Stamped());
            samples.Add(Stopwatch.GetElapsedTime(BinaryPrimitives.ReadInt64LittleEndian(
                (await device.NextAsync(CancellationToken.None)).Span[1..])).TotalMilliseconds);
        }

        measured.AddPercentiles(samples, Claims.GatewayHopP50, Claims.GatewayHopP99);

        var frames = options.Quick ? 20_000 : 100_000;
        var began = Stopwatch.GetTimestamp();
        var sending = Task.Run(async () =>
        {
            var frame = Stamped();
            for (var i = 0; i < frames; i++)
            {
                await machine.SendAsync(frame);
            }
        });
        for (var i = 0; i < frames; i++)
        {
            await device.NextAsync(CancellationToken.None);
        }

        measured.Add(Claims.GatewayFrames, frames / Stopwatch.GetElapsedTime(began).TotalSeconds);
        await sending;
    }

    /// <summary>A machine sleeps while its gateway restarts, and wakes.</summary>
    private static async Task WakeAsync(BenchOptions options, Measured measured)
    {
        await using var gateway = await GatewayProcess.StartAsync(options, devices: null);
        await using var daemon = await DaemonProcess.StartAsync(options);
        await daemon.Control.LinkAsync(
            gateway.Address.AbsoluteUri, await gateway.Enrolments.NewCodeAsync(CancellationToken.None), CancellationToken.None);
        await ConnectedAsync(daemon, DateTimeOffset.MinValue);
        await SignalAsync(daemon, "STOP");
        await gateway.RestartAsync();
        var woken = TimeProvider.System.GetUtcNow();
        var began = Stopwatch.GetTimestamp();
        await SignalAsync(daemon, "CONT");
        await ConnectedAsync(daemon, woken);
        measured.Add(Claims.GatewayWake, Stopwatch.GetElapsedTime(began).TotalMilliseconds);
    }

    private static async Task ConnectedAsync(DaemonProcess daemon, DateTimeOffset after) => await Wait.UntilAsync(
        async () => (await daemon.Control.StatusAsync(CancellationToken.None)).Link is { State: LinkState.Connected } link
            && link.Since >= after,
        "the machine is connected");

    private static Task<string> SignalAsync(DaemonProcess daemon, string signal)
        => Shell.RunAsync("/", string.Create(CultureInfo.InvariantCulture, $"kill -{signal} {daemon.Pid}"));

    private static byte[] Stamped()
    {
        var frame = new byte[FrameBytes];
        frame[0] = RelayFrame.Sealed;
        BinaryPrimitives.WriteInt64LittleEndian(frame.AsSpan(1), Stopwatch.GetTimestamp());
        return frame;
    }
}
