using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using PocketCoder.Feishu.Events;
using PocketCoder.Feishu.LongConnections;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Tests.LongConnections;

/// <summary>The connection against the fake server, whose clock (and the client's) stands still until the test moves it.</summary>
public sealed class LongConnectionTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private readonly RecordingHandler _handler = new();
    private readonly CancellationTokenSource _stop = new();
    private FakeFeishu _fake = null!;
    private LongConnection _connection = null!;
    private Task _running = Task.CompletedTask;

    public async ValueTask InitializeAsync()
    {
        _fake = await FakeFeishu.StartAsync(_time);
        _connection = new LongConnection(_fake.App, _handler, _time, () => 0.5);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Wait.Limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _connection.Dispose();
        _stop.Dispose();
        await _fake.DisposeAsync();
    }

    [Fact]
    public async Task It_is_ready_when_it_is_connected_and_not_before()
    {
        Assert.Equal((FeishuConnectionState.Off, false), (_connection.Status.State, _connection.Status.IsReady));
        _fake.Next("/callback", new FakeFault(Hangs: true));
        _running = _connection.RunAsync(_stop.Token);
        await Wait.UntilAsync(() => _fake.Count("POST", "/callback") == 1, "the question where to connect");
        Assert.Equal(FeishuConnectionState.Connecting, _connection.Status.State);
        _time.Advance(TimeSpan.FromSeconds(10));
        await StateAsync(FeishuConnectionState.Waiting);
        Assert.Contains("did not answer", _connection.Status.Reason);
        await MoveUntilAsync(() => _connection.Status.IsReady, TimeSpan.FromSeconds(1));
        Assert.Equal(1, _connection.Status.Connections);
    }

    [Fact]
    public async Task A_ping_is_sent_at_once_and_then_every_interval_that_the_server_wishes()
    {
        _fake.Connections.ClientConfig["PingInterval"] = 30;
        await ConnectAsync();
        await Wait.UntilAsync(() => _fake.Connections.Pings == 1, "the first ping");
        _fake.Connections.ClientConfig["PingInterval"] = 60; // the pong to the second says so
        await Wait.UntilAsync(() => _time.ArmedTimers > 0, "the wait for the next");
        await MoveUntilAsync(() => _fake.Connections.Pings == 2, TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_server_that_gives_no_sign_of_life_is_left_after_two_intervals()
    {
        _fake.Connections.ClientConfig["PingInterval"] = 30;
        _fake.Connections.IsSilent = true;
        await ConnectAsync();
        await Wait.UntilAsync(() => _fake.Connections.Pings == 1, "the first ping");
        await MoveUntilAsync(() => _connection.Status.Reason is not null, TimeSpan.FromSeconds(30));
        Assert.Contains("no sign of life", _connection.Status.Reason);
        await MoveUntilAsync(() => _connection.Status.Connections == 2, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task Half_a_message_and_then_nothing_ends_the_same_way()
    {
        _fake.Connections.ClientConfig["PingInterval"] = 30;
        await ConnectAsync();
        await Wait.UntilAsync(() => _fake.Connections.Pings == 1, "the first ping");
        _fake.Connections.IsSilent = true;
        Assert.True(await _fake.Connections.SendRawAsync([8, 0], end: false));
        await MoveUntilAsync(() => _connection.Status.Reason is not null, TimeSpan.FromSeconds(30));
        Assert.Contains("no sign of life", _connection.Status.Reason);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public async Task An_event_in_any_number_of_parts_is_taken_once_and_acknowledged_once(int parts)
    {
        await ConnectAsync();
        var ack = await _fake.Connections.DeliverAsync(Samples.Message(), parts: parts);
        Assert.Equal(200, ack.Code);
        Assert.Null(ack.Data);
        Assert.NotNull(ack.Frame!["biz_rt"]);
        Assert.Equal(((ulong)parts, 300UL, "20260101", "trace"), (ack.Frame.SeqId, ack.Frame.LogId, ack.Frame.LogIdNew, ack.Frame["trace_id"]));
        Assert.Equal("ev_1", Assert.Single(_handler.Taken).EventId);
    }

    [Fact]
    public async Task A_missing_part_is_not_acknowledged_and_the_next_delivery_is_taken()
    {
        await ConnectAsync();
        var half = _fake.Connections.DeliverAsync(Samples.Message(), parts: 3, missing: 1);
        _ = await _fake.Connections.DeliverAsync(Samples.Message("ev_2"));
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(0, (await half).Code);
        Assert.Equal(200, (await _fake.Connections.DeliverAsync(Samples.Message())).Code);
        Assert.Equal(["ev_2", "ev_1"], _handler.Taken.Select(t => t.EventId));
    }

    [Theory]
    [InlineData("event")]
    [InlineData("card")]
    public async Task A_callback_gets_the_handlers_answer_and_at_least_an_empty_one(string kind)
    {
        await ConnectAsync();
        Assert.Equal("{}", (await _fake.Connections.DeliverAsync(Samples.Click(), kind)).Data!.ToJsonString());
        _handler.Does = (_, _) => Task.FromResult<ReadOnlyMemory<byte>?>("""{"toast":{"type":"success","content":"ok"}}"""u8.ToArray());
        var ack = await _fake.Connections.DeliverAsync(Samples.Click(), kind);
        Assert.Equal("""{"toast":{"type":"success","content":"ok"}}""", ack.Data!.ToJsonString());
        Assert.Contains("\"eyJ0b2FzdCI6eyJ0eXBlIjoic3VjY2VzcyIsImNvbnRlbnQiOiJvayJ9fQ==\"", Encoding.UTF8.GetString(ack.Frame!.Payload!.Value.Span));
        Assert.Equal(2, _handler.Taken.Count);
    }

    [Fact]
    public async Task A_handler_that_fails_gets_the_event_again()
    {
        await ConnectAsync();
        var failures = 2;
        _handler.Does = (_, _) => Interlocked.Decrement(ref failures) >= 0
            ? throw new InvalidOperationException("a secret sentence") : Task.FromResult<ReadOnlyMemory<byte>?>(null);
        Assert.Equal(3, await _fake.Connections.DeliverUntilTakenAsync(Samples.Message(), 5));
        Assert.Single(_handler.Taken);
        Assert.Equal((1, 2), (_connection.Status.Counts.Taken, _connection.Status.Counts.NotTaken));
    }

    [Fact]
    public async Task A_handler_that_takes_too_long_is_answered_for_in_time_and_none_runs_beside_it()
    {
        await ConnectAsync();
        var release = new TaskCompletionSource<ReadOnlyMemory<byte>?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = 0;
        _handler.Does = (_, _) =>
        {
            Interlocked.Increment(ref begun);
            return release.Task; // and does not look at its cancellation
        };
        var first = _fake.Connections.DeliverAsync(Samples.Message());
        await Wait.UntilAsync(() => begun == 1, "the handler's beginning");
        var second = _fake.Connections.DeliverAsync(Samples.Message("ev_2"));
        Assert.True(await _fake.Connections.SendRawAsync([0xff])); // when this was read, the second was
        await Wait.UntilAsync(() => _connection.Status.Counts.Malformed == 1, "the second's arrival");
        _time.Advance(TimeSpan.FromMilliseconds(2500));
        Assert.Equal((500, 500, 1), ((await first).Code, (await second).Code, begun));
        release.SetResult(null);
        _handler.Does = (_, _) => Task.FromResult<ReadOnlyMemory<byte>?>(null);
        Assert.Equal(200, (await _fake.Connections.DeliverAsync(Samples.Message("ev_3"))).Code);
    }

    [Fact]
    public async Task Events_come_one_at_a_time_in_their_order()
    {
        await ConnectAsync();
        var (inside, most) = (0, 0);
        _handler.Does = async (_, _) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            await Task.Yield();
            Interlocked.Decrement(ref inside);
            return null;
        };
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(200, (await _fake.Connections.DeliverAsync(Samples.Message($"ev_{i}"))).Code);
        }

        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"ev_{i}"), _handler.Taken.Select(t => t.EventId));
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task What_can_not_be_read_costs_that_message_and_not_the_connection()
    {
        await ConnectAsync();
        Assert.True(await _fake.Connections.SendRawAsync([0xff, 0xff, 0xff]));
        Assert.True(await _fake.Connections.SendRawAsync("hello"u8.ToArray(), WebSocketMessageType.Text));
        Assert.Equal(500, (await _fake.Connections.DeliverAsync("no JSON, with a \"{ in it")).Code);
        Assert.Equal(500, (await _fake.Connections.DeliverAsync(Samples.Envelope("ev", "im.message.receive_v1", [], app: "cli_other"))).Code);
        Assert.Equal(200, (await _fake.Connections.DeliverAsync(Samples.Envelope("ev_u", "im.chat.updated_v1", []))).Code);
        Assert.Equal(200, (await _fake.Connections.DeliverAsync(Samples.Message())).Code);
        Assert.Equal((1, 1, 3), (_connection.Status.Counts.Taken, _connection.Status.Counts.Unknown, _connection.Status.Counts.Malformed));
        Assert.Equal("ev_1", Assert.Single(_handler.Taken).EventId);
        Assert.Equal(1, _connection.Status.Connections);
    }

    [Fact]
    public async Task A_frame_that_is_too_long_ends_the_connection()
    {
        await ConnectAsync();
        _ = await _fake.Connections.SendRawAsync(new byte[FrameCodec.LongestFrame + 1]); // the client may end it in the middle
        await MoveUntilAsync(() => _connection.Status.Connections == 2, TimeSpan.FromSeconds(2));
        Assert.Contains("longer", _connection.Status.Reason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_comes_back_by_itself_and_asks_for_the_address_again(bool goodbye)
    {
        await ConnectAsync();
        await _fake.Connections.DropAsync(goodbye);
        await MoveUntilAsync(() => _connection.Status is { IsReady: true, Connections: 2 }, TimeSpan.FromSeconds(2));
        Assert.Equal(2, _fake.Count("POST", "/callback"));
        await Wait.UntilAsync(() => _fake.Connections.Open == 1, "one connection alone");
        Assert.Equal(200, (await _fake.Connections.DeliverAsync(Samples.Message())).Code);
    }

    [Theory]
    [InlineData(500, 0)]
    [InlineData(503, 0)]
    [InlineData(404, 0)]
    [InlineData(200, 1)]
    [InlineData(200, 1000040343)]
    public async Task Trouble_of_the_platform_is_tried_again(int status, long code)
    {
        _fake.NextCode("/callback", code, status);
        _running = _connection.RunAsync(_stop.Token);
        await StateAsync(FeishuConnectionState.Waiting);
        await MoveUntilAsync(() => _connection.Status.IsReady, TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(1000040344)]
    [InlineData(10014)]
    public async Task A_refusal_for_good_ends_it_and_says_so(long code)
    {
        _fake.NextCode("/callback", code);
        var error = await Assert.ThrowsAsync<FeishuException>(() => _connection.RunAsync(_stop.Token));
        Assert.Equal((code, false), (error.Code, error.Retryable));
        Assert.Equal(FeishuConnectionState.Failed, _connection.Status.State);
        Assert.Contains(code.ToString(), _connection.Status.Reason);
    }

    [Theory]
    [InlineData("http://127.0.0.1/")]
    [InlineData("ws://192.0.2.1/?service_id=1&ticket=hush")]
    [InlineData("wss://user:word@127.0.0.1/?service_id=1&ticket=hush")]
    [InlineData("wss://127.0.0.1/?ticket=hush")]
    [InlineData("wss://127.0.0.1/?service_id=x&ticket=hush")]
    [InlineData("wss://127.0.0.1/?service_id=1&ticket=hush#part")]
    [InlineData("")]
    public async Task An_address_that_may_not_be_used_is_not_used_and_not_shown(string address)
    {
        var body = new JsonObject { ["code"] = 0, ["data"] = new JsonObject { ["URL"] = address } }.ToJsonString();
        _fake.Next("/callback", new FakeFault(Body: body));
        _running = _connection.RunAsync(_stop.Token);
        await StateAsync(FeishuConnectionState.Waiting);
        Assert.DoesNotContain("hush", _connection.Status.Reason);
        Assert.Equal(0, _fake.Connections.Open);
    }

    [Theory]
    [InlineData(403, null, null, true)]
    [InlineData(400, "514", "1000040350", true)]
    [InlineData(400, "514", "1", false)]
    [InlineData(400, "403", null, true)]
    [InlineData(502, null, null, false)]
    public async Task A_handshake_that_is_refused_says_whether_trying_again_helps(int status, string? told, string? code, bool final)
    {
        var headers = new List<(string, string)>();
        if (told is not null)
        {
            headers.Add(("Handshake-Status", told));
        }

        if (code is not null)
        {
            headers.Add(("Handshake-Autherrcode", code));
        }

        _fake.Connections.Handshake = new FakeFault(status, Headers: [.. headers]);
        _running = _connection.RunAsync(_stop.Token);
        await StateAsync(final ? FeishuConnectionState.Failed : FeishuConnectionState.Waiting);
        Assert.DoesNotContain("ticket", _connection.Status.Reason);
        if (!final)
        {
            _fake.Connections.Handshake = null;
            await MoveUntilAsync(() => _connection.Status.IsReady, TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task An_app_has_one_connection_and_may_have_another_when_it_ended()
    {
        await ConnectAsync();
        using var other = new LongConnection(_fake.App, _handler, _time);
        await Assert.ThrowsAsync<InvalidOperationException>(() => other.RunAsync(_stop.Token));
        Assert.Equal(1, _fake.Connections.Opened);
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running.WaitAsync(Wait.Limit));
        Assert.Equal(FeishuConnectionState.Off, _connection.Status.State);
        await Wait.UntilAsync(() => _fake.Connections.Open == 0, "the goodbye");
        using var stop = new CancellationTokenSource();
        var again = other.RunAsync(stop.Token);
        await Wait.UntilAsync(() => other.Status.IsReady, "the other connection");
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => again.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task The_pace_is_ours_with_jitter_and_the_servers_wishes_only_slow_it()
    {
        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], Enumerable.Range(0, 8).Select(i => _connection.Pause(i).TotalSeconds));
        _fake.Connections.ClientConfig = new JsonObject
        {
            ["ReconnectCount"] = 3,
            ["ReconnectInterval"] = 120,
            ["ReconnectNonce"] = 30,
            ["PingInterval"] = 120,
        };
        await ConnectAsync();
        Assert.Equal([6, 2, 4, 120, 120], Enumerable.Range(0, 5).Select(i => _connection.Pause(i).TotalSeconds));
    }

    [Fact]
    public async Task Wishes_that_can_not_be_meant_change_nothing()
    {
        _fake.Connections.ClientConfig = new JsonObject
        {
            ["ReconnectCount"] = 0,
            ["ReconnectInterval"] = -5,
            ["ReconnectNonce"] = 0,
            ["PingInterval"] = 9_999_999,
        };
        await ConnectAsync();
        Assert.Equal([1, 2, 4], Enumerable.Range(0, 3).Select(i => _connection.Pause(i).TotalSeconds));
    }

    private async Task ConnectAsync()
    {
        _running = _connection.RunAsync(_stop.Token);
        await StateAsync(FeishuConnectionState.Connected);
        await Wait.UntilAsync(() => _fake.Connections.Open == 1, "the server's end");
    }

    private Task<FeishuConnectionState> StateAsync(FeishuConnectionState state)
        => Wait.SeeAsync(() => _connection.Status.State, s => s == state, $"the state {state}");

    /// <summary>
    /// Moves the clock on, a step each time it is looked, until it holds; only while the client waits for nothing but its clock, so that no
    /// limit ends what this machine is slow at.
    /// </summary>
    private Task MoveUntilAsync(Func<bool> holds, TimeSpan step)
    {
        var quiet = 0;
        return Wait.UntilAsync(
            () =>
            {
                if (holds())
                {
                    return true;
                }

                var waits = _time.ArmedTimers == 1
                    && _connection.Status.State is FeishuConnectionState.Waiting or FeishuConnectionState.Connected;
                quiet = waits ? quiet + 1 : 0;
                if (quiet > 2)
                {
                    quiet = 0;
                    _time.Advance(step);
                }

                return false;
            },
            "what time brings");
    }
}
