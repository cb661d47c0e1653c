using System.Text.Json.Nodes;

namespace PocketCoder.Channels.Tests;

/// <summary>
/// This side against tests/vectors/channel.json. The TypeScript side reads the same file (app/src/lib/channel/vectors.test.ts).
/// </summary>
public sealed class ChannelVectorTests
{
    private static readonly Lazy<JsonNode> s_file = new(
        () => JsonNode.Parse(System.IO.File.ReadAllText(Repository.Vector(ChannelVectors.FileName)))!);

    [Fact]
    public void The_vector_file_is_what_this_code_makes()
    {
        var path = Repository.Vector(ChannelVectors.FileName);
        var text = System.IO.File.Exists(path) ? System.IO.File.ReadAllText(path) : null;
        var made = ChannelVectors.Generate(text is null ? null : JsonNode.Parse(text));
        if (Environment.GetEnvironmentVariable("POCKETCODER_UPDATE_VECTORS") == "1")
        {
            System.IO.File.WriteAllText(path, made);
            return;
        }

        Assert.Equal(text, made);
    }

    [Theory]
    [InlineData("toMachine", "keyToMachine")]
    [InlineData("toDevice", "keyToDevice")]
    public void Frames_of_the_vectors_open_to_their_messages(string direction, string key)
    {
        var handshake = s_file.Value["handshakes"]![0]!;
        using var channel = new SecureChannel(new byte[32], Bytes(handshake[key]), [], Ends.SmallFrames);
        foreach (var entry in s_file.Value["transport"]![direction]!.AsArray())
        {
            var frames = entry!["frames"]!.AsArray().Select(Bytes).ToArray();
            Assert.Equal(Bytes(entry["message"]), channel.OpenAll(frames));
        }
    }

    [Fact]
    public void Every_bad_frame_of_the_vectors_is_refused_with_its_error_and_poisons()
    {
        var handshake = s_file.Value["handshakes"]![0]!;
        var first = Bytes(s_file.Value["transport"]!["toDevice"]![0]!["frames"]![0]);
        foreach (var entry in s_file.Value["badFrames"]!.AsArray())
        {
            using var channel = new SecureChannel(Bytes(handshake["keyToMachine"]), Bytes(handshake["keyToDevice"]), [], Ends.SmallFrames);
            Assert.Null(channel.Open(first));
            var error = Assert.Throws<ChannelException>(() => channel.Open(Bytes(entry!["frame"])));
            Assert.Equal(((string)entry!["what"]!, (string)entry["error"]!), ((string)entry["what"]!, error.Error.Code()));
            Assert.True(channel.IsPoisoned);
            ChannelTestExtensions.Fails(ChannelError.Poisoned, () => channel.Open(first));
            ChannelTestExtensions.Fails(ChannelError.Poisoned, () => channel.Seal([]));
        }
    }

    [Fact]
    public void Every_bad_answer_of_the_vectors_ends_the_handshake_with_its_error()
    {
        using var device = TestKeys.Device();
        using var machine = TestKeys.Machine();
        var link = PairingLink.ParsePayload((string)s_file.Value["pairing"]!["payload"]!);
        foreach (var entry in s_file.Value["badAnswers"]!.AsArray())
        {
            var ofPairing = (string)entry!["handshake"]! == "pair" ? link : null;
            using var handshake = DeviceHandshake.Begin(
                device, machine.PublicKey, ofPairing, ChannelLimits.Default, TestKeys.Agreement("device ephemeral"));
            var error = Assert.Throws<ChannelException>(() => handshake.Complete(Bytes(entry["frame"])));
            Assert.Equal(((string)entry["what"]!, (string)entry["error"]!), ((string)entry["what"]!, error.Error.Code()));
        }
    }

    [Fact]
    public void Every_bad_link_of_the_vectors_is_refused_with_its_error()
    {
        foreach (var entry in s_file.Value["badLinks"]!.AsArray())
        {
            var payload = (string)entry!["payload"]!;
            var error = Assert.Throws<ChannelException>(() => PairingLink.ParsePayload(payload));
            Assert.Equal((payload, (string)entry["error"]!), (payload, error.Error.Code()));
        }
    }

    [Fact]
    public void No_bad_public_key_of_the_vectors_passes()
    {
        foreach (var key in s_file.Value["badPublicKeys"]!.AsArray())
        {
            Assert.False(P256.IsPublicKey(Bytes(key)), (string)key!);
        }
    }

    [Fact]
    public void Signatures_of_the_vectors_verify_and_no_other_text_does()
    {
        foreach (var entry in s_file.Value["signatures"]!.AsArray())
        {
            var domain = (string)entry!["domain"]!;
            string[] fields = [.. entry["fields"]!.AsArray().Select(field => (string)field!)];
            Assert.Equal(Bytes(entry["text"]), Signatures.Text(domain, fields));
            Assert.True(Signatures.Verify(Bytes(entry["publicKey"]), Bytes(entry["signature"]), domain, fields));
            Assert.False(Signatures.Verify(Bytes(entry["publicKey"]), Bytes(entry["signature"]), domain, [.. fields, ""]));
            Assert.False(Signatures.Verify(Bytes(entry["publicKey"]), Bytes(entry["signature"]), domain + "x", fields));
        }

        foreach (var entry in s_file.Value["badTexts"]!.AsArray())
        {
            string[] fields = [.. entry!["fields"]!.AsArray().Select(field => (string)field!)];
            ChannelTestExtensions.Fails(ChannelError.FieldInvalid, () => Signatures.Text((string)entry["domain"]!, fields));
        }
    }

    [Fact]
    public void Close_frames_of_the_vectors_parse_as_they_say()
    {
        foreach (var entry in s_file.Value["closeFrames"]!.AsArray())
        {
            var expected = entry!["reason"] is { } reason ? new CloseReason((string)reason["code"]!, (string)reason["message"]!) : null;
            Assert.Equal(expected, CloseReason.Parse(Bytes(entry["frame"])));
        }
    }

    private static byte[] Bytes(JsonNode? hex) => Convert.FromHexString((string)hex!);
}
