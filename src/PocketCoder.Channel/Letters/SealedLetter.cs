using System.Text;
using PocketCoder.Channels.Noise;

namespace PocketCoder.Channels;

/// <summary>
/// One message that a device leaves for a machine that is away (docs/channel.md, "Letters"): a frame that only the machine can open, and
/// that tells it which device wrote. Nobody answers. Whoever keeps it can deliver it late or again, so what it says must bear that. It is
/// sealed to the machine's static key: who gets that later can read it. Thread-safe.
/// </summary>
public static class SealedLetter
{
    /// <summary>Of a whole letter.</summary>
    public const int MaxFrameBytes = 64 * 1024;

    /// <summary>Of what it says.</summary>
    public const int MaxTextBytes = MaxFrameBytes - Overhead;

    /// <summary>Kind, ephemeral key, static key with tag, the text's tag.</summary>
    private const int Overhead = 1 + P256.PublicKeyBytes + P256.PublicKeyBytes + Aead.TagBytes + Aead.TagBytes;

    /// <summary>Seals a text for a machine.</summary>
    /// <exception cref="ChannelException">BadKey: the machine's key is none. TooLarge: more than <see cref="MaxTextBytes"/>.</exception>
    public static byte[] Seal(ChannelIdentity device, ReadOnlySpan<byte> machinePublicKey, ReadOnlySpan<byte> text)
        => Seal(device, machinePublicKey, text, P256KeyPair.Generate());

    /// <summary>Test seam: a chosen ephemeral key.</summary>
    internal static byte[] Seal(
        ChannelIdentity device, ReadOnlySpan<byte> machinePublicKey, ReadOnlySpan<byte> text, P256KeyPair ephemeral)
    {
        if (!P256.IsPublicKey(machinePublicKey))
        {
            throw new ChannelException(ChannelError.BadKey, "the machine's key is not a key");
        }

        if (text.Length > MaxTextBytes)
        {
            throw new ChannelException(ChannelError.TooLarge, $"a letter has at most {MaxTextBytes} bytes");
        }

        using var noise = new NoiseHandshake(
            NoisePattern.X, Prologue(P256.Id(machinePublicKey)), device.Static, ephemeral, machinePublicKey.ToArray());
        return [(byte)FrameKind.Letter, .. noise.WriteFirst(text)];
    }

    /// <summary>Opens a letter. Costs two operations of P-256 when it is for somebody else, and three when it is not.</summary>
    /// <param name="standingOf">What is known of the device that wrote it.</param>
    /// <exception cref="ChannelException">
    /// Malformed, TooLarge, BadKey, HandshakeFailed (for another machine, or altered), UnknownDevice, RevokedDevice.
    /// </exception>
    public static (Peer Device, byte[] Text) Open(
        ReadOnlySpan<byte> frame, ChannelIdentity machine, Func<Peer, DeviceStanding> standingOf)
    {
        if (frame.Length > MaxFrameBytes)
        {
            throw new ChannelException(ChannelError.TooLarge, "a letter is too large");
        }

        if (ChannelFrame.KindOf(frame) != FrameKind.Letter || frame.Length < Overhead)
        {
            throw new ChannelException(ChannelError.Malformed, "this is no letter");
        }

        using var noise = new NoiseHandshake(
            NoisePattern.X, Prologue(machine.Id), machine.Static, P256KeyPair.Generate(), responderPublicKey: null);
        var text = noise.ReadFirst(frame[1..]);
        var device = new Peer(noise.RemoteStatic);
        return standingOf(device) switch
        {
            DeviceStanding.Known => (device, text),
            DeviceStanding.Revoked => throw new ChannelException(ChannelError.RevokedDevice, "this device was revoked"),
            _ => throw new ChannelException(ChannelError.UnknownDevice, "this device is not paired"),
        };
    }

    private static byte[] Prologue(string machineId) => Encoding.ASCII.GetBytes("pocketcoder letter/1" + machineId);
}
