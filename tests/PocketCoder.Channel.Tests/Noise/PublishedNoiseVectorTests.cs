using System.Text.Json.Nodes;
using PocketCoder.Channels.Noise;

namespace PocketCoder.Channels.Tests;

/// <summary>
/// The state machine against answers that other people computed: the only check here that does not come from our own reading of the
/// specification.
/// </summary>
public sealed class PublishedNoiseVectorTests
{
    private static readonly JsonNode s_file = JsonNode.Parse(System.IO.File.ReadAllText(Repository.Vector("channel-noise.json")))!;

    [Theory]
    [InlineData("Noise_IK_25519_AESGCM_SHA256")]
    [InlineData("Noise_IKpsk2_25519_AESGCM_SHA256")]
    public void Both_ends_compute_what_the_published_vectors_say(string protocol)
    {
        var vector = s_file["protocols"]!.AsArray().Single(entry => (string)entry!["name"]! == protocol)!;
        var pattern = (bool)vector["psk"]! ? NoisePattern.IKpsk2 : NoisePattern.IK;
        var payloads = s_file["payloads"]!.AsArray().Select(node => Convert.FromHexString((string)node!)).ToArray();
        var messages = vector["messages"]!.AsArray().Select(node => Convert.FromHexString((string)node!)).ToArray();
        var psk = Bytes("psk");
        using var initiatorStatic = new X25519KeyPair((string)s_file["initiatorStatic"]!);
        using var responderStatic = new X25519KeyPair((string)s_file["responderStatic"]!);
        Assert.Equal(Bytes("responderStaticPublic"), responderStatic.PublicKey);

        using var initiator = new NoiseHandshake(
            pattern, Bytes("prologue"), initiatorStatic, new X25519KeyPair((string)s_file["initiatorEphemeral"]!),
            responderStatic.PublicKey.ToArray());
        using var responder = new NoiseHandshake(
            pattern, Bytes("prologue"), responderStatic, new X25519KeyPair((string)s_file["responderEphemeral"]!), null);

        Assert.Equal(messages[0], initiator.WriteFirst(payloads[0]));
        Assert.Equal(payloads[0], responder.ReadFirst(messages[0]));
        Assert.Equal(initiatorStatic.PublicKey, responder.RemoteStatic);
        Assert.Equal(messages[1], responder.WriteSecond(payloads[1], psk));
        Assert.Equal(payloads[1], initiator.ReadSecond(messages[1], psk));
        Assert.Equal(Convert.FromHexString((string)vector["handshakeHash"]!), initiator.Hash);
        Assert.Equal(initiator.Hash, responder.Hash);

        var (toResponder, toInitiator) = initiator.Split();
        Assert.Equal((toResponder, toInitiator), responder.Split(), (a, b) => a.Item1.SequenceEqual(b.Item1)
            && a.Item2.SequenceEqual(b.Item2));
        using var outward = new CipherDirection(toResponder, ulong.MaxValue);
        using var inward = new CipherDirection(toInitiator, ulong.MaxValue);
        for (var index = 2; index < messages.Length; index++)
        {
            var text = payloads[index].ToArray();
            var tag = new byte[16];
            (index % 2 == 0 ? outward : inward).Encrypt([], text, tag);
            byte[] message = [.. text, .. tag];
            Assert.Equal(messages[index], message);
        }
    }

    private static byte[] Bytes(string name) => Convert.FromHexString((string)s_file[name]!);
}
