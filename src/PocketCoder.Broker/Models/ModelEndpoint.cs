using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace PocketCoder.Broker.Models;

/// <summary>
/// Where one session's agent finds its models. A bare Kestrel without host, routing or configuration: endpoints come and go with sessions.
/// </summary>
public sealed class ModelEndpoint : IAsyncDisposable
{
    private readonly KestrelServer _server;
    private readonly ServiceProvider _services;
    private readonly string? _socketPath;

    private ModelEndpoint(KestrelServer server, ServiceProvider services, string? socketPath, string? token, int port)
    {
        _server = server;
        _services = services;
        _socketPath = socketPath;
        Token = token;
        Port = port;
    }

    /// <summary>
    /// Loopback only: what requests must carry, as the agent's "key" (any credential header) or as the first part of the path
    /// (<c>/s/{token}/anthropic</c>). Null on a Unix socket.
    /// </summary>
    public string? Token { get; }

    /// <summary>0 on a Unix socket.</summary>
    public int Port { get; }

    /// <summary>
    /// The base URL for a dialect, as an agent's settings take it (Anthropic and Gemini append <c>/v1…</c> themselves; for OpenAI it ends
    /// in <c>/v1</c>).
    /// </summary>
    /// <param name="port">Inside a sandbox: the port that leads to the Unix socket.</param>
    public string BaseUrl(ModelDialect dialect, int? port = null)
        => $"http://127.0.0.1:{port ?? Port}{dialect.Prefix()}{(dialect == ModelDialect.Openai ? "/v1" : "")}";

    internal static async Task<ModelEndpoint> StartAsync(ModelBroker broker, ModelEndpointOptions options, CancellationToken ct)
    {
        var token = options.SocketPath is null ? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) : null;
        var services = new ServiceCollection().BuildServiceProvider();
        var kestrel = new KestrelServerOptions { AddServerHeader = false, ApplicationServices = services };
        kestrel.Limits.MaxRequestBodySize = broker.Options.MaxRequestBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
        kestrel.Limits.MinRequestBodyDataRate = null; // a busy machine uploads slowly, and only the session's own agent waits
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.MaxConcurrentConnections = 512;
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(10);
        if (options.SocketPath is { } path)
        {
            UnixSockets.RemoveStale(path);
            kestrel.ListenUnixSocket(path, static listen => listen.Protocols = HttpProtocols.Http1);
        }
        else
        {
            kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http1);
        }

        var transport = new SocketTransportFactory(
            Options.Create(new SocketTransportOptions { NoDelay = true }), NullLoggerFactory.Instance);
        var server = new KestrelServer(Options.Create(kestrel), transport, NullLoggerFactory.Instance);
        try
        {
            await server.StartAsync(new Application(new ModelRequestHandler(broker, options, token)), ct);
            if (options.SocketPath is { } bound && !OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(bound, options.SocketMode);
            }
        }
        catch
        {
            server.Dispose();
            await services.DisposeAsync();
            throw;
        }

        var port = options.SocketPath is null ? new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port : 0;
        return new ModelEndpoint(server, services, options.SocketPath, token, port);
    }

    /// <summary>Cuts what runs and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _server.StopAsync(now.Token);
        _server.Dispose();
        await _services.DisposeAsync();
        if (_socketPath is not null)
        {
            try
            {
                File.Delete(_socketPath);
            }
            catch (DirectoryNotFoundException)
            {
                // its folder went first, and it with that
            }
        }
    }

    private sealed class Application(ModelRequestHandler handler) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public Task ProcessRequestAsync(HttpContext context) => handler.HandleAsync(context);

        public void DisposeContext(HttpContext context, Exception? exception)
        {
            // Nothing is held.
        }
    }
}
