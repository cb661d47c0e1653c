using PocketCoder.Channels;
using PocketCoder.Machine.Devices;

namespace PocketCoder.Machine.Connections;

/// <summary>What the machine knows of whoever proves a key.</summary>
internal static class DeviceStandings
{
    public static DeviceStanding StandingOf(this DeviceStore devices, Peer peer) => devices.Find(peer.Id) switch
    {
        { } device when !peer.PublicKey.SequenceEqual(device.StaticKey) => DeviceStanding.Unknown,
        { RevokedAt: null } => DeviceStanding.Known,
        { } => DeviceStanding.Revoked,
        null => DeviceStanding.Unknown,
    };
}
