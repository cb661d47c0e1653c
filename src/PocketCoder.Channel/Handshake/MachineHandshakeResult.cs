namespace PocketCoder.Channels;

/// <summary>
/// How a machine answers a first handshake frame: <see cref="HandshakeAccepted"/> or <see cref="HandshakeRefused"/>, nothing else.
/// </summary>
public abstract class MachineHandshakeResult
{
    private protected MachineHandshakeResult()
    {
    }
}

/// <summary>
/// Send <see cref="Reply"/> and use <see cref="Channel"/>. Until <see cref="SecureChannel.IsConfirmed"/> the device may be a replay:
/// answer it, but tell nobody that it is there.
/// </summary>
public sealed class HandshakeAccepted : MachineHandshakeResult
{
    internal HandshakeAccepted(byte[] reply, SecureChannel channel, Peer device, PairingAttempt? pairing)
    {
        Reply = reply;
        Channel = channel;
        Device = device;
        Pairing = pairing;
    }

    /// <summary>The second handshake frame.</summary>
    public ReadOnlyMemory<byte> Reply { get; }

    /// <summary>The channel to the device; the caller disposes it.</summary>
    public SecureChannel Channel { get; }

    /// <summary>Who is at the other end.</summary>
    public Peer Device { get; }

    /// <summary>
    /// When the device pairs: the attempt, confirmed by the first frame that <see cref="SecureChannel.Open"/> takes. Record the device
    /// then, not before. Null when a known device connects. A revoked device may pair anew with a new offer; refuse that here if you do not
    /// want it.
    /// </summary>
    public PairingAttempt? Pairing { get; }

    /// <summary>The pattern that was used.</summary>
    public HandshakePattern Pattern => Pairing is null ? HandshakePattern.Reconnect : HandshakePattern.Pair;
}

/// <summary>Send <see cref="CloseFrame"/> and close.</summary>
public sealed class HandshakeRefused : MachineHandshakeResult
{
    internal HandshakeRefused(ChannelError reason, ReadOnlyMemory<byte> closeFrame, string? deviceId)
    {
        Reason = reason;
        CloseFrame = closeFrame;
        DeviceId = deviceId;
    }

    /// <summary>The true reason, for the machine's own log; with pairing it is more than the peer is told.</summary>
    public ChannelError Reason { get; }

    /// <summary>What the peer is told.</summary>
    public ReadOnlyMemory<byte> CloseFrame { get; }

    /// <summary>The device that tried, once its key was proved; null when that was not reached.</summary>
    public string? DeviceId { get; }
}
