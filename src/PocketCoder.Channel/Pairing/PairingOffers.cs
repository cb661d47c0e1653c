using System.Buffers.Binary;
using System.Security.Cryptography;
using PocketCoder.Protocol;

namespace PocketCoder.Channels;

/// <summary>
/// The open pairing offers of a machine, in memory: a restart of the daemon voids them. An offer serves one device, for ten minutes
/// unless said otherwise, and for five handshakes at most. Thread-safe.
/// </summary>
public sealed class PairingOffers(TimeProvider time)
{
    /// <summary>So many offers may be open at once.</summary>
    public const int MaxOpen = 8;

    /// <summary>So many handshakes may name an offer. A guard against a loop, not against guessing: the secret has 128 bits.</summary>
    public const int MaxAttempts = 5;

    /// <summary>Bytes of an offer's id.</summary>
    public const int OfferIdBytes = 8;

    /// <summary>Bytes of an offer's secret.</summary>
    public const int SecretBytes = 16;

    /// <summary>An offer cannot be made for longer than this.</summary>
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromHours(24);

    /// <summary>How long an offer lives unless said otherwise.</summary>
    public static readonly TimeSpan DefaultLifetime = TimeSpan.FromMinutes(10);

    /// <summary>Closed offers that are remembered, so that a late device gets the true reason into the machine's log.</summary>
    private const int MaxRemembered = 64;

    private readonly Lock _lock = new(); // guards everything below
    private readonly Dictionary<ulong, Entry> _offers = [];
    private readonly Queue<ulong> _closed = new();

    /// <summary>Makes an offer.</summary>
    /// <param name="scopes">What the device will be allowed to do; carried, not interpreted.</param>
    /// <param name="lifetime">More than zero, at most <see cref="MaxLifetime"/>; null for <see cref="DefaultLifetime"/>.</param>
    /// <exception cref="ChannelException"><see cref="ChannelError.TooManyOffers"/>.</exception>
    public PairingOffer Create(IEnumerable<string> scopes, TimeSpan? lifetime = null)
    {
        var span = lifetime ?? DefaultLifetime;
        if (span <= TimeSpan.Zero || span > MaxLifetime)
        {
            throw new ArgumentOutOfRangeException(nameof(lifetime), span, "an offer lives for up to a day");
        }

        IReadOnlyList<string> frozen = [.. scopes];
        lock (_lock)
        {
            CloseExpired();
            if (_offers.Values.Count(offer => offer.State == OfferState.Open) >= MaxOpen)
            {
                throw new ChannelException(ChannelError.TooManyOffers, $"{MaxOpen} offers are open; cancel one or wait");
            }

            var offerId = new byte[OfferIdBytes];
            ulong key;
            do
            {
                RandomNumberGenerator.Fill(offerId);
                key = BinaryPrimitives.ReadUInt64BigEndian(offerId);
            }
            while (_offers.ContainsKey(key));

            var secret = RandomNumberGenerator.GetBytes(SecretBytes);
            var ends = Deadline.After(time, span);
            _offers[key] = new Entry(PairingSecret.Psk(secret), frozen, ends);
            return new PairingOffer(offerId, secret, frozen, ends.At);
        }
    }

    /// <summary>Voids an open offer, and every attempt on it that is not confirmed yet.</summary>
    /// <returns>False when it was not open.</returns>
    public bool Cancel(ReadOnlySpan<byte> offerId)
    {
        lock (_lock)
        {
            CloseExpired();
            if (!TryFind(offerId, out var key, out var offer) || offer.Psk is null)
            {
                return false;
            }

            Close(key, offer, OfferState.Void);
            return true;
        }
    }

    /// <summary>Where an offer stands; null when it is unknown or forgotten.</summary>
    public OfferState? StateOf(ReadOnlySpan<byte> offerId)
    {
        lock (_lock)
        {
            CloseExpired();
            return TryFind(offerId, out _, out var offer) ? offer.State : null;
        }
    }

    /// <summary>Counts an attempt and hands out the psk for it.</summary>
    /// <returns>Null and the attempt, or the reason.</returns>
    internal ChannelError? Begin(ReadOnlySpan<byte> offerId, Span<byte> psk, out PairingAttempt? attempt)
    {
        attempt = null;
        lock (_lock)
        {
            CloseExpired();
            if (!TryFind(offerId, out var key, out var offer))
            {
                return ChannelError.OfferUnknown;
            }

            if (offer.Psk is null || offer.Attempts >= MaxAttempts)
            {
                return Reason(offer.State);
            }

            offer.Attempts++;
            offer.Psk.CopyTo(psk);
            attempt = new PairingAttempt(this, key, offer.Scopes);
            return null;
        }
    }

    internal ChannelError? Claim(ulong key)
    {
        lock (_lock)
        {
            CloseExpired();
            if (!_offers.TryGetValue(key, out var offer))
            {
                return ChannelError.OfferUnknown;
            }

            if (offer.Psk is null)
            {
                return Reason(offer.State);
            }

            Close(key, offer, OfferState.Used);
            return null;
        }
    }

    private static ChannelError Reason(OfferState state) => state switch
    {
        OfferState.Used => ChannelError.OfferUsed,
        OfferState.Expired => ChannelError.OfferExpired,
        _ => ChannelError.OfferVoid,
    };

    private bool TryFind(ReadOnlySpan<byte> offerId, out ulong key, out Entry offer)
    {
        key = offerId.Length == OfferIdBytes ? BinaryPrimitives.ReadUInt64BigEndian(offerId) : 0;
        if (offerId.Length == OfferIdBytes && _offers.TryGetValue(key, out var found))
        {
            offer = found;
            return true;
        }

        offer = null!;
        return false;
    }

    private void CloseExpired()
    {
        foreach (var (key, offer) in _offers.Where(pair => pair.Value.Psk is not null && pair.Value.Ends.HasPassed(time)).ToList())
        {
            Close(key, offer, OfferState.Expired);
        }
    }

    private void Close(ulong key, Entry offer, OfferState state)
    {
        CryptographicOperations.ZeroMemory(offer.Psk);
        offer.Psk = null;
        offer.ClosedAs = state;
        _closed.Enqueue(key);
        if (_closed.Count > MaxRemembered)
        {
            _offers.Remove(_closed.Dequeue());
        }
    }

    private sealed class Entry(byte[] psk, IReadOnlyList<string> scopes, Deadline ends)
    {
        /// <summary>Null once the offer is closed.</summary>
        public byte[]? Psk { get; set; } = psk;

        public IReadOnlyList<string> Scopes { get; } = scopes;

        public Deadline Ends { get; } = ends;

        public int Attempts { get; set; }

        public OfferState ClosedAs { get; set; }

        /// <summary>
        /// With its attempts spent an offer takes no new ones, but one that began may still be confirmed: a person who pairs wins over
        /// whoever replays.
        /// </summary>
        public OfferState State => Psk is null ? ClosedAs : Attempts >= MaxAttempts ? OfferState.Void : OfferState.Open;
    }
}
