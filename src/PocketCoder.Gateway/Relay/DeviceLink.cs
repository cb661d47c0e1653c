using System.Buffers;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace PocketCoder.Gateway.Relay;

/// <summary>
/// One device's WebSocket. A pump owns the sending side; whoever calls <see cref="ReceiveAsync"/> owns the receiving side.
/// </summary>
internal sealed partial class DeviceLink : IDeviceLink, IAsyncDisposable
{
    /// <summary>Frames that may wait for the network (2 MiB at most); then senders wait.</summary>
    private const int QueueLength = 32;

    private const int SmallBuffer = 4096;

    /// <summary>How long the other side may take to answer a close.</summary>
    private static readonly TimeSpan s_closeLimit = TimeSpan.FromSeconds(3);

    private readonly WebSocket _socket;
    private readonly GatewayOptions _options;
    private readonly ILogger _log;
    private readonly Action _reportFailedHandshake;
    private readonly CancellationTokenSource _ended;
    private readonly Channel<ReadOnlyMemory<byte>> _queue = Channel.CreateBounded<ReadOnlyMemory<byte>>(
        new BoundedChannelOptions(QueueLength) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly ITimer _sendLimit;
    private readonly ITimer _handshakeLimit;
    private readonly ITimer _frameLimit;
    private readonly Task _pump;
    private Task<ReadOnlyMemory<byte>?>? _read;
    private CloseReason? _close;
    private volatile bool _sealed;
    private volatile bool _peerClosed;

    public DeviceLink(WebSocket socket, IPAddress? remote, GatewayOptions options, TimeProvider time, ILogger log,
        Action reportFailedHandshake, CancellationToken aborted)
    {
        _socket = socket;
        Remote = remote;
        _options = options;
        _log = log;
        _reportFailedHandshake = reportFailedHandshake;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        Ended = _ended.Token;
        _sendLimit = time.CreateTimer(
            static state => ((DeviceLink)state!).OnSendLimit(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _handshakeLimit = time.CreateTimer(
            static state => ((DeviceLink)state!).OnHandshakeLimit(), this, options.HandshakeLimit, Timeout.InfiniteTimeSpan);
        _frameLimit = time.CreateTimer(
            static state => ((DeviceLink)state!).OnFrameLimit(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _pump = PumpAsync();
    }

    public string ConnectionId { get; } = Guid.CreateVersion7().ToString("N");

    public IPAddress? Remote { get; }

    /// <summary>Cancelled when nothing more can be received or sent.</summary>
    public CancellationToken Ended { get; }

    public async ValueTask<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken ct)
    {
        // A cancelled read would abort the WebSocket and lose the farewell, so the read goes on and the next caller takes it up.
        var read = _read ?? ReadAsync().AsTask();
        _read = read;
        ReadOnlyMemory<byte>? frame;
        try
        {
            frame = read.IsCompletedSuccessfully ? read.Result : await read.WaitAsync(ct);
        }
        catch (OperationCanceledException) when (Ended.IsCancellationRequested)
        {
            frame = await read; // the end of the connection is no cancellation: it is told as null
        }

        _read = null;
        return frame;
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> frame, CancellationToken ct)
    {
        if (!RelayFrame.IsValid(frame.Span))
        {
            throw new ArgumentException($"A frame has 1 to {RelayFrame.MaxBytes} bytes and begins with its kind.", nameof(frame));
        }

        try
        {
            await _queue.Writer.WriteAsync(frame, ct);
        }
        catch (ChannelClosedException e)
        {
            throw new LinkClosedException("The device's connection is closed.", e);
        }

        // The machine seals only after the handshake proved the device, so its first sealed frame ends the limit.
        if (!_sealed && frame.Span[0] == RelayFrame.Sealed)
        {
            _sealed = true;
            _ = _handshakeLimit.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    public async ValueTask CloseAsync(ushort code, string reason, CancellationToken ct)
    {
        if (code is not RelayClose.Normal and (< 3000 or > 4999))
        {
            throw new ArgumentOutOfRangeException(nameof(code), code, "A machine closes with 1000 or 3000–4999.");
        }

        RequestClose(new CloseReason(code, reason));
        await _pump.WaitAsync(ct);
    }

    public void ReportFailedHandshake() => _reportFailedHandshake();

    /// <summary>Closes with one of the gateway's own codes; the first close wins.</summary>
    public void RequestClose(ushort code, string reason) => RequestClose(new CloseReason(code, reason));

    /// <summary>Ends the connection: says what is left to say, gives the other side a moment to answer, then cuts.</summary>
    public async ValueTask DisposeAsync()
    {
        RequestClose(new CloseReason(RelayClose.Normal, ""));
        await _handshakeLimit.DisposeAsync();
        await _frameLimit.DisposeAsync();
        await _pump;
        // Bounded by the limit that the pump set when it sent the close.
        while (!_peerClosed && _socket.State is WebSocketState.CloseSent && await ReceiveAsync(CancellationToken.None) is not null)
        {
        }

        await _sendLimit.DisposeAsync();
        _socket.Abort();
        if (_read is { } abandoned)
        {
            await abandoned; // ends with the abort, and never throws
        }

        _socket.Dispose();
        await _ended.CancelAsync();
        _ended.Dispose();
    }

    private async ValueTask<ReadOnlyMemory<byte>?> ReadAsync()
    {
        while (!_peerClosed && _socket.State is WebSocketState.Open or WebSocketState.CloseSent)
        {
            try
            {
                // An idle connection holds no buffer: a read of zero bytes completes when something is there.
                var first = await _socket.ReceiveAsync(Memory<byte>.Empty, Ended);
                var frame = first is { MessageType: WebSocketMessageType.Binary, EndOfMessage: true }
                    or { MessageType: not WebSocketMessageType.Binary }
                    ? new Incoming(first.MessageType, default, TooBig: false)
                    : await ReadFrameAsync();

                if (frame.Type == WebSocketMessageType.Close)
                {
                    break;
                }

                if (Volatile.Read(ref _close) is not null)
                {
                    continue; // closing: what still arrives is dropped until the other side's close
                }

                if (Problem(frame) is { } problem)
                {
                    RequestClose(problem);
                    continue;
                }

                return frame.Content;
            }
            catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException
                or InvalidOperationException)
            {
                break; // the connection broke; that is an end like any other
            }
        }

        // Both directions are over now; whatever else the machine does for this device learns it from the token.
        _peerClosed = true;
        RequestClose(new CloseReason(RelayClose.Normal, ""));
        await _pump;
        await _ended.CancelAsync();
        return null;
    }

    private static CloseReason? Problem(Incoming frame) => frame switch
    {
        { TooBig: true } => new(RelayClose.TooBig, $"A frame has at most {RelayFrame.MaxBytes} bytes."),
        { Type: WebSocketMessageType.Text } => new(RelayClose.BadFrame, "Only binary messages are relayed."),
        { Content.Length: 0 } => new(RelayClose.BadFrame, "A frame is not empty."),
        _ when !RelayFrame.IsKnown(frame.Content.Span[0]) => new(RelayClose.BadFrame, "Unknown kind of frame."),
        _ => null,
    };

    private async ValueTask<Incoming> ReadFrameAsync()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(SmallBuffer);
        var timed = false;
        try
        {
            var length = 0;
            while (true)
            {
                if (length == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length * 4, RelayFrame.MaxBytes + 1));
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer, clearArray: false);
                    buffer = larger;
                }

                var receive = _socket.ReceiveAsync(buffer.AsMemory(length), Ended);
                if (!timed && !receive.IsCompleted)
                {
                    // The rest is not here yet. One limit for the whole frame: a byte now and then does not stretch it.
                    timed = true;
                    _ = _frameLimit.Change(_options.FrameLimit, Timeout.InfiniteTimeSpan);
                }

                var part = await receive;
                if (part.MessageType != WebSocketMessageType.Binary)
                {
                    return new Incoming(part.MessageType, default, TooBig: false);
                }

                length += part.Count;
                if (length > RelayFrame.MaxBytes)
                {
                    return new Incoming(part.MessageType, default, TooBig: true);
                }

                if (part.EndOfMessage)
                {
                    return new Incoming(part.MessageType, buffer.AsSpan(0, length).ToArray(), TooBig: false);
                }

                if (!timed)
                {
                    timed = true; // fragments that are all here already, maybe without end and empty
                    _ = _frameLimit.Change(_options.FrameLimit, Timeout.InfiniteTimeSpan);
                }
            }
        }
        finally
        {
            if (timed)
            {
                _ = _frameLimit.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }

            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void RequestClose(CloseReason reason)
    {
        if (Interlocked.CompareExchange(ref _close, reason, null) is null)
        {
            if (reason.Code is not RelayClose.Normal)
            {
                LogClosing(_log, ConnectionId, reason.Code, reason.Text);
            }

            _ = _queue.Writer.TryComplete();
        }
    }

    private async Task PumpAsync()
    {
        try
        {
            await foreach (var frame in _queue.Reader.ReadAllAsync(Ended))
            {
                var send = _socket.SendAsync(frame, WebSocketMessageType.Binary, endOfMessage: true, Ended);
                if (!send.IsCompletedSuccessfully)
                {
                    _ = _sendLimit.Change(_options.SendLimit, Timeout.InfiniteTimeSpan);
                    await send;
                    _ = _sendLimit.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                }

                if (_peerClosed)
                {
                    break;
                }
            }

            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                _ = _sendLimit.Change(_options.SendLimit, Timeout.InfiniteTimeSpan);
                await _socket.CloseOutputAsync((WebSocketCloseStatus)_close!.Code, Cut(_close.Text), Ended);
                _ = _sendLimit.Change(s_closeLimit, Timeout.InfiniteTimeSpan); // who doesn't answer the close is cut
            }
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException
            or InvalidOperationException)
        {
            // The connection broke: waiting senders learn it from the completed queue, the machine from its token.
            RequestClose(new CloseReason(RelayClose.Normal, ""));
            _socket.Abort();
            await _ended.CancelAsync();
        }
    }

    private void OnSendLimit()
    {
        LogNotReading(_log, ConnectionId);
        RequestClose(new CloseReason(RelayClose.Normal, ""));
        _socket.Abort();
        _ended.Cancel();
    }

    private void OnHandshakeLimit()
    {
        if (!_sealed)
        {
            RequestClose(new CloseReason(RelayClose.HandshakeTooSlow, "The device did not prove itself in time."));
        }
    }

    private void OnFrameLimit() => RequestClose(new CloseReason(RelayClose.FrameTooSlow, "A frame was begun and not finished in time."));

    /// <summary>A close reason is at most 123 bytes of UTF-8 (RFC 6455 §5.5).</summary>
    private static string Cut(string reason)
    {
        const int Limit = 123;
        if (Encoding.UTF8.GetByteCount(reason) <= Limit)
        {
            return reason;
        }

        var bytes = 0;
        var kept = new StringBuilder();
        foreach (var rune in reason.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > Limit)
            {
                break;
            }

            kept.Append(rune);
        }

        return kept.ToString();
    }

    [LoggerMessage(EventId = 2010, Level = LogLevel.Information, Message = "Connection {Connection} closed with {Code}: {Reason}")]
    private static partial void LogClosing(ILogger log, string connection, ushort code, string reason);

    [LoggerMessage(EventId = 2011, Level = LogLevel.Warning, Message = "Connection {Connection} took nothing for too long and was cut")]
    private static partial void LogNotReading(ILogger log, string connection);

    private sealed record CloseReason(ushort Code, string Text);

    private readonly record struct Incoming(WebSocketMessageType Type, ReadOnlyMemory<byte> Content, bool TooBig);
}
