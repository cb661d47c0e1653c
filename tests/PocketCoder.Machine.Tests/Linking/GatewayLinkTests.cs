using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Link;
using PocketCoder.Machine.Linking;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Linking;

/// <summary>A machine's connection to a remote gateway, with the real gateway at the other end.</summary>
public sealed class GatewayLinkTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");
    private readonly ChannelIdentity _identity = ChannelIdentity.Create();
    private readonly CancellationTokenSource _stop = new();
    private readonly LinkedMachines _machines = new();
    private readonly ScriptedEndpoint _endpoint;
    private readonly InProcessFabric _fabric = new();
    private readonly IDisposable _registration;
    private readonly LinkDialer _dialer;
    private readonly int _port = Ports.Free();
    private GatewayServer? _gateway;

    public GatewayLinkTests()
    {
        _endpoint = new ScriptedEndpoint(_identity.Id);
        _registration = _fabric.Register(_endpoint);
        _dialer = new LinkDialer(_identity, () => "desk", TimeProvider.System);
    }

    private Uri Address => new($"http://127.0.0.1:{_port}");

    private string File_ => Path.Combine(_folder.FullName, "machines.json");

    public async ValueTask InitializeAsync() => await StartGatewayAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }

        _stop.Dispose();
        _identity.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Devices_are_served_through_it()
    {
        var link = await LinkedAsync();
        using var one = await DeviceAsync();
        using var two = await DeviceAsync();
        await one.SendAsync(new byte[] { RelayFrame.Sealed, 1 }, WebSocketMessageType.Binary, true, CancellationToken.None);
        await two.SendAsync(new byte[] { RelayFrame.Sealed, 2 }, WebSocketMessageType.Binary, true, CancellationToken.None);
        Assert.Equal([RelayFrame.Sealed, 2], await FrameAsync(two));
        Assert.Equal([RelayFrame.Sealed, 1], await FrameAsync(one));
        Assert.All(_endpoint.Remotes, r => Assert.Equal(IPAddress.Loopback, r));
        Assert.NotNull(link.Status.GatewayVersion);
    }

    /// <summary>Far more than a window in each direction, at once, so that both sides must give back what they took.</summary>
    [Fact]
    public async Task Everything_comes_in_order_whatever_its_amount()
    {
        await LinkedAsync();
        using var device = await DeviceAsync();
        const int Frames = 400;
        var random = new Random(7);
        var sent = Enumerable.Range(0, Frames).Select(i =>
        {
            var frame = new byte[random.Next(5, RelayFrame.MaxBytes)];
            random.NextBytes(frame);
            frame[0] = RelayFrame.Sealed;
            BitConverter.TryWriteBytes(frame.AsSpan(1), i);
            return frame;
        }).ToList();
        var sending = Task.Run(async () =>
        {
            foreach (var frame in sent)
            {
                await device.SendAsync(frame, WebSocketMessageType.Binary, true, CancellationToken.None);
            }
        });
        foreach (var frame in sent)
        {
            Assert.Equal(frame, await FrameAsync(device));
        }

        await sending;
    }

    [Fact]
    public async Task What_the_machine_does_to_a_device_is_done_by_the_gateway()
    {
        await LinkedAsync();
        _endpoint.Serve = async (device, ct) =>
        {
            Assert.NotNull(await device.ReceiveAsync(ct));
            await device.SendAsync(new byte[] { RelayFrame.Close, 7 }, ct);
            await device.CloseAsync(4000, "revoked", ct);
            await Assert.ThrowsAsync<LinkClosedException>(async () => await device.SendAsync(new byte[] { RelayFrame.Sealed }, ct));
        };
        using var revoked = await DeviceAsync();
        await revoked.SendAsync(new byte[] { RelayFrame.HandshakeRequest }, WebSocketMessageType.Binary, true, CancellationToken.None);
        Assert.Equal([RelayFrame.Close, 7], await FrameAsync(revoked));
        Assert.Equal((4000, "revoked"), await CloseAsync(revoked));

        _endpoint.Serve = (_, _) => throw new InvalidOperationException("a bug");
        using var unlucky = await DeviceAsync();
        Assert.Equal(RelayClose.MachineFailed, (await CloseAsync(unlucky)).Code);

        var over = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _endpoint.Serve = async (device, ct) => over.SetResult(await device.ReceiveAsync(ct) is null);
        using (var leaving = await DeviceAsync())
        {
            await leaving.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            Assert.True(await over.Task.WaitAsync(Wait.Limit));
        }
    }

    [Fact]
    public async Task After_a_restart_of_the_gateway_it_is_there_again()
    {
        var link = await LinkedAsync();
        using var device = await DeviceAsync();
        await _gateway!.DisposeAsync();
        await Wait.SeeAsync(() => link.Status.State, s => s == LinkState.Reconnecting, "it to notice");
        Assert.NotNull(link.Status.Why);
        Assert.NotNull(link.Status.NextTry);
        await StartGatewayAsync();
        await Wait.SeeAsync(() => link.Status.State, s => s == LinkState.Connected, "it to come again");
        using var again = await DeviceAsync();
        await again.SendAsync(new byte[] { RelayFrame.Sealed, 1 }, WebSocketMessageType.Binary, true, CancellationToken.None);
        Assert.Equal([RelayFrame.Sealed, 1], await FrameAsync(again));
    }

    [Fact]
    public async Task A_machine_that_stops_takes_no_more_devices_and_keeps_those_it_has()
    {
        await LinkedAsync();
        using var device = await DeviceAsync();
        await device.SendAsync(new byte[] { RelayFrame.Sealed, 1 }, WebSocketMessageType.Binary, true, CancellationToken.None);
        Assert.Equal([RelayFrame.Sealed, 1], await FrameAsync(device));
        _registration.Dispose();
        using var late = await DeviceAsync();
        Assert.Equal(RelayClose.UnknownMachine, (await CloseAsync(late)).Code);
        await device.SendAsync(new byte[] { RelayFrame.Sealed, 2 }, WebSocketMessageType.Binary, true, CancellationToken.None);
        Assert.Equal([RelayFrame.Sealed, 2], await FrameAsync(device));
    }

    [Fact]
    public async Task One_that_is_not_known_is_refused_and_says_what_to_do()
    {
        var link = NewLink();
        _ = link.RunAsync(_stop.Token);
        await Wait.SeeAsync(() => link.Status.State, s => s == LinkState.Refused, "the refusal");
        Assert.Contains("pocketcoder gateway invite", link.Status.Why, StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<LinkException>(() => _dialer.EnrolAsync(Address, "x", CancellationToken.None));
        Assert.Equal("bad_code", refused.Refusal?.Code);
    }

    [Fact]
    public async Task A_gateway_that_is_away_or_something_else_is_told()
    {
        await _gateway!.DisposeAsync();
        _gateway = null;
        var away = await Assert.ThrowsAsync<LinkException>(() => _dialer.EnrolAsync(Address, "x", CancellationToken.None));
        Assert.Contains("can't be reached", away.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_waits_grow_to_a_minute_and_are_drawn_by_lot()
    {
        var longest = new LinkBackoff(new Highest());
        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], Enumerable.Range(0, 8).Select(_ => (int)Math.Ceiling(longest.Next().TotalSeconds)));
        longest.Reset();
        Assert.Equal(1, (int)Math.Ceiling(longest.Next().TotalSeconds));
        var waits = Enumerable.Range(0, 100).Select(_ => new LinkBackoff(Random.Shared).Next()).ToList();
        Assert.True(waits.Distinct().Count() > 50);
    }

    private GatewayLink NewLink()
        => new(Address, _dialer, _fabric, TimeProvider.System, new Random(1), NullLogger.Instance);

    private async Task<GatewayLink> LinkedAsync()
    {
        var link = NewLink();
        var code = await new Enrolments(File_, TimeProvider.System).NewCodeAsync(CancellationToken.None);
        await _dialer.EnrolAsync(Address, code, CancellationToken.None);
        _ = link.RunAsync(_stop.Token);
        await Wait.SeeAsync(() => link.Status.State, s => s == LinkState.Connected, "the connection");
        await Wait.UntilAsync(() => _machines.Now.Count == 1, "the gateway to know");
        return link;
    }

    private async Task StartGatewayAsync() => _gateway = await GatewayAtPort.StartAsync(_port, _machines, File_);

    private async Task<ClientWebSocket> DeviceAsync()
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(RelayFrame.Subprotocol);
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{_port}/v1/relay?machine={_identity.Id}"), CancellationToken.None);
        return socket;
    }

    private static async Task<byte[]> FrameAsync(ClientWebSocket socket)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        var buffer = new byte[RelayFrame.MaxBytes];
        var length = 0;
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(length), limit.Token);
            length += part.Count;
            if (part.EndOfMessage)
            {
                return buffer[..length];
            }
        }
    }

    private static async Task<(int Code, string? Reason)> CloseAsync(ClientWebSocket socket)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        var buffer = new byte[RelayFrame.MaxBytes];
        while ((await socket.ReceiveAsync(buffer.AsMemory(), limit.Token)).MessageType != WebSocketMessageType.Close)
        {
        }

        return ((int)socket.CloseStatus!.Value, socket.CloseStatusDescription);
    }

    private sealed class ScriptedEndpoint(string id) : IMachineEndpoint
    {
        public string MachineId => id;

        public ConcurrentQueue<IPAddress?> Remotes { get; } = [];

        public Func<IDeviceLink, CancellationToken, Task> Serve { get; set; } = async (device, ct) =>
        {
            while (await device.ReceiveAsync(ct) is { } frame)
            {
                await device.SendAsync(frame, ct);
            }
        };

        public Task ServeAsync(IDeviceLink link, CancellationToken ct)
        {
            Remotes.Enqueue(link.Remote);
            return Serve(link, ct);
        }
    }

    private sealed class Highest : Random
    {
        public override double NextDouble() => 0.999_999;
    }
}
