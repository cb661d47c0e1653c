using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane.Loopback;

/// <summary>
/// The control plane on a port of 127.0.0.1 (seed 003 §Control plane). Any local user and any web page can reach a port, so everything but <c>/health</c> needs the token of <see cref="Home.ControlToken"/>, a
/// Host of loopback, and no Origin. Thread-safe.
/// </summary>
internal sealed class LoopbackDoor(Home home, IControlTarget target, ILogger log)
{
    private readonly string _token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    private readonly LoopbackOperations _operations = new(home, target);

    public static IOException Busy(int port, Exception why) => new(
        string.Create(
            CultureInfo.InvariantCulture,
            $"The control port 127.0.0.1:{port} can't be had: {why.Message} Another program, or the daemon of another home, has it. Choose another (pocketcoder start --control-port PORT, or POCKETCODER_PORT), or none: --control-port off"),
        why);

    /// <summary>Lets those who may read this home ask.</summary>
    public void WriteToken() => Home.WritePrivate(home.ControlToken, Encoding.ASCII.GetBytes(_token));

    public Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return ControlServer.GuardedAsync(context, () => RunAsync(context), (code, status, message) => RefuseAsync(context, status, code, message), log);
    }

    private async Task RunAsync(HttpContext context)
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

        var methods = LoopbackOperations.Methods(context.Request.Path.Value ?? "");
        if (!methods.Contains(context.Request.Method, StringComparer.Ordinal))
        {
            context.Response.Headers.Allow = string.Join(", ", methods);
            await RefuseAsync(
                context, methods.Count == 0 ? StatusCodes.Status404NotFound : StatusCodes.Status405MethodNotAllowed, ErrorCode.InvalidRequest, "There is no such operation.");
            return;
        }

        if (HasBody(context.Request) && !ControlServer.IsJson(context.Request))
        {
            await RefuseAsync(context, StatusCodes.Status415UnsupportedMediaType, ErrorCode.InvalidRequest, "The body must be application/json.");
            return;
        }

        if (context.Request.Path != "/health") // which is an empty 200
        {
            await _operations.RunAsync(context);
        }
    }

    /// <summary>Why it is not answered at all; null: it is.</summary>
    private (int Status, string Detail)? Refusal(HttpRequest request)
    {
        // A page whose name was made to lead here (DNS rebinding) sends its own name.
        if (request.Host.Host is not ("127.0.0.1" or "localhost") || (request.Host.Port is { } port && port != request.HttpContext.Connection.LocalPort))
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
        var given = request.Headers.Authorization is [{ } header] && header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? header[scheme.Length..].Trim() : "";
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(_token))
            ? null
            : (StatusCodes.Status401Unauthorized, "Send the token of this home's control.token: Authorization: Bearer …");
    }

    private static bool HasBody(HttpRequest request) => request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0 || request.ContentType is not null;

    private static Task RefuseAsync(HttpContext context, int status, ErrorCode code, string detail)
    {
        if (context.Response.HasStarted)
        {
            context.Abort(); // half an answer must not look like a whole one
            return Task.CompletedTask;
        }

        var title = Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status);
        return LoopbackOperations.GiveAsync(context, new LoopbackProblem("about:blank", title, status, detail, code), LoopbackJson.Default.LoopbackProblem, status, "application/problem+json");
    }
}
