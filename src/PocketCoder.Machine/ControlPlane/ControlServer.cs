using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// HTTP and JSON on a Unix socket that only this user can open: how the CLI talks to the daemon. There is no port, so no web page and no
/// other user reaches it. Thread-safe.
/// </summary>
public sealed partial class ControlServer : IAsyncDisposable
{
    private readonly Home _home;
    private readonly WebApplication _app;

    private ControlServer(Home home, WebApplication app) => (_home, _app) = (home, app);

    /// <summary>Starts listening on <see cref="Home.ControlSocket"/>.</summary>
    /// <param name="held">Proof that this process is the home's daemon: only then a socket that is left over may be replaced.</param>
    public static async Task<ControlServer> StartAsync(Home home, DaemonLock held, IControlTarget target, ILoggerFactory loggers, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(held);
        File.Delete(home.ControlSocket);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "control" });
        builder.Services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance); // what is worth a line is logged below
        builder.Services.AddLogging();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = 64 * 1024;
            server.Limits.MaxConcurrentConnections = 64;
            server.ListenUnixSocket(home.ControlSocket, listen => listen.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        app.UseWebSockets();
        var operations = new ControlOperations(home, target);
        var log = loggers.CreateLogger<ControlServer>();
        app.Run(context => AnswerAsync(context, operations, log));
        try
        {
            await app.StartAsync(ct);
            if (!OperatingSystem.IsWindows())
            {
                // Until here the directory's 0700 kept others away.
                File.SetUnixFileMode(home.ControlSocket, Home.PrivateFile);
            }
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new ControlServer(home, app);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        File.Delete(_home.ControlSocket);
    }

    private static async Task AnswerAsync(HttpContext context, ControlOperations operations, ILogger log)
    {
        try
        {
            Guard(context.Request);
            await operations.RunAsync(context);
        }
        catch (ControlException e)
        {
            await RefuseAsync(context, new WireError(e.Code, e.Message));
        }
        catch (JsonException)
        {
            await RefuseAsync(context, new WireError(ErrorCode.InvalidRequest, "The request's body is not what this operation takes."));
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException e)
        {
            await RefuseAsync(context, new WireError(ErrorCode.InvalidRequest, e.Message));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            // The outermost frame of an operation: the CLI gets a code, the log gets the rest.
            LogFailed(log, e, context.Request.Path.Value ?? "");
            await RefuseAsync(context, new WireError(ErrorCode.UnknownError, "The daemon failed at that. Its log says why: pocketcoder logs"));
        }
    }

    /// <summary>A browser can't open a Unix socket, but a proxy somebody put before it could be asked by one: it would send these.</summary>
    private static void Guard(HttpRequest request)
    {
        if (request.Headers.Origin.Count > 0 || request.Headers.ContainsKey("Sec-Fetch-Site"))
        {
            throw new ControlException(ErrorCode.Unauthorized, "The control plane takes no requests from web pages.");
        }

        if (HttpMethods.IsPost(request.Method) && !string.Equals(request.ContentType?.Split(';')[0].Trim(), "application/json", StringComparison.OrdinalIgnoreCase))
        {
            throw new ControlException(ErrorCode.InvalidRequest, "The body must be application/json.");
        }
    }

    private static Task RefuseAsync(HttpContext context, WireError error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort(); // half a stream must not look like a whole one
            return Task.CompletedTask;
        }

        return WriteAsync(context, error, ControlJson.Default.WireError, StatusOf(error.Code));
    }

    /// <summary>The HTTP status that goes with an error.</summary>
    internal static int StatusOf(ErrorCode code)
    {
        var status = code switch
        {
            ErrorCode.ProjectNotFound or ErrorCode.DeviceNotFound or ErrorCode.SessionNotFound or ErrorCode.TerminalNotFound or ErrorCode.ApprovalNotFound or ErrorCode.RunNotFound => HttpStatusCode.NotFound,
            ErrorCode.Unauthorized => HttpStatusCode.Forbidden,
            ErrorCode.Conflict => HttpStatusCode.Conflict,
            ErrorCode.Unavailable => HttpStatusCode.ServiceUnavailable,
            ErrorCode.UnknownError => HttpStatusCode.InternalServerError,
            _ => HttpStatusCode.BadRequest,
        };
        return (int)status;
    }

    internal static async Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
    }

    [LoggerMessage(EventId = 3001, Level = LogLevel.Error, Message = "Control operation {Path} failed")]
    private static partial void LogFailed(ILogger log, Exception e, string path);
}
