using System.Buffers;
using System.Globalization;
using System.Net.WebSockets;

namespace PocketCoder.Feishu.LongConnections;

/// <summary>The WebSocket: whole frames in, whole frames out, with limits. One reader; writers take turns.</summary>
internal sealed class FeishuSocket : IDisposable
{
    /// <summary>For the connection, and for each frame that is sent.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private const int AuthFailed = 514;
    private const int Forbidden = 403;
    private const int TooManyConnections = 1000040350;
    private const int Step = 16 * 1024;

    private readonly ClientWebSocket _socket;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _writing = new(1, 1);

    private FeishuSocket(ClientWebSocket socket, TimeProvider time) => (_socket, _time) = (socket, time);

    /// <exception cref="FeishuException">It can't be reached, or refuses; not retryable: connecting again is of no use.</exception>
    public static async Task<FeishuSocket> ConnectAsync(Uri address, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = new ClientWebSocket();
        socket.Options.KeepAliveInterval = Timeout.InfiniteTimeSpan; // the protocol has signs of life of its own
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.Proxy = null;
        using var limit = new CancellationTokenSource(Limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await socket.ConnectAsync(address, both.Token);
            return new FeishuSocket(socket, time);
        }
        catch (Exception e)
        {
            var refusal = Refusal(socket, address);
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw e switch
            {
                OperationCanceledException => new FeishuException(FeishuError.TooSlow, $"{address.Host} did not answer in time.") { Retryable = true },
                // Not with its own text: that may name the address, which holds a ticket.
                WebSocketException => refusal,
                _ => e,
            };
        }
    }

    /// <summary>The next message of bytes; null: the other side ended the connection. Messages of text are left out.</summary>
    /// <exception cref="FeishuException">It broke, or a message is longer than a frame may be.</exception>
    public async Task<byte[]?> ReceiveAsync(CancellationToken cancellationToken)
    {
        var bytes = new ArrayBufferWriter<byte>(1024);
        try
        {
            while (true)
            {
                var got = await _socket.ReceiveAsync(bytes.GetMemory(Step), cancellationToken);
                if (got.MessageType == WebSocketMessageType.Close)
                {
                    return null;
                }

                bytes.Advance(got.Count);
                if (bytes.WrittenCount > FrameCodec.LongestFrame)
                {
                    throw new FeishuException(FeishuError.TooLarge, $"A frame is longer than {FrameCodec.LongestFrame} bytes.") { Retryable = true };
                }

                if (got.EndOfMessage && got.MessageType == WebSocketMessageType.Binary)
                {
                    return bytes.WrittenSpan.ToArray();
                }

                if (got.EndOfMessage)
                {
                    bytes.Clear();
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            throw Broke();
        }
    }

    /// <exception cref="FeishuException">It broke, or the other side takes nothing.</exception>
    public async Task SendAsync(Frame frame, CancellationToken cancellationToken)
    {
        var bytes = FrameCodec.Write(frame);
        await LimitedAsync(
            ct => _socket.SendAsync(bytes, WebSocketMessageType.Binary, WebSocketMessageFlags.EndOfMessage, ct), cancellationToken);
    }

    /// <summary>Says goodbye; the answer comes to <see cref="ReceiveAsync"/>.</summary>
    /// <exception cref="FeishuException">It broke, or the other side takes nothing.</exception>
    public Task CloseAsync() => LimitedAsync(
        async ct => await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, ct), CancellationToken.None);

    /// <summary>A sender may still hold the semaphore, which has nothing to dispose of and stays for it.</summary>
    public void Dispose() => _socket.Dispose();

    private async Task LimitedAsync(Func<CancellationToken, ValueTask> send, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await _writing.WaitAsync(both.Token);
            try
            {
                await send(both.Token);
            }
            finally
            {
                _writing.Release();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new FeishuException(FeishuError.TooSlow, "The long connection takes nothing any more.") { Retryable = true };
        }
        catch (Exception e) when (e is WebSocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            throw Broke();
        }
    }

    private static FeishuException Broke() => new(FeishuError.Unreachable, "The long connection broke.") { Retryable = true };

    private static FeishuException Refusal(ClientWebSocket socket, Uri address)
    {
        var http = (int)socket.HttpStatusCode;
        var status = Number("Handshake-Status") ?? http;
        var code = Number("Handshake-Autherrcode");
        var final = status == Forbidden || (status == AuthFailed && code == TooManyConnections);
        return status == 0
            ? new FeishuException(FeishuError.Unreachable, $"{address.Host} can't be reached.") { Retryable = true }
            : new FeishuException(
                status is Forbidden or AuthFailed ? FeishuError.Unauthorised : FeishuError.Unreachable,
                code == TooManyConnections
                    ? "The app has as many long connections as it may have: end the others."
                    : $"{address.Host} refused the long connection (status {status}).")
            {
                Code = code,
                HttpStatus = http == 0 ? null : http,
                Retryable = !final,
            };

        int? Number(string name) => socket.HttpResponseHeaders?.TryGetValue(name, out var values) == true
            && int.TryParse(values.FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
