namespace PocketCoder.Channels;

/// <summary>
/// Everything that can go wrong in this library, as one closed set. Values are stable in name, not in number;
/// <see cref="ChannelErrors.Code"/> gives the snake_case name that the TypeScript side, close frames and logs use.
/// </summary>
public enum ChannelError
{
    /// <summary>A frame or a value that does not have the form that the protocol demands.</summary>
    Malformed,

    /// <summary>A frame or a message above its limit.</summary>
    TooLarge,

    /// <summary>A sealed frame with a counter that was used already.</summary>
    Replayed,

    /// <summary>A sealed frame with a counter that is not yet due: at least one frame before it was lost or held back.</summary>
    OutOfOrder,

    /// <summary>A sealed frame whose authentication tag is wrong.</summary>
    Corrupt,

    /// <summary>The channel failed before; nothing goes in or out any more.</summary>
    Poisoned,

    /// <summary>All 2^64 - 1 counters of a direction are used.</summary>
    Exhausted,

    /// <summary>The other end (or whoever is in the middle: the frame is not authenticated) sent a close frame.</summary>
    ClosedByPeer,

    /// <summary>
    /// A handshake message that cannot be decrypted: other machine key, other secret, other version, or altered on the way.
    /// </summary>
    HandshakeFailed,

    /// <summary>A public key that is not an uncompressed point of P-256, or a key agreement whose result is zero.</summary>
    BadKey,

    /// <summary>The peer proved its key but speaks a version that this one does not.</summary>
    UnsupportedVersion,

    /// <summary>No device with this key was ever paired.</summary>
    UnknownDevice,

    /// <summary>The device with this key was paired and has been revoked.</summary>
    RevokedDevice,

    /// <summary>The one answer that a peer gets for every reason a pairing can fail.</summary>
    PairingRefused,

    /// <summary>No offer has this id.</summary>
    OfferUnknown,

    /// <summary>The offer's time is over.</summary>
    OfferExpired,

    /// <summary>The offer was cancelled, or its five attempts are spent.</summary>
    OfferVoid,

    /// <summary>A device was paired with this offer already.</summary>
    OfferUsed,

    /// <summary>Eight offers are open; cancel one or wait for one to expire.</summary>
    TooManyOffers,

    /// <summary>Not a pairing link.</summary>
    LinkMalformed,

    /// <summary>A pairing link of another version of the protocol.</summary>
    LinkVersion,

    /// <summary>There is no identity file at the path.</summary>
    IdentityMissing,

    /// <summary>The identity file can be read or written by others; the message says the chmod to run.</summary>
    IdentityExposed,

    /// <summary>The identity file is not one, or its keys are not P-256 keys.</summary>
    IdentityMalformed,

    /// <summary>The identity file cannot be read or written; the inner exception says why.</summary>
    IdentityUnavailable,

    /// <summary>A text that cannot be signed: a line feed, a lone surrogate, an empty domain, or no field at all.</summary>
    FieldInvalid,
}
