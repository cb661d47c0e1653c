using PocketCoder.Protocol;

namespace PocketCoder.Machine.Routing;

/// <summary>A paired device as the machine keeps it. What it may do stands here and nowhere else.</summary>
public sealed record Device(
    string DeviceId,
    string Name,
    string App,
    byte[] StaticKey,
    byte[] SigningKey,
    IReadOnlyList<Scope> Scopes,
    DateTimeOffset PairedAt,
    DateTimeOffset? LastSeenAt,
    DateTimeOffset? RevokedAt,
    ChatPerson? Chat = null)
{
    /// <summary>Whose device it is; null: nobody said.</summary>
    public string? Person { get; init; }

    /// <summary>The highest tier that it may allow; null: any.</summary>
    public RiskTier? Tier { get; init; }

    /// <summary>Whether nothing is done for it without an approval: its own limit, or the machine's two-person rule.</summary>
    public bool OnlyApprovals { get; init; }

    public DeviceInfo ToInfo(bool connected)
        => new(DeviceId, Name, App, Scopes, PairedAt, LastSeenAt, connected, RevokedAt, Chat?.Platform, Person, Tier);
}

/// <summary>A person for whom a chat platform speaks: a device without keys, so nothing but the platform's word proves who asks.</summary>
/// <param name="Platform">In lower case, as <c>feishu</c>.</param>
/// <param name="Account">The platform's id of the person.</param>
/// <param name="Destructive">Whether the owner lets them allow what is destructive.</param>
public sealed record ChatPerson(string Platform, string Account, bool Destructive);
