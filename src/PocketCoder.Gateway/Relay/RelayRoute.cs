using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Gateway.Throttling;

namespace PocketCoder.Gateway.Relay;

/// <summary><c>GET /v1/relay?machine=ID</c>: joins a device's WebSocket with a machine. It reads no frame beyond its first byte.</summary>
internal sealed partial class RelayRoute(
    IRelayFabric fabric, GatewayOptions options, Throttle throttle, ClientAddress client, TimeProvider time, ILogger<RelayRoute> log,
    CancellationToken stopping)
{
    public const string Path = "/v1/relay";

    public async Task HandleAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.Headers.Upgrade = "websocket";
            await PlainText.WriteAsync(
                context, StatusCodes.Status426UpgradeRequired, "This address is for WebSocket connections of PocketCoder's app and CLI.\n");
            return;
        }

        if (!context.WebSockets.WebSocketRequestedProtocols.Contains(RelayFrame.Subprotocol, StringComparer.Ordinal))
        {
            await PlainText.WriteAsync(context, StatusCodes.Status400BadRequest, $"Offer the subprotocol {RelayFrame.Subprotocol}.\n");
            return;
        }

        var ids = context.Request.Query["machine"];
        if (ids.Count != 1 || !MachineIds.IsValid(ids[0]))
        {
            await PlainText.WriteAsync(context, StatusCodes.Status400BadRequest, "Name one machine: ?machine=ID\n");
            return;
        }

        var remote = client.Of(context);
        var caller = new Caller(remote, context.Features.Get<LocalUser>()?.Id);
        var admission = throttle.Admit(caller);
        using var lease = admission.Lease;
        if (lease is null)
        {
            LogThrottled(log, remote, admission.Reason!);
            context.Response.Headers.RetryAfter = admission.RetryAfter.ToString();
            await PlainText.WriteAsync(
                context, StatusCodes.Status429TooManyRequests, $"{admission.Reason} Try again in {admission.RetryAfter} s.\n");
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = RelayFrame.Subprotocol,
            KeepAliveInterval = options.PingInterval,
            KeepAliveTimeout = options.PingInterval,
        });
        await using var link = new DeviceLink(
            socket, remote, options, time, log, () => throttle.ReportFailure(caller), context.RequestAborted);
        await ServeAsync(link, ids[0]!);
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

    [LoggerMessage(EventId = 2023, Level = LogLevel.Warning, Message = "Throttled a connect from {Remote}: {Reason}")]
    private static partial void LogThrottled(ILogger log, System.Net.IPAddress? remote, string reason);
}
