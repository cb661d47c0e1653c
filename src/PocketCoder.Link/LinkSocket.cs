using System.Net.WebSockets;
using System.Threading.Channels;

namespace PocketCoder.Link;

/// <summary>
/// A link's WebSocket, at either end: whole messages, sent in the order of <see cref="SendAsync"/> by one pump.
/// <see cref="ReceiveAsync"/> is for one reader; the rest is thread-safe. It ends when the connection does, or by <see cref="Abort"/>.
/// </summary>
public sealed class LinkSocket : IAsyncDisposable
{
    /// <summary>Messages that may wait for the network, 4 MiB at most; then senders wait.</summary>
    private const int QueueLength = 64;

    /// <summary>How long one message may take to be sent. Pings find out about a dead connection sooner.</summary>
    private static readonly TimeSpan s_sendLimit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_closeLimit = TimeSpan.FromSeconds(2);

    private readonly WebSocket _socket;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _over;
    private readonly Channel<ReadOnlyMemory<byte>> _queue = Channel.CreateBounded<ReadOnlyMemory<byte>>(
        new BoundedChannelOptions(QueueLength) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly byte[] _buffer = new byte[LinkFrame.MaxBytes + 1];
    private readonly Task _pump;
    private readonly TaskCompletionSource _peerClosed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _reading;
    private int _disposed;

    /// <param name="socket">An open one, which is disposed of by its owner.</param>
    /// <param name="stop">Ends the link.</param>
    public LinkSocket(WebSocket socket, TimeProvider time, CancellationToken stop)
    {
        (_socket, _time) = (socket, time);
        _over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Over = _over.Token;
        _pump = PumpAsync();
    }

    /// <summary>Cancelled when nothing more can be sent or received.</summary>
    public CancellationToken Over { get; }

    /// <summary>The next message, or null when the other side closed.</summary>
    /// <exception cref="LinkException">
    /// <see cref="LinkError.Malformed"/>, or <see cref="LinkError.Lost"/>: the connection broke.
    /// </exception>
    public async ValueTask<LinkFrame?> ReceiveAsync(CancellationToken ct)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, Over);
        var length = 0;
        Volatile.Write(ref _reading, 1);
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(_buffer.AsMemory(length), both.Token);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    _peerClosed.TrySetResult();
                    return null;
                }

                length += part.Count;
                if (part.MessageType != WebSocketMessageType.Binary || length > LinkFrame.MaxBytes)
                {
                    throw new LinkException(LinkError.Malformed, "Only binary messages of bounded length make a link.");
                }

                if (part.EndOfMessage)
                {
                    return LinkFrame.Read(_buffer.AsSpan(0, length).ToArray());
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or IOException or ObjectDisposedException or InvalidOperationException
            && e is not LinkException)
        {
            throw new LinkException(LinkError.Lost, "The connection broke.", e);
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    /// <summary>Queues a message, which must not change afterwards; waits while the queue is full.</summary>
    /// <exception cref="LinkException"><see cref="LinkError.Lost"/>: it was not sent.</exception>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken ct)
    {
        try
        {
            await _queue.Writer.WriteAsync(message, ct);
        }
        catch (ChannelClosedException e)
        {
            throw new LinkException(LinkError.Lost, "The connection is closed.", e);
        }
    }

    /// <summary>
    /// Sends what is queued and closes. What the other side has not read is lost when a connection is cut, so it has 2 s to close, too.
    /// </summary>
    public async Task CloseAsync()
    {
        _queue.Writer.TryComplete();
        using var limit = new CancellationTokenSource(s_closeLimit, _time);
        try
        {
            await _pump.WaitAsync(limit.Token);
            while (Volatile.Read(ref _reading) == 0 && await ReceiveAsync(limit.Token) is not null)
            {
            }

            await _peerClosed.Task.WaitAsync(limit.Token);
        }
        catch (Exception e) when (e is LinkException or OperationCanceledException)
        {
            // it does not answer, or is gone
        }

        Abort();
    }

    /// <summary>Cuts the connection at once.</summary>
    public void Abort()
    {
        _queue.Writer.TryComplete();
        _socket.Abort();
        if (Volatile.Read(ref _disposed) == 0)
        {
            _over.Cancel();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _queue.Writer.TryComplete();
            _socket.Abort();
            await _over.CancelAsync();
            await _pump;
            _over.Dispose();
        }
    }

    private async Task PumpAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Over);
        await using var timer = _time.CreateTimer(
            static state => ((CancellationTokenSource)state!).Cancel(), limit, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            await foreach (var message in _queue.Reader.ReadAllAsync(Over))
            {
                timer.Change(s_sendLimit, Timeout.InfiniteTimeSpan);
                await _socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, limit.Token);
                timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }

            timer.Change(s_closeLimit, Timeout.InfiniteTimeSpan);
            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException
            or InvalidOperationException)
        {
            // It broke, or is to end: senders learn it from the completed queue, everybody else from the token.
            _queue.Writer.TryComplete();
            await _over.CancelAsync();
        }
    }
}
