using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>What a device may do. Fixed at pairing, kept on the machine, checked on every message.</summary>
[JsonConverter(typeof(LowerSnake<Scope>))]
public enum Scope
{
    /// <summary>See state, transcripts, approvals.</summary>
    View,

    /// <summary>Start sessions, prompt, cancel, edit the queue.</summary>
    Prompt,

    /// <summary>Allow, deny, answer.</summary>
    Decide,

    /// <summary>Devices, machine settings.</summary>
    Manage,
}

/// <summary>
/// First message of a connection. A pairing connection must name the device and give its signing key; later ones may repeat them, and are
/// then checked against what is stored.
/// </summary>
/// <param name="Protocol">The protocol version that the device speaks: 1. Any other is <c>VERSION_UNSUPPORTED</c>.</param>
/// <param name="App">Program and version, for the device list: <c>app/0.1.0</c>.</param>
/// <param name="DeviceName">1–100 characters.</param>
/// <param name="SigningKey">base64url of the 65-byte P-256 point that verifies this device's decisions.</param>
public sealed record HelloRequest(int Protocol, string App, string? DeviceName = null, string? SigningKey = null);

/// <summary>What the machine says of itself to a device that proved its key.</summary>
/// <param name="Instance">New at every start of the daemon.</param>
/// <param name="SigningKey">base64url of the 65-byte P-256 point that verifies ledger heads.</param>
/// <param name="Now">The machine's clock, to show honest countdowns on a device whose clock is off.</param>
/// <param name="Tier">As <see cref="DeviceInfo"/> has it, of this device. A later change comes as <see cref="DeviceChanged"/>.</param>
public sealed record HelloResponse(
    int Protocol,
    MachineInfo Machine,
    string SigningKey,
    string DeviceId,
    IReadOnlyList<Scope> Scopes,
    string Instance,
    DateTimeOffset Now,
    LedgerHead Ledger,
    RiskTier? Tier = null);

public sealed record PingRequest;

public sealed record PingResponse(DateTimeOffset Now);

/// <param name="Platform">Of a person in a chat: the platform that speaks for them, as <c>feishu</c>; left out for a device.</param>
/// <param name="Person">Whose device it is, as the owner said; <c>owner</c>: the owner's own. Left out: nobody said.</param>
/// <param name="Tier">The highest tier that it may allow; left out: any. With a tier it acts through approvals alone.</param>
public sealed record DeviceInfo(
    string DeviceId,
    string Name,
    string App,
    IReadOnlyList<Scope> Scopes,
    DateTimeOffset PairedAt,
    DateTimeOffset? LastSeenAt,
    bool Connected,
    DateTimeOffset? RevokedAt,
    string? Platform = null,
    string? Person = null,
    RiskTier? Tier = null);

public sealed record DevicesListRequest;

public sealed record DevicesListResponse(IReadOnlyList<DeviceInfo> Devices);

/// <summary>Revokes a device for good; its live connections die at once.</summary>
public sealed record DeviceRevokeRequest(string DeviceId);

public sealed record DeviceRevokeResponse(DeviceInfo Device);

public sealed record DeviceRenameRequest(string DeviceId, string Name);

public sealed record DeviceRenameResponse(DeviceInfo Device);

/// <summary>
/// Makes a one-time code with which a person comes in through a chat: typed there once, within ten minutes. A device can give no more than
/// it has itself: no scope that it lacks, never <see cref="Scope.Manage"/> and never what is destructive, and no tier above its own; and
/// has two codes open at most (<c>RATE_LIMITED</c>). Its codes end with it.
/// </summary>
/// <param name="Platform">One of <see cref="MachineInfo.Chats"/>.</param>
/// <param name="Scopes">Null: view, prompt, decide, as far as whoever asks has them.</param>
/// <param name="Name">What the person is to be known by; null: as the platform calls them.</param>
/// <param name="Destructive">Whether they may allow there what may destroy something. The owner's to give.</param>
public sealed record ChatPairingOfferRequest(
    string Platform, IReadOnlyList<Scope>? Scopes = null, string? Name = null, bool Destructive = false);

/// <param name="Code">To be typed into the chat as <c>pair CODE</c>: once, until <paramref name="ExpiresAt"/>. Whoever has it can come in.</param>
public sealed record ChatPairingOfferResponse(string Code, IReadOnlyList<Scope> Scopes, DateTimeOffset ExpiresAt);
