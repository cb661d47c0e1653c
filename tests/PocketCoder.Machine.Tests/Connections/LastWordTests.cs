using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Connections;

/// <summary>
/// Why a connection ends is its last message. A channel counts its frames: one that is sealed and never sent makes everything behind it
/// unreadable.
/// </summary>
public sealed class LastWordTests
{
    [Fact]
    public async Task A_connection_that_is_ended_while_it_sends_still_says_why_and_nothing_else_any_more()
    {
        using var device = Channels(out var machine);
        var link = new GatedLink();
        await using var connection = new DeviceConnection(
            link, machine, "device", null!, null!, null!, NullLogger.Instance, CancellationToken.None);
        var served = connection.ServeAsync("first"u8.ToArray());
        await link.Sending.Task.WaitAsync(Wait.Limit);
        await connection.PushAsync("waits its turn"u8.ToArray());
        connection.End(ErrorCode.Unauthorized, DeviceConnection.Revoked);
        link.Gate.SetResult();
        await served.WaitAsync(Wait.Limit);

        Assert.Equal(2, link.Sent.Count);
        using (var first = device.Open(link.Sent[0].Span))
        {
            Assert.Equal("first"u8, first!.Span);
        }

        using var last = device.Open(link.Sent[1].Span);
        var said = JsonSerializer.Deserialize(last!.Span, ProtocolJson.Default.Envelope)!;
        Assert.Equal((ErrorCode.Unauthorized, DeviceConnection.Revoked), (said.Error!.Code, said.Error.Message));
        Assert.Equal(4000, link.ClosedWith);
    }

    [Fact]
    public async Task One_whose_device_takes_nothing_any_more_ends_all_the_same()
    {
        using var device = Channels(out var machine);
        var link = new GatedLink();
        await using var connection = new DeviceConnection(
            link, machine, "device", null!, null!, null!, NullLogger.Instance, CancellationToken.None);
        var served = connection.ServeAsync("first"u8.ToArray());
        await link.Sending.Task.WaitAsync(Wait.Limit);
        connection.End(ErrorCode.Unauthorized, DeviceConnection.Revoked);
        await served.WaitAsync(Wait.Limit);
        Assert.Empty(link.Sent);
    }

    [Fact]
    public async Task What_happened_before_a_stop_is_sent_before_the_connection_ends()
    {
        using var device = Channels(out var machine);
        var link = new GatedLink();
        await using var connection = new DeviceConnection(
            link, machine, "device", null!, null!, null!, NullLogger.Instance, CancellationToken.None);
        var served = connection.ServeAsync("first"u8.ToArray());
        await connection.PushAsync("second"u8.ToArray());
        await link.Sending.Task.WaitAsync(Wait.Limit);
        var finished = connection.FinishStreamsAsync(CancellationToken.None);
        Assert.False(finished.IsCompleted);
        link.Gate.SetResult();
        await finished.WaitAsync(Wait.Limit);
        Assert.Equal(2, link.Sent.Count);

        connection.End(ErrorCode.Unauthorized, DeviceConnection.Revoked);
        await served.WaitAsync(Wait.Limit);
        await connection.FinishStreamsAsync(CancellationToken.None).WaitAsync(Wait.Limit); // nothing is left to wait for
    }

    [Fact]
    public async Task A_stream_that_finishes_has_sent_all_that_happened_before()
    {
        var stream = new MachineStream("life");
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<string> sent = [];
        await using var subscription = Subscription.ToMachine(stream, 0, SendAsync, () => { }, CancellationToken.None);
        subscription.Start();
        foreach (var body in (string[])["1", "2", "3"])
        {
            stream.Publish(System.Text.Encoding.UTF8.GetBytes(body));
        }

        var finished = subscription.FinishAsync();
        Assert.False(finished.IsCompleted);
        gate.SetResult();
        await finished.WaitAsync(Wait.Limit);
        Assert.Equal(3, sent.Count);
        stream.Publish("4"u8.ToArray());
        await subscription.FinishAsync().WaitAsync(Wait.Limit);
        Assert.Equal(3, sent.Count);

        async ValueTask SendAsync(byte[] message, CancellationToken ct)
        {
            await gate.Task.WaitAsync(ct);
            sent.Add(System.Text.Encoding.UTF8.GetString(message));
        }
    }

    private static SecureChannel Channels(out SecureChannel machine)
    {
        using var identity = ChannelIdentity.Create();
        using var own = ChannelIdentity.Create();
        using var handshake = DeviceHandshake.Begin(own, identity.PublicKey);
        var accepted = Assert.IsType<HandshakeAccepted>(
            MachineHandshake.Accept(handshake.FirstFrame.Span, identity, _ => DeviceStanding.Known, null));
        machine = accepted.Channel;
        return handshake.Complete(accepted.Reply.Span);
    }

    /// <summary>A link whose first frame waits at a gate, as behind a full queue.</summary>
    private sealed class GatedLink : IDeviceLink
    {
        public TaskCompletionSource Sending { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<ReadOnlyMemory<byte>> Sent { get; } = [];

        public int ClosedWith { get; private set; }

        public string ConnectionId => "link";

        public IPAddress? Remote => null;

        public async ValueTask<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken ct)
        {
            await Wait.ForeverAsync(ct);
            return null;
        }

        public async ValueTask SendAsync(ReadOnlyMemory<byte> frame, CancellationToken ct)
        {
            Sending.TrySetResult();
            await Gate.Task.WaitAsync(ct);
            Sent.Add(frame);
        }

        public ValueTask CloseAsync(ushort code, string reason, CancellationToken ct)
        {
            ClosedWith = code;
            return ValueTask.CompletedTask;
        }

        public void ReportFailedHandshake()
        {
        }
    }
}
