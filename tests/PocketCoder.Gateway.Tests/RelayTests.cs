using System.Net;
using System.Net.WebSockets;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests;

public sealed class RelayTests
{
    [Fact]
    public async Task Frames_of_every_kind_and_size_pass_unchanged_and_in_order()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        using var socket = await gateway.ConnectAsync();
        var random = new Random(1);
        foreach (var size in (int[])[1, 2, 125, 126, 4095, 4096, 4097, 16384, RelayFrame.MaxBytes])
        {
            for (byte kind = 1; kind <= 5; kind++)
            {
                var frame = new byte[size];
                random.NextBytes(frame);
                frame[0] = kind;
                await socket.SendFrameAsync(frame);
                Assert.Equal(frame, await socket.ReceiveFrameAsync());
            }
        }
    }

    [Fact]
    public async Task A_frame_in_pieces_arrives_whole()
    {
        var received = new TaskCompletionSource<byte[]>();
        await using var gateway = await GatewayUnderTest.StartAsync(
            async (link, ct) => received.SetResult((await link.ReceiveAsync(ct))!.Value.ToArray()));
        using var socket = await gateway.ConnectAsync();
        await socket.SendAsync(new byte[] { RelayFrame.Sealed }, WebSocketMessageType.Binary, false, CancellationToken.None);
        await socket.SendAsync(Array.Empty<byte>(), WebSocketMessageType.Binary, false, CancellationToken.None);
        await socket.SendAsync(new byte[] { 7, 8 }, WebSocketMessageType.Binary, false, CancellationToken.None);
        await socket.SendAsync(new byte[] { 9 }, WebSocketMessageType.Binary, true, CancellationToken.None);

        Assert.Equal([RelayFrame.Sealed, 7, 8, 9], await received.Task.WaitAsync(Wait.Limit));
    }

    public static TheoryData<string, int> BadMessages => new() { { "text", 1007 }, { "empty", 1007 }, { "empty text", 1007 },
        { "kind 0", 1007 }, { "kind 6", 1007 }, { "kind 255", 1007 }, { "big", 1009 }, { "big in pieces", 1009 } };

    [Theory]
    [MemberData(nameof(BadMessages))]
    public async Task What_is_no_frame_closes_the_connection_with_a_reason_and_never_reaches_the_machine(string what, int code)
    {
        var machine = new TaskCompletionSource<ReadOnlyMemory<byte>?>();
        await using var gateway = await GatewayUnderTest.StartAsync(async (link, ct) => machine.SetResult(await link.ReceiveAsync(ct)));
        using var socket = await gateway.ConnectAsync();
        var big = new byte[RelayFrame.MaxBytes + 1];
        big[0] = RelayFrame.Sealed;
        switch (what)
        {
            case "text":
                await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
                break;
            case "empty text":
                await socket.SendAsync(Array.Empty<byte>(), WebSocketMessageType.Text, true, CancellationToken.None);
                break;
            case "empty":
                await socket.SendFrameAsync();
                break;
            case "big":
                await socket.SendFrameAsync(big);
                break;
            case "big in pieces":
                await socket.SendAsync(big.AsMemory(0, 40_000), WebSocketMessageType.Binary, false, CancellationToken.None);
                await socket.SendAsync(big.AsMemory(40_000), WebSocketMessageType.Binary, true, CancellationToken.None);
                break;
            default:
                await socket.SendFrameAsync(byte.Parse(what.AsSpan(5)), 1, 2);
                break;
        }

        var (got, reason) = await socket.ReceiveCloseAsync();
        Assert.Equal(code, got);
        Assert.NotEmpty(reason!);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        Assert.Null(await machine.Task.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task The_machine_closes_with_its_code_after_what_it_sent_before()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(async (link, ct) =>
        {
            await link.SendAsync(new byte[] { RelayFrame.Close, 1 }, ct);
            await link.CloseAsync(4401, "This device was revoked. " + new string('é', 200), ct);
            await Assert.ThrowsAsync<LinkClosedException>(async () => await link.SendAsync(new byte[] { RelayFrame.Sealed }, ct));
        });
        using var socket = await gateway.ConnectAsync();

        Assert.Equal([RelayFrame.Close, 1], await socket.ReceiveFrameAsync());
        var (code, reason) = await socket.ReceiveCloseAsync();
        Assert.Equal(4401, code);
        Assert.StartsWith("This device was revoked. é", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_close_from_another_thread_ends_a_machine_that_is_reading()
    {
        var link = new TaskCompletionSource<IDeviceLink>();
        var ended = new TaskCompletionSource();
        await using var gateway = await GatewayUnderTest.StartAsync(async (l, ct) =>
        {
            link.SetResult(l);
            while (await l.ReceiveAsync(ct) is not null)
            {
            }

            ended.SetResult();
        });
        using var socket = await gateway.ConnectAsync();
        await (await link.Task).CloseAsync(4401, "revoked", CancellationToken.None);

        Assert.Equal((4401, "revoked"), await socket.ReceiveCloseAsync());
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        await ended.Task.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task A_device_that_goes_away_cancels_the_machines_work_for_it()
    {
        var ended = new TaskCompletionSource();
        await using var gateway = await GatewayUnderTest.StartAsync(async (link, ct) =>
        {
            await using var registration = ct.Register(ended.SetResult);
            while (await link.ReceiveAsync(ct) is not null)
            {
            }

            await ended.Task;
        });
        using (var socket = await gateway.ConnectAsync())
        {
            await socket.SendFrameAsync(RelayFrame.Sealed);
            socket.Abort();
        }

        await ended.Task.WaitAsync(Wait.Limit);
        await Wait.UntilAsync(() => gateway.Server.Connections == 0, "the connection's slot is free again");
    }

    [Fact]
    public async Task A_machine_that_throws_closes_only_this_connection_and_its_words_stay_in_the_log()
    {
        using var logs = new LogCapture();
        await using var gateway = await GatewayUnderTest.StartAsync(
            (_, _) => throw new InvalidOperationException("internal detail"), logs: logs);
        using var socket = await gateway.ConnectAsync();
        var (code, reason) = await socket.ReceiveCloseAsync();

        Assert.Equal(1011, code);
        Assert.DoesNotContain("internal detail", reason, StringComparison.Ordinal);
        await Wait.UntilAsync(() => logs.Lines.Any(l => l.Contains("internal detail", StringComparison.Ordinal)), "the failure is logged");
        using var again = await gateway.ConnectAsync();
        Assert.Equal(1011, (await again.ReceiveCloseAsync()).Code);
    }

    [Fact]
    public async Task An_unknown_machine_is_told_by_the_close_code_because_a_page_sees_no_status()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        using var socket = await gateway.ConnectAsync("machine-2");

        Assert.Equal(4404, (await socket.ReceiveCloseAsync()).Code);
    }

    [Fact]
    public async Task Stopping_says_goodbye_and_ends_every_machine_call()
    {
        var ended = new TaskCompletionSource();
        var gateway = await GatewayUnderTest.StartAsync(async (link, ct) =>
        {
            try
            {
                await GatewayUnderTest.EchoAsync(link, ct);
            }
            finally
            {
                ended.SetResult();
            }
        });
        using var socket = await gateway.ConnectAsync();
        await socket.SendFrameAsync(RelayFrame.Sealed);
        Assert.NotNull(await socket.ReceiveFrameAsync());

        var stop = gateway.Server.StopAsync();
        Assert.Equal(1001, (await socket.ReceiveCloseAsync()).Code);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        await ended.Task.WaitAsync(Wait.Limit);
        await stop.WaitAsync(Wait.Limit);
        await gateway.DisposeAsync();
    }

    [Fact]
    public async Task A_connection_without_a_sealed_frame_from_the_machine_is_closed_in_time()
    {
        var time = new ManualTime();
        await using var gateway = await GatewayUnderTest.StartAsync(
            async (link, ct) =>
            {
                while (await link.ReceiveAsync(ct) is { } frame)
                {
                    await link.SendAsync(new byte[]
                        { frame.Span[0] == RelayFrame.HandshakeRequest ? RelayFrame.HandshakeResponse : frame.Span[0] }, ct);
                }
            },
            time: time);
        using var silent = await gateway.ConnectAsync();
        using var proven = await gateway.ConnectAsync();
        await silent.SendFrameAsync(RelayFrame.HandshakeRequest);
        await proven.SendFrameAsync(RelayFrame.Sealed);
        Assert.NotNull(await silent.ReceiveFrameAsync());
        Assert.NotNull(await proven.ReceiveFrameAsync());
        await Wait.UntilAsync(() => time.ArmedTimers == 1, "only the silent connection still has its limit");

        time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(4408, (await silent.ReceiveCloseAsync()).Code);
        await proven.SendFrameAsync(RelayFrame.Sealed);
        Assert.NotNull(await proven.ReceiveFrameAsync());
    }

    [Fact]
    public async Task A_frame_that_is_begun_and_not_finished_closes_the_connection_in_time_however_its_pieces_drip()
    {
        var time = new ManualTime();
        await using var gateway = await GatewayUnderTest.StartAsync(
            async (link, ct) =>
            {
                await link.SendAsync(new byte[] { RelayFrame.Sealed }, ct); // proven: the limit of the handshake is over
                await GatewayUnderTest.EchoAsync(link, ct);
            },
            time: time);
        using var socket = await gateway.ConnectAsync();
        Assert.NotNull(await socket.ReceiveFrameAsync());
        var piece = new byte[] { RelayFrame.Sealed };
        await socket.SendAsync(piece, WebSocketMessageType.Binary, endOfMessage: false, CancellationToken.None);
        await Wait.SeeAsync(() => time.NextDue, due => due == TimeSpan.FromSeconds(10), "the frame has its limit");
        for (var i = 0; i < 4; i++)
        {
            time.Advance(TimeSpan.FromSeconds(2));
            await socket.SendAsync(i == 0 ? piece : Array.Empty<byte>(), WebSocketMessageType.Binary, endOfMessage: false,
                CancellationToken.None);
        }

        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(RelayClose.FrameTooSlow, (await socket.ReceiveCloseAsync()).Code);
    }

    [Fact]
    public async Task A_device_that_does_not_read_holds_its_sender_back_and_is_then_cut()
    {
        var time = new ManualTime();
        var sent = 0;
        var ended = new TaskCompletionSource<Exception>();
        await using var gateway = await GatewayUnderTest.StartAsync(
            async (link, ct) =>
            {
                var frame = new byte[RelayFrame.MaxBytes];
                frame[0] = RelayFrame.Sealed;
                try
                {
                    while (true)
                    {
                        await link.SendAsync(frame, ct);
                        Interlocked.Increment(ref sent);
                    }
                }
                catch (Exception e)
                {
                    ended.SetResult(e);
                }
            },
            time: time);
        using var socket = await gateway.ConnectAsync();

        // It stands still once queue and system buffers are full: the same count at many looks in a row, with the send limit armed.
        var (last, same) = (-1, 0);
        await Wait.UntilAsync(() => (same = Volatile.Read(ref sent) == last && time.ArmedTimers == 1 ? same + 1 : 0) >= 50
            | (last = Volatile.Read(ref sent)) < 0, "the sender waits");
        Assert.InRange(sent, 1, 4000); // bounded: far below what a minute of sending would be

        time.Advance(TimeSpan.FromSeconds(30));
        Assert.True(await ended.Task.WaitAsync(Wait.Limit) is LinkClosedException or OperationCanceledException);
        await Wait.UntilAsync(() => gateway.Server.Connections == 0, "the connection's slot is free again");
    }

    [Fact]
    public async Task A_device_that_never_answers_the_close_is_cut()
    {
        var time = new ManualTime();
        await using var gateway = await GatewayUnderTest.StartAsync(
            (link, ct) => link.CloseAsync(4401, "revoked", ct).AsTask(), time: time);
        using var socket = await gateway.ConnectAsync();
        Assert.Equal(4401, (await socket.ReceiveCloseAsync()).Code);
        await Wait.SeeAsync(() => time.NextDue, due => due == TimeSpan.FromSeconds(3), "the close waits for its answer");
        Assert.Equal(1, gateway.Server.Connections);

        time.Advance(TimeSpan.FromSeconds(3));
        await Wait.UntilAsync(() => gateway.Server.Connections == 0, "the connection's slot is free again");
    }

    [Fact]
    public async Task A_cancelled_receive_loses_no_frame()
    {
        var cancelled = new TaskCompletionSource();
        await using var gateway = await GatewayUnderTest.StartAsync(async (link, ct) =>
        {
            using var brief = new CancellationTokenSource();
            var read = link.ReceiveAsync(brief.Token);
            await brief.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);
            cancelled.SetResult();
            await GatewayUnderTest.EchoAsync(link, ct);
        });
        using var socket = await gateway.ConnectAsync();
        await cancelled.Task;
        await socket.SendFrameAsync(RelayFrame.Sealed, 42);

        Assert.Equal([RelayFrame.Sealed, 42], await socket.ReceiveFrameAsync());
    }

    [Fact]
    public async Task A_hundred_devices_talk_at_once_and_each_hears_its_own()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async n =>
        {
            using var socket = await gateway.ConnectAsync();
            for (byte i = 0; i < 20; i++)
            {
                await socket.SendFrameAsync(RelayFrame.Sealed, (byte)n, i);
                Assert.Equal([RelayFrame.Sealed, (byte)n, i], (await socket.ReceiveFrameAsync())!);
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }));
        await Wait.UntilAsync(() => gateway.Server.Connections == 0, "all slots are free again");
    }

    [Fact]
    public async Task A_fabric_has_a_machine_once_and_forgets_it_when_told()
    {
        var fabric = new InProcessFabric();
        var machine = new Idle("m");
        using (fabric.Register(machine))
        {
            Assert.Same(machine, await fabric.FindAsync("m", CancellationToken.None));
            Assert.Null(await fabric.FindAsync("M", CancellationToken.None));
            Assert.Throws<InvalidOperationException>(() => fabric.Register(new Idle("m")));
        }

        Assert.Null(await fabric.FindAsync("m", CancellationToken.None));
        Assert.Throws<ArgumentException>(() => fabric.Register(new Idle("a b")));
    }

    private sealed class Idle(string id) : IMachineEndpoint
    {
        public string MachineId => id;

        public Task ServeAsync(IDeviceLink link, CancellationToken ct) => Task.CompletedTask;
    }
}
