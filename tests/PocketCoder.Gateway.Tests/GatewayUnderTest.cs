using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests;

/// <summary>A real gateway on a free loopback port, with one machine whose behaviour the test writes.</summary>
internal sealed class GatewayUnderTest : IAsyncDisposable
{
    public const string MachineId = "machine-1";

    private GatewayUnderTest(GatewayServer server, InProcessFabric fabric)
    {
        Server = server;
        Fabric = fabric;
        Base = new Uri(server.Urls[^1]);
    }

    public GatewayServer Server { get; }

    public InProcessFabric Fabric { get; }

    public Uri Base { get; }

    public int Port => Base.Port;

    public static async Task<GatewayUnderTest> StartAsync(
        Func<IDeviceLink, CancellationToken, Task>? machine = null, GatewayOptions? options = null, TimeProvider? time = null,
        ILoggerFactory? logs = null)
    {
        var fabric = new InProcessFabric();
        fabric.Register(new ScriptedMachine(machine ?? EchoAsync));
        options ??= GatewayOptions.Default;
        if (options.Listen.Count == 0)
        {
            options = options with { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] };
        }

        return new(await GatewayServer.StartAsync(options, fabric, logs ?? NullLoggerFactory.Instance, time ?? TimeProvider.System),
            fabric);
    }

    public static async Task EchoAsync(IDeviceLink link, CancellationToken ct)
    {
        while (await link.ReceiveAsync(ct) is { } frame)
        {
            await link.SendAsync(frame, ct);
        }
    }

    public HttpClient Client()
        => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false }) { BaseAddress = Base };

    /// <summary>Opens a device connection as the CLI would; the headers make it a browser's.</summary>
    public async Task<ClientWebSocket> ConnectAsync(
        string? machine = MachineId, string? subprotocol = RelayFrame.Subprotocol, params (string Name, string Value)[] headers)
    {
        var socket = Socket(subprotocol, headers);
        await socket.ConnectAsync(RelayUri(machine), CancellationToken.None);
        return socket;
    }

    /// <summary>The status a connect is answered with: 101 or why not.</summary>
    public async Task<(HttpStatusCode Status, IReadOnlyDictionary<string, IEnumerable<string>> Headers)> TryConnectAsync(
        string? machine = MachineId, string? subprotocol = RelayFrame.Subprotocol, params (string Name, string Value)[] headers)
    {
        using var socket = Socket(subprotocol, headers);
        try
        {
            await socket.ConnectAsync(RelayUri(machine), CancellationToken.None);
        }
        catch (WebSocketException) when (socket.HttpStatusCode is not default(HttpStatusCode))
        {
            // the status tells
        }

        return (socket.HttpStatusCode, socket.HttpResponseHeaders
            ?? new Dictionary<string, IEnumerable<string>>(StringComparer.OrdinalIgnoreCase));
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    private static ClientWebSocket Socket(string? subprotocol, (string Name, string Value)[] headers)
    {
        var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.Proxy = null;
        if (subprotocol is not null)
        {
            socket.Options.AddSubProtocol(subprotocol);
        }

        foreach (var (name, value) in headers)
        {
            socket.Options.SetRequestHeader(name, value);
        }

        return socket;
    }

    private Uri RelayUri(string? machine)
        => new($"{(Base.Scheme == "https" ? "wss" : "ws")}://{Base.Authority}/v1/relay{(machine is null ? "" : $"?machine={machine}")}");

    private sealed class ScriptedMachine(Func<IDeviceLink, CancellationToken, Task> serve) : IMachineEndpoint
    {
        public string MachineId => GatewayUnderTest.MachineId;

        public Task ServeAsync(IDeviceLink link, CancellationToken ct) => serve(link, ct);
    }
}

internal static class WebSocketExtensions
{
    public static Task SendFrameAsync(this WebSocket socket, params byte[] frame)
        => socket.SendAsync(frame, WebSocketMessageType.Binary, true, CancellationToken.None);

    /// <summary>The next whole message, or null at a close.</summary>
    public static async Task<byte[]?> ReceiveFrameAsync(this WebSocket socket)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        var buffer = new byte[RelayFrame.MaxBytes + 1];
        var length = 0;
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(length), limit.Token);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            length += part.Count;
            if (part.EndOfMessage)
            {
                return buffer[..length];
            }
        }
    }

    /// <summary>Reads until the close and gives its code and reason.</summary>
    public static async Task<(int Code, string? Reason)> ReceiveCloseAsync(this WebSocket socket)
    {
        while (await socket.ReceiveFrameAsync() is not null)
        {
        }

        return ((int)socket.CloseStatus!.Value, socket.CloseStatusDescription);
    }
}

/// <summary>Keeps what was logged, as text.</summary>
internal sealed class LogCapture : ILoggerFactory, ILogger
{
    public ConcurrentQueue<string> Lines { get; } = [];

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        => Lines.Enqueue($"{logLevel} {eventId.Id} {formatter(state, exception)} {exception}");
}
