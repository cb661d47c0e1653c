using System.Security.Cryptography;
using System.Text;
using PocketCoder.Channels;
using PocketCoder.Ledger;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Entries;

/// <summary>
/// Pairs people in chats by one-time codes of the owner, or of a device that manages. Codes are in memory only: a restart ends them.
/// Thread-safe.
/// </summary>
internal sealed class ChatPairing(DeviceStore devices, Store store, TimeProvider time)
{
    /// <summary>Codes that may be open; one more ends the oldest.</summary>
    internal const int MostOpen = 5;

    /// <summary>Codes that one device may have open; it is refused one more.</summary>
    internal const int MostOfDevice = 2;

    /// <summary>Wrong codes in the time of a code, of one account and of a whole platform. Then even the right one is refused.</summary>
    internal const int WrongOfOne = 5;

    internal const int WrongOfAll = 50;

    internal static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new(); // guards _offers and _wrong
    private readonly List<Offer> _offers = [];
    private readonly List<Wrong> _wrong = [];

    /// <summary>Makes a code; that it was made stands in the ledger, the code nowhere.</summary>
    /// <param name="name">What the person is to be known by; null: as the platform calls them.</param>
    /// <param name="destructive">Whether they may allow what is destructive.</param>
    /// <param name="by">The device that makes it, whose tier goes with it; null: the owner. The code ends when the device is revoked.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST for a name that no device may have; RATE_LIMITED: the device has too many
    /// open</exception>
    public async Task<(string Code, DateTimeOffset ExpiresAt)> OfferAsync(
        string platform, IReadOnlyList<Scope> scopes, string? name, bool destructive, Device? by = null)
    {
        lock (_gate)
        {
            RequireRoom(by); // before there is a row for nothing
        }

        if (name is not null)
        {
            name = DeviceNames.Require(name); // here, since the person could not be told what is wrong with it
            DeviceNames.RequireFree(name, devices.All.Where(d => d.RevokedAt is null).Select(d => d.Name));
        }

        var (code, expires) = (ChatCode.Make(), time.GetUtcNow() + Lifetime);
        await store.WriteAsync(change => change.Ledger(new LedgerEntry(LedgerKind.PairingOffered)
        {
            DeviceId = by?.DeviceId,
            Actor = by?.Name ?? "cli",
            Data = new PairingOfferedData($"chat-{Guid.CreateVersion7():N}", scopes, Instant.Truncate(expires)).ToJson(),
        }));
        lock (_gate)
        {
            RequireRoom(by);
            if (_offers.Count >= MostOpen)
            {
                _offers.RemoveAt(0);
            }

            _offers.Add(new Offer(platform, Hash(code), scopes, name, destructive, Deadline.Until(time, expires), by?.DeviceId, by?.Tier));
        }

        return (ChatCode.Show(code), expires);
    }

    /// <summary>Pairs whoever gave a right code; it is used up by that.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST: no such code (any more); RATE_LIMITED: too many wrong ones</exception>
    public async Task<Device> PairAsync(string platform, string account, string? name, string typed)
    {
        var offer = Take(platform, account, ChatCode.Read(typed));
        return await devices.AddAsync(
            ChatId.Of(platform, account), offer.Name ?? Plain(name) ?? $"A person in {platform}", platform, [], [], offer.Scopes,
            new ChatPerson(platform, account, offer.Destructive), tier: offer.Tier);
    }

    private Offer Take(string platform, string account, string? code)
    {
        lock (_gate)
        {
            Forget();
            if (_wrong.Count(w => w.Platform == platform) >= WrongOfAll
                || _wrong.Count(w => w.Platform == platform && w.Account == account) >= WrongOfOne)
            {
                throw new RequestFailure(ErrorCode.RateLimited, "Too many wrong codes. Wait ten minutes, and make a new one then.");
            }

            var hash = code is null ? null : Hash(code);
            if (hash is not null && _offers.Find(o => o.Platform == platform && CryptographicOperations.FixedTimeEquals(o.Hash, hash))
                is { } offer)
            {
                _offers.Remove(offer);
                return offer;
            }

            _wrong.Add(new Wrong(platform, account, Deadline.Until(time, time.GetUtcNow() + Lifetime)));
            throw new RequestFailure(
                ErrorCode.InvalidRequest, "There is no such code. It counts once and for ten minutes: make a new one at the machine.");
        }
    }

    private void RequireRoom(Device? by)
    {
        Forget();
        if (by is not null && _offers.Count(o => o.By == by.DeviceId) >= MostOfDevice)
        {
            throw new RequestFailure(
                ErrorCode.RateLimited, $"{MostOfDevice} codes of this device are open already. Use one of them, or wait until they end.");
        }
    }

    /// <remarks>Wrong codes are bounded by what is refused above.</remarks>
    private void Forget()
    {
        _offers.RemoveAll(o => o.Ends.HasPassed(time) || (o.By is { } by && devices.Find(by) is not { RevokedAt: null }));
        _wrong.RemoveAll(w => w.Forgotten.HasPassed(time));
    }

    private static byte[] Hash(string code) => SHA256.HashData(Encoding.ASCII.GetBytes(code));

    /// <summary>The platform's name for somebody if a device may have it.</summary>
    private static string? Plain(string? name)
    {
        try
        {
            return DeviceNames.Require(name);
        }
        catch (RequestFailure)
        {
            return null; // no reason to keep a person out
        }
    }

    private sealed record Offer(string Platform, byte[] Hash, IReadOnlyList<Scope> Scopes, string? Name, bool Destructive, Deadline Ends,
        string? By, RiskTier? Tier);

    private sealed record Wrong(string Platform, string Account, Deadline Forgotten);
}
