using System.Collections.Concurrent;
using PocketCoder.Channels;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Devices;

/// <summary>Offers pairings and takes in the devices that prove their secret. Thread-safe.</summary>
public sealed class PairingService(ChannelIdentity identity, DeviceStore devices, Store store, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Made> _made = new(StringComparer.Ordinal);

    public PairingOffers Offers { get; } = new(time);

    /// <summary>Makes a one-time offer; that it was made stands in the ledger, its secret nowhere.</summary>
    /// <param name="name">What the device is to be called; null: as it calls itself.</param>
    /// <param name="person">Whose it will be; null: nobody says.</param>
    /// <param name="tier">The highest tier that it may allow; null: any.</param>
    /// <exception cref="RequestFailure">RATE_LIMITED when too many are open; INVALID_REQUEST for a name that no device may have</exception>
    public async Task<(string OfferId, PairingLink Link, DateTimeOffset ExpiresAt)> OfferAsync(
        IReadOnlyList<Scope> scopes, string? name, string? person, RiskTier? tier)
    {
        if (name is not null)
        {
            name = DeviceNames.Require(name); // here, since a device could not be told what is wrong with it
            DeviceNames.RequireFree(name, devices.All.Where(d => d.RevokedAt is null).Select(d => d.Name));
        }

        PairingOffer offer;
        try
        {
            offer = Offers.Create(scopes.Select(s => s.ToString()));
        }
        catch (ChannelException e) when (e.Error == ChannelError.TooManyOffers)
        {
            throw new RequestFailure(ErrorCode.RateLimited,
                $"{PairingOffers.MaxOpen} pairing links are open already. Use one of them, or wait until they expire.");
        }

        var id = Convert.ToHexStringLower(offer.OfferId.Span);
        foreach (var old in _made.Where(m => m.Value.Forgotten.HasPassed(time)).ToList())
        {
            _made.TryRemove(old);
        }

        _made[id] = new Made(
            offer.OfferId.ToArray(), name, person, tier, Deadline.Until(time, offer.ExpiresAt + PairingOffers.DefaultLifetime));
        await store.WriteAsync(change => change.Ledger(new LedgerEntry(LedgerKind.PairingOffered)
        {
            Actor = "cli",
            Data = new PairingOfferedData(id, scopes, Instant.Truncate(offer.ExpiresAt)).ToJson(),
        }));
        return (id, offer.LinkTo(identity), offer.ExpiresAt);
    }

    /// <summary>What became of an offer, and which device took it.</summary>
    public (OfferState State, string? DeviceId)? Progress(string offerId)
        => _made.TryGetValue(offerId, out var made) && Offers.StateOf(made.OfferId) is { } state ? (state, made.DeviceId) : null;

    /// <summary>Takes in a device that proved the secret of an offer.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST; the offer is used up all the same</exception>
    public async Task<Device> PairAsync(Peer peer, PairingAttempt attempt, HelloRequest hello, string app)
    {
        // Its limits stand there: without them it would get more than was meant.
        var made = _made.GetValueOrDefault(attempt.OfferId)
            ?? throw new RequestFailure(ErrorCode.InvalidRequest, "This pairing link is not known any more. Make a new one at the machine.");
        var name = DeviceNames.Require(made.Name ?? hello.DeviceName);
        var key = SigningKeys.Parse(hello.SigningKey);
        var device = await devices.AddAsync(
            peer.Id, name, app, peer.PublicKey.ToArray(), key, [.. attempt.Scopes.Select(Enum.Parse<Scope>)], null, made.Person,
            made.Tier);
        made.DeviceId = device.DeviceId;
        return device;
    }

    private sealed class Made(byte[] offerId, string? name, string? person, RiskTier? tier, Deadline forgotten)
    {
        public byte[] OfferId { get; } = offerId;

        public string? Name { get; } = name;

        public string? Person { get; } = person;

        public RiskTier? Tier { get; } = tier;

        public Deadline Forgotten { get; } = forgotten;

        public string? DeviceId { get; set; }
    }
}
