using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PocketCoder.Acme;
using PocketCoder.Gateway.Hosting;

namespace PocketCoder.Gateway.Tls;

/// <summary>
/// Listens for a certificate authority that looks whether a name leads here: on the plain port (HTTP-01; it stays, and leads browsers to
/// the same page under https), or on the gateway's own port before the gateway has a certificate (TLS-ALPN-01). It serves nothing else.
/// Thread-safe.
/// </summary>
internal sealed class ChallengeServer : IAsyncDisposable
{
    private const int Connections = 256;
    private const int HeaderBytes = 8 * 1024;
    private static readonly TimeSpan s_headerLimit = TimeSpan.FromSeconds(10);

    private readonly WebApplication _app;

    private ChallengeServer(WebApplication app) => _app = app;

    /// <summary>The port really bound.</summary>
    public int Port => new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    /// <param name="names">Names that a browser is led to under https, from the same name only.</param>
    /// <param name="httpsPort">Where the gateway listens, as browsers see it.</param>
    /// <exception cref="GatewayRefusal"><see cref="RefusalReason.CannotListen"/></exception>
    public static Task<ChallengeServer> StartPlainAsync(
        IReadOnlyList<IPEndPoint> listen, ChallengeAnswers answers, IReadOnlyList<string> names, int httpsPort, ILoggerFactory logs,
        CancellationToken ct)
    {
        var app = Build(listen, logs, options => options.Protocols = HttpProtocols.Http1);
        var known = names.ToHashSet(StringComparer.OrdinalIgnoreCase);
        app.Run(context => AnswerAsync(context, answers, known, httpsPort));
        return StartAsync(app, listen, "With --acme-challenge tls-alpn-01 no port 80 is needed.", ct);
    }

    /// <exception cref="GatewayRefusal"><see cref="RefusalReason.CannotListen"/></exception>
    public static Task<ChallengeServer> StartTlsAsync(
        IReadOnlyList<IPEndPoint> listen, ChallengeAnswers answers, ILoggerFactory logs, CancellationToken ct)
    {
        var gate = new ChallengeGate(answers);
        var app = Build(listen, logs, options => options.Use(_ => connection => gate.AnswerAsync(connection)));
        return StartAsync(app, listen, "Stop what listens there.", ct);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static WebApplication Build(IReadOnlyList<IPEndPoint> listen, ILoggerFactory logs, Action<ListenOptions> each)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "challenges" });
        builder.Services.AddSingleton<ILoggerFactory>(new ServerLogs(logs));
        builder.Services.AddLogging();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = 0;
            server.Limits.MaxRequestHeadersTotalSize = HeaderBytes;
            server.Limits.RequestHeadersTimeout = s_headerLimit;
            server.Limits.KeepAliveTimeout = s_headerLimit;
            server.Limits.MaxConcurrentConnections = Connections; // more are closed: an authority tries again
            foreach (var endpoint in listen)
            {
                server.Listen(endpoint, each);
            }
        });
        return builder.Build();
    }

    private static async Task<ChallengeServer> StartAsync(
        WebApplication app, IReadOnlyList<IPEndPoint> listen, string advice, CancellationToken ct)
    {
        try
        {
            await app.StartAsync(ct);
            return new ChallengeServer(app);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            await app.DisposeAsync();
            var why = e.InnerException is AddressInUseException ? "the port is taken" : e.Message;
            throw new GatewayRefusal(RefusalReason.CannotListen,
                $"Can't listen on {string.Join(", ", listen)} for the certificate authority: {why}. {advice}", e);
        }
    }

    private static Task AnswerAsync(HttpContext context, ChallengeAnswers answers, HashSet<string> names, int httpsPort)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        var path = context.Request.Path.Value ?? "";
        if (HttpMethods.IsGet(context.Request.Method) && path.StartsWith(ChallengeAnswers.HttpPath, StringComparison.Ordinal))
        {
            return answers.ForToken(path[ChallengeAnswers.HttpPath.Length..]) is { } body
                ? PlainText.WriteAsync(context, StatusCodes.Status200OK, body)
                : PlainText.WriteAsync(context, StatusCodes.Status404NotFound, "Nothing is asked for here.\n");
        }

        // The page's path stays behind: nothing but the name is taken from a plain request.
        var reads = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        if (reads && names.Contains(context.Request.Host.Host))
        {
            context.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
            var host = context.Request.Host.Host.ToLowerInvariant();
            context.Response.Headers.Location = httpsPort == 443 ? $"https://{host}/" : $"https://{host}:{httpsPort}/";
            return Task.CompletedTask;
        }

        context.Response.Headers.Connection = "close";
        return PlainText.WriteAsync(
            context, StatusCodes.Status421MisdirectedRequest, "This port leads to https, under the gateway's own names only.\n");
    }
}
