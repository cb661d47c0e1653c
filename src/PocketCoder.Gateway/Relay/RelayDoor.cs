using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Gateway.Throttling;

namespace PocketCoder.Gateway.Relay;

/// <summary>
/// What the routes of devices and of machines have in common: who asks for no WebSocket, or for too many, gets an answer in words.
/// Thread-safe.
/// </summary>
internal sealed partial class RelayDoor(GatewayOptions options, Throttle throttle, ClientAddress client, ILogger<RelayDoor> log)
{
    /// <summary>Whether the request is for a WebSocket with this subprotocol. If not, it has been answered.</summary>
    /// <param name="purpose">Whom the address is for.</param>
    public static async Task<bool> AsksForAsync(HttpContext context, string subprotocol, string purpose)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.Headers.Upgrade = "websocket";
            await PlainText.WriteAsync(context, StatusCodes.Status426UpgradeRequired, purpose + "\n");
            return false;
        }

        if (!context.WebSockets.WebSocketRequestedProtocols.Contains(subprotocol, StringComparer.Ordinal))
        {
            await PlainText.WriteAsync(context, StatusCodes.Status400BadRequest, $"Offer the subprotocol {subprotocol}.\n");
            return false;
        }

        return true;
    }

    /// <summary>Serves the WebSocket, if there is room for this caller; else says when to come again.</summary>
    /// <param name="serve">Owns the socket for as long as it runs.</param>
    public async Task AdmitAsync(HttpContext context, string subprotocol, Func<WebSocket, Visit, Task> serve)
    {
        var visit = new Visit(new Caller(client.Of(context), context.Features.Get<LocalUser>()?.Id), throttle);
        var admission = throttle.Admit(visit.Caller);
        using var lease = admission.Lease;
        if (lease is null)
        {
            LogThrottled(log, visit.Remote, admission.Reason!);
            context.Response.Headers.RetryAfter = admission.RetryAfter.ToString();
            await PlainText.WriteAsync(
                context, StatusCodes.Status429TooManyRequests, $"{admission.Reason} Try again in {admission.RetryAfter} s.\n");
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = subprotocol,
            KeepAliveInterval = options.PingInterval,
            KeepAliveTimeout = options.PingInterval,
        });
        await serve(socket, visit);
    }

    [LoggerMessage(EventId = 2023, Level = LogLevel.Warning, Message = "Throttled a connect from {Remote}: {Reason}")]
    private static partial void LogThrottled(ILogger log, IPAddress? remote, string reason);
}

/// <summary>A connection that was admitted: whose it is, and that it proved nothing, if so.</summary>
internal sealed record Visit(Caller Caller, Throttle Throttle)
{
    public IPAddress? Remote => Caller.Address;

    /// <summary>Counts against the caller, who waits longer the next time.</summary>
    public void ReportFailure() => Throttle.ReportFailure(Caller);
}
