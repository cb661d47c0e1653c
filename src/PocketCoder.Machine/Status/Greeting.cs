using System.Buffers.Text;
using PocketCoder.Channels;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Status;

/// <summary>What the machine answers to a device's hello. Thread-safe.</summary>
internal sealed class Greeting(MachineReport report, ChannelIdentity identity, MachineStream stream, Store store, LedgerHeadFeed head)
{
    public HelloResponse To(Device device) => new(
        1,
        report.Info(),
        Base64Url.EncodeToString(identity.SigningPublicKey),
        device.DeviceId,
        device.Scopes,
        stream.Epoch,
        store.Now,
        head.Current,
        device.Tier);
}
