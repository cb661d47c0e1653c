namespace PocketCoder.Channels.Tests;

/// <summary>A device and a machine with a channel between them.</summary>
internal sealed class Ends : IDisposable
{
    private Ends(SecureChannel device, SecureChannel machine, PairingAttempt? pairing)
    {
        Device = device;
        Machine = machine;
        Pairing = pairing;
    }

    public SecureChannel Device { get; }

    public SecureChannel Machine { get; }

    public PairingAttempt? Pairing { get; }

    public static ChannelLimits SmallFrames { get; } = new() { MaxFrameBytes = 64, RekeyInterval = 4, MaxMessageBytes = 1000 };

    public static Ends Connect(ChannelLimits? limits = null)
    {
        using var device = TestKeys.Device();
        using var machine = TestKeys.Machine();
        using var handshake = DeviceHandshake.Begin(device, machine.PublicKey, limits);
        var accepted = Assert.IsType<HandshakeAccepted>(
            MachineHandshake.Accept(handshake.FirstFrame.Span, machine, _ => DeviceStanding.Known, null, limits));
        return new Ends(handshake.Complete(accepted.Reply.Span), accepted.Channel, accepted.Pairing);
    }

    public static Ends Pair(PairingOffers offers, PairingOffer offer)
    {
        using var device = TestKeys.Device();
        using var machine = TestKeys.Machine();
        using var handshake = DeviceHandshake.BeginPairing(device, offer.LinkTo(machine));
        var accepted = Assert.IsType<HandshakeAccepted>(
            MachineHandshake.Accept(handshake.FirstFrame.Span, machine, _ => DeviceStanding.Unknown, offers));
        return new Ends(handshake.Complete(accepted.Reply.Span), accepted.Channel, accepted.Pairing);
    }

    public void Dispose()
    {
        Device.Dispose();
        Machine.Dispose();
    }
}

internal static class ChannelTestExtensions
{
    /// <summary>The frames of a message as arrays of their own.</summary>
    public static byte[][] SealAll(this SecureChannel channel, ReadOnlySpan<byte> message)
    {
        using var frames = channel.Seal(message);
        return [.. Enumerable.Range(0, frames.Count).Select(index => frames[index].ToArray())];
    }

    /// <summary>Opens frames that must make up one message.</summary>
    public static byte[] OpenAll(this SecureChannel channel, byte[][] frames)
    {
        foreach (var frame in frames[..^1])
        {
            Assert.Null(channel.Open(frame));
        }

        using var message = channel.Open(frames[^1]);
        Assert.NotNull(message);
        return message.Span.ToArray();
    }

    public static ChannelMessage OpenAndKeep(this SecureChannel channel, byte[] frame)
        => channel.Open(frame) ?? throw new InvalidOperationException("more fragments follow");

    public static void Fails(ChannelError error, Action action) => Assert.Equal(error, Assert.Throws<ChannelException>(action).Error);
}
