using System.Security.Cryptography;
using PocketCoder.Channels.Noise;

namespace PocketCoder.Channels;

/// <summary>
/// The machine's side of a handshake: one step, no state. Thread-safe. A frame of the right form costs two P-256
/// operations when it cannot be decrypted and five when it can, so the caller limits how often one address may try.
/// </summary>
public static class MachineHandshake
{
    /// <summary>Kind, pattern, ephemeral key, static key with tag, an empty payload with tag: less is not worth an operation.</summary>
    private const int LeastFrameBytes = 2 + P256.PublicKeyBytes + P256.PublicKeyBytes + Aead.TagBytes + Aead.TagBytes;

    /// <summary>Answers a first handshake frame.</summary>
    /// <param name="frame">The first binary message of a connection.</param>
    /// <param name="machine">This machine.</param>
    /// <param name="standingOf">What is known of a device that connects (not asked when it pairs). May block on nothing slow; its
    /// exceptions come out as they are.</param>
    /// <param name="offers">The open pairing offers; null refuses every pairing.</param>
    /// <param name="limits">Limits of the channel.</param>
    /// <returns>Never null; bad input of every kind is a <see cref="HandshakeRefused"/> and changes nothing but the count of a named
    /// offer's attempts.</returns>
    public static MachineHandshakeResult Accept(
        ReadOnlySpan<byte> frame, ChannelIdentity machine, Func<Peer, DeviceStanding> standingOf, PairingOffers? offers,
        ChannelLimits? limits = null)
        => Accept(frame, machine, standingOf, offers, limits ?? ChannelLimits.Default, ephemeral: null);

    /// <summary>Test seam: a chosen ephemeral key.</summary>
    internal static MachineHandshakeResult Accept(
        ReadOnlySpan<byte> frame,
        ChannelIdentity machine,
        Func<Peer, DeviceStanding> standingOf,
        PairingOffers? offers,
        ChannelLimits limits,
        P256KeyPair? ephemeral)
    {
        if (frame.Length > DeviceHandshake.MaxFrameBytes)
        {
            return Refuse(ChannelError.TooLarge);
        }

        if (ChannelFrame.KindOf(frame) != FrameKind.FirstHandshake
            || frame.Length < LeastFrameBytes
            || frame[1] > (byte)HandshakePattern.Pair
            || !P256.IsPublicKey(frame.Slice(2, P256.PublicKeyBytes)))
        {
            return Refuse(ChannelError.Malformed);
        }

        var pairs = frame[1] == (byte)HandshakePattern.Pair;
        using var noise = new NoiseHandshake(
            pairs ? NoisePattern.IKpsk2 : NoisePattern.IK, NoiseHandshake.Prologue(machine.Id), machine.Static,
            ephemeral ?? P256KeyPair.Generate(), responderPublicKey: null);
        Peer? device = null;
        Span<byte> psk = stackalloc byte[PairingSecret.PskBytes];
        try
        {
            var payloadBytes = noise.ReadFirst(frame[2..]);
            device = new Peer(noise.RemoteStatic);
            var payload = HandshakePayload.Parse(payloadBytes);
            PairingAttempt? attempt = null;
            var refusal = pairs
                ? BeginPairing(payload, offers, psk, out attempt)
                : Refusal(standingOf(device));
            if (refusal is { } reason)
            {
                return Refuse(reason, device);
            }

            var answer = new HandshakePayload { V = HandshakePayload.Version };
            byte[] reply = [(byte)FrameKind.SecondHandshake, .. noise.WriteSecond(answer.ToJson(), pairs ? psk : default)];
            var (toMachine, toDevice) = noise.Split();
            var channel = new SecureChannel(toDevice, toMachine, noise.Hash, limits, attempt is null ? null : attempt.Claim);
            return new HandshakeAccepted(reply, channel, device, attempt);
        }
        catch (ChannelException e)
        {
            return Refuse(e.Error, device);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(psk);
        }
    }

    private static ChannelError? Refusal(DeviceStanding standing) => standing switch
    {
        DeviceStanding.Known => null,
        DeviceStanding.Revoked => ChannelError.RevokedDevice,
        _ => ChannelError.UnknownDevice,
    };

    private static ChannelError? BeginPairing(HandshakePayload payload, PairingOffers? offers, Span<byte> psk, out PairingAttempt? attempt)
    {
        var offerId = payload.ParseOfferId();
        attempt = null;
        return offers is null ? ChannelError.OfferUnknown : offers.Begin(offerId, psk, out attempt);
    }

    private static HandshakeRefused Refuse(ChannelError reason, Peer? device = null)
    {
        var (told, text) = reason switch
        {
            ChannelError.UnknownDevice => (reason, "This device is not paired with this machine."),
            ChannelError.RevokedDevice => (reason, "This device was revoked on this machine."),
            ChannelError.UnsupportedVersion => (reason, "The app and the machine speak different versions; update the older one."),
            ChannelError.OfferUnknown or ChannelError.OfferExpired or ChannelError.OfferVoid or ChannelError.OfferUsed
                => (ChannelError.PairingRefused, "This pairing link cannot be used any more; make a new one on the machine."),

            // Malformed, too large, bad key, undecryptable: nothing is proved of the sender, so nothing is told to it.
            _ => (ChannelError.HandshakeFailed, "The handshake failed."),
        };
        return new HandshakeRefused(reason, CloseReason.Frame(told, text), device?.Id);
    }
}
