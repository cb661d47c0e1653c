using System.Collections.Frozen;
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
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PocketCoder.Gateway.App;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Gateway.Hosting.Accounts;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Gateway.Relay;
using PocketCoder.Gateway.Throttling;
using PocketCoder.Gateway.Tls;
using PocketCoder.Link;

namespace PocketCoder.Gateway;

/// <summary>
/// Where devices and machines meet: serves the app and relays sealed frames, of which it can read nothing.
/// Everything that listens on a network is here. Thread-safe.
/// </summary>
public sealed class GatewayServer : IAsyncDisposable
{
    /// <summary>How long open connections get to end when the gateway stops.</summary>
    private static readonly TimeSpan s_stopLimit = TimeSpan.FromSeconds(5);

    /// <summary>Of one request.</summary>
    private const int HeaderCount = 64;

    private const int HeaderBytes = 16 * 1024;
    private static readonly TimeSpan s_headerLimit = TimeSpan.FromSeconds(10);

    /// <summary>What may lie read and not yet looked at of one connection, in bytes: two frames. The default is 1 MiB.</summary>
    private const int TransportBytes = 128 * 1024;

    private readonly WebApplication _app;
    private readonly ServerCertificate? _certificate;
    private readonly AcmeService? _acme;
    private readonly EnrolmentWatch? _watch;
    private readonly AccountsHost? _accounts;
    private readonly Throttle _throttle;
    private int _stopped;

    private GatewayServer(
        WebApplication app, ServerCertificate? certificate, AcmeService? acme, EnrolmentWatch? watch, AccountsHost? accounts,
        Throttle throttle, IReadOnlyList<string> urls)
    {
        _watch = watch;
        _accounts = accounts;
        _app = app;
        _certificate = certificate;
        _acme = acme;
        _throttle = throttle;
        Urls = urls;
    }

    /// <summary>
    /// Base addresses for people, the best one for a phone first: names, then addresses, loopback last. No trailing slash.
    /// </summary>
    public IReadOnlyList<string> Urls { get; }

    /// <summary>Open device connections.</summary>
    public int Connections => _throttle.Open;

    /// <summary>Whether the app is in this program.</summary>
    public static bool HasApp => !AppFiles.BuiltIn().IsEmpty;

    internal IReadOnlyList<Endpoint> Endpoints => [.. _app.Services.GetRequiredService<EndpointDataSource>().Endpoints];

    /// <summary>Whether these options can be served, as far as that can be told without listening.</summary>
    /// <exception cref="GatewayRefusal">They can't be safe, or the certificate can't be used; the message says what to do.</exception>
    public static void Require(GatewayOptions options, TimeProvider timeProvider)
    {
        _ = ListenPlan.From(options);
        if (options.Acme is { } acme)
        {
            AcmeService.Require(acme);
        }
        else if (options.Tls is { } tls)
        {
            ServerCertificate.Load(tls, timeProvider, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance).Dispose();
        }
    }

    /// <summary>Starts listening; when this returns, the addresses answer.</summary>
    /// <exception cref="GatewayRefusal">The options can't be safe, or the address can't be had; the message says what to do.</exception>
    public static async Task<GatewayServer> StartAsync(
        GatewayOptions options, IRelayFabric fabric, ILoggerFactory loggerFactory, TimeProvider timeProvider,
        CancellationToken ct = default)
    {
        var plan = ListenPlan.From(options);
        var visitors = new Visitors(options);
        if (options.Acme is not { } acme)
        {
            return await ServeAsync(options, plan, visitors, fabric, acme: null, loggerFactory, timeProvider, ct);
        }

        var service = await AcmeService.StartAsync(acme, plan.Endpoints, loggerFactory, timeProvider, ct);
        try
        {
            return await ServeAsync(options with { Tls = service.Tls }, plan, visitors, fabric, service, loggerFactory, timeProvider, ct);
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    private static async Task<GatewayServer> ServeAsync(
        GatewayOptions options, ListenPlan plan, Visitors visitors, IRelayFabric fabric, AcmeService? acme, ILoggerFactory loggerFactory,
        TimeProvider timeProvider, CancellationToken ct)
    {
        var files = options.AppDirectory is { } directory ? AppFiles.From(directory) : AppFiles.BuiltIn();
        var certificate = options.Tls is { } tls
            ? ServerCertificate.Load(tls, timeProvider, loggerFactory.CreateLogger<ServerCertificate>()) : null;
        var throttle = new Throttle(options, timeProvider);

        var app = Build(options, plan, loggerFactory, certificate, acme?.Gate,
            new ConnectionGate(options, loggerFactory.CreateLogger<ConnectionGate>()));
        try
        {
            var client = new ClientAddress(options);
            var linked = options.EnrolmentFile is { } file && fabric is LinkedMachines machines
                ? (Machines: machines, Enrolments: new Enrolments(file, timeProvider)) : default;
            var accounts = options.AccountsFile is not { } people ? null : linked.Machines is null
                ? throw new ArgumentException("Only a gateway with machines of its own has accounts.", nameof(options))
                : new AccountsHost(people, linked.Enrolments, linked.Machines, client, timeProvider, loggerFactory);
            var doorkeeper = new Doorkeeper(
                visitors, options, client, accounts?.Posts ?? FrozenSet<string>.Empty, loggerFactory.CreateLogger<Doorkeeper>());
            app.UseWebSockets();
            app.Use(next => context => doorkeeper.InvokeAsync(context, next));
            app.UseRouting();
            var door = new RelayDoor(options, throttle, client, loggerFactory.CreateLogger<RelayDoor>());
            MapRoutes(app, files, certificate);
            var relay = new RelayRoute(
                fabric, options, door, accounts?.Admissions, timeProvider, loggerFactory.CreateLogger<RelayRoute>(),
                app.Lifetime.ApplicationStopping);
            var access = accounts is null ? RouteAccess.ProvenOverChannel : RouteAccess.WithTicket;
            app.AddRoute(RelayRoute.Path, RouteTable.Get, access, relay.HandleAsync);
            accounts?.Map(app);
            if (linked.Machines is not null)
            {
                _ = linked.Enrolments.Machines; // a file that can't be read is told now
                var route = new MachineRoute(
                    linked.Machines, linked.Enrolments, accounts?.Logins, options, door, timeProvider,
                    loggerFactory.CreateLogger<MachineRoute>(), app.Lifetime.ApplicationStopping);
                app.AddRoute(LinkFrame.Path, RouteTable.Get, RouteAccess.ProvenByMachine, route.HandleAsync);
            }

            await ListenAsync(app, plan, ct);
            acme?.BeginRenewing();
            accounts?.Begin();
            var bound = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
            var watch = linked.Machines is null ? null : new EnrolmentWatch(
                linked.Enrolments, linked.Machines, timeProvider, loggerFactory.CreateLogger<EnrolmentWatch>());
            return new GatewayServer(app, certificate, acme, watch, accounts, throttle, plan.UrlsFor(bound));
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
        if (_watch is not null)
        {
            await _watch.DisposeAsync();
        }

        if (_accounts is not null)
        {
            await _accounts.DisposeAsync();
        }

        if (_acme is not null)
        {
            await _acme.DisposeAsync();
        }

        await _app.DisposeAsync();
        _certificate?.Dispose();
    }

    private static WebApplication Build(
        GatewayOptions options, ListenPlan plan, ILoggerFactory loggerFactory, ServerCertificate? certificate, ChallengeGate? challenges,
        ConnectionGate gate)
    {
        // The empty builder reads no environment, no settings file and no command line: what is served is what the options say.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "gateway" });
        builder.Services.AddSingleton<ILoggerFactory>(new ServerLogs(loggerFactory));
        builder.Services.AddLogging();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.AddRoutingCore();
        builder.Services.Configure<SocketTransportOptions>(transport => transport.MaxReadBufferSize = TransportBytes);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = s_stopLimit);
        var kestrel = builder.WebHost.UseKestrelCore();
        if (certificate is not null)
        {
            kestrel.UseKestrelHttpsConfiguration();
        }

        kestrel.ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = 0; // no route takes a body but those of accounts, which say how large
            server.Limits.MaxRequestHeadersTotalSize = HeaderBytes;
            server.Limits.MaxRequestHeaderCount = HeaderCount;
            server.Limits.RequestHeadersTimeout = s_headerLimit;
            server.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
            server.Limits.MaxRequestBufferSize = TransportBytes;
            server.Limits.MaxConcurrentUpgradedConnections = ConnectionGate.Most(options); // the throttle is stricter and knows the owner
            server.Limits.MaxConcurrentConnections = ConnectionGate.Most(options);
            foreach (var endpoint in plan.Endpoints)
            {
                server.Listen(endpoint, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1; // one parser, and WebSockets need no other
                    listen.Use(next => connection => gate.InvokeAsync(connection, next));
                    if (certificate is not null)
                    {
                        if (challenges is not null)
                        {
                            listen.Use(next => connection => challenges.InvokeAsync(connection, next));
                        }

                        listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => new(certificate.ServerOptions()) });
                    }
                });
            }
        });
        return builder.Build();
    }

    private static void MapRoutes(WebApplication app, AppFiles files, ServerCertificate? certificate)
    {
        app.AddRoute("/healthz", RouteTable.Reads, RouteAccess.Public, static context =>
        {
            context.Response.Headers.CacheControl = "no-store";
            context.Response.ContentLength = 0;
            return Task.CompletedTask;
        });
        if (certificate?.Authority is { } authority)
        {
            app.AddRoute("/ca.crt", RouteTable.Reads, RouteAccess.Public, new AuthorityRoute(authority).HandleAsync);
        }

        app.AddRoute("/{**path}", RouteTable.Reads, RouteAccess.Public, new AppRoute(files).HandleAsync);
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
