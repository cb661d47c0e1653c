using System.Net.WebSockets;
using System.Text.Json;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>The CLI's end of an attached terminal. One reader and one writer at a time.</summary>
public sealed class TerminalLink : IAsyncDisposable
{
    private readonly WebSocket _socket;
    private readonly DaemonWatch _watch;

    internal TerminalLink(WebSocket socket, DaemonWatch watch) => (_socket, _watch) = (socket, watch);

    /// <summary>What the terminal writes next; null when the daemon let go of it.</summary>
    /// <exception cref="DaemonNotAnswering">The daemon gave no sign of life for too long.</exception>
    public async Task<TerminalOutputPayload?> ReadAsync(CancellationToken ct)
    {
        using var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                var part = await _watch.WaitAsync(
                    token => _socket.ReceiveAsync(buffer.AsMemory(), token).AsTask(), Timeout.InfiniteTimeSpan, ct);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return null;
                }

                message.Write(buffer, 0, part.Count);
                if (part.EndOfMessage)
                {
                    return JsonSerializer.Deserialize(
                        message.GetBuffer().AsSpan(0, (int)message.Length), ProtocolJson.Default.TerminalOutputPayload);
                }
            }
        }
        catch (WebSocketException)
        {
            return null; // the daemon died: the terminal goes on
        }
    }

    public Task TypeAsync(string keys, CancellationToken ct) => SendAsync(new TerminalKeys(keys, null, null), ct);

    public Task ResizeAsync(int columns, int rows, CancellationToken ct) => SendAsync(new TerminalKeys(null, columns, rows), ct);

    public async ValueTask DisposeAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // it is closed already
        }

        _socket.Dispose();
    }

    private async Task SendAsync(TerminalKeys keys, CancellationToken ct)
    {
        try
        {
            await _socket.SendAsync(
                JsonSerializer.SerializeToUtf8Bytes(keys, TerminalKeysJson.Default.TerminalKeys), WebSocketMessageType.Text, true, ct);
        }
        catch (WebSocketException)
        {
            // the reader learns that it is over
        }
    }
}
