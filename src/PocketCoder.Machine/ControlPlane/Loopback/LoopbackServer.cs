using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane.Loopback;

/// <summary>
/// The control plane over HTTP on 127.0.0.1 (seed 003 §Control plane), for programs that can't open a Unix socket. Any local user and any web page can reach a port, so
/// everything but <c>/health</c> needs the token of <see cref="Home.ControlToken"/>, a Host of loopback, and no Origin. Thread-safe.
/// </summary>
public sealed partial class LoopbackServer : IAsyncDisposable
{
    public const int DefaultPort = 17333;

    private const int BodyBytes = 64 * 1024;

    private readonly Home _home;
    private readonly WebApplication _app;

    private LoopbackServer(Home home, WebApplication app, int port) => (_home, _app, Port) = (home, app, port);

    public int Port { get; }

    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    /// <param name="port">0: any that is free.</param>
    /// <exception cref="IOException">The port can't be had; the message says what to do.</exception>
    internal static async Task<LoopbackServer> StartAsync(Home home, int port, IControlTarget target, ILoggerFactory loggers, CancellationToken ct)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "control" });
        builder.Services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance); // what is worth a line is logged below
        builder.Services.AddLogging();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = BodyBytes;
            server.Limits.MaxConcurrentConnections = 64;
            server.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            server.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var operations = new LoopbackOperations(home, target);
        var log = loggers.CreateLogger<LoopbackServer>();
        app.Run(context => AnswerAsync(context, operations, token, log));
        try
        {
            await app.StartAsync(ct);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            await app.DisposeAsync();
            throw new IOException(
                string.Create(CultureInfo.InvariantCulture, $"The control port 127.0.0.1:{port} can't be had: {e.Message} Another program, or the daemon of another home, has it. Choose another (pocketcoder start --control-port PORT, or POCKETCODER_PORT), or none: --control-port off"), e);
        }

        try
        {
            Home.WritePrivate(home.ControlToken, Encoding.ASCII.GetBytes(token));
            return new LoopbackServer(home, app, new Uri(app.Urls.First()).Port);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        File.Delete(_home.ControlToken);
    }

    private static async Task AnswerAsync(HttpContext context, LoopbackOperations operations, string token, ILogger log)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        try
        {
            if (Refusal(context.Request, token) is var (status, detail))
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

            if (HasBody(context.Request) && !string.Equals(context.Request.ContentType?.Split(';')[0].Trim(), "application/json", StringComparison.OrdinalIgnoreCase))
            {
                await RefuseAsync(context, StatusCodes.Status415UnsupportedMediaType, ErrorCode.InvalidRequest, "The body must be application/json.");
                return;
            }

            if (context.Request.Path != "/health") // which is an empty 200
            {
                await operations.RunAsync(context);
            }
        }
        catch (ControlException e)
        {
            await RefuseAsync(context, ControlServer.StatusOf(e.Code), e.Code, e.Message);
        }
        catch (JsonException)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, ErrorCode.InvalidRequest, "The request's body is not what this operation takes.");
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException e)
        {
            await RefuseAsync(context, e.StatusCode, ErrorCode.InvalidRequest, e.Message);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // nobody waits for the answer
        }
        catch (Exception e)
        {
            // The outermost frame of a request: the client gets a code, the log gets the rest.
            LogFailed(log, e, context.Request.Path.Value ?? "");
            await RefuseAsync(context, StatusCodes.Status500InternalServerError, ErrorCode.UnknownError, "The daemon failed at that. Its log says why: pocketcoder logs");
        }
    }

    /// <summary>Why it is not answered at all; null: it is.</summary>
    private static (int Status, string Detail)? Refusal(HttpRequest request, string token)
    {
        // A page whose name was made to lead here (DNS rebinding) sends its own name.
        if (request.Host.Host is not ("127.0.0.1" or "localhost") || (request.Host.Port is { } port && port != request.HttpContext.Connection.LocalPort))
        {
            return (StatusCodes.Status421MisdirectedRequest, "Ask under 127.0.0.1 or localhost.");
        }

        if (request.Headers.Origin.Count > 0 || request.Headers.ContainsKey("Sec-Fetch-Site"))
        {
            return (StatusCodes.Status403Forbidden, "The control plane takes no requests from web pages.");
        }

        if (request.Path == "/health")
        {
            return null;
        }

        const string scheme = "Bearer ";
        var given = request.Headers.Authorization is [{ } header] && header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? header[scheme.Length..].Trim() : "";
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(token))
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

    [LoggerMessage(EventId = 3020, Level = LogLevel.Error, Message = "Control operation {Path} failed")]
    private static partial void LogFailed(ILogger log, Exception e, string path);
}
