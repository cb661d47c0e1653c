using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PocketCoder.Gateway;
using PocketCoder.Link;

namespace PocketCoder.Machine.Linking;

/// <summary>The devices that come through one connection to a gateway. <see cref="RunAsync"/> is called once.</summary>
internal sealed partial class LinkedDevices(LinkSocket gateway, IRelayFabric fabric, string machine, int most, ILogger log)
{
    /// <summary>Whatever the gateway says.</summary>
    public const int Most = 1000;

    private readonly ConcurrentDictionary<uint, (LinkedDevice Device, Task Served)> _devices = [];

    /// <summary>Until the connection ends; then every device is over.</summary>
    /// <exception cref="LinkException">It broke, or the gateway did what it must not, or refuses this machine now.</exception>
    public async Task RunAsync(CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct, gateway.Over);
        uint last = 0;
        try
        {
            while (true)
            {
                var frame = await GatewayLink.NextAsync(gateway, over.Token);
                if (frame.Kind == LinkKind.Opened)
                {
                    last = frame.Connection > last ? frame.Connection
                        : throw new LinkException(LinkError.Malformed, "A device's number was used before.");
                    Open(frame, over.Token);
                }
                else if (_devices.TryGetValue(frame.Connection, out var known))
                {
                    known.Device.Receive(frame);
                }
                else if (frame.Connection == 0 || frame.Connection > last)
                {
                    throw new LinkException(LinkError.Malformed, "A message for a device that never was.");
                }
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new LinkException(LinkError.Lost, "The connection to the gateway broke.");
        }
        finally
        {
            await over.CancelAsync();
            gateway.Abort();
            await Task.WhenAll(_devices.Values.Select(d => d.Served));
        }
    }

    private void Open(LinkFrame frame, CancellationToken ct)
    {
        var opened = LinkJson.Read(frame, LinkKind.Opened, LinkTypes.Default.LinkOpened);
        var device = new LinkedDevice(frame.Connection, opened, gateway);
        // Known before it is served: what it sends may come at once.
        var begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _devices[frame.Connection] = (device, ServeAsync(frame.Connection, device, begin.Task, ct));
        begin.SetResult();
    }

    private async Task ServeAsync(uint number, LinkedDevice device, Task begin, CancellationToken ct)
    {
        await begin;
        ushort code = RelayClose.Normal;
        try
        {
            if (_devices.Count > most)
            {
                code = RelayClose.TooManyDevices;
                return;
            }

            if (await fabric.FindAsync(machine, ct) is not { } endpoint)
            {
                code = RelayClose.UnknownMachine; // it stops
                return;
            }

            await endpoint.ServeAsync(device, ct);
        }
        catch (Exception e) when (e is OperationCanceledException or LinkClosedException)
        {
        }
        catch (Exception e)
        {
            // The outermost frame of the work for one device: its bug must not take the others along.
            LogFailed(log, e, device.ConnectionId);
            code = RelayClose.MachineFailed;
        }
        finally
        {
            _devices.TryRemove(number, out _);
            await EndAsync(device, code, ct);
        }
    }

    private static async Task EndAsync(LinkedDevice device, ushort code, CancellationToken ct)
    {
        try
        {
            await device.CloseAsync(code, "", ct);
        }
        catch (OperationCanceledException)
        {
            // the link is over
        }
    }

    [LoggerMessage(EventId = 262, Level = LogLevel.Error, Message = "Serving device connection {Connection} failed")]
    private static partial void LogFailed(ILogger log, Exception e, string connection);
}
