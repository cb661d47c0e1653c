using Microsoft.Extensions.Logging;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Storage;
using PocketCoder.Push;

namespace PocketCoder.Machine.Notifications;

/// <summary>The parts of the daemon that tell devices and the owner's receivers what waits. Construction touches no disk.</summary>
internal sealed class NotificationParts : IAsyncDisposable
{
    public NotificationParts(
        Store store, DeviceStore devices, ConnectionRegistry connections, NoticeWriter writer, PushDoor door, ReceiverSettings receivers,
        TimeProvider time, ILogger logger)
    {
        Service = new NotificationService(new NotificationRows(store), store, devices, connections, writer, door, time, logger);
        Receivers = new ReceiverService(receivers, Service, store);
    }

    public NotificationService Service { get; }

    public ReceiverService Receivers { get; }

    /// <summary>From now on devices and receivers are told.</summary>
    public Task BeginAsync(CancellationToken cancellationToken)
    {
        Receivers.Begin();
        return Service.BeginAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => Service.DisposeAsync();
}
