using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using PocketCoder.Feishu.LongConnections;

namespace PocketCoder.Testing.Feishu;

/// <summary>An answer to something that was delivered.</summary>
/// <param name="Code">200: taken; 500: not; 0: none came within three seconds, or the connection ended.</param>
/// <param name="Data">What a person would see; null: nothing was said.</param>
public sealed record FakeAck(int Code, JsonNode? Data, Frame? Frame);

/// <summary>
/// The server's end of the long connection: hands out addresses whose ticket is good once, answers pings, sends events whole or in
/// parts, waits three
/// seconds for each acknowledgement. Each event goes to one of the connections, as on the platform. Thread-safe.
/// </summary>
public sealed class FakeLongConnections : IAsyncDisposable
{
    public const string Path = "/ws/v2";

    private static readonly TimeSpan s_ackLimit = TimeSpan.FromSeconds(3);

    private readonly TimeProvider _time;
    private readonly FakeFeishu _fake;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, bool> _tickets = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, Connection> _open = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<FakeAck>> _waiting = new(StringComparer.Ordinal);
    private int _services;
    private int _pings;

    internal FakeLongConnections(TimeProvider time, FakeFeishu fake) => (_time, _fake) = (time, fake);

    public int Open => _open.Count;

    /// <summary>How many were opened so far.</summary>
    public int Opened => Volatile.Read(ref _services);

    public int Pings => Volatile.Read(ref _pings);

    /// <summary>What discovery and pongs say.</summary>
    public JsonObject ClientConfig { get; set; } = new() { ["ReconnectCount"] = -1, ["ReconnectInterval"] = 120, ["ReconnectNonce"] = 30, ["PingInterval"] = 120 };

    /// <summary>What a pong says in the place of the server's wishes.</summary>
    public string? PongPayload { get; set; }

    /// <summary>It answers no ping.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Answers a handshake in the place of opening a connection.</summary>
    public FakeFault? Handshake { get; set; }

    public async Task ServeAsync(HttpContext context)
    {
        if (Handshake is { } refusal)
        {
            foreach (var (name, value) in refusal.Headers)
            {
                context.Response.Headers[name] = value;
            }

            context.Response.StatusCode = refusal.Status;
            return;
        }

        var service = int.Parse(context.Request.Query["service_id"].ToString());
        if (!context.WebSockets.IsWebSocketRequest || !_tickets.TryRemove(context.Request.Query["ticket"].ToString(), out _))
        {
            context.Response.Headers["Handshake-Status"] = "514";
            context.Response.StatusCode = 400;
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        using var connection = new Connection(socket, service);
        _open[service] = connection;
        try
        {
            await ReadAsync(connection);
        }
        catch (Exception e) when (IsGone(e))
        {
            // The client is gone, or the test is over.
        }
        finally
        {
            _open.TryRemove(service, out _);
        }
    }

    /// <summary>Sends an event and waits for its acknowledgement.</summary>
    /// <param name="kind"><c>event</c> or <c>card</c>.</param>
    /// <param name="parts">In how many frames.</param>
    /// <param name="missing">A part that is not sent; -1: all are.</param>
    public async Task<FakeAck> DeliverAsync(string payload, string kind = "event", int parts = 1, int missing = -1)
    {
        var id = _fake.NewId("msg");
        var acknowledged = _waiting[id] = new TaskCompletionSource<FakeAck>(TaskCreationOptions.RunContinuationsAsynchronously);
        var bytes = Encoding.UTF8.GetBytes(payload);
        var connection = _open.Values.OrderBy(c => c.Service).Last();
        var size = (bytes.Length + parts - 1) / parts;
        for (var i = 0; i < parts; i++)
        {
            var part = bytes.AsMemory(Math.Min(i * size, bytes.Length), Math.Max(0, Math.Min(size, bytes.Length - (i * size))));
            if (i != missing && !await connection.TrySendAsync(FrameCodec.Write(new Frame
            {
                SeqId = (ulong)i + 1,
                LogId = 300,
                Service = connection.Service,
                Method = Frame.Data,
                Headers =
                [
                    new("type", kind), new("message_id", id), new("sum", parts.ToString(CultureInfo.InvariantCulture)),
                    new("seq", i.ToString(CultureInfo.InvariantCulture)), new("trace_id", "trace"),
                ],
                Payload = part,
                LogIdNew = "20260101",
            })))
            {
                _waiting.TryRemove(id, out _);
                return new FakeAck(0, null, null);
            }
        }

        try
        {
            var ack = await acknowledged.Task.WaitAsync(s_ackLimit, _time).WaitAsync(Wait.Limit);
            if (ack.Code == 200 && CardToken(payload) is { } token)
            {
                _fake.CardTokens.TryAdd(token, 0);
            }

            return ack;
        }
        catch (TimeoutException)
        {
            return new FakeAck(0, null, null);
        }
        finally
        {
            _waiting.TryRemove(id, out _);
        }
    }

    /// <summary>Sends an event again until it is taken, as the platform does (which waits longer between tries).</summary>
    public async Task<int> DeliverUntilTakenAsync(string payload, int most)
    {
        for (var tries = 1; tries <= most; tries++)
        {
            if ((await DeliverAsync(payload)).Code == 200)
            {
                return tries;
            }
        }

        throw new InvalidOperationException($"not taken in {most} tries");
    }

    /// <summary>Sends bytes as one message to the newest connection.</summary>
    /// <returns>False when the client ended the connection before it had all of them.</returns>
    public Task<bool> SendRawAsync(byte[] bytes, WebSocketMessageType type = WebSocketMessageType.Binary, bool end = true)
        => _open.Values.OrderBy(c => c.Service).Last().TrySendAsync(bytes, type, end);

    /// <summary>Ends all connections: with a goodbye, or as when a cable is cut.</summary>
    public async Task DropAsync(bool goodbye)
    {
        foreach (var connection in _open.Values)
        {
            if (!goodbye)
            {
                connection.Socket.Abort();
                continue;
            }

            try
            {
                await connection.Socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "bye", _stop.Token);
            }
            catch (Exception e) when (IsGone(e))
            {
                // the client went first
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _stop.Dispose();
    }

    internal JsonObject Discovered(Uri address)
    {
        var (ticket, service) = (_fake.NewId("ticket"), Interlocked.Increment(ref _services));
        _tickets[ticket] = true;
        return new JsonObject
        {
            ["URL"] = $"ws://{address.Authority}{Path}?device_id={_fake.NewId("device")}&access_key=k&service_id={service}&ticket={ticket}",
            [nameof(ClientConfig)] = ClientConfig.DeepClone(),
        };
    }

    /// <summary>Whether this says that a connection is over: of the socket, of its request, or of the test.</summary>
    private static bool IsGone(Exception e)
        => e is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException;

    private static string? CardToken(string payload)
    {
        var json = JsonNode.Parse(payload);
        return (string?)json?["header"]?["event_type"] == "card.action.trigger" ? (string?)json["event"]?["token"] : null;
    }

    private async Task ReadAsync(Connection connection)
    {
        var buffer = new byte[FrameCodec.LongestFrame];
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult got;
            do
            {
                got = await connection.Socket.ReceiveAsync(buffer.AsMemory(length), _stop.Token);
                length += got.Count;
            }
            while (!got.EndOfMessage && got.MessageType != WebSocketMessageType.Close);

            if (got.MessageType == WebSocketMessageType.Close)
            {
                if (connection.Socket.State == WebSocketState.CloseReceived)
                {
                    await connection.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, _stop.Token);
                }

                return;
            }

            await TakeAsync(connection, FrameCodec.Read(buffer.AsSpan(0, length)));
        }
    }

    private async Task TakeAsync(Connection connection, Frame frame)
    {
        if (frame.Method == Frame.Control && frame["type"] == "ping")
        {
            Interlocked.Increment(ref _pings);
            if (!IsSilent)
            {
                await connection.TrySendAsync(FrameCodec.Write(new Frame
                {
                    Service = frame.Service,
                    Method = Frame.Control,
                    Headers = [new("type", "pong")],
                    Payload = Encoding.UTF8.GetBytes(PongPayload ?? ClientConfig.ToJsonString()),
                }));
            }
        }
        else if (frame["message_id"] is { } id && _waiting.TryRemove(id, out var waiting))
        {
            var answer = JsonNode.Parse(Encoding.UTF8.GetString(frame.Payload!.Value.Span))!;
            var data = (string?)answer["data"] is { } text ? JsonNode.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(text))) : null;
            waiting.TrySetResult(new FakeAck((int)answer["code"]!, data, frame));
        }
    }

    private sealed class Connection(WebSocket socket, int service) : IDisposable
    {
        private readonly SemaphoreSlim _writing = new(1, 1);

        public WebSocket Socket { get; } = socket;

        public int Service { get; } = service;

        /// <summary>A sender may still hold the turn when the other side is gone: it goes on, and has nothing that must be freed.</summary>
        public void Dispose()
        {
        }

        /// <summary>Sends a message, or a part of one; false when the connection ended before all of it was sent.</summary>
        public async Task<bool> TrySendAsync(
            byte[] bytes, WebSocketMessageType type = WebSocketMessageType.Binary, bool end = true)
        {
            await _writing.WaitAsync();
            try
            {
                await Socket.SendAsync(bytes, type, end, CancellationToken.None);
                return true;
            }
            catch (Exception e) when (IsGone(e))
            {
                return false;
            }
            finally
            {
                _writing.Release();
            }
        }
    }
}
