using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PocketCoder.Gateway.Hosting;

namespace PocketCoder.Gateway.Relay;

/// <summary><c>GET /v1/relay?machine=ID</c>: joins a device's WebSocket with a machine. It reads no frame beyond its first byte.</summary>
internal sealed partial class RelayRoute(
    IRelayFabric fabric, GatewayOptions options, RelayDoor door, RelayAdmissions? admissions, TimeProvider time, ILogger<RelayRoute> log,
    CancellationToken stopping)
{
    public const string Path = "/v1/relay";

    public async Task HandleAsync(HttpContext context)
    {
        if (!await RelayDoor.AsksForAsync(
            context, RelayFrame.Subprotocol, "This address is for WebSocket connections of PocketCoder's app and CLI."))
        {
            return;
        }

        var ids = context.Request.Query["machine"];
        if (ids.Count != 1 || !MachineIds.IsValid(ids[0]))
        {
            await PlainText.WriteAsync(context, StatusCodes.Status400BadRequest, "Name one machine: ?machine=ID\n");
            return;
        }

        await door.AdmitAsync(context, RelayFrame.Subprotocol, async (socket, visit) =>
        {
            await using var link = new DeviceLink(
                socket, visit.Remote, options, time, log, visit.ReportFailure, context.RequestAborted);
            using var admission = admissions?.Enter(context.WebSockets.WebSocketRequestedProtocols, ids[0]!, link);
            if (admissions is null || admission is not null)
            {
                await ServeAsync(link, ids[0]!);
            }
        });
    }

    private async Task ServeAsync(DeviceLink link, string machineId)
    {
        // Told over the WebSocket: a page can't read the status of a refused upgrade, but it can read a close code.
        if (await fabric.FindAsync(machineId, link.Ended) is not { } machine)
        {
            link.RequestClose(RelayClose.UnknownMachine, "No such machine is connected here.");
            return;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping, link.Ended);
        await using var farewell = stopping.UnsafeRegister(
            static state => ((DeviceLink)state!).RequestClose(RelayClose.GoingAway, "The gateway is stopping."), link);
        LogOpened(log, link.ConnectionId, link.Remote);
        try
        {
            await machine.ServeAsync(link, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        catch (LinkClosedException)
        {
        }
        catch (Exception e)
        {
            // The outermost frame of a machine's work for one device: its bug must not take the gateway along.
            LogMachineFailed(log, e, link.ConnectionId);
            link.RequestClose(RelayClose.MachineFailed, "The machine failed; its log says why.");
        }

        LogEnded(log, link.ConnectionId);
    }

    [LoggerMessage(EventId = 2020, Level = LogLevel.Information, Message = "Connection {Connection} opened from {Remote}")]
    private static partial void LogOpened(ILogger log, string connection, System.Net.IPAddress? remote);

    [LoggerMessage(EventId = 2021, Level = LogLevel.Information, Message = "Connection {Connection} ended")]
    private static partial void LogEnded(ILogger log, string connection);

    [LoggerMessage(EventId = 2022, Level = LogLevel.Error, Message = "The machine failed while serving connection {Connection}")]
    private static partial void LogMachineFailed(ILogger log, Exception e, string connection);
}
