using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Documents;

/// <summary>
/// A client of somebody who has docs/protocol.md and nothing else of ours beneath a request: texts, names and vectors are read from the
/// page, hashed and signed with the platform's own functions, and sent to a real machine. Only the channel is the product's;
/// docs/channel.md has vectors of its own.
/// </summary>
public sealed class StrangerTests
{
    private static readonly Page s_page = new("docs/protocol.md");

    [Fact]
    public void The_pages_decision_is_the_text_that_its_signature_is_over()
    {
        var vector = s_page.Json("Vector: a decision");
        var payload = vector["payload"]!;
        var text = (string)vector["text"]!;
        Assert.Equal(text, DecisionText((string)vector["machineId"]!, payload));
        Assert.Equal(10, text.Split('\n').Length);
        using var key = Key((string)vector["signingKey"]!);
        var signature = Base64Url.DecodeFromChars((string)payload["signature"]!);
        Assert.True(key.VerifyData(
            Encoding.UTF8.GetBytes(text), signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
        Assert.Equal(signature, LowerS(signature));
    }

    [Fact]
    public void The_pages_digest_is_computed_from_what_it_covers()
    {
        var vector = s_page.Json("Vector: a digest");
        var covers = vector["covers"]!.AsObject();
        Assert.Equal((string)vector["digest"]!, DigestOf(covers));
        Assert.Equal(DigestOf(covers),
            Machine.Approvals.ApprovalDigest.Digest(covers.Select(c => KeyValuePair.Create(c.Key, (string)c.Value!))));
        Assert.Equal((string)covers["input"]!, Sha256((string)vector["input"]!));
        Assert.Equal((string)covers["what"]!, Sha256((string)vector["command"]!));
        Assert.Equal((string)covers["scripts"]!,
            ListHash([.. vector["scripts"]!.AsArray().SelectMany(s => (string[])[(string)s!["path"]!, (string)s["sha256"]!])]));
        Assert.Contains(Sha256(""), s_page.Section("Decisions"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_written_from_the_page_knows_what_it_signs_and_its_decisions_are_taken()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var device = phone.Device;
        var names = s_page.Table("| name | value |\n").SelectMany(r => Page.Words(r[0])).ToHashSet(StringComparer.Ordinal);
        await File.WriteAllTextAsync(phone.PathOf("job.sh"), "echo from-a-script > made.txt\n");
        var prompt = Guid.CreateVersion7();
        var session = Guid.CreateVersion7();
        await phone.NewAsync(session, prompt, "run: sh job.sh", SandboxKind.Bubblewrap);
        await device.SubscribeAsync($"session/{session}");

        var asked = await AskedAsync(device);
        Assert.Equal(prompt.ToString(), (string)asked["turnId"]!); // the prompt's id is the turn's
        var covers = asked["covers"]!.AsObject();
        Assert.Equal((string)asked["digest"]!, DigestOf(covers));
        Assert.All(covers, c => Assert.Contains(c.Key, names));
        Assert.Equal((string)covers["what"]!, Sha256((string)asked["subject"]!["command"]!));
        Assert.Equal((string)covers["input"]!, Sha256((string)asked["subject"]!["input"]!));
        Assert.Equal((string)covers["scripts"]!, ListHash(
            [.. asked["subject"]!["scripts"]!.AsArray().SelectMany(s => (string[])[(string)s!["path"]!, (string?)s["sha256"] ?? "-"])]));
        Assert.Single(asked["subject"]!["scripts"]!.AsArray());
        foreach (var (name, property) in ((string, string)[])[("kind", "kind"), ("agent", "agent"), ("session", "agentSessionId"),
            ("turn", "turnId"), ("project", "projectId"), ("reach", "reach"), ("sandbox", "sandbox")])
        {
            Assert.Equal((string)asked[property]!, (string)covers[name]!);
        }

        var decided = await DecideAsync(device, asked, "allow", "session", null, null, interrupt: false);
        Assert.Equal("allowed", (string)decided["approval"]!["state"]!);
        await phone.DoneAsync();
        Assert.Equal("from-a-script\n", await File.ReadAllTextAsync(phone.PathOf("made.txt")));

        await phone.PromptAsync(session, "run: touch never.txt");
        await DecideAsync(device, await AskedAsync(device), "deny", "once", "not today\n✗", null, interrupt: true);
        Assert.Equal(TurnState.Cancelled, (await phone.DoneAsync()).Outcome);

        await phone.PromptAsync(session, "ask: Which one? | this | that");
        var question = await AskedAsync(device);
        await DecideAsync(device, question, "allow", "once", null, """{"Which one?":"that"}""", interrupt: false);
        await phone.DoneAsync();
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task What_the_page_says_of_keys_errors_and_the_machines_stream_is_so()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var device = phone.Device;

        // The machine's key, and the head that it signs.
        Assert.Equal(87, device.Hello.SigningKey.Length);
        using var key = Key(device.Hello.SigningKey);
        var head = device.Hello.Ledger;
        var text = $"pocketcoder-ledger-head-v1\n{device.MachineId}\n{head.Epoch}\n{head.Seq}\n{head.Hash}";
        Assert.True(key.VerifyData(Encoding.UTF8.GetBytes(text), Base64Url.DecodeFromChars(head.Signature), HashAlgorithmName.SHA256,
            DSASignatureFormat.IeeeP1363FixedFieldConcatenation));

        // A cursor that is answered with reset: nothing comes of the stream until it is followed with machine_state's cursor.
        var reset = await device.AskAsync(MessageTypes.Subscribe, new SubscribeRequest("machine", "another", 0),
            ProtocolJson.Default.SubscribeRequest, ProtocolJson.Default.SubscribeResponse);
        Assert.True(reset.Reset);
        await phone.NewAsync(Guid.CreateVersion7(), Guid.CreateVersion7(), "hello");
        await device.AskRawAsync("ping", JsonSerializer.SerializeToElement(new JsonObject()));
        Assert.False(device.Pushed.Reader.TryPeek(out _));
        var state = await device.AskAsync(MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse);
        var followed = await device.AskAsync(
            MessageTypes.Subscribe, new SubscribeRequest("machine", state.Cursor.Epoch, state.Cursor.Seq),
            ProtocolJson.Default.SubscribeRequest, ProtocolJson.Default.SubscribeResponse);
        Assert.False(followed.Reset);
        await phone.NewAsync(Guid.CreateVersion7(), Guid.CreateVersion7(), "hello again");
        Assert.Equal("machine_event", (await device.NextAsync(e => e.Stream == "machine", "an event of the machine")).Type);

        // An error lies in the envelope, beside the payload.
        var error = (await Assert.ThrowsAsync<WireErrorException>(
            () => device.AskRawAsync("nothing_of_that_name", JsonSerializer.SerializeToElement(new JsonObject())))).Error;
        Assert.Equal(ErrorCode.InvalidRequest, error.Code);
    }

    private static async Task<JsonObject> AskedAsync(TestDevice device)
    {
        var envelope = await device.NextAsync(
            e => e.Type == "agent_event" && e.Payload is { } p && p.GetProperty("kind").GetString() == "prompt"
                && p.GetProperty("approval").GetProperty("state").GetString() == "pending", "an approval that waits");
        return JsonNode.Parse(envelope.Payload!.Value.GetProperty("approval").GetRawText())!.AsObject();
    }

    private static async Task<JsonNode> DecideAsync(
        TestDevice device, JsonObject asked, string verdict, string scope, string? reason, string? answers, bool interrupt)
    {
        var payload = new JsonObject
        {
            ["approvalId"] = (string)asked["approvalId"]!,
            ["decisionId"] = Guid.CreateVersion7().ToString(),
            ["verdict"] = verdict,
            ["scope"] = scope,
            ["digest"] = DigestOf(asked["covers"]!.AsObject()), // what this client computed, not what it was told
            ["interrupt"] = interrupt,
        };
        if (reason is not null)
        {
            payload["reason"] = reason;
        }

        if (answers is not null)
        {
            payload["answers"] = answers;
        }

        var text = DecisionText(device.MachineId, payload);
        payload["signature"] = Base64Url.EncodeToString(LowerS(PlainSignature(device, text)));
        var answer = await device.AskRawAsync("agent_prompt_response", JsonSerializer.SerializeToElement(payload));
        return JsonNode.Parse(answer.Payload!.Value.GetRawText())!;
    }

    /// <summary>The key belongs to the channel's identity, which signs a domain and fields a line each, as the page says.</summary>
    private static byte[] PlainSignature(TestDevice device, string text)
    {
        var lines = text.Split('\n');
        return device.Identity.Sign(lines[0], lines.AsSpan(1));
    }

    /// <summary>The page's own text with its places filled.</summary>
    private static string DecisionText(string machineId, JsonNode payload)
    {
        var lines = s_page.Code("Decisions").Split('\n');
        return string.Join('\n', lines.Select(line => line switch
        {
            "<machineId>" => machineId,
            "<approvalId>" or "<decisionId>" or "<digest>" => (string)payload[line[1..^1]]!,
            "<allow|deny>" => (string)payload["verdict"]!,
            "<once|turn|session|project>" => (string)payload["scope"]!,
            "<interrupt: true|false>" => (bool?)payload["interrupt"] == true ? "true" : "false",
            _ when line.StartsWith("<sha256 hex of the reason", StringComparison.Ordinal) => Sha256((string?)payload["reason"] ?? ""),
            _ when line.StartsWith("<sha256 hex of the answers", StringComparison.Ordinal) => Sha256((string?)payload["answers"] ?? ""),
            _ => line,
        }));
    }

    private static string DigestOf(JsonObject covers)
    {
        var domain = s_page.Code("The digest").Split('"')[1];
        return ListHash([domain,
            .. covers.OrderBy(c => c.Key, StringComparer.Ordinal).SelectMany(c => (string[])[c.Key, (string)c.Value!])]);
    }

    private static string ListHash(string[] texts)
    {
        using var all = new MemoryStream();
        foreach (var bytes in texts.Select(Encoding.UTF8.GetBytes))
        {
            var length = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(length, bytes.Length);
            all.Write(length);
            all.Write(bytes);
        }

        return Convert.ToHexStringLower(SHA256.HashData(all.ToArray()));
    }

    private static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static ECDsa Key(string text)
    {
        var point = Base64Url.DecodeFromChars(text);
        Assert.Equal((65, 4), (point.Length, (int)point[0]));
        return ECDsa.Create(new ECParameters
        { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = point[1..33], Y = point[33..] } });
    }

    private static byte[] LowerS(byte[] signature)
    {
        var order = BigInteger.Parse(
            "0ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true);
        var lower = (s > order / 2 ? order - s : s).ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. signature[..32], .. new byte[32 - lower.Length], .. lower];
    }
}
