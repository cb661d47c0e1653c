namespace PocketCoder.Channels;

/// <summary>The names of <see cref="ChannelError"/> outside of .NET.</summary>
public static class ChannelErrors
{
    /// <summary>The snake_case name of the error: what the app, close frames and logs show.</summary>
    public static string Code(this ChannelError error) => error switch
    {
        ChannelError.Malformed => "malformed",
        ChannelError.TooLarge => "too_large",
        ChannelError.Replayed => "replayed",
        ChannelError.OutOfOrder => "out_of_order",
        ChannelError.Corrupt => "corrupt",
        ChannelError.Poisoned => "poisoned",
        ChannelError.Exhausted => "exhausted",
        ChannelError.ClosedByPeer => "closed_by_peer",
        ChannelError.HandshakeFailed => "handshake_failed",
        ChannelError.BadKey => "bad_key",
        ChannelError.UnsupportedVersion => "unsupported_version",
        ChannelError.UnknownDevice => "unknown_device",
        ChannelError.RevokedDevice => "revoked_device",
        ChannelError.PairingRefused => "pairing_refused",
        ChannelError.OfferUnknown => "offer_unknown",
        ChannelError.OfferExpired => "offer_expired",
        ChannelError.OfferVoid => "offer_void",
        ChannelError.OfferUsed => "offer_used",
        ChannelError.TooManyOffers => "too_many_offers",
        ChannelError.LinkMalformed => "link_malformed",
        ChannelError.LinkVersion => "link_version",
        ChannelError.IdentityMissing => "identity_missing",
        ChannelError.IdentityExposed => "identity_exposed",
        ChannelError.IdentityMalformed => "identity_malformed",
        ChannelError.IdentityUnavailable => "identity_unavailable",
        ChannelError.FieldInvalid => "field_invalid",
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, "not a channel error"),
    };
}
