using System.Collections.Concurrent;
using PocketCoder.Channels;
using PocketCoder.Gateway.Tests.Machines;
using PocketCoder.Link;

namespace PocketCoder.Bench.Gateways;

/// <summary>
/// A machine of a gateway that answers each frame of a device with the same frame, and may send to the device that came last. The gateway
/// can't tell it from a real one: it never sees what is inside of a frame.
/// </summary>
internal sealed class EchoMachine : IAsyncDisposable
{
    private readonly TestMachine _machine;
    private readonly ConcurrentDictionary<uint, LinkFlow> _devices = [];
    private readonly CancellationTokenSource _over = new();
    private readonly Task _running;
    private uint _last;

    private EchoMachine(TestMachine machine)
    {
        _machine = machine;
        _running = RunAsync(_over.Token);
    }

    /// <param name="code">Null: the gateway knows it.</param>
    public static async Task<EchoMachine> ConnectAsync(Uri gateway, ChannelIdentity identity, string? code)
        => new(await TestMachine.ConnectAsync(gateway, identity, code, origin: $"https://{gateway.Authority}")); // of a gateway behind a proxy

    /// <summary>Sends a frame to the device that came last, as soon as the gateway has room for it.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> frame) => _devices[_last].SendAsync(frame, _over.Token);

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _machine.DisposeAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _over.Dispose();
    }

    private async Task RunAsync(CancellationToken ct)
    {
        while (await _machine.Link.ReceiveAsync(ct) is { } message)
        {
            if (message.Kind == LinkKind.Opened)
            {
                var flow = new LinkFlow(_machine.Link, message.Connection, static _ => true);
                _devices[message.Connection] = flow;
                _last = message.Connection;
                _ = EchoAsync(flow, ct);
            }
            else if (message.Kind == LinkKind.Gone && _devices.TryRemove(message.Connection, out var gone))
            {
                gone.Complete();
            }
            else if (_devices.TryGetValue(message.Connection, out var flow))
            {
                flow.TryReceive(message);
            }
        }
    }

    private static async Task EchoAsync(LinkFlow flow, CancellationToken ct)
    {
        try
        {
            while (await flow.ReadAsync(ct) is { } frame)
            {
                await flow.SendAsync(frame, ct);
                await flow.TakenAsync(frame.Length, ct);
            }
        }
        catch (Exception e) when (e is LinkException or OperationCanceledException)
        {
            // the link ended, and all devices with it
        }
    }
}
