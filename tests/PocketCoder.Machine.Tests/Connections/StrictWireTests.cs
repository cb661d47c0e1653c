using System.Buffers.Text;
using System.Net;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Contracts;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Connections;

/// <summary>One thing has one spelling on the wire. What has another is refused with its code, and nothing changes.</summary>
public sealed class StrictWireTests
{
    private static readonly BigInteger s_order = BigInteger.Parse("0ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("""{"v":1,"type":"hello","requestId":"h","payload":{"protocol":99,"app":"a"}}""", ErrorCode.VersionUnsupported)]
    [InlineData("""{"v":1,"type":"hello","requestId":"h","payload":{"protocol":2,"app":"a"}}""", ErrorCode.VersionUnsupported)]
    [InlineData("""{"v":1,"type":"hello","requestId":"h","payload":{"protocol":0,"app":"a"}}""", ErrorCode.VersionUnsupported)]
    [InlineData("""{"v":2,"type":"hello","requestId":"h","payload":{"protocol":1,"app":"a"}}""", ErrorCode.VersionUnsupported)]
    [InlineData("""{"v":1,"v":1,"type":"hello","requestId":"h","payload":{"protocol":1,"app":"a"}}""", ErrorCode.InvalidRequest)]
    [InlineData("""{"v":1,"type":"hello","requestId":"h","payload":{"protocol":99,"protocol":1,"app":"a"}}""", ErrorCode.InvalidRequest)]
    [InlineData("""{"v":1,"type":"hello","payload":{"protocol":1,"app":"a"}}""", ErrorCode.InvalidRequest)]
    [InlineData("""{"v":1,"type":"hello","requestId":"h","payload":{"protocol":1,"app":"a\u202e"}}""", ErrorCode.InvalidRequest)]
    public async Task A_greeting_in_another_version_or_said_twice_is_refused(string hello, ErrorCode code)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        var answer = await TestDevice.GreetAsync(daemon.Url, phone.Identity, phone.MachineKey, Encoding.UTF8.GetBytes(hello));
        Assert.Equal(code, answer.Error?.Code);
        await phone.AskAsync(MessageTypes.Ping, new PingRequest(), ProtocolJson.Default.PingRequest, ProtocolJson.Default.PingResponse);
    }

    [Theory]
    [InlineData("""{"v":2,"type":"ping","requestId":"x","payload":{}}""", ErrorCode.VersionUnsupported)]
    [InlineData("""{"type":"ping","requestId":"x","payload":{},"v":0}""", ErrorCode.VersionUnsupported)]
    [InlineData("""{"v":1,"v":1,"type":"ping","requestId":"x","payload":{}}""", ErrorCode.InvalidRequest)]
    [InlineData("""{"v":1,"type":"ping","type":"device_revoke","requestId":"x","payload":{}}""", ErrorCode.InvalidRequest)]
    [InlineData("""{"v":1,"type":"ping","requestId":"x","requestId":"y","payload":{}}""", ErrorCode.InvalidRequest)]
    [InlineData("""{"v":1,"type":"ping","requestId":"x","payload":{},"ignored":"ÿ"}""", ErrorCode.InvalidRequest)]
    [InlineData("""{"v":1,"type":"ping","requestId":"x","payload":{"ignored":"ÿ"}}""", ErrorCode.InvalidRequest)]
    [InlineData("""{"v":1,"type":"ping","requestId":"","payload":{}}""", ErrorCode.InvalidRequest)]
    [InlineData("""["v",1]""", ErrorCode.InvalidRequest)]
    public async Task A_message_that_is_none_ends_the_connection_with_its_code(string message, ErrorCode code)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        await phone.SendAsync([.. message.Select(c => (byte)c)]); // Latin-1: ÿ becomes the byte FF, which is no UTF-8
        var last = await phone.NextAsync(e => e.Type == MessageTypes.Error, "the reason");
        Assert.Equal((code, (string?)null), (last.Error!.Code, last.RequestId));
        await phone.Over.WaitAsync(Wait.Limit);
        await using var again = await phone.AgainAsync(daemon.Url);
        await again.AskAsync(MessageTypes.Ping, new PingRequest(), ProtocolJson.Default.PingRequest, ProtocolJson.Default.PingResponse);
    }

    [Fact]
    public async Task Of_every_request_a_word_that_is_only_similar_is_refused_and_the_connection_lives_on()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var head = await HeadAsync(daemon);
        var tried = 0;
        foreach (var sample in RequestSamples.All().Where(s => s.Type != MessageTypes.Hello))
        {
            foreach (var place in sample.Words)
            {
                // all of them at the parser, in Protocol.Tests
                foreach (var near in RequestSamples.NearWords(place.Enum).Where((_, i) => i % 5 == tried % 5))
                {
                    var payload = JsonSerializer.SerializeToElement(place.With(sample.Payload, near?.DeepClone()));
                    var refused = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.AskRawAsync(sample.Type, payload));
                    Assert.True(refused.Error.Code == ErrorCode.InvalidRequest,
                        $"{sample.Type} at {place}: {near?.ToJsonString()} is {refused.Error.Code}");
                }

                tried++;
            }
        }

        Assert.True(tried >= 15, $"only {tried} fields have a word");
        Assert.Equal(head, await HeadAsync(daemon));
    }

    [Fact]
    public async Task A_payload_that_is_no_object_or_has_a_member_twice_is_refused_and_the_connection_lives_on()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var head = await HeadAsync(daemon);
        foreach (var payload in (string[])["[]", "\"{}\"", "1", "true", """{"a":1,"a":1}""", """{"ignored":{"b":[{"c":1,"c":2}]}}""",
            """{"ignored":"\ud800"}"""])
        {
            await phone.Device.SendAsync(
                Encoding.UTF8.GetBytes($$"""{"v":1,"type":"approvals_list","requestId":"p","payload":{{payload}}}"""));
            var answer = await phone.Device.NextAsync(e => e.RequestId == "p", payload);
            Assert.True(answer.Error?.Code == ErrorCode.InvalidRequest, payload);
        }

        foreach (var payload in (string[])["{}", "null", """{"ignored":{"c":1},"too":{"c":1}}"""])
        {
            await phone.Device.SendAsync(
                Encoding.UTF8.GetBytes($$"""{"v":1,"type":"approvals_list","requestId":"p","payload":{{payload}}}"""));
            Assert.Null((await phone.Device.NextAsync(e => e.RequestId == "p", payload)).Error);
        }

        Assert.Equal(head, await HeadAsync(daemon));
    }

    [Fact]
    public async Task A_decision_in_another_spelling_or_with_another_interruption_than_was_signed_decides_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: echo hi");
        var asked = await phone.AskedAsync();
        var head = await HeadAsync(daemon);
        var allow = phone.Device.Decision(asked, DecisionVerdict.Allow, DecisionScope.Once, null, null, Guid.CreateVersion7());
        var deny = phone.Device.Decision(
            asked, DecisionVerdict.Deny, DecisionScope.Once, "no", null, Guid.CreateVersion7(), interrupt: true);

        foreach (var (name, value) in ((string, string)[])[("verdict", "\"ALLOW\""), ("verdict", "\" allow \""), ("verdict", "0"),
            ("scope", "\"once,turn\""), ("scope", "\"Once\""), ("scope", "\"0\"")])
        {
            var payload = Json(allow);
            payload[name] = JsonNode.Parse(value);
            Assert.Equal(ErrorCode.InvalidRequest, await RefusalAsync(phone, payload.ToJsonString()));
        }

        var twice = Json(allow).ToJsonString();
        Assert.Equal(ErrorCode.InvalidRequest, await RefusalAsync(phone, string.Concat("{\"verdict\":\"deny\",", twice.AsSpan(1))));
        Assert.Equal(ErrorCode.InvalidRequest, await RefusalAsync(phone, Json(allow with { Interrupt = true }).ToJsonString()));
        foreach (var signature in (string[])[allow.Signature + "==", allow.Signature + "=", allow.Signature + " ", HighS(allow.Signature),
            allow.Signature[..^1] + Next(allow.Signature[^1])])
        {
            Assert.Equal(ErrorCode.BadSignature, await RefusalAsync(phone, Json(allow with { Signature = signature }).ToJsonString()));
        }

        Assert.Equal(ErrorCode.BadSignature, await RefusalAsync(phone, Json(deny with { Interrupt = false }).ToJsonString()));
        var calm = phone.Device.Decision(asked, DecisionVerdict.Deny, DecisionScope.Once, "no", null, Guid.CreateVersion7());
        Assert.Equal(ErrorCode.BadSignature, await RefusalAsync(phone, Json(calm with { Interrupt = true }).ToJsonString()));

        Assert.Equal(head, await HeadAsync(daemon));
        Assert.Equal(ApprovalState.Pending, (await PendingAsync(phone)).State);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.DoneAsync();
    }

    [Fact]
    public async Task A_signing_key_has_one_spelling_too()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        var key = Base64Url.EncodeToString(phone.Identity.SigningPublicKey);
        foreach (var (spelled, code) in ((string, ErrorCode?)[])[(key, null), (key + "=", ErrorCode.Unauthorized),
            (" " + key, ErrorCode.Unauthorized), (key[..^1] + Next(key[^1]), ErrorCode.Unauthorized)])
        {
            var hello = new JsonObject
            {
                ["v"] = 1,
                ["type"] = "hello",
                ["requestId"] = "h",
                ["payload"] = new JsonObject { ["protocol"] = 1, ["app"] = "a", ["signingKey"] = spelled }
            };
            var answer = await TestDevice.GreetAsync(
                daemon.Url, phone.Identity, phone.MachineKey, Encoding.UTF8.GetBytes(hello.ToJsonString()));
            Assert.Equal(code, answer.Error?.Code);
        }
    }

    [Fact]
    public async Task The_same_request_id_while_it_is_open_ends_the_connection_and_afterwards_it_can_be_used_again()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var runs = 0;
        var table = new MessageTable().Map(
            new Verb<PingRequest, PingResponse>(
                "slow", static () => ProtocolJson.Default.PingRequest, static () => ProtocolJson.Default.PingResponse),
            Scope.View,
            async (_, _, stop) =>
            {
                Interlocked.Increment(ref runs);
                await gate.Task.WaitAsync(stop);
                return new PingResponse(DateTimeOffset.UnixEpoch);
            },
            concurrent: true);
        using var device = Channels(out var machine);
        var link = new PipeLink();
        await using var connection = new DeviceConnection(
            link, machine, phone.Identity.Id, daemon.Daemon.Devices, table, null!, NullLogger.Instance, CancellationToken.None);
        var served = connection.ServeAsync("{}"u8.ToArray());
        await AnswerAsync();

        Send("""{"v":1,"type":"slow","requestId":"a"}""");
        Send("""{"v":1,"type":"slow","requestId":"b"}""");
        gate.SetResult();
        Assert.Equal(["a", "b"], new[] { (await AnswerAsync()).RequestId, (await AnswerAsync()).RequestId }.Order());
        gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        for (var i = 0; i < 6; i++)
        {
            Send("""{"v":1,"type":"slow","requestId":"a"}"""); // answered before, so the first of these is right
        }

        var last = await AnswerAsync();
        Assert.Equal((ErrorCode.InvalidRequest, (string?)null), (last.Error!.Code, last.RequestId));
        await served.WaitAsync(Wait.Limit);
        Assert.Equal(3, runs);

        void Send(string message)
        {
            using var frames = device.Seal(Encoding.UTF8.GetBytes(message));
            for (var i = 0; i < frames.Count; i++)
            {
                link.Incoming.Writer.TryWrite(frames[i].ToArray());
            }
        }

        async Task<Envelope> AnswerAsync()
        {
            using var message = device.Open((await link.Sent.Reader.ReadAsync().AsTask().WaitAsync(Wait.Limit)).Span);
            return message!.Span.SequenceEqual("{}"u8) ? new Envelope
            { Type = "" } : JsonSerializer.Deserialize(message.Span, ProtocolJson.Default.Envelope)!;
        }
    }

    private static JsonObject Json(DecisionRequest decision)
        => (JsonObject)JsonSerializer.SerializeToNode(decision, ProtocolJson.Default.DecisionRequest)!;

    private static async Task<ErrorCode> RefusalAsync(Phone phone, string payload)
    {
        using var document = JsonDocument.Parse(payload);
        return (await Assert.ThrowsAsync<WireErrorException>(
            () => phone.Device.AskRawAsync(MessageTypes.AgentPromptResponse, document.RootElement))).Error.Code;
    }

    private static async Task<ApprovalInfo> PendingAsync(Phone phone) => Assert.Single((await phone.Device.AskAsync(
        MessageTypes.ApprovalsList, new ApprovalsListRequest(), ProtocolJson.Default.ApprovalsListRequest,
        ProtocolJson.Default.ApprovalsListResponse)).Approvals);

    private static async Task<long> HeadAsync(TestDaemon daemon)
        => (await daemon.Daemon.AsOwner().ListLedgerAsync(new LedgerListRequest(Limit: 1), CancellationToken.None)).Rows[0].Seq;

    /// <summary>The other signature that verifies: (r, n − s).</summary>
    private static string HighS(string signature)
    {
        var bytes = Base64Url.DecodeFromChars(signature);
        var s = (s_order - new BigInteger(bytes.AsSpan(32), isUnsigned: true, isBigEndian: true)).ToByteArray(
            isUnsigned: true, isBigEndian: true);
        return Base64Url.EncodeToString([.. bytes[..32], .. new byte[32 - s.Length], .. s]);
    }

    /// <summary>The letter with the next bit, which no byte needs.</summary>
    private static char Next(char last)
    {
        const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        return Letters[Letters.IndexOf(last, StringComparison.Ordinal) ^ 1];
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

    /// <summary>A link that is two queues.</summary>
    private sealed class PipeLink : IDeviceLink
    {
        public Channel<ReadOnlyMemory<byte>> Incoming { get; } = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();

        public Channel<ReadOnlyMemory<byte>> Sent { get; } = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();

        public string ConnectionId => "link";

        public IPAddress? Remote => null;

        public async ValueTask<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken ct) => await Incoming.Reader.ReadAsync(ct);

        public ValueTask SendAsync(ReadOnlyMemory<byte> frame, CancellationToken ct) => Sent.Writer.WriteAsync(frame, ct);

        public ValueTask CloseAsync(ushort code, string reason, CancellationToken ct) => ValueTask.CompletedTask;

        public void ReportFailedHandshake()
        {
        }
    }
}
