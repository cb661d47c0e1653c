using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using PocketCoder.Platform;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane.Loopback;

/// <summary>
/// The control plane on a port of 127.0.0.1. Any local user and any web page can reach a port, so everything but <c>/health</c> needs the
/// token of <see cref="Home.ControlToken"/>, a Host of loopback, and no Origin. Thread-safe.
/// </summary>
internal sealed class LoopbackGuard(Home home, ILogger log)
{
    private const string NoSuch = "There is no such operation.";

    private readonly string _token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    public static IOException Busy(int port, Exception why) => new(
        string.Create(
            CultureInfo.InvariantCulture,
            $"The control port 127.0.0.1:{port} can't be used: {why.Message} Another program, or the daemon of another home, is using it. Choose another (pocketcoder start --control-port PORT, or POCKETCODER_PORT), or turn it off: --control-port off"),
        why);

    /// <summary>Lets those who may read this home ask.</summary>
    public void WriteToken() => PrivateFile.Replace(home.ControlToken, Encoding.ASCII.GetBytes(_token));

    /// <summary>Lets only requests with the token to the port's own endpoints, and tells failures.</summary>
    public Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return ControlServer.GuardedAsync(
            context, () => RunAsync(context, next), (code, status, message) => RefuseAsync(context, status, code, message), log);
    }

    private async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        if (Refusal(context.Request) is var (status, detail))
        {
            if (status == StatusCodes.Status401Unauthorized)
            {
                context.Response.Headers.WWWAuthenticate = "Bearer";
            }

            await RefuseAsync(context, status, ErrorCode.Unauthorized, detail);
            return;
        }

        // A route must be marked as the port's. What is no route is one of the router's own answers, such as 405.
        var endpoint = context.GetEndpoint();
        var isRoute = endpoint is RouteEndpoint;
        if (endpoint is null || (isRoute && endpoint.Metadata.GetMetadata<Listeners>() is not { Port: true }))
        {
            await RefuseAsync(context, StatusCodes.Status404NotFound, ErrorCode.InvalidRequest, NoSuch);
            return;
        }

        if (HasBody(context.Request) && !ControlServer.IsJson(context.Request))
        {
            await RefuseAsync(context, StatusCodes.Status415UnsupportedMediaType, ErrorCode.InvalidRequest,
                "The body must be application/json.");
            return;
        }

        await next(context);
        if (!isRoute && !context.Response.HasStarted)
        {
            await RefuseAsync(context, context.Response.StatusCode, ErrorCode.InvalidRequest, NoSuch);
        }
    }

    /// <summary>Why it is not answered at all; null: it is.</summary>
    private (int Status, string Detail)? Refusal(HttpRequest request)
    {
        // A page whose name was made to lead here (DNS rebinding) sends its own name.
        if (request.Host.Host is not ("127.0.0.1" or "localhost")
            || (request.Host.Port is { } port && port != request.HttpContext.Connection.LocalPort))
        {
            return (StatusCodes.Status421MisdirectedRequest, "Ask under 127.0.0.1 or localhost.");
        }

        if (ControlServer.IsOfAPage(request))
        {
            return (StatusCodes.Status403Forbidden, "The control plane takes no requests from web pages.");
        }

        if (request.Path == "/health")
        {
            return null;
        }

        const string scheme = "Bearer ";
        var given = request.Headers.Authorization is [{ } header]
            && header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? header[scheme.Length..].Trim() : "";
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(_token))
            ? null
            : (StatusCodes.Status401Unauthorized, "Send the token of this home's control.token: Authorization: Bearer …");
    }

    private static bool HasBody(HttpRequest request) => request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0
        || request.ContentType is not null;

    internal static Task RefuseAsync(HttpContext context, int status, ErrorCode code, string detail)
    {
        if (context.Response.HasStarted)
        {
            context.Abort(); // half an answer must not look like a whole one
            return Task.CompletedTask;
        }

        var title = Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status);
        return LoopbackEndpoints.GiveAsync(context, new LoopbackProblem("about:blank", title, status, detail, code),
            LoopbackJson.Default.LoopbackProblem, status, "application/problem+json");
    }
}
