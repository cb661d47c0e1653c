using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Entries;

/// <summary>The ways in beside the app and the command line: which there are, who is let in, and their work.</summary>
/// <exception cref="ArgumentException">Two are of the same platform.</exception>
internal sealed class EntryParts(
    IReadOnlyList<IEntryPoint> points, DeviceStore devices, ConnectionRegistry connections, Store store, TimeProvider time, ILogger logger)
{
    public IReadOnlyList<string> Platforms { get; } = [.. points.ToDictionary(p => p.Platform, StringComparer.Ordinal).Keys];

    public ChatPairing Pairing { get; } = new(devices, store, time);

    /// <summary>Starts them, when sessions are recovered. What is returned ends them.</summary>
    public EntryService Begin(MessageTable table)
        => new(points, point => new EntryMachine(point.Platform, Pairing, devices, connections, table, store, time, logger), time, logger);
}
