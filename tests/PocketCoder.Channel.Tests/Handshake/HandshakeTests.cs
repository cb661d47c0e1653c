using System.Text;
using PocketCoder.Channels.Noise;

namespace PocketCoder.Channels.Tests;

public sealed class HandshakeTests
{
    private readonly ChannelIdentity _device = TestKeys.Device();
    private readonly ChannelIdentity _machine = TestKeys.Machine();

    [Fact]
    public void A_known_device_and_its_machine_talk_both_ways()
    {
        using var handshake = DeviceHandshake.Begin(_device, _machine.PublicKey);
        Assert.Equal(_machine.Id, handshake.MachineId);
        var asked = new List<string>();
        var accepted = Assert.IsType<HandshakeAccepted>(MachineHandshake.Accept(
            handshake.FirstFrame.Span,
            _machine,
            peer =>
            {
                Assert.Equal(_device.PublicKey, peer.PublicKey);
                asked.Add(peer.Id);
                return DeviceStanding.Known;
            },
            null));
        Assert.Equal([_device.Id], asked);
        Assert.Equal(_device.Id, accepted.Device.Id);
        Assert.Equal(_device.PublicKey, accepted.Device.PublicKey);
        Assert.Equal(HandshakePattern.Reconnect, accepted.Pattern);
        Assert.Null(accepted.Pairing);

        using var device = handshake.Complete(accepted.Reply.Span);
        using var machine = accepted.Channel;
        Assert.Equal(device.HandshakeHash, machine.HandshakeHash);
        Assert.False(machine.IsConfirmed);
        Assert.Equal("up"u8, machine.OpenAll(device.SealAll("up"u8)));
        Assert.True(machine.IsConfirmed);
        Assert.Equal("down"u8, device.OpenAll(machine.SealAll("down"u8)));
    }

    [Theory]
    [InlineData(DeviceStanding.Unknown, ChannelError.UnknownDevice, "unknown_device")]
    [InlineData(DeviceStanding.Revoked, ChannelError.RevokedDevice, "revoked_device")]
    [InlineData((DeviceStanding)99, ChannelError.UnknownDevice, "unknown_device")]
    public void A_device_that_the_machine_does_not_trust_is_refused_and_told(DeviceStanding standing, ChannelError reason, string told)
    {
        using var handshake = DeviceHandshake.Begin(_device, _machine.PublicKey);
        var refused = Assert.IsType<HandshakeRefused>(MachineHandshake.Accept(handshake.FirstFrame.Span, _machine, _ => standing, null));
        Assert.Equal(reason, refused.Reason);
        Assert.Equal(_device.Id, refused.DeviceId);
        var error = Assert.Throws<ChannelException>(() => handshake.Complete(refused.CloseFrame.Span));
        Assert.Equal(told, error.PeerReason!.Code);
    }

    [Fact]
    public void Another_machine_cannot_read_the_first_frame_and_learns_no_device()
    {
        using var other = ChannelIdentity.Create();
        using var handshake = DeviceHandshake.Begin(_device, _machine.PublicKey);
        var refused = Refused(handshake.FirstFrame.Span, other);
        Assert.Equal(ChannelError.HandshakeFailed, refused.Reason);
        Assert.Null(refused.DeviceId);
        Assert.Equal("handshake_failed", CloseReason.Parse(refused.CloseFrame.Span)!.Code);
    }

    [Fact]
    public void The_answer_of_another_machine_is_not_taken()
    {
        using var other = ChannelIdentity.Create();
        using var handshake = DeviceHandshake.Begin(_device, _machine.PublicKey);
        using var toOther = DeviceHandshake.Begin(_device, other.PublicKey);
        var accepted = Assert.IsType<HandshakeAccepted>(
            MachineHandshake.Accept(toOther.FirstFrame.Span, other, _ => DeviceStanding.Known, null));
        ChannelTestExtensions.Fails(ChannelError.HandshakeFailed, () => handshake.Complete(accepted.Reply.Span));
    }

    [Fact]
    public void A_pattern_byte_that_was_changed_on_the_way_breaks_the_handshake()
    {
        using var handshake = DeviceHandshake.Begin(_device, _machine.PublicKey);
        var frame = handshake.FirstFrame.ToArray();
        frame[1] = (byte)HandshakePattern.Pair;
        Assert.Equal(ChannelError.HandshakeFailed, Refused(frame, _machine).Reason);
        frame[1] = 2;
        Assert.Equal(ChannelError.Malformed, Refused(frame, _machine).Reason);
    }

    [Fact]
    public void A_replayed_first_frame_gives_whoever_replays_it_nothing()
    {
        using var handshake = DeviceHandshake.Begin(_device, _machine.PublicKey);
        var first = Assert.IsType<HandshakeAccepted>(
            MachineHandshake.Accept(handshake.FirstFrame.Span, _machine, _ => DeviceStanding.Known, null));
        var replay = Assert.IsType<HandshakeAccepted>(
            MachineHandshake.Accept(handshake.FirstFrame.Span, _machine, _ => DeviceStanding.Known, null));
        using var device = handshake.Complete(first.Reply.Span);
        var frame = device.SealAll("do it"u8)[0];
        Assert.Equal("do it"u8, first.Channel.OpenAll([frame]));
        ChannelTestExtensions.Fails(ChannelError.Corrupt, () => replay.Channel.Open(frame));
        Assert.False(replay.Channel.IsConfirmed);
    }

    [Fact]
    public void Every_connection_has_keys_of_its_own()
    {
        using var one = Ends.Connect();
        using var two = Ends.Connect();
        Assert.NotEqual(one.Device.HandshakeHash.ToArray(), two.Device.HandshakeHash.ToArray());
        ChannelTestExtensions.Fails(ChannelError.Corrupt, () => two.Machine.Open(one.Device.SealAll("x"u8)[0]));
        using var three = Ends.Connect();
        ChannelTestExtensions.Fails(ChannelError.Corrupt, () => three.Device.Open(three.Device.SealAll("reflected"u8)[0]));
    }

    [Fact]
    public void A_handshake_is_completed_once()
    {
        using var handshake = DeviceHandshake.Begin(_device, _machine.PublicKey);
        var accepted = Assert.IsType<HandshakeAccepted>(
            MachineHandshake.Accept(handshake.FirstFrame.Span, _machine, _ => DeviceStanding.Known, null));
        using var channel = handshake.Complete(accepted.Reply.Span);
        Assert.Throws<InvalidOperationException>(() => handshake.Complete(accepted.Reply.Span));
    }

    [Fact]
    public void A_machine_key_that_is_none_is_refused_before_anything_is_sent()
        => ChannelTestExtensions.Fails(ChannelError.BadKey, () => DeviceHandshake.Begin(_device, new byte[65]));

    public static TheoryData<string, ChannelError> Payloads() => new()
    {
        { """{"v":1}""", ChannelError.Malformed }, // names no offer
        { """{"v":1,"offerId":null}""", ChannelError.Malformed },
        { """{"v":1,"offerId":"0102"}""", ChannelError.Malformed },
        { """{"v":1,"offerId":"0A02030405060708"}""", ChannelError.Malformed },
        { """{"v":1,"offerId":"\ud800000000000000"}""", ChannelError.Malformed },
        { """{"v":1,"offerId":7}""", ChannelError.Malformed },
        { """{"v":1,"v":1,"offerId":"0102030405060708"}""", ChannelError.Malformed },
        { """{"v":1,"offerId":"0102030405060708"}x""", ChannelError.Malformed },
        { """{"v":1.5,"offerId":"0102030405060708"}""", ChannelError.Malformed },
        { """{"v":99999999999,"offerId":"0102030405060708"}""", ChannelError.Malformed },
        { "", ChannelError.Malformed },
        { "\u0000", ChannelError.Malformed },
        { "[1]", ChannelError.Malformed },
        { "null", ChannelError.Malformed },
        { "{}", ChannelError.UnsupportedVersion },
        { """{"v":2,"offerId":"0102030405060708"}""", ChannelError.UnsupportedVersion },
        { """{"v":1,"offerId":"0102030405060708"}""", ChannelError.OfferUnknown },
        { """{"v":1,"offerId":"0102030405060708","later":{"added":[]}}""", ChannelError.OfferUnknown },
    };

    [Theory]
    [MemberData(nameof(Payloads))]
    public void A_first_payload_is_read_strictly(string payload, ChannelError reason)
    {
        using var noise = new NoiseHandshake(
            NoisePattern.IKpsk2, NoiseHandshake.Prologue(_machine.Id), _device.Static, P256KeyPair.Generate(),
            _machine.PublicKey.ToArray());
        byte[] frame = [1, 1, .. noise.WriteFirst(Encoding.UTF8.GetBytes(payload))];
        var refused = Refused(frame, _machine, new PairingOffers(TimeProvider.System));
        Assert.Equal((reason, _device.Id), (refused.Reason, refused.DeviceId));
    }

    [Fact]
    public void A_first_frame_for_another_machine_id_or_another_protocol_is_refused()
    {
        foreach (var prologue in (string[])["pocketcoder/1", "pocketcoder/2" + _machine.Id, "pocketcoder/1" + _device.Id])
        {
            using var noise = new NoiseHandshake(
                NoisePattern.IK, Encoding.ASCII.GetBytes(prologue), _device.Static, P256KeyPair.Generate(), _machine.PublicKey.ToArray());
            byte[] frame = [1, 0, .. noise.WriteFirst("""{"v":1}"""u8)];
            Assert.Equal(ChannelError.HandshakeFailed, Refused(frame, _machine).Reason);
        }
    }

    [Fact]
    public void An_ephemeral_key_that_brings_the_agreement_to_zero_is_refused()
    {
        byte[] frame = [1, 0, .. ZeroAgreement.PublicKeyFor("machine static"), .. new byte[200]];
        Assert.Equal(ChannelError.BadKey, Refused(frame, _machine).Reason);
    }

    [Fact]
    public void An_exception_of_the_lookup_comes_out_as_it_is()
    {
        using var handshake = DeviceHandshake.Begin(_device, _machine.PublicKey);
        Assert.Throws<TimeoutException>(
            () => MachineHandshake.Accept(handshake.FirstFrame.Span, _machine, _ => throw new TimeoutException(), null));
    }

    private static HandshakeRefused Refused(ReadOnlySpan<byte> frame, ChannelIdentity machine, PairingOffers? offers = null)
        => Assert.IsType<HandshakeRefused>(MachineHandshake.Accept(frame, machine, _ => DeviceStanding.Known, offers));
}
