namespace PocketCoder.Channels;

/// <summary>
/// A handshake that named an offer. That the device knew the secret shows only with its first authentic frame (the psk is mixed in
/// last); then, and only once an offer, the attempt is confirmed. Thread-safe.
/// </summary>
public sealed class PairingAttempt
{
    private readonly PairingOffers _offers;
    private readonly ulong _key;
    private volatile bool _confirmed;

    internal PairingAttempt(PairingOffers offers, ulong key, IReadOnlyList<string> scopes)
    {
        _offers = offers;
        _key = key;
        Scopes = scopes;
    }

    /// <summary>Which offer: the 16 hex digits of its id.</summary>
    public string OfferId => _key.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>What the offer was made for.</summary>
    public IReadOnlyList<string> Scopes { get; }

    /// <summary>Whether the device proved that it knew the secret, and was the first to do so.</summary>
    public bool IsConfirmed => _confirmed;

    /// <summary>Claims the offer.</summary>
    /// <returns>Null, or why it is not to be had any more.</returns>
    internal ChannelError? Claim()
    {
        var error = _offers.Claim(_key);
        _confirmed = error is null;
        return error;
    }
}
