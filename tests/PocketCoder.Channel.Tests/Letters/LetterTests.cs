using System.Text;

namespace PocketCoder.Channels.Tests;

public sealed class LetterTests : IDisposable
{
    private static readonly byte[] s_text = "run the tests"u8.ToArray();

    private readonly ChannelIdentity _device = ChannelIdentity.Create();
    private readonly ChannelIdentity _machine = ChannelIdentity.Create();

    public void Dispose()
    {
        _device.Dispose();
        _machine.Dispose();
    }

    [Fact]
    public void The_machine_reads_it_and_knows_who_wrote()
    {
        foreach (var text in (byte[][])[[], s_text, new byte[SealedLetter.MaxTextBytes]])
        {
            var frame = SealedLetter.Seal(_device, _machine.PublicKey, text);
            Assert.True(frame.Length <= SealedLetter.MaxFrameBytes);
            var (device, read) = SealedLetter.Open(frame, _machine, Known);
            Assert.Equal(_device.Id, device.Id);
            Assert.Equal(_device.PublicKey, device.PublicKey);
            Assert.Equal(text, read);
        }
    }

    [Fact]
    public void Two_letters_of_one_text_have_nothing_in_common_and_neither_text_nor_writer_stands_in_them()
    {
        var (one, two) = (SealedLetter.Seal(_device, _machine.PublicKey, s_text), SealedLetter.Seal(_device, _machine.PublicKey, s_text));
        Assert.Equal(-1, two.AsSpan().IndexOf(one.AsSpan(1, 16)));
        foreach (var secret in (byte[][])[s_text, _device.PublicKey[1..17].ToArray(), Encoding.ASCII.GetBytes(_device.Id)])
        {
            Assert.Equal(-1, one.AsSpan().IndexOf(secret));
        }
    }

    [Fact]
    public void Every_changed_byte_and_every_lost_one_is_noticed()
    {
        var frame = SealedLetter.Seal(_device, _machine.PublicKey, s_text);
        for (var at = 0; at < frame.Length; at++)
        {
            var changed = frame.ToArray();
            changed[at] ^= 1;
            Assert.Contains(Refused(changed), (ChannelError[])[ChannelError.Malformed, ChannelError.BadKey, ChannelError.HandshakeFailed]);
            Assert.Contains(Refused(frame[..at]), (ChannelError[])[ChannelError.Malformed, ChannelError.HandshakeFailed]);
        }

        Assert.Equal(ChannelError.HandshakeFailed, Refused([.. frame, 0]));
        Assert.Equal(ChannelError.TooLarge, Refused([.. frame, .. new byte[SealedLetter.MaxFrameBytes]]));
    }

    [Fact]
    public void Another_machine_can_not_open_it()
    {
        using var other = ChannelIdentity.Create();
        var frame = SealedLetter.Seal(_device, other.PublicKey, s_text);
        Assert.Equal(ChannelError.HandshakeFailed, Refused(frame));
    }

    [Theory]
    [InlineData(DeviceStanding.Unknown, ChannelError.UnknownDevice)]
    [InlineData(DeviceStanding.Revoked, ChannelError.RevokedDevice)]
    public void One_of_a_device_that_is_not_trusted_is_refused(DeviceStanding standing, ChannelError reason)
        => Assert.Equal(reason, Refused(SealedLetter.Seal(_device, _machine.PublicKey, s_text), standing));

    /// <summary>They have the same form: what keeps them apart is Noise's name of the protocol and the prologue.</summary>
    [Fact]
    public void A_handshake_is_no_letter_and_a_letter_is_no_handshake()
    {
        using var handshake = DeviceHandshake.Begin(_device, _machine.PublicKey);
        var asLetter = handshake.FirstFrame.ToArray()[1..];
        asLetter[0] = (byte)FrameKind.Letter;
        Assert.Equal(ChannelError.HandshakeFailed, Refused(asLetter));
        byte[] asHandshake = [(byte)FrameKind.FirstHandshake, 0, .. SealedLetter.Seal(_device, _machine.PublicKey, """{"v":1}"""u8)[1..]];
        var refused = Assert.IsType<HandshakeRefused>(MachineHandshake.Accept(asHandshake, _machine, Known, null));
        Assert.Equal(ChannelError.HandshakeFailed, refused.Reason);
    }

    [Fact]
    public void What_is_too_long_and_a_key_that_is_none_is_not_sealed()
    {
        Assert.Equal(ChannelError.TooLarge, Assert.Throws<ChannelException>(
            () => SealedLetter.Seal(_device, _machine.PublicKey, new byte[SealedLetter.MaxTextBytes + 1])).Error);
        Assert.Equal(ChannelError.BadKey, Assert.Throws<ChannelException>(() => SealedLetter.Seal(_device, new byte[65], s_text)).Error);
    }

    private static DeviceStanding Known(Peer device) => DeviceStanding.Known;

    private ChannelError Refused(byte[] frame, DeviceStanding standing = DeviceStanding.Known)
        => Assert.Throws<ChannelException>(() => SealedLetter.Open(frame, _machine, _ => standing)).Error;
}
