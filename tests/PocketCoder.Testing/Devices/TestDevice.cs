using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using PocketCoder.Channels;
using PocketCoder.Protocol;

namespace PocketCoder.Testing.Devices;

/// <summary>A device as a program: the whole protocol from the WebSocket up, with the product's own channel.</summary>
public sealed class TestDevice : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<Envelope>> _waiting = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, string> _epochs = new(StringComparer.Ordinal);
    private readonly byte[] _part = new byte[64 * 1024]; // of the one task that reads
    private SecureChannel? _channel;
    private Task _reading = Task.CompletedTask;
    private int _request;

    private TestDevice(ChannelIdentity identity, byte[] machineKey) => (Identity, MachineKey) = (identity, machineKey);

    public ChannelIdentity Identity { get; }

    public byte[] MachineKey { get; }

    public string MachineId => P256.Id(MachineKey);

    public HelloResponse Hello { get; private set; } = null!;

    /// <summary>Everything pushed: events and deltas, in the order they came.</summary>
    public Channel<Envelope> Pushed { get; } = Channel.CreateUnbounded<Envelope>();

    /// <summary>Told of everything pushed, before it is in <see cref="Pushed"/>; on the reading task, so it must not wait.</summary>
    public Action<Envelope>? Heard { get; set; }

    /// <summary>Whole messages that came, and the bytes of the largest one.</summary>
    public int Messages { get; private set; }

    /// <inheritdoc cref="Messages"/>
    public int LargestMessage { get; private set; }

    /// <summary>From now on frames are taken and not opened: a device that only costs the machine something. It can't be undone.</summary>
    public bool Drains { get; set; }

    /// <summary>Frames that came since <see cref="Drains"/>.</summary>
    public int Frames { get; private set; }

    /// <summary>Why the machine closed, when it said so.</summary>
    public CloseReason? Closed { get; private set; }

    /// <summary>The WebSocket's close code; null: it is open, or broke.</summary>
    public int? CloseCode => (int?)_socket.CloseStatus;

    /// <summary>Shakes hands with a pairing link and says nothing yet: <see cref="GreetAsync(string)"/> does.</summary>
    public static async Task<TestDevice> KnockAsync(string link)
    {
        var parsed = PairingLink.ParseUrl(link);
        var device = new TestDevice(ChannelIdentity.Create(), parsed.MachinePublicKey.ToArray());
        using var handshake = DeviceHandshake.BeginPairing(device.Identity, parsed);
        await device.ShakeAsync(link, handshake, null);
        return device;
    }

    /// <summary>Shakes hands as a paired device and says nothing yet.</summary>
    public static async Task<TestDevice> KnockAsync(string url, ChannelIdentity identity, byte[] machineKey)
    {
        var device = new TestDevice(identity, machineKey);
        using var handshake = DeviceHandshake.Begin(identity, machineKey);
        await device.ShakeAsync(url, handshake, null);
        return device;
    }

    /// <summary>Says hello with a name for the pairing.</summary>
    public async Task GreetAsync(string pairingName) => Hello = await AskAsync(
        MessageTypes.Hello, new HelloRequest(1, "test/1", pairingName, Base64Url.EncodeToString(Identity.SigningPublicKey)),
        ProtocolJson.Default.HelloRequest, ProtocolJson.Default.HelloResponse);

    /// <summary>Completes when the connection is over.</summary>
    public Task Over => _reading;

    /// <summary>Pairs a new device by a link such as <c>http://127.0.0.1:8090/#pair=…</c>.</summary>
    public static async Task<TestDevice> PairAsync(string link, string name = "test device", ChannelIdentity? identity = null)
    {
        var parsed = PairingLink.ParseUrl(link);
        var device = new TestDevice(identity ?? ChannelIdentity.Create(), parsed.MachinePublicKey.ToArray());
        using var handshake = DeviceHandshake.BeginPairing(device.Identity, parsed);
        await device.OpenAsync(link, handshake, name);
        return device;
    }

    /// <summary>Connects a device that is paired.</summary>
    /// <param name="throughPort">A loopback port to connect to instead, while the request still names the machine's own address.</param>
    public static async Task<TestDevice> ConnectAsync(string url, ChannelIdentity identity, byte[] machineKey, int? throughPort = null)
    {
        var device = new TestDevice(identity, machineKey);
        using var handshake = DeviceHandshake.Begin(identity, machineKey);
        await device.OpenAsync(url, handshake, null, throughPort);
        return device;
    }

    /// <summary>The same device again, over a new connection.</summary>
    public Task<TestDevice> AgainAsync(string url) => ConnectAsync(url, Identity, MachineKey);

    /// <summary>Asks and waits for the answer.</summary>
    /// <exception cref="WireErrorException">The machine answered with an error.</exception>
    public async Task<TResponse> AskAsync<TRequest, TResponse>(
        string type, TRequest payload, JsonTypeInfo<TRequest> request, JsonTypeInfo<TResponse> response)
    {
        var answer = await AskRawAsync(type, JsonSerializer.SerializeToElement(payload, request));
        return answer.Payload!.Value.Deserialize(response)!;
    }

    /// <summary>Asks with any payload at all.</summary>
    public async Task<Envelope> AskRawAsync(string type, JsonElement payload)
    {
        var id = Interlocked.Increment(ref _request).ToString(CultureInfo.InvariantCulture);
        var waiting = new TaskCompletionSource<Envelope>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = waiting;
        await SendAsync(JsonSerializer.SerializeToUtf8Bytes(
            new Envelope { Type = type, RequestId = id, Payload = payload }, ProtocolJson.Default.Envelope));
        await Task.WhenAny(waiting.Task, Over).WaitAsync(Wait.Limit);
        if (!waiting.Task.IsCompleted)
        {
            // Whoever reads had ended before the question was there to be told.
            waiting.TrySetException(new IOException("the connection ended before there was an answer"));
        }

        var answer = await waiting.Task;
        return answer.Error is { } error ? throw new WireErrorException(error) : answer;
    }

    /// <summary>Decides on an approval, signed with this device's key.</summary>
    public async Task<ApprovalInfo> DecideAsync(
        ApprovalInfo approval, DecisionVerdict verdict, DecisionScope scope = DecisionScope.Once, string? reason = null,
        string? answers = null, Guid? decisionId = null, bool interrupt = false)
    {
        var response = await AskAsync(
            MessageTypes.AgentPromptResponse,
            Decision(approval, verdict, scope, reason, answers, decisionId ?? Guid.CreateVersion7(), interrupt),
            ProtocolJson.Default.DecisionRequest,
            ProtocolJson.Default.DecisionResponse);
        return response.Approval;
    }

    public DecisionRequest Decision(
        ApprovalInfo approval, DecisionVerdict verdict, DecisionScope scope, string? reason, string? answers, Guid decisionId,
        bool interrupt = false)
    {
        var signature = Identity.Sign(
            "pocketcoder-decision-v2",
            MachineId,
            approval.ApprovalId.ToString(),
            decisionId.ToString(),
            approval.Digest,
            verdict == DecisionVerdict.Allow ? "allow" : "deny",
            scope.ToString().ToLowerInvariant(),
            Hash(reason),
            Hash(answers),
            interrupt ? "true" : "false");
        return new DecisionRequest(approval.ApprovalId, decisionId, verdict, scope, approval.Digest, Base64Url.EncodeToString(signature),
            reason, answers, interrupt);
    }

    /// <summary>The epoch of a session's stream as this device last saw it.</summary>
    public string? LastEpoch(Guid session) => _epochs.GetValueOrDefault($"session/{session}");

    /// <summary>Waits for a pushed message that fits; those before it are dropped.</summary>
    public async Task<Envelope> NextAsync(Func<Envelope, bool> fits, string what)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        try
        {
            while (true)
            {
                var pushed = await Pushed.Reader.ReadAsync(limit.Token);
                if (fits(pushed))
                {
                    return pushed;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            throw new TimeoutException($"never came: {what}{(Closed is null ? "" : $" (closed: {Closed.Code})")}", e);
        }
    }

    /// <summary>The next durable event of a session that fits.</summary>
    public async Task<T> NextEventAsync<T>(Func<T, bool>? fits = null)
        where T : AgentEventPayload
    {
        T? found = null;
        await NextAsync(
            e => e.Type == MessageTypes.AgentEvent && e.Payload!.Value.Deserialize(ProtocolJson.Default.AgentEventPayload) is T payload
                && (fits?.Invoke(payload) ?? true) && (found = payload) is not null,
            typeof(T).Name);
        return found!;
    }

    /// <param name="batches">Takes several events in one message; they are in <see cref="Pushed"/> as if they had come alone.</param>
    public async Task SubscribeAsync(string stream, string? epoch = null, long after = 0, bool batches = false) => await AskAsync(
        MessageTypes.Subscribe, new SubscribeRequest(stream, epoch, after, batches), ProtocolJson.Default.SubscribeRequest,
        ProtocolJson.Default.SubscribeResponse);

    /// <summary>Sends bytes through the channel as they are.</summary>
    public async Task SendAsync(byte[] message)
    {
        await _sending.WaitAsync();
        try
        {
            using var frames = _channel!.Seal(message);
            for (var i = 0; i < frames.Count; i++)
            {
                await SendFrameAsync(frames[i]);
            }
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Begins a message and never finishes it: its first frames only. Nothing else can be sent afterwards.</summary>
    public async Task SendPartAsync(byte[] message, int frames)
    {
        using var all = _channel!.Seal(message);
        for (var i = 0; i < Math.Min(frames, all.Count - 1); i++)
        {
            await SendFrameAsync(all[i].ToArray());
        }
    }

    /// <summary>Sends a frame past the channel.</summary>
    public async Task SendFrameAsync(ReadOnlyMemory<byte> frame)
        => await _socket.SendAsync(frame, WebSocketMessageType.Binary, true, _stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _socket.Abort();
        await _reading;
        _socket.Dispose();
        _channel?.Dispose();
        _sending.Dispose();
        _stop.Dispose();
    }

    private static string Hash(string? text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text ?? "")));

    /// <summary>Connects a device that is paired, and greets with these bytes. Gives what the machine answers.</summary>
    public static async Task<Envelope> GreetAsync(string url, ChannelIdentity identity, byte[] machineKey, byte[] hello)
    {
        await using var device = new TestDevice(identity, machineKey);
        using var handshake = DeviceHandshake.Begin(identity, machineKey);
        await device.ShakeAsync(url, handshake, null);
        await device.SendAsync(hello);
        return await device.NextAsync(_ => true, "an answer to the greeting");
    }

    private async Task OpenAsync(string url, DeviceHandshake handshake, string? pairingName, int? throughPort = null)
    {
        await ShakeAsync(url, handshake, throughPort);
        Hello = await AskAsync(
            MessageTypes.Hello,
            new HelloRequest(1, "test/1", pairingName, Base64Url.EncodeToString(Identity.SigningPublicKey)),
            ProtocolJson.Default.HelloRequest,
            ProtocolJson.Default.HelloResponse);
    }

    private async Task ShakeAsync(string url, DeviceHandshake handshake, int? throughPort)
    {
        var address = new UriBuilder(new Uri(url)) { Path = "/v1/relay", Query = $"machine={MachineId}", Fragment = "" };
        address.Scheme = address.Scheme == "https" ? "wss" : "ws";
        _socket.Options.AddSubProtocol("pocketcoder.v1");
        using var limit = new CancellationTokenSource(Wait.Limit);
        if (throughPort is { } port)
        {
            _socket.Options.SetRequestHeader("Host", address.Uri.Authority);
            address.Port = port;
        }

        await _socket.ConnectAsync(address.Uri, limit.Token);
        await SendFrameAsync(handshake.FirstFrame);
        var reply = await ReceiveAsync() ?? throw new IOException("the machine closed during the handshake");
        _channel = handshake.Complete(reply);
        _reading = ReadAsync();
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await ReceiveAsync() is { } frame)
            {
                if (Drains)
                {
                    Frames++;
                    continue;
                }

                using var message = _channel!.Open(frame);
                if (message is null)
                {
                    continue;
                }

                Messages++;
                LargestMessage = Math.Max(LargestMessage, message.Length);

                var envelope = JsonSerializer.Deserialize(message.Span, ProtocolJson.Default.Envelope)!;
                if (envelope.RequestId is { } id && _waiting.TryRemove(id, out var waiting))
                {
                    waiting.SetResult(envelope);
                }
                else
                {
                    if (envelope is { Stream: { } stream, Epoch: { } epoch })
                    {
                        _epochs[stream] = epoch;
                    }

                    if (envelope.Type == MessageTypes.AgentEvents)
                    {
                        var seq = envelope.Seq!.Value;
                        foreach (var one in envelope.Payload!.Value.GetProperty("events").EnumerateArray())
                        {
                            Push(envelope with { Type = MessageTypes.AgentEvent, Seq = seq++, Payload = one });
                        }
                    }
                    else
                    {
                        Push(envelope);
                    }
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or ChannelException or ObjectDisposedException)
        {
            Closed = (e as ChannelException)?.PeerReason ?? Closed;
        }

        Pushed.Writer.TryComplete();
        foreach (var waiting in _waiting.Values)
        {
            waiting.TrySetException(new IOException($"the connection ended{(Closed is null ? "" : $": {Closed.Code}")}"));
        }
    }

    private void Push(Envelope envelope)
    {
        Heard?.Invoke(envelope);
        Pushed.Writer.TryWrite(envelope);
    }

    /// <summary>The code that the socket is closed with, read behind whatever still comes after the channel's own end.</summary>
    public async Task<int?> EndCodeAsync()
    {
        await Over;
        while (_socket.CloseStatus is null && await ReceiveAsync() is not null)
        {
        }

        return CloseCode;
    }

    private async Task<byte[]?> ReceiveAsync()
    {
        using var buffer = new MemoryStream();
        var part = _part;
        while (true)
        {
            var result = await _socket.ReceiveAsync(part.AsMemory(), _stop.Token);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            await buffer.WriteAsync(part.AsMemory(0, result.Count));
            if (result.EndOfMessage)
            {
                return buffer.ToArray();
            }
        }
    }
}

/// <summary>An error that came over the wire.</summary>
public sealed class WireErrorException(WireError error) : Exception($"{error.Code}: {error.Message}")
{
    public WireError Error { get; } = error;
}
