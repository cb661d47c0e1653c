using System.Globalization;
using System.Net.WebSockets;
using PocketCoder.Gateway;

namespace PocketCoder.Bench.Gateways;

/// <summary>A device as the gateway sees it: a WebSocket on which frames come and go. What is in them is noise.</summary>
internal sealed class BareDevice : IDisposable
{
    /// <summary>Fewer than an address may open at once.</summary>
    private const int PerAddress = 16;

    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[2048];

    private BareDevice()
    {
    }

    /// <summary>Connects to a machine, says something, and returns when the machine has answered.</summary>
    /// <param name="number">Of the device: which address the proxy says that it comes from.</param>
    /// <exception cref="WebSocketException">The gateway is not there, or has no room.</exception>
    public static async Task<BareDevice> ConnectAsync(Uri gateway, string machine, int number, HttpMessageInvoker by, CancellationToken ct)
    {
        var device = new BareDevice();
        try
        {
            var address = number / PerAddress;
            device._socket.Options.AddSubProtocol(RelayFrame.Subprotocol);
            device._socket.Options.KeepAliveInterval = TimeSpan.Zero; // the gateway pings
            device._socket.Options.SetRequestHeader(
                "X-Forwarded-For", string.Create(CultureInfo.InvariantCulture, $"198.18.{address / 250}.{(address % 250) + 1}"));
            await device._socket.ConnectAsync(new Uri($"ws://{gateway.Authority}/v1/relay?machine={machine}"), by, ct);
            await device.SendAsync(new byte[] { RelayFrame.Sealed, 0 }, ct);
            await device.NextAsync(ct);
            return device;
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    public ValueTask SendAsync(ReadOnlyMemory<byte> frame, CancellationToken ct)
        => _socket.SendAsync(frame, WebSocketMessageType.Binary, endOfMessage: true, ct);

    /// <summary>The next frame, valid until the next call; while it waits, pings are answered.</summary>
    /// <exception cref="WebSocketException">The connection ended.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken ct)
    {
        var part = await _socket.ReceiveAsync(_buffer.AsMemory(), ct);
        return part is { MessageType: WebSocketMessageType.Binary, EndOfMessage: true }
            ? _buffer.AsMemory(0, part.Count)
            : throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely, $"The gateway closed: {_socket.CloseStatusDescription}");
    }

    public void Dispose() => _socket.Dispose();
}
