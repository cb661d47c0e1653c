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

namespace PocketCoder.Agents.Shared.Mcp;

/// <summary>
/// Our tools for one agent process that takes tools by MCP over HTTP (Streamable HTTP, answers as server-sent events): a server of its own
/// with a token of its own, on a loopback port or a Unix socket. A call may take as long as a person takes. Bare Kestrel, like the endpoint
/// of the models: nothing of a web application is in it. Thread-safe.
/// </summary>
/// <remarks>The calls are as trustworthy as whatever can reach it and knows the token: in a sandbox that is every process of it. So
/// the machine asks a person, never the agent.</remarks>
internal sealed class McpToolEndpoint : IAsyncDisposable
{
    /// <summary>
    /// The server's name in agents' settings; tools are <c>mcp__pocketcoder__bash</c> or <c>mcp_pocketcoder_bash</c> to models.
    /// </summary>
    public const string ServerName = "pocketcoder";

    private const string Path = "/mcp";
    private const int MaxHeaderBytes = 16 * 1024;
    private const int MaxConnections = 64;

    private static readonly TimeSpan s_lastWordsLimit = TimeSpan.FromSeconds(2);

    private readonly ServiceProvider _services = new ServiceCollection().BuildServiceProvider();
    private readonly McpRequestHandler _handler;
    private readonly IMcpCalls _calls;
    private readonly TimeProvider _time;
    private KestrelServer? _server;
    private string? _socket;
    private int _disposed;

    /// <param name="tools">What is offered; nothing else can be called.</param>
    /// <param name="calls">The driver's side.</param>
    /// <param name="time">For pings.</param>
    public McpToolEndpoint(IReadOnlyList<HostTool> tools, IMcpCalls calls, TimeProvider time)
    {
        (_calls, _time) = (calls, time);
        _handler = new McpRequestHandler(ServerName, tools, Path, Token, calls, time);
    }

    /// <summary>What requests must carry: <c>Authorization: Bearer</c>. 256 bits, of this endpoint only.</summary>
    public string Token { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>Completes when an agent with the token has asked which tools there are: only then it can offer them.</summary>
    public Task ToolsListed => _handler.ToolsListed;

    /// <summary>Where the agent finds it, when it listens on a port of its own side.</summary>
    public static Uri UrlAt(int port) => new($"http://127.0.0.1:{port}{Path}");

    /// <summary>Listens on a loopback port.</summary>
    /// <returns>The URL for the agent.</returns>
    /// <exception cref="IOException">No port can be had.</exception>
    public async Task<Uri> ListenAsync(CancellationToken cancellationToken)
    {
        await StartAsync(static kestrel => kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http1),
            cancellationToken);
        var url = UrlAt(new Uri(_server!.Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port);
        _handler.Host = url.Authority;
        return url;
    }

    /// <summary>Listens on a Unix socket that a relay leads to from the agent's side.</summary>
    /// <param name="path">Nothing must be there yet, and nobody else may be able to put anything there.</param>
    /// <param name="mode">Who may connect.</param>
    /// <param name="port">The relay's, on the agent's loopback.</param>
    /// <exception cref="IOException">The socket can't be had.</exception>
    public async Task ListenAsync(string path, UnixFileMode mode, int port, CancellationToken cancellationToken)
    {
        _handler.Host = UrlAt(port).Authority;
        _socket = path;
        await StartAsync(kestrel => kestrel.ListenUnixSocket(path, static listen => listen.Protocols = HttpProtocols.Http1),
            cancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, mode);
        }
    }

    /// <summary>A call that waits; null: none of that id.</summary>
    public McpCall? Find(string requestId) => _handler.Calls.Find(requestId);

    /// <summary>Answers a call.</summary>
    /// <returns>False: nobody waits for it any more, and the answer is not heard.</returns>
    /// <exception cref="ArgumentException">This kind of answer does not fit a call.</exception>
    public bool Answer(string requestId, AgentAnswer answer) => _handler.Calls.TryEnd(requestId, answer switch
    {
        AgentAnswer.HostResult result => new McpCallEnd.Answered(result.Text, result.IsError),
        AgentAnswer.Deny deny => new McpCallEnd.Answered(deny.Message, IsError: false), // what a person says is no failure of the tool
        _ => throw new ArgumentException($"The call {requestId} can't be answered with {answer.GetType().Name}.", nameof(answer)),
    });

    /// <summary>
    /// Drops all calls, at a turn's end say: whoever waits for one is told. The driver says that they are withdrawn, in its own order; one
    /// that it has not said yet may be among them.
    /// </summary>
    public IReadOnlyList<McpCall> DropAll() => _handler.Calls.EndAll(new McpCallEnd.Dropped());

    /// <summary>Withdraws all calls, cuts all connections and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _handler.Calls.Close();
        using (var limit = new CancellationTokenSource(s_lastWordsLimit, _time))
        {
            foreach (var call in DropAll())
            {
                await _calls.WithdrawnAsync(call, limit.Token);
            }
        }

        if (_server is not null)
        {
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await _server.StopAsync(now.Token);
            _server.Dispose();
        }

        await _services.DisposeAsync();
        RemoveSocket();
    }

    private async Task StartAsync(Action<KestrelServerOptions> listen, CancellationToken cancellationToken)
    {
        var options = new KestrelServerOptions { AddServerHeader = false, ApplicationServices = _services };
        options.Limits.MaxRequestBodySize = McpRequestHandler.MaxBodyBytes;
        options.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        options.Limits.MaxConcurrentConnections = MaxConnections;
        options.Limits.MinResponseDataRate = null; // it is silent for minutes while a person thinks
        listen(options);
        var transport = new SocketTransportFactory(
            Options.Create(new SocketTransportOptions { NoDelay = true }), NullLoggerFactory.Instance);
        _server = new KestrelServer(Options.Create(options), transport, NullLoggerFactory.Instance);
        await _server.StartAsync(new Application(_handler), cancellationToken);
    }

    private void RemoveSocket()
    {
        try
        {
            if (_socket is not null)
            {
                File.Delete(_socket);
            }
        }
        catch (DirectoryNotFoundException)
        {
            // its folder went first, and it with that
        }
    }

    private sealed class Application(McpRequestHandler handler) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public Task ProcessRequestAsync(HttpContext context) => handler.HandleAsync(context);

        public void DisposeContext(HttpContext context, Exception? exception)
        {
            // Nothing is held.
        }
    }
}
