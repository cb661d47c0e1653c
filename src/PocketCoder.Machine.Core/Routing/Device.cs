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
    DateTimeOffset? RevokedAt)
{
    public DeviceInfo ToInfo(bool connected) => new(DeviceId, Name, App, Scopes, PairedAt, LastSeenAt, connected, RevokedAt);
}
