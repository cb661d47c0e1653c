using System.Diagnostics;
using System.Net.WebSockets;
using System.Runtime.Versioning;
using PocketCoder.Bench.Results;
using PocketCoder.Channels;

namespace PocketCoder.Bench.Gateways;

/// <summary>Many devices that want nothing, and all of them coming back at once.</summary>
[UnsupportedOSPlatform("windows")]
internal static class CrowdBench
{
    private const int AtOnce = 64;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    /// <summary>As a device does: soon, and not all in the same moment.</summary>
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(
        GatewayProcess gateway, ChannelIdentity identity, int devices, BenchOptions options, Measured measured)
    {
        using var by = new HttpMessageInvoker(new SocketsHttpHandler { MaxConnectionsPerServer = int.MaxValue });
        using var limit = new CancellationTokenSource(s_limit);
        var before = gateway.Memory().Rss;
        var crowd = new BareDevice[devices];
        var listening = new Task[devices];
        await using (var machine = await EchoMachine.ConnectAsync(gateway.Address, identity, code: null))
        {
            await Parallel.ForAsync(
                0, devices, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = limit.Token },
                async (number, ct) =>
                {
                    crowd[number] = await BareDevice.ConnectAsync(gateway.Address, identity.Id, number, by, ct);
                    listening[number] = ListenAsync(crowd[number]);
                });
            await Task.Delay(options.Idle, TimeProvider.System);
            if (Array.Find(listening, l => l.IsCompleted) is { } gone)
            {
                await gone;
            }

            measured.Add(Claims.GatewayDevice, (gateway.Memory().Rss - before) / devices);
            await gateway.RestartAsync();
            await Task.WhenAll(listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Array.ForEach(crowd, d => d.Dispose());
        var (began, used) = (Stopwatch.GetTimestamp(), gateway.Processor());
        await using var back = await EchoMachine.ConnectAsync(gateway.Address, identity, code: null);
        crowd = await Task.WhenAll(Enumerable.Range(0, devices).Select(n => BackAsync(gateway, identity.Id, n, by, limit.Token)));
        measured.Add(Claims.GatewayStorm, Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        measured.Add(Claims.GatewayStormCpu, (gateway.Processor() - used).TotalMilliseconds / devices);
        Array.ForEach(crowd, d => d.Dispose());
    }

    /// <summary>Hears nothing, until the connection ends.</summary>
    private static async Task ListenAsync(BareDevice device)
    {
        while (true)
        {
            await device.NextAsync(CancellationToken.None);
        }
    }

    private static async Task<BareDevice> BackAsync(
        GatewayProcess gateway, string machine, int number, HttpMessageInvoker by, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return await BareDevice.ConnectAsync(gateway.Address, machine, number, by, ct);
            }
            catch (WebSocketException)
            {
                await Task.Delay(s_again * (0.5 + Random.Shared.NextDouble()), TimeProvider.System, ct);
            }
        }
    }
}
