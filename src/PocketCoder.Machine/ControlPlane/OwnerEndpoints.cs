using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using Row = PocketCoder.Machine.Routing.Route;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// The control socket: <c>POST /v1/TYPE</c> with the payload as body asks a row of the table and gets the response's payload, or a <see
/// cref="WireError"/>. What is followed
/// has routes of its own.
/// </summary>
internal static class OwnerEndpoints
{
    private const string Table = "/v1/{type}";

    public static readonly JsonDocumentOptions Strict = new() { MaxDepth = MessageBytes.MaxDepth, AllowDuplicateProperties = false };

    public static void MapOwner(this IEndpointRouteBuilder app, OwnerRequests owner, OwnerStreams streams)
    {
        var access = Listeners.OnlySocket;
        app.AddRoute(Table, RouteTable.Post, access, context => AskAsync(context, (string)context.GetRouteValue("type")!, owner));
        app.AddRoute("/sessions/follow", RouteTable.Get, access, context => FollowAsync(context, streams));
        app.AddRoute("/terminals/attach", RouteTable.Get, access, context => TerminalSocket.RunAsync(context, streams));
        app.AddRoute("/ledger/export", RouteTable.Get, access, context => ExportAsync(context, streams));
    }

    /// <summary>Lets only requests of the CLI to the socket's own endpoints, and tells failures.</summary>
    public static Task GuardAsync(HttpContext context, RequestDelegate next, ILogger log)
    {
        context.Response.Headers[ControlConnection.VersionHeader] = DaemonOptions.ProductVersion;
        return ControlServer.GuardedAsync(
            context,
            () =>
            {
                Check(context.Request);
                return context.GetEndpoint()?.Metadata.GetMetadata<Listeners>() is { Socket: true }
                    ? next(context)
                    : throw new RequestFailure(Row.NoneForOwner.Code, Row.NoneForOwner.Message);
            },
            (code, status, message) => RefuseAsync(context, status, new WireError(code, message)),
            log);
    }

    /// <summary>As every version of the CLI asks for it, so that one can stop a daemon of another version.</summary>
    public static Task StopAsync(HttpContext context, OwnerRequests owner) => AskAsync(context, OwnerMachine.Stop.Type, owner);

    private static async Task AskAsync(HttpContext context, string type, OwnerRequests owner)
    {
        var limit = context.Features.Get<IHttpMaxRequestBodySizeFeature>();
        if (limit is { IsReadOnly: false } && owner.MostBytes(type) is > 0 and var most)
        {
            limit.MaxRequestBodySize = most;
        }

        using var body = await JsonDocument.ParseAsync(context.Request.Body, Strict, context.RequestAborted);
        var answer = await owner.AnswerAsync(type, body.RootElement, context.RequestAborted);
        if (answer.Error is { } error)
        {
            await RefuseAsync(context, ControlServer.StatusOf(error.Code), error);
            return;
        }

        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(answer.Payload, context.RequestAborted);
        if (answer.Afterwards is { } afterwards)
        {
            await context.Response.CompleteAsync(); // the answer must be out before a stop closes this connection
            afterwards();
        }
    }

    /// <summary>
    /// A browser can't open a Unix socket, but a proxy somebody put before it could be asked by one: it would send these.
    /// </summary>
    private static void Check(HttpRequest request)
    {
        if (ControlServer.IsOfAPage(request))
        {
            throw new RequestFailure(ErrorCode.Unauthorized, "The control plane takes no requests from web pages.");
        }

        if (HttpMethods.IsPost(request.Method) && !ControlServer.IsJson(request))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "The body must be application/json.");
        }
    }

    private static Task RefuseAsync(HttpContext context, int status, WireError error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort(); // half a stream must not look like a whole one
            return Task.CompletedTask;
        }

        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        var body = JsonSerializer.SerializeToUtf8Bytes(error, ProtocolJson.Default.WireError);
        return context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    /// <summary><c>?session=…&amp;after=…</c>: one message a line, until either side goes.</summary>
    private static async Task FollowAsync(HttpContext context, OwnerStreams streams)
    {
        if (!Guid.TryParseExact(context.Request.Query["session"], "D", out var session)
            || !long.TryParse(context.Request.Query["after"], NumberStyles.None, CultureInfo.InvariantCulture, out var after))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "This operation needs session and after.");
        }

        context.Response.ContentType = "application/x-ndjson";
        // A stop must not wait for those who only look on.
        var lifetime = context.RequestServices.GetRequiredService<IHostApplicationLifetime>();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await streams.FollowAsync(session, after, SendAsync, over.Token);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // one of the two went
        }

        async ValueTask SendAsync(byte[] message, CancellationToken ct)
        {
            await context.Response.Body.WriteAsync(message, ct);
            await context.Response.Body.WriteAsync("\n"u8.ToArray(), ct);
            await context.Response.Body.FlushAsync(ct);
        }
    }

    private static Task ExportAsync(HttpContext context, OwnerStreams streams)
    {
        context.Response.ContentType = "application/x-ndjson";
        return streams.ExportLedgerAsync(context.Response.Body, context.RequestAborted);
    }
}
