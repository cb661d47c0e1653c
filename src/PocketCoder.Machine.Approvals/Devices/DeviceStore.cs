using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Text;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.People;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Devices;

/// <summary>
/// The paired devices. Thread-safe. Reads come from memory, which follows every committed write, so that a revoked device
/// is refused from the moment its revocation is in the ledger.
/// </summary>
public sealed class DeviceStore(Store store)
{
    private readonly ConcurrentDictionary<string, Device> _devices = new(StringComparer.Ordinal);

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        await TwoPeople.LoadAsync(cancellationToken);
        foreach (var device in await store.QueryAsync(
            """
            SELECT device_id, name, app, static_key, signing_key, scopes, paired_at, last_seen_at, revoked_at, platform, account,
                destructive, person, tier
            FROM devices
            """,
            row => new Device(
                row.GetString(0),
                row.GetString(1),
                row.GetString(2),
                row.IsDBNull(9) ? row.GetFieldValue<byte[]>(3) : [],
                row.GetFieldValue<byte[]>(4),
                ScopeList.Parse(row.GetString(5)),
                row.Time(6),
                row.TimeOrNull(7),
                row.TimeOrNull(8),
                row.IsDBNull(9) ? null : new ChatPerson(row.GetString(9), row.GetString(10), row.GetBoolean(11)))
            {
                Person = row.IsDBNull(12) ? null : row.GetString(12),
                Tier = row.IsDBNull(13) ? null : Enum.Parse<RiskTier>(row.GetString(13)),
            },
            cancellationToken))
        {
            _devices[device.DeviceId] = device;
        }
    }

    /// <summary>The owner's rule about them all.</summary>
    public TwoPersonRule TwoPeople { get; } = new(store);

    public IReadOnlyList<Device> All => [.. _devices.Values.OrderBy(d => d.PairedAt)];

    /// <summary>
    /// What a pairing gives when its owner names no scopes: to a machine without devices the whole, so that somebody can manage it from
    /// a phone at all; later ones can't manage unless the owner says so.
    /// </summary>
    public IReadOnlyList<Scope> UsualScopes()
        => _devices.Values.Any(d => d.RevokedAt is null) ? [Scope.View, Scope.Prompt, Scope.Decide] : ScopeList.All;

    /// <summary>One as it stands now, with what the owner's rules leave to it; null: it was never paired.</summary>
    public Device? Find(string deviceId) => _devices.GetValueOrDefault(deviceId) is { } device
        ? device with { OnlyApprovals = device.Tier is not null || TwoPeople.On } : null;

    /// <summary>
    /// Adds a device that proved the pairing secret. A name that looks like another device's gets a number: the link is used up, so
    /// refusing would leave its person without a way in. Pairing the same key again renews it, also after a revocation: the secret was
    /// shown on the machine itself.
    /// </summary>
    /// <param name="chat">Who it is, of a person in a chat; then there are no keys.</param>
    /// <param name="person">Whose device it is; null: nobody said.</param>
    /// <param name="tier">The highest tier that it may allow; null: any.</param>
    public async Task<Device> AddAsync(
        string deviceId, string name, string app, byte[] staticKey, byte[] signingKey, IReadOnlyList<Scope> scopes, ChatPerson? chat = null,
        string? person = null, RiskTier? tier = null)
    {
        var device = await store.WriteAsync(change =>
        {
            name = DeviceNames.Free(name, Others(change, deviceId));
            var added = new Device(deviceId, name, app, staticKey, signingKey, scopes, change.Now, change.Now, null, chat)
            { Person = person, Tier = tier };
            change.Execute(
                """
                INSERT INTO devices
                    (device_id, name, app, static_key, signing_key, scopes, paired_at, last_seen_at, platform, account, destructive,
                    person, tier)
                VALUES ($id, $name, $app, $static, $signing, $scopes, $at, $at, $platform, $account, $destructive, $person, $tier)
                ON CONFLICT (device_id) DO UPDATE SET name = $name, app = $app, signing_key = $signing, scopes = $scopes, paired_at = $at,
                    last_seen_at = $at, revoked_at = NULL, destructive = $destructive, person = $person, tier = $tier
                """,
                ("$id", deviceId),
                ("$name", name),
                ("$app", app),
                ("$static", chat is null ? staticKey : Encoding.UTF8.GetBytes(deviceId)), // unique, and nobody's key
                ("$signing", signingKey),
                ("$scopes", ScopeList.Format(scopes)),
                ("$platform", chat?.Platform),
                ("$account", chat?.Account),
                ("$destructive", chat?.Destructive ?? false),
                ("$person", person),
                ("$tier", tier?.ToString()),
                ("$at", Instant.Text(change.Now)));
            change.Ledger(new LedgerEntry(LedgerKind.DevicePaired)
            {
                DeviceId = deviceId,
                Data = ((chat is null
                    ? new DeviceData(name, app, scopes, Base64Url.EncodeToString(staticKey), Base64Url.EncodeToString(signingKey))
                    : new DeviceData(name, app, scopes, null, null, chat.Platform, chat.Account, chat.Destructive))
                    with
                { Person = person, Tier = tier }).ToJson(),
            });
            change.Publish(new DeviceChanged(added.ToInfo(true)));
            return added;
        });
        _devices[deviceId] = device;
        return device;
    }

    /// <param name="by">Who asked: a device id, or <c>cli</c>.</param>
    /// <exception cref="RequestFailure">DEVICE_NOT_FOUND</exception>
    public async Task<Device> RevokeAsync(string deviceId, string by)
    {
        var known = Find(deviceId) ?? throw NotFound(deviceId);
        if (known.RevokedAt is not null)
        {
            return known;
        }

        var device = await store.WriteAsync(change =>
        {
            var revoked = known with { RevokedAt = change.Now };
            change.Execute("UPDATE devices SET revoked_at = $at WHERE device_id = $id", ("$at", Instant.Text(change.Now)),
                ("$id", deviceId));
            change.Ledger(new LedgerEntry(LedgerKind.DeviceRevoked)
            { DeviceId = deviceId, Data = new DeviceRevokedData(known.Name, by).ToJson() });
            change.Publish(new DeviceChanged(revoked.ToInfo(false)));
            return revoked;
        });
        return _devices.AddOrUpdate(deviceId, device, (_, current) => current with { RevokedAt = device.RevokedAt });
    }

    /// <param name="by">The device that renames it; null: the owner at the machine.</param>
    /// <exception cref="RequestFailure">DEVICE_NOT_FOUND; INVALID_REQUEST for a name that no device may have, or that looks like another
    /// device's</exception>
    public async Task<Device> RenameAsync(string deviceId, string name, bool connected, Device? by)
    {
        name = DeviceNames.Require(name);
        var known = Find(deviceId) ?? throw NotFound(deviceId);
        await store.WriteAsync(change =>
        {
            DeviceNames.RequireFree(name, Others(change, deviceId));
            var old = change.Find("SELECT name FROM devices WHERE device_id = $id", row => row.GetString(0), ("$id", deviceId));
            if (old == name)
            {
                return;
            }

            change.Execute("UPDATE devices SET name = $name WHERE device_id = $id", ("$name", name), ("$id", deviceId));
            SettingChange.Record(change, new SettingData("device_name", deviceId, "set", name, old), by);
            change.Publish(new DeviceChanged((known with { Name = name }).ToInfo(connected)));
        });
        var device = known with { Name = name };
        return _devices.AddOrUpdate(deviceId, device, (_, current) => current with { Name = name });
    }

    /// <summary>Says whose a device is and what it may allow at most, from the next decision on, with a row.</summary>
    /// <param name="limits">Gives both as they are to be from those that are.</param>
    /// <exception cref="RequestFailure">DEVICE_NOT_FOUND: never paired, or revoked</exception>
    public async Task<Device> LimitAsync(string deviceId, bool connected, Func<Device, (string? Person, RiskTier? Tier)> limits)
    {
        var device = await store.WriteAsync(change =>
        {
            var known = _devices.GetValueOrDefault(deviceId) is { RevokedAt: null } found ? found : throw NotFound(deviceId);
            var (person, tier) = limits(known);
            var limited = known with { Person = person, Tier = tier };
            if (limited != known)
            {
                change.Execute("UPDATE devices SET person = $person, tier = $tier WHERE device_id = $id", ("$person", person),
                    ("$tier", tier?.ToString()), ("$id", deviceId));
                change.Ledger(new LedgerEntry(LedgerKind.DeviceLimited)
                {
                    DeviceId = deviceId,
                    Actor = ApprovalService.CommandLine,
                    Data = new DeviceLimitedData(known.Name, person, tier, ApprovalService.CommandLine).ToJson(),
                });
                change.Publish(new DeviceChanged(limited.ToInfo(connected)));
            }

            return limited;
        });
        return _devices.AddOrUpdate(deviceId, device, (_, current) => current with { Person = device.Person, Tier = device.Tier });
    }

    /// <summary>Remembers that the device was here, and with which program.</summary>
    public async Task SeenAsync(Device device, string app)
    {
        var at = store.Now;
        await store.WriteAsync(change =>
            change.Execute("UPDATE devices SET last_seen_at = $at, app = $app WHERE device_id = $id", ("$at", Instant.Text(at)),
                ("$app", app), ("$id", device.DeviceId)));
        _devices.AddOrUpdate(device.DeviceId, device, (_, current) => current with { LastSeenAt = at, App = app });
    }

    /// <summary>
    /// The names of the other devices that are not revoked: a revoked one decides nothing any more, and its person may pair the next phone
    /// under its name.
    /// </summary>
    private static IReadOnlyList<string> Others(Change change, string deviceId)
        => change.Query("SELECT name FROM devices WHERE revoked_at IS NULL AND device_id <> $id", row => row.GetString(0),
            ("$id", deviceId));

    private static RequestFailure NotFound(string id) => new(ErrorCode.DeviceNotFound, $"No device {id} is paired with this machine.");
}

/// <summary>Scopes as they stand in a column: words joined by commas.</summary>
internal static class ScopeList
{
    public static readonly IReadOnlyList<Scope> All = [Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage];

    public static string Format(IReadOnlyList<Scope> scopes) => string.Join(',', scopes);

    public static IReadOnlyList<Scope> Parse(string text)
        => [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(Enum.Parse<Scope>)];
}
