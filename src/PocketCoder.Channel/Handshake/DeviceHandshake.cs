using System.Security.Cryptography;
using PocketCoder.Channels.Noise;

namespace PocketCoder.Channels;

/// <summary>
/// The device's side of a handshake: send <see cref="FirstFrame"/>, give the answer to <see cref="Complete"/>. One use; not thread-safe.
/// <see cref="Dispose"/> wipes what a handshake that was not completed holds.
/// </summary>
public sealed class DeviceHandshake : IDisposable
{
    /// <summary>No handshake frame may be larger, in bytes.</summary>
    public const int MaxFrameBytes = 4096;

    private readonly NoiseHandshake _noise;
    private readonly byte[] _psk;
    private readonly ChannelLimits _limits;
    private bool _spent;

    private DeviceHandshake(
        ChannelIdentity device, ReadOnlySpan<byte> machinePublicKey, PairingLink? link, ChannelLimits? limits, P256KeyPair? ephemeral)
    {
        if (!P256.IsPublicKey(machinePublicKey))
        {
            throw new ChannelException(ChannelError.BadKey, "the machine's key is not a key");
        }

        Pattern = link is null ? HandshakePattern.Reconnect : HandshakePattern.Pair;
        MachineId = P256.Id(machinePublicKey);
        _limits = limits ?? ChannelLimits.Default;
        _psk = link is null ? [] : PairingSecret.Psk(link.Secret);
        _noise = new NoiseHandshake(
            link is null ? NoisePattern.IK : NoisePattern.IKpsk2, NoiseHandshake.Prologue(MachineId), device.Static,
            ephemeral ?? P256KeyPair.Generate(), machinePublicKey.ToArray());
        var payload = new HandshakePayload
        {
            V = HandshakePayload.Version,
            OfferId = link is null ? null : Convert.ToHexStringLower(link.OfferId),
        };
        byte[] first = [(byte)FrameKind.FirstHandshake, (byte)Pattern, .. _noise.WriteFirst(payload.ToJson())];
        FirstFrame = first;
    }

    /// <summary>The machine that is meant.</summary>
    public string MachineId { get; }

    /// <summary>What kind of handshake this is.</summary>
    public HandshakePattern Pattern { get; }

    /// <summary>To be sent first.</summary>
    public ReadOnlyMemory<byte> FirstFrame { get; }

    /// <summary>Begins a connection of a paired device.</summary>
    /// <exception cref="ChannelException"><see cref="ChannelError.BadKey"/>: the machine's key is none.</exception>
    public static DeviceHandshake Begin(ChannelIdentity device, ReadOnlySpan<byte> machinePublicKey, ChannelLimits? limits = null)
        => new(device, machinePublicKey, null, limits, null);

    /// <summary>
    /// Begins a pairing. It is done when <see cref="Complete"/> succeeded and the machine answered the first message: send one
    /// at once, because it is what proves to the machine that this device knows the secret.
    /// </summary>
    public static DeviceHandshake BeginPairing(ChannelIdentity device, PairingLink link, ChannelLimits? limits = null)
        => new(device, link.MachinePublicKey, link, limits, null);

    /// <summary>Test seam: a chosen ephemeral key.</summary>
    internal static DeviceHandshake Begin(
        ChannelIdentity device, ReadOnlySpan<byte> machinePublicKey, PairingLink? link, ChannelLimits limits, P256KeyPair ephemeral)
        => new(device, machinePublicKey, link, limits, ephemeral);

    /// <summary>Takes the machine's answer.</summary>
    /// <exception cref="ChannelException">
    /// ClosedByPeer (see <see cref="ChannelException.PeerReason"/>: unknown_device, revoked_device, pairing_refused, handshake_failed, …),
    /// HandshakeFailed (not this machine, or another secret), BadKey, Malformed, TooLarge, UnsupportedVersion. The handshake is over then.
    /// </exception>
    /// <exception cref="InvalidOperationException">Called a second time.</exception>
    public SecureChannel Complete(ReadOnlySpan<byte> frame)
    {
        if (_spent)
        {
            throw new InvalidOperationException("a handshake is completed once");
        }

        _spent = true;
        try
        {
            if (frame.Length > MaxFrameBytes)
            {
                throw new ChannelException(ChannelError.TooLarge, "a handshake frame is too large");
            }

            if (CloseReason.Parse(frame) is { } reason)
            {
                throw new ChannelException(reason);
            }

            if (ChannelFrame.KindOf(frame) != FrameKind.SecondHandshake)
            {
                throw new ChannelException(ChannelError.Malformed, "not an answer to a handshake");
            }

            _ = HandshakePayload.Parse(_noise.ReadSecond(frame[1..], _psk));
            var (toMachine, toDevice) = _noise.Split();
            return new SecureChannel(toMachine, toDevice, _noise.Hash, _limits);
        }
        finally
        {
            Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _spent = true;
        _noise.Dispose();
        CryptographicOperations.ZeroMemory(_psk);
    }
}
