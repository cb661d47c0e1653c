using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Entry;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Door;

/// <param name="Connections">At once; more are closed.</param>
/// <param name="BodyBytes">Of a request; a longer one is answered 413.</param>
internal sealed record DoorBounds(int Connections, long BodyBytes);

/// <summary>An address that answers plain HTTP/1.1 and nothing that it was not given: no pages, no log of its own, no signals.</summary>
internal static class DoorHost
{
    private const int HeaderBytes = 8192;

    private static readonly TimeSpan s_headerLimit = TimeSpan.FromSeconds(5); // for headers, and between requests

    public static WebApplication Build(string name, IPEndPoint endpoint, DoorBounds bounds, RequestDelegate answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = name });
        builder.Services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance); // what is worth a line is logged by who answers
        builder.Services.AddLogging();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxConcurrentConnections = bounds.Connections;
            server.Limits.MaxRequestBodySize = bounds.BodyBytes;
            server.Limits.MaxRequestHeadersTotalSize = HeaderBytes;
            server.Limits.RequestHeadersTimeout = s_headerLimit;
            server.Limits.KeepAliveTimeout = s_headerLimit;
            server.Listen(endpoint, listen => listen.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        app.Run(answer);
        return app;
    }

    /// <param name="problem">What is said when it can't listen there: with what to do.</param>
    /// <exception cref="EntryRefusal">UNAVAILABLE: it can't listen; it is disposed of.</exception>
    public static async Task StartAsync(WebApplication app, string problem, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await app.DisposeAsync();
            throw new EntryRefusal(new WireError(ErrorCode.Unavailable, problem));
        }
    }

    /// <summary>The daemon ends it, no signal does.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
