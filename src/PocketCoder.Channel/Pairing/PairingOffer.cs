namespace PocketCoder.Channels;

/// <summary>
/// An offer as it is made: to be shown to the person as a QR code or a link, and then forgotten. <see cref="Secret"/> is what lets a
/// device pair; it must reach no log and no server.
/// </summary>
public sealed class PairingOffer
{
    internal PairingOffer(byte[] offerId, byte[] secret, IReadOnlyList<string> scopes, DateTimeOffset expiresAt)
    {
        OfferId = offerId;
        Secret = secret;
        Scopes = scopes;
        ExpiresAt = expiresAt;
    }

    /// <summary>8 random bytes that name the offer; not secret.</summary>
    public ReadOnlyMemory<byte> OfferId { get; }

    /// <summary>16 random bytes.</summary>
    public ReadOnlyMemory<byte> Secret { get; }

    /// <summary>What the device will be allowed to do; this library only carries it.</summary>
    public IReadOnlyList<string> Scopes { get; }

    /// <summary>From this moment on the offer cannot be used.</summary>
    public DateTimeOffset ExpiresAt { get; }

    /// <summary>The link that carries this offer to a device.</summary>
    public PairingLink LinkTo(ChannelIdentity machine) => new(machine.PublicKey, OfferId.Span, Secret.Span);
}
