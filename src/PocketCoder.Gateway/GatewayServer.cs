using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PocketCoder.Gateway.App;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Gateway.Relay;
using PocketCoder.Gateway.Throttling;
using PocketCoder.Gateway.Tls;

namespace PocketCoder.Gateway;

/// <summary>
/// The meeting point of devices and machines: serves the app and relays sealed frames, of which it can read nothing.
/// Everything that listens on a network is here. Thread-safe.
/// </summary>
public sealed class GatewayServer : IAsyncDisposable
{
    /// <summary>How long open connections get to end when the gateway stops.</summary>
    private static readonly TimeSpan s_stopLimit = TimeSpan.FromSeconds(5);

    private readonly WebApplication _app;
    private readonly ServerCertificate? _certificate;
    private readonly Throttle _throttle;
    private int _stopped;

    private GatewayServer(WebApplication app, ServerCertificate? certificate, Throttle throttle, IReadOnlyList<string> urls)
    {
        _app = app;
        _certificate = certificate;
        _throttle = throttle;
        Urls = urls;
    }

    /// <summary>Base addresses for people, the best one for a phone first: names, then addresses, loopback last. No trailing slash.</summary>
    public IReadOnlyList<string> Urls { get; }

    /// <summary>Open device connections.</summary>
    public int Connections => _throttle.Open;

    /// <summary>Whether the app is in this program.</summary>
    public static bool HasApp => !AppFiles.BuiltIn().IsEmpty;

    internal IReadOnlyList<Endpoint> Endpoints => [.. _app.Services.GetRequiredService<EndpointDataSource>().Endpoints];

    /// <summary>Starts listening; when this returns, the addresses answer.</summary>
    /// <exception cref="GatewayRefusal">The options can't be safe, or the address can't be had; the message says what to do.</exception>
    public static async Task<GatewayServer> StartAsync(
        GatewayOptions options, IRelayFabric fabric, ILoggerFactory loggerFactory, TimeProvider timeProvider, CancellationToken ct = default)
    {
        var plan = ListenPlan.From(options);
        var visitors = new Visitors(options);
        var files = options.AppDirectory is { } directory ? AppFiles.From(directory) : AppFiles.BuiltIn();
        var certificate = options.Tls is { } tls ? ServerCertificate.Load(tls, timeProvider, loggerFactory.CreateLogger<ServerCertificate>()) : null;
        var throttle = new Throttle(options, timeProvider);

        var app = Build(options, plan, loggerFactory, certificate);
        try
        {
            var client = new ClientAddress(options);
            var doorkeeper = new Doorkeeper(visitors, options, client, loggerFactory.CreateLogger<Doorkeeper>());
            app.UseWebSockets();
            app.Use(next => context => doorkeeper.InvokeAsync(context, next));
            app.UseRouting();
            MapRoutes(app, files, certificate, new RelayRoute(
                fabric, options, throttle, client, timeProvider, loggerFactory.CreateLogger<RelayRoute>(), app.Lifetime.ApplicationStopping));
            await ListenAsync(app, plan, ct);
            var bound = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
            return new GatewayServer(app, certificate, throttle, plan.UrlsFor(bound));
        }
        catch
        {
            await app.DisposeAsync();
            certificate?.Dispose();
            throw;
        }
    }

    /// <summary>Stops listening, says goodbye to every connection, waits at most 5 s for them.</summary>
    public async Task StopAsync(CancellationToken ct = default)
    {
        if (Interlocked.Exchange(ref _stopped, 1) == 0)
        {
            await _app.StopAsync(ct);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _app.DisposeAsync();
        _certificate?.Dispose();
    }

    private static WebApplication Build(GatewayOptions options, ListenPlan plan, ILoggerFactory loggerFactory, ServerCertificate? certificate)
    {
        // The empty builder reads no environment, no settings file and no command line: what is served is what the options say.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "gateway" });
        builder.Services.AddSingleton<ILoggerFactory>(new ServerLogs(loggerFactory));
        builder.Services.AddLogging();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = s_stopLimit);
        var kestrel = builder.WebHost.UseKestrelCore();
        if (certificate is not null)
        {
            kestrel.UseKestrelHttpsConfiguration();
        }

        kestrel.ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = 0; // no route takes a body
            server.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            server.Limits.MaxRequestHeaderCount = 64;
            server.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            server.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
            server.Limits.MaxConcurrentUpgradedConnections = options.MaxConnections;
            server.Limits.MaxConcurrentConnections = options.MaxConnections + 256L;
            foreach (var endpoint in plan.Endpoints)
            {
                server.Listen(endpoint, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1; // one parser, and WebSockets need no other
                    if (certificate is not null)
                    {
                        listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => new(certificate.ServerOptions()) });
                    }
                });
            }
        });
        return builder.Build();
    }

    private static void MapRoutes(WebApplication app, AppFiles files, ServerCertificate? certificate, RelayRoute relay)
    {
        app.MapMethods("/healthz", [HttpMethods.Get, HttpMethods.Head], static context =>
        {
            context.Response.Headers.CacheControl = "no-store";
            context.Response.ContentLength = 0;
            return Task.CompletedTask;
        }).WithMetadata(RouteAccess.Public);
        app.MapMethods(RelayRoute.Path, [HttpMethods.Get], relay.HandleAsync).WithMetadata(RouteAccess.ProvenOverChannel);
        if (certificate?.Authority is { } authority)
        {
            app.MapMethods("/ca.crt", [HttpMethods.Get, HttpMethods.Head], new AuthorityRoute(authority).HandleAsync).WithMetadata(RouteAccess.Public);
        }

        app.MapMethods("/{**path}", [HttpMethods.Get, HttpMethods.Head], new AppRoute(files).HandleAsync).WithMetadata(RouteAccess.Public);
    }

    private static async Task ListenAsync(WebApplication app, ListenPlan plan, CancellationToken ct)
    {
        try
        {
            await app.StartAsync(ct);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw plan.Busy(e);
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            throw new GatewayRefusal(RefusalReason.CannotListen, $"Can't listen on {plan}: {e.Message}", e);
        }
    }
}
