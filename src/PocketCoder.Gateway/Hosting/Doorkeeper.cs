using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace PocketCoder.Gateway.Hosting;

/// <summary>
/// Runs before everything else, for pages and for upgrades alike: security headers on every answer, then Host, then Origin, then method
/// (nothing is changed by HTTP but accounts, at a gateway that has them). One POST is answered with a redirect, unread: what was
/// shared before the app could take it.
/// </summary>
/// <param name="posts">Paths that take POST as well: those of accounts, where there are any.</param>
internal sealed partial class Doorkeeper(
    Visitors visitors, GatewayOptions options, ClientAddress client, IReadOnlySet<string> posts, ILogger<Doorkeeper> log)
{
    // 'self' in connect-src covers this origin's WebSocket in CSP Level 3 (Chromium, Firefox, Safari from 15.4).
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
        + "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    // The camera reads the QR code of a pairing link, after a tap, in the app's own page only.
    private const string PermissionsPolicy =
        "accelerometer=(), browsing-topics=(), camera=(self), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), "
        + "microphone=(), midi=(), payment=(), serial=(), usb=()";

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        AddHeaders(context);
        var request = context.Request;
        var hosts = request.Headers.Host;
        var host = hosts.Count == 1 ? hosts[0] : null;
        var (local, port) = (context.Connection.LocalIpAddress, context.Connection.LocalPort);
        if (!visitors.IsHost(host, local, port))
        {
            LogForeignHost(log, client.Of(context));
            return RefuseAsync(
                context, StatusCodes.Status421MisdirectedRequest, visitors.IsPlainHttpElsewhere(host) ? PlainHttpElsewhere : UnknownHost);
        }

        // What another app shares with the installed one is kept by the app's service worker and never comes here. Without that worker it
        // does, from no page's origin: its body is left unread, and the app's page says so.
        if (HttpMethods.IsPost(request.Method) && request.Path.Equals(SharePath, StringComparison.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status303SeeOther;
            context.Response.Headers.Location = SharedNowhere;
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Headers.Connection = "close";
            return Task.CompletedTask;
        }

        var origins = request.Headers.Origin;
        if (origins.Count > 0 && (origins.Count > 1 || !visitors.IsOrigin(origins[0] ?? "", local, port)))
        {
            LogForeignOrigin(log, client.Of(context));
            return RefuseAsync(context, StatusCodes.Status403Forbidden, ForeignOrigin);
        }

        // Every browser names the origin when it opens a WebSocket; a browser that doesn't is being fooled. The CLI sends neither header.
        if (origins.Count == 0 && context.WebSockets.IsWebSocketRequest && request.Headers.ContainsKey("Sec-Fetch-Site"))
        {
            LogForeignOrigin(log, client.Of(context));
            return RefuseAsync(context, StatusCodes.Status403Forbidden, ForeignOrigin);
        }

        var isPost = HttpMethods.IsPost(request.Method) && posts.Contains(request.Path.Value ?? "");
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !isPost)
        {
            context.Response.Headers.Allow = "GET, HEAD";
            return RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "Nothing here takes that method.\n");
        }

        return next(context);
    }

    private static Task RefuseAsync(HttpContext context, int status, string text)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.Headers.Connection = "close"; // its body is never read
        }

        return PlainText.WriteAsync(context, status, text);
    }

    /// <summary>The action of <c>share_target</c> in the app's manifest, and where it leads when no service worker was there.</summary>
    private const string SharePath = "/share";

    private const string SharedNowhere = "/new?shared=missed";

    private const string UnknownHost =
        """
        This is a PocketCoder gateway, but it was not told that it goes by the name in the address.
        Open it under a name it knows: 127.0.0.1, localhost, or one given with 'pocketcoder start --name NAME'.

        """;

    private const string PlainHttpElsewhere =
        """
        This is a PocketCoder gateway. It speaks plain HTTP, and under any name but localhost browsers give pages
        without TLS no cryptography, so nothing here could be protected. Choose one, on the machine it runs on:

          pocketcoder tls init            then: pocketcoder start --listen 0.0.0.0:8090 --name NAME
          tailscale serve 8090            then: pocketcoder start --behind-proxy --name NAME.TAILNET.ts.net
          your own proxy with TLS         then: pocketcoder start --behind-proxy --name NAME

        """;

    private const string ForeignOrigin =
        """
        A page of another site asked for this gateway on its own. That is refused.
        If the page is yours, start the gateway with the name it is opened under: pocketcoder start --name NAME

        """;

    private void AddHeaders(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = PermissionsPolicy;

        // Not for localhost: there it would force TLS on every other server of this computer, whatever its port.
        if (options.HasTls && !Visitors.IsLoopbackHost(context.Request.Headers.Host))
        {
            headers.StrictTransportSecurity = "max-age=31536000";
        }
    }

    [LoggerMessage(EventId = 2001, Level = LogLevel.Warning, Message = "Refused a request for a name that is not ours, from {Remote}")]
    private static partial void LogForeignHost(ILogger log, System.Net.IPAddress? remote);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Warning, Message = "Refused a request made by a page of another origin, from {Remote}")]
    private static partial void LogForeignOrigin(ILogger log, System.Net.IPAddress? remote);
}
