using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PocketCoder.Channels.Noise;

namespace PocketCoder.Channels.Tests;

/// <summary>
/// Makes tests/vectors/channel.json, which this side and the TypeScript side both check themselves against. All keys are fixed
/// (<see cref="TestKeys"/>), so the file is the same in every run; only ECDSA signatures are random, and an existing one that verifies is
/// kept.
/// </summary>
internal static class ChannelVectors
{
    public const string FileName = "channel.json";

    private static readonly byte[] s_offerId = Convert.FromHexString("0102030405060708");
    private static readonly byte[] s_secret = Convert.FromHexString("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");

    public static string Generate(JsonNode? existing)
    {
        using var device = TestKeys.Device();
        using var machine = TestKeys.Machine();
        var link = new PairingLink(machine.PublicKey, s_offerId, s_secret);
        var vectors = new JsonObject
        {
            ["about"] = "Made by PocketCoder.Channel.Tests (ChannelVectors.cs); bytes are hex, private keys PKCS#8. POCKETCODER_UPDATE_VECTORS=1 writes it anew.",
            ["limits"] = new JsonObject
            {
                ["maxFrameBytes"] = ChannelLimits.Default.MaxFrameBytes,
                ["maxMessageBytes"] = ChannelLimits.Default.MaxMessageBytes,
                ["rekeyInterval"] = ChannelLimits.Default.RekeyInterval,
            },
            ["device"] = Identity(device, "device"),
            ["machine"] = Identity(machine, "machine"),
            ["handshakes"] = new JsonArray(
                HandshakeVector(device, machine, null, "reconnect"),
                HandshakeVector(device, machine, link, "pair")),
            ["badAnswers"] = BadAnswers(device, machine, link),
            ["transport"] = Transport(device, machine),
            ["badFrames"] = BadFrames(device, machine),
            ["pairing"] = Pairing(link),
            ["badLinks"] = BadLinks(link),
            ["badPublicKeys"] = BadPublicKeys(),
            ["zeroAgreement"] = ZeroAgreementVector(),
            ["signatures"] = SignatureVectors(device, existing?["signatures"]?.AsArray()),
            ["badTexts"] = BadTexts(),
            ["closeFrames"] = CloseFrames(),
            ["letter"] = LetterVector(device, machine),
        };
        return vectors.ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n";
    }

    private static JsonObject LetterVector(ChannelIdentity device, ChannelIdentity machine)
    {
        const string Text = """{"v":1,"said":"run the tests"}""";
        return new JsonObject
        {
            ["ephemeral"] = Hex(TestKeys.AgreementPkcs8("device ephemeral")),
            ["text"] = Text,
            ["frame"] = Hex(SealedLetter.Seal(device, machine.PublicKey, Encoding.UTF8.GetBytes(Text), TestKeys.Agreement("device ephemeral"))),
        };
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    private static JsonObject Identity(ChannelIdentity identity, string name) => new()
    {
        ["id"] = identity.Id,
        ["publicKey"] = Hex(identity.PublicKey),
        ["privateKey"] = Hex(TestKeys.AgreementPkcs8(name + " static")),
        ["signingPublicKey"] = Hex(identity.SigningPublicKey),
        ["signingPrivateKey"] = Hex(TestKeys.SigningPkcs8(name + " signing")),
    };

    private static DeviceHandshake Begin(ChannelIdentity device, ChannelIdentity machine, PairingLink? link, ChannelLimits? limits = null)
        => DeviceHandshake.Begin(device, machine.PublicKey, link, limits ?? ChannelLimits.Default, TestKeys.Agreement("device ephemeral"));

    /// <summary>
    /// The machine's answer, made with the handshake itself: an offer of <see cref="PairingOffers"/> would have a random secret.
    /// </summary>
    private static (byte[] Frame, NoiseHandshake Noise) Answer(
        ChannelIdentity machine, ReadOnlySpan<byte> firstFrame, byte[]? psk, byte[]? payload = null, P256KeyPair? ephemeral = null)
    {
        var noise = new NoiseHandshake(
            psk is null ? NoisePattern.IK : NoisePattern.IKpsk2, NoiseHandshake.Prologue(machine.Id), machine.Static,
            ephemeral ?? TestKeys.Agreement("machine ephemeral"), null);
        noise.ReadFirst(firstFrame[2..]);
        return ([2, .. noise.WriteSecond(payload ?? """{"v":1}"""u8.ToArray(), psk)], noise);
    }

    private static JsonObject HandshakeVector(ChannelIdentity device, ChannelIdentity machine, PairingLink? link, string name)
    {
        using var handshake = Begin(device, machine, link);
        var psk = link is null ? null : PairingSecret.Psk(link.Secret);
        var (answer, noise) = Answer(machine, handshake.FirstFrame.Span, psk);
        using (noise)
        {
            var (toMachine, toDevice) = noise.Split();
            using var channel = handshake.Complete(answer);
            Assert.Equal(noise.Hash, channel.HandshakeHash);
            using var deviceEphemeral = TestKeys.Agreement("device ephemeral");
            using var machineEphemeral = TestKeys.Agreement("machine ephemeral");
            return new JsonObject
            {
                ["name"] = name,
                ["deviceEphemeral"] = Hex(TestKeys.AgreementPkcs8("device ephemeral")),
                ["deviceEphemeralPublic"] = Hex(deviceEphemeral.PublicKey),
                ["machineEphemeral"] = Hex(TestKeys.AgreementPkcs8("machine ephemeral")),
                ["machineEphemeralPublic"] = Hex(machineEphemeral.PublicKey),
                ["firstFrame"] = Hex(handshake.FirstFrame.Span),
                ["secondFrame"] = Hex(answer),
                ["handshakeHash"] = Hex(noise.Hash),
                ["keyToMachine"] = Hex(toMachine),
                ["keyToDevice"] = Hex(toDevice),
            };
        }
    }

    private static JsonArray BadAnswers(ChannelIdentity device, ChannelIdentity machine, PairingLink link)
    {
        using var reconnect = Begin(device, machine, null);
        using var pair = Begin(device, machine, link);
        var good = AnswerFrame(machine, reconnect, null);
        var offCurve = good.ToArray();
        offCurve[65] ^= 1;
        var otherTag = good.ToArray();
        otherTag[^1] ^= 1;
        return
        [
            Bad("reconnect", "altered tag", otherTag, ChannelError.HandshakeFailed),
            Bad("reconnect", "ephemeral key not on the curve", offCurve, ChannelError.BadKey),
            Bad("reconnect", "point at infinity", [2, 0, .. good.AsSpan(2)], ChannelError.BadKey),
            Bad("reconnect", "cut", good[..80], ChannelError.Malformed),
            Bad("reconnect", "empty", [], ChannelError.Malformed),
            Bad("reconnect", "first frame sent back", reconnect.FirstFrame.ToArray(), ChannelError.Malformed),
            Bad("reconnect", "too large", [2, .. new byte[4096]], ChannelError.TooLarge),
            Bad("reconnect", "version 2", AnswerFrame(machine, reconnect, null, """{"v":2}"""u8.ToArray()),
                ChannelError.UnsupportedVersion),
            Bad("reconnect", "no version", AnswerFrame(machine, reconnect, null, "{}"u8.ToArray()), ChannelError.UnsupportedVersion),
            Bad("reconnect", "no JSON", AnswerFrame(machine, reconnect, null, "v1"u8.ToArray()), ChannelError.Malformed),
            Bad("reconnect", "null", AnswerFrame(machine, reconnect, null, "null"u8.ToArray()), ChannelError.Malformed),
            Bad("reconnect", "refused", CloseReason.Frame(ChannelError.RevokedDevice, "revoked"), ChannelError.ClosedByPeer),
            Bad("reconnect", "a close frame that is none", "\u0004{}"u8.ToArray(), ChannelError.Malformed),
            Bad("pair", "other secret", AnswerFrame(machine, pair, PairingSecret.Psk(new byte[16])), ChannelError.HandshakeFailed),
        ];

        static JsonObject Bad(string handshake, string what, byte[] frame, ChannelError error) => new()
        {
            ["handshake"] = handshake,
            ["what"] = what,
            ["frame"] = Hex(frame),
            ["error"] = error.Code(),
        };

        static byte[] AnswerFrame(ChannelIdentity machine, DeviceHandshake handshake, byte[]? psk, byte[]? payload = null)
        {
            var (frame, noise) = Answer(machine, handshake.FirstFrame.Span, psk, payload);
            noise.Dispose();
            return frame;
        }
    }

    /// <summary>Both ends of the reconnect handshake's channel, with small frames and a short rekey interval.</summary>
    private static (SecureChannel Device, SecureChannel Machine) Channels(
        ChannelIdentity device, ChannelIdentity machine, ChannelLimits limits)
    {
        using var handshake = Begin(device, machine, null, limits);
        var (answer, noise) = Answer(machine, handshake.FirstFrame.Span, null);
        using (noise)
        {
            var (toMachine, toDevice) = noise.Split();
            return (handshake.Complete(answer), new SecureChannel(toDevice, toMachine, noise.Hash, limits));
        }
    }

    private static JsonObject Transport(ChannelIdentity device, ChannelIdentity machine)
    {
        byte[][] messages = [[], "hello"u8.ToArray(), Pattern(38), Pattern(39), Pattern(100), "still here"u8.ToArray(), Pattern(76)];
        var (ofDevice, ofMachine) = Channels(device, machine, Ends.SmallFrames);
        using (ofDevice)
        using (ofMachine)
        {
            var large = Pattern(70_000);
            var (largeDevice, largeMachine) = Channels(device, machine, ChannelLimits.Default);
            largeMachine.Dispose();
            using (largeDevice)
            {
                return new JsonObject
                {
                    ["handshake"] = "reconnect",
                    ["maxFrameBytes"] = Ends.SmallFrames.MaxFrameBytes,
                    ["maxMessageBytes"] = Ends.SmallFrames.MaxMessageBytes,
                    ["rekeyInterval"] = Ends.SmallFrames.RekeyInterval,
                    ["toMachine"] = Sealed(ofDevice, messages),
                    ["toDevice"] = Sealed(ofMachine, [.. messages.Reverse()]),
                    ["largeToMachine"] = new JsonObject
                    {
                        ["about"] = "70,000 bytes, byte i = i mod 251, first message with the default limits; SHA-256 of each frame",
                        ["frameHashes"] = new JsonArray(
                            [.. largeDevice.SealAll(large).Select(frame => (JsonNode)Hex(SHA256.HashData(frame)))]),
                    },
                };
            }
        }

        static JsonArray Sealed(SecureChannel channel, byte[][] messages) =>
        [
            .. messages.Select(message => new JsonObject
            {
                ["message"] = Hex(message),
                ["frames"] = new JsonArray([.. channel.SealAll(message).Select(frame => (JsonNode)Hex(frame))]),
            }),
        ];
    }

    private static byte[] Pattern(int length) => [.. Enumerable.Range(0, length).Select(index => (byte)(index % 251))];

    /// <summary>Frames that the device refuses as its second one, after the first of transport.toDevice.</summary>
    private static JsonArray BadFrames(ChannelIdentity device, ChannelIdentity machine)
    {
        var (ofDevice, ofMachine) = Channels(device, machine, Ends.SmallFrames);
        using (ofDevice)
        using (ofMachine)
        {
            var frames = ofMachine.SealAll(Pattern(76)).Concat(ofMachine.SealAll("x"u8)).ToArray();
            var next = frames[1];
            var key = HandshakeKeyToDevice(device, machine);
            return
            [
                Bad("the first again", frames[0], ChannelError.Replayed),
                Bad("the one after the next", frames[2], ChannelError.OutOfOrder),
                Bad("counter 2^64 - 1", [3, 255, 255, 255, 255, 255, 255, 255, 255, .. next.AsSpan(9)], ChannelError.OutOfOrder),
                Bad("altered tag", Flip(next, next.Length - 1), ChannelError.Corrupt),
                Bad("altered flag", Flip(next, 9), ChannelError.Corrupt),
                Bad("altered text", Flip(next, 20), ChannelError.Corrupt),
                Bad("one byte less", next[..^1], ChannelError.Corrupt),
                Bad("one byte more than the limit", [.. next, 0], ChannelError.TooLarge),
                Bad("too short", next[..25], ChannelError.Malformed),
                Bad("only the header", next[..9], ChannelError.Malformed),
                Bad("only the kind", next[..1], ChannelError.Malformed),
                Bad("empty", [], ChannelError.Malformed),
                Bad("kind 0", [0, .. next.AsSpan(1)], ChannelError.Malformed),
                Bad("kind 1", [1, .. next.AsSpan(1)], ChannelError.Malformed),
                Bad("kind 2", [2, .. next.AsSpan(1)], ChannelError.Malformed),
                Bad("kind 5", [5, .. next.AsSpan(1)], ChannelError.Malformed),
                Bad("close", new CloseReason("bye", "").ToFrame(), ChannelError.ClosedByPeer),
                Bad("a close frame that is none", [4, .. "{\"code\":1}"u8], ChannelError.Malformed),
                Bad("authentic, unknown flag", Forge(key, 1, [2, 65]), ChannelError.Malformed),
                Bad("authentic, empty fragment that announces more", Forge(key, 1, [1]), ChannelError.Malformed),
                Bad("sealed by the device itself", ofDevice.SealAll("x"u8).Concat(ofDevice.SealAll("x"u8)).Last(), ChannelError.Corrupt),
            ];
        }

        static JsonObject Bad(string what, byte[] frame, ChannelError error) => new()
        {
            ["what"] = what,
            ["frame"] = Hex(frame),
            ["error"] = error.Code(),
        };

        static byte[] Flip(byte[] frame, int index)
        {
            var copy = frame.ToArray();
            copy[index] ^= 0x10;
            return copy;
        }

        static byte[] Forge(byte[] key, ulong counter, byte[] text)
        {
            using var direction = new CipherDirection(key.ToArray(), Ends.SmallFrames.RekeyInterval);
            direction.JumpTo(counter);
            byte[] header = [3, 0, 0, 0, 0, 0, 0, 0, (byte)counter];
            var tag = new byte[16];
            var copy = text.ToArray();
            direction.Encrypt(header, copy, tag);
            return [.. header, .. copy, .. tag];
        }

        static byte[] HandshakeKeyToDevice(ChannelIdentity device, ChannelIdentity machine)
            => Convert.FromHexString((string)HandshakeVector(device, machine, null, "reconnect")["keyToDevice"]!);
    }

    private static JsonObject Pairing(PairingLink link) => new()
    {
        ["machineId"] = link.MachineId,
        ["machinePublicKey"] = Hex(link.MachinePublicKey),
        ["offerId"] = Hex(link.OfferId),
        ["secret"] = Hex(link.Secret),
        ["psk"] = Hex(PairingSecret.Psk(link.Secret)),
        ["payload"] = link.ToPayload(),
        ["url"] = link.ToUrl(new Uri("https://app.example/path?x=1#old")),
    };

    private static JsonArray BadLinks(PairingLink link)
    {
        var good = link.ToPayload();
        var versionTwo = "Ag" + good[2..];
        var offCurve = good[..40] + (good[40] == 'A' ? 'B' : 'A') + good[41..];
        return
        [
            Bad("", ChannelError.LinkMalformed),
            Bad("A", ChannelError.LinkMalformed),
            Bad(good[..119], ChannelError.LinkMalformed),
            Bad(good[..100], ChannelError.LinkMalformed),
            Bad(good + "A", ChannelError.LinkMalformed),
            Bad(good + "AAAA", ChannelError.LinkMalformed),
            Bad(good + "=", ChannelError.LinkMalformed),
            Bad(" " + good[1..], ChannelError.LinkMalformed),
            Bad(good[..60] + "+" + good[61..], ChannelError.LinkMalformed),
            Bad(good[..60] + "é" + good[61..], ChannelError.LinkMalformed),
            Bad(versionTwo, ChannelError.LinkVersion),
            Bad(versionTwo[..60], ChannelError.LinkVersion),
            Bad(offCurve, ChannelError.BadKey),
        ];

        static JsonObject Bad(string payload, ChannelError error) => new() { ["payload"] = payload, ["error"] = error.Code() };
    }

    private static JsonArray BadPublicKeys()
    {
        using var machine = TestKeys.Machine();
        var good = machine.PublicKey.ToArray();
        var negated = good.ToArray();
        negated[64] ^= 1;
        byte[] swapped = [4, .. good[33..], .. good[1..33]];
        byte[] prime = Convert.FromHexString("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
        byte[] rootOfB = Convert.FromHexString(ZeroAgreement.RootOfB);
        byte[][] bad =
        [
            [],
            [0],
            new byte[65],
            [4, .. new byte[64]],
            good[..64],
            [.. good, 0],
            [(byte)(2 + (good[64] & 1)), .. good[1..33]],
            [6, .. good[1..]],
            [5, .. good[1..]],
            negated,
            swapped,
            [4, .. prime, .. rootOfB], // x = p, which is 0 spelt otherwise
            [4, .. Enumerable.Repeat((byte)255, 64)],
        ];
        return [.. bad.Select(key => (JsonNode)Hex(key))];
    }

    private static JsonObject ZeroAgreementVector() => new()
    {
        ["about"] = "a valid public key whose agreement with machine.privateKey has x = 0",
        ["publicKey"] = Hex(ZeroAgreement.PublicKeyFor("machine static")),
    };

    private static JsonArray SignatureVectors(ChannelIdentity device, JsonArray? existing)
    {
        (string Domain, string[] Fields)[] texts =
        [
            ("pocketcoder-decision-v2", ["0197a1b2-0000-7000-8000-000000000001", "allow", "once", new string('a', 64)]),
            ("pocketcoder-decision-v2", [""]),
            ("d", ["", "", "größer \u65e5\u672c \U0001f511", "tab\tcr\r\u2028"]),
        ];
        var result = new JsonArray();
        for (var index = 0; index < texts.Length; index++)
        {
            var (domain, fields) = texts[index];
            var kept = index < existing?.Count ? Convert.FromHexString((string)existing[index]!["signature"]!) : [];
            var signature = Signatures.Verify(device.SigningPublicKey, kept, domain, fields) ? kept : device.Sign(domain, fields);
            result.Add((JsonNode)new JsonObject
            {
                ["domain"] = domain,
                ["fields"] = new JsonArray([.. fields.Select(field => (JsonNode)field)]),
                ["text"] = Hex(Signatures.Text(domain, fields)),
                ["publicKey"] = Hex(device.SigningPublicKey),
                ["signature"] = Hex(signature),
            });
        }

        return result;
    }

    private static JsonArray BadTexts()
    {
        (string Domain, string[] Fields)[] bad =
            [("", ["x"]), ("d", []), ("d\n", ["x"]), ("d", ["a\nb"]), ("d", ["a", "\n"]), ("d", ["\r\n"])];
        return
        [
            .. bad.Select(text => new JsonObject
            {
                ["domain"] = text.Domain,
                ["fields"] = new JsonArray([.. text.Fields.Select(field => (JsonNode)field)]),
            }),
        ];
    }

    private static JsonArray CloseFrames()
    {
        (byte[] Frame, CloseReason? Reason)[] frames =
        [
            (new CloseReason("unknown_device", "This device is not paired.").ToFrame(),
                new("unknown_device", "This device is not paired.")),
            (Text("""{"message":"\u202e","code":"x1","more":[]}"""), new("x1", "\u202e")),
            (Text("""{"code":"x"}"""), null),
            (Text("""{"code":"","message":""}"""), null),
            (Text("""{"code":"Not Snake","message":""}"""), null),
            (Text("""{"code":null,"message":""}"""), null),
            (Text("""{"code":"x","message":1}"""), null),
            (Text($$"""{"code":"{{new string('x', 65)}}","message":""}"""), null),
            (Text($$"""{"code":"x","message":"{{new string('x', 513)}}"}"""), null),
            (Text($$"""{"code":"x","message":"","pad":"{{new string('x', 4096)}}"}"""), null),
            (Text("null"), null),
            (Text("[]"), null),
            (Text(""), null),
            ([4, 0xff], null),
            ([4, .. "{\"code\":\"x\",\"message\":\"\xff\"}".Select(unit => (byte)unit)], null),
        ];
        return
        [
            .. frames.Select(frame => new JsonObject
            {
                ["frame"] = Hex(frame.Frame),
                ["reason"] = frame.Reason is null ? null : new JsonObject
                    { ["code"] = frame.Reason.Code, ["message"] = frame.Reason.Message },
            }),
        ];

        static byte[] Text(string json) => [4, .. Encoding.UTF8.GetBytes(json)];
    }
}
