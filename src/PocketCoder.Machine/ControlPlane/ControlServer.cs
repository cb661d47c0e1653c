using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.ControlPlane.Loopback;
using PocketCoder.Platform;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// The control plane: HTTP and JSON on a Unix socket that only this user can open, which is how the CLI talks to the daemon; and, when
/// wanted, on a port of 127.0.0.1 for programs that can't open one. One server for both, since a second costs memory and start time.
/// Thread-safe.
/// </summary>
public sealed partial class ControlServer : IAsyncDisposable
{
    public const int DefaultPort = 17333;

    private const int BodyBytes = 64 * 1024;

    /// <summary>Connections of each of the two: whoever floods the port must not keep the owner out of the socket.</summary>
    private const int Most = 64;

    private readonly Home _home;
    private readonly WebApplication _app;

    private ControlServer(Home home, WebApplication app, string? url) => (_home, _app, Url) = (home, app, url);

    /// <summary>Where the port is; null: there is none.</summary>
    public string? Url { get; }

    /// <summary>Starts listening on <see cref="Home.ControlSocket"/>, and on a port.</summary>
    /// <param name="held">Proof that this process is the home's daemon: only then a socket that is left over may be replaced.</param>
    /// <param name="port">0: any that is free; null: none.</param>
    /// <exception cref="IOException">The port can't be had; the message says what to do.</exception>
    internal static async Task<ControlServer> StartAsync(
        Home home, DaemonLock held, int? port, OwnerRequests owner, OwnerStreams streams, ILoggerFactory loggers,
        CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(held);
        File.Delete(home.ControlSocket);
        var log = loggers.CreateLogger<ControlServer>();
        var guard = port is null ? null : new LoopbackGuard(home, log);
        var app = Build(home, port, log);
        app.UseWebSockets();
        app.Use((context, next) => IsOwner(context) ? OwnerEndpoints.GuardAsync(context, next, log)
            : guard is not null ? guard.GuardAsync(context, next)
            : Task.FromException(new InvalidOperationException("There is no such listener."))); // and the connection ends
        app.MapOwner(owner, streams);
        app.MapLoopback(owner);
        // an empty 200
        app.AddRoute("/health", RouteTable.Reads, Listeners.Both, static _ => Task.CompletedTask);
        app.AddRoute("/stop", RouteTable.Post, Listeners.Both, context => IsOwner(context) ? OwnerEndpoints.StopAsync(context, owner)
            : LoopbackEndpoints.StopAsync(context, owner));
        try
        {
            await ListenAsync(app, port, ct);
            if (!OperatingSystem.IsWindows())
            {
                // Until here the directory's 0700 kept others away.
                File.SetUnixFileMode(home.ControlSocket, PrivateFile.Mode);
            }

            guard?.WriteToken();
            return new ControlServer(home, app, app.Urls.FirstOrDefault(u => u.StartsWith("http://127.0.0.1:", StringComparison.Ordinal)));
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
        File.Delete(_home.ControlSocket);
        File.Delete(_home.ControlToken);
    }

    private static WebApplication Build(Home home, int? port, ILogger log)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "control" });
        builder.Services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance); // what is worth a line is logged below
        builder.Services.AddLogging();
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = BodyBytes; // of a verb of the table: what its row says
            server.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            server.ListenUnixSocket(home.ControlSocket, listen => Only(listen, new OwnerConnection(), log));
            if (port is { } number)
            {
                server.Listen(IPAddress.Loopback, number, listen => Only(listen, null, log));
            }
        });
        return builder.Build();
    }

    private static async Task ListenAsync(WebApplication app, int? port, CancellationToken ct)
    {
        try
        {
            await app.StartAsync(ct);
        }
        catch (Exception e) when (port is not null && e is IOException { InnerException: AddressInUseException } or SocketException)
        {
            throw LoopbackGuard.Busy(port!.Value, e);
        }
    }

    /// <summary>
    /// Closes what is too much at once and what is not the owner's on the owner's socket, and marks whose connection it is.
    /// </summary>
    private static void Only(ListenOptions listen, OwnerConnection? mark, ILogger log)
    {
        var open = 0;
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => async connection =>
        {
            try
            {
                if (Interlocked.Increment(ref open) > Most)
                {
                    return;
                }

                // The file's rights keep other users out already. What the ledger calls proved by the socket is proved by the kernel.
                var socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket;
                if (mark is not null && (socket is null || !PeerUser.IsOwn(socket)))
                {
                    LogStranger(log);
                }
                else
                {
                    connection.Features.Set(mark);
                    await next(connection);
                }
            }
            finally
            {
                Interlocked.Decrement(ref open);
            }
        });
    }

    /// <summary>Whether it came in over the socket. Both must say so: an address is what only the port has.</summary>
    private static bool IsOwner(HttpContext context) => context.Features.Get<OwnerConnection>() is not null
        && context.Connection.RemoteIpAddress is null;

    /// <summary>Runs one operation of either listener; what it fails with is told with its HTTP status.</summary>
    internal static async Task GuardedAsync(
        HttpContext context, Func<Task> operation, Func<ErrorCode, int, string, Task> refuse, ILogger log)
    {
        try
        {
            await operation();
        }
        catch (ControlException e)
        {
            await refuse(e.Code, StatusOf(e.Code), e.Message);
        }
        catch (JsonException)
        {
            await refuse(ErrorCode.InvalidRequest, StatusCodes.Status400BadRequest, "The request body does not fit this operation.");
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException e)
        {
            await refuse(ErrorCode.InvalidRequest, e.StatusCode, e.Message);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // nobody waits for the answer
        }
        catch (Exception e) when (Failures.IsExpected(e))
        {
            var error = Failures.ToWire(e);
            await refuse(error.Code, StatusOf(error.Code), error.Message);
        }
        catch (Exception e)
        {
            // The outermost frame of an operation: the caller gets a code, the log gets the rest.
            LogFailed(log, e, context.Request.Path.Value ?? "");
            await refuse(ErrorCode.UnknownError, StatusCodes.Status500InternalServerError, OwnerRequests.Unforeseen.Message);
        }
    }

    /// <summary>Whether a page in a browser sent it, or a proxy for one.</summary>
    internal static bool IsOfAPage(HttpRequest request) => request.Headers.Origin.Count > 0
        || request.Headers.ContainsKey("Sec-Fetch-Site");

    internal static bool IsJson(HttpRequest request)
        => string.Equals(request.ContentType?.Split(';')[0].Trim(), "application/json", StringComparison.OrdinalIgnoreCase);

    /// <summary>The HTTP status that goes with an error.</summary>
    internal static int StatusOf(ErrorCode code)
    {
        var status = code switch
        {
            ErrorCode.ProjectNotFound or ErrorCode.DeviceNotFound or ErrorCode.SessionNotFound or ErrorCode.TerminalNotFound
                or ErrorCode.ApprovalNotFound or ErrorCode.RunNotFound => HttpStatusCode.NotFound,
            ErrorCode.Unauthorized => HttpStatusCode.Forbidden,
            ErrorCode.Conflict => HttpStatusCode.Conflict,
            ErrorCode.Unavailable => HttpStatusCode.ServiceUnavailable,
            ErrorCode.UnknownError => HttpStatusCode.InternalServerError,
            _ => HttpStatusCode.BadRequest,
        };
        return (int)status;
    }

    /// <summary>Put on every connection of the Unix socket.</summary>
    private sealed class OwnerConnection;

    [LoggerMessage(EventId = 3005, Level = LogLevel.Warning, Message = "A connection to the control socket was closed: another user's process made it, or the system does not tell whose it is")]
    private static partial void LogStranger(ILogger log);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Error, Message = "Control request {Path} failed")]
    private static partial void LogFailed(ILogger log, Exception e, string path);
}

/// <summary>On which of the two listeners an endpoint is. One without this mark is on neither.</summary>
internal sealed record Listeners(bool Socket, bool Port)
{
    public static Listeners OnlySocket { get; } = new(true, false);

    public static Listeners OnlyPort { get; } = new(false, true);

    public static Listeners Both { get; } = new(true, true);
}
