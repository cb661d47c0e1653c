using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>
/// One device, connected and proved: opens its frames, answers its requests in order, and feeds its subscriptions.
/// One task reads, one writes; both end together.
/// </summary>
internal sealed partial class DeviceConnection : ILiveConnection, IAsyncDisposable
{
    /// <summary>Requests answered beside the ordered ones.</summary>
    private const int ConcurrentLimit = 4;

    /// <summary>What a revoked device is told.</summary>
    internal const string Revoked = "This device was revoked.";

    /// <summary>How long a connection that ends may take for what it was just sending and for the reason.</summary>
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(2);

    private readonly OutgoingQueue _outgoing = new();
    // ids of the requests that are being answered beside the ordered ones
    private readonly ConcurrentDictionary<string, bool> _open = new(StringComparer.Ordinal);
    private readonly AsyncSemaphore _concurrent = new(ConcurrentLimit);
    private readonly CancellationTokenSource _end;

    /// <summary>
    /// Ends sending, a while after <see cref="_end"/>: a message that is sealed must be sent whole, for the channel counts its frames and
    /// nothing behind a missing one could be read, the reason least of all.
    /// </summary>
    private readonly CancellationTokenSource _cut = new();

    private readonly IDeviceLink _link;
    private readonly SecureChannel _channel;
    private readonly DeviceStore _devices;
    private readonly MessageTable _table;
    private readonly Store _store;
    private readonly ILogger _logger;
    private readonly List<Task> _running = [];
    private readonly TimeProvider _time;
    private readonly MessageAccount? _memory;
    private readonly UnfinishedMessage _unfinished;

    private long _heard;
    private bool _visible;
    private WireError? _reason;

    /// <param name="memory">What this device's messages are counted on; the connection disposes it.</param>
    public DeviceConnection(
        IDeviceLink link,
        SecureChannel channel,
        string deviceId,
        DeviceStore devices,
        MessageTable table,
        Store store,
        ILogger logger,
        CancellationToken stop,
        TimeProvider? time = null,
        MessageAccount? memory = null)
    {
        (_link, _channel, DeviceId, _devices, _table, _store, _logger) = (link, channel, deviceId, devices, table, store, logger);
        (_time, _memory) = (time ?? TimeProvider.System, memory);
        _unfinished = new UnfinishedMessage(_time, OnUnfinished);
        _heard = _time.GetTimestamp();
        _end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Over = _end.Token;
        Streams = new FollowedStreams(store, SendAsync, End, Over);
    }

    public string ConnectionId => _link.ConnectionId;

    public string DeviceId { get; }

    public DateTimeOffset Now => _store.Now;

    /// <summary>When its last whole message came, as a timestamp of the clock.</summary>
    public long Heard => Volatile.Read(ref _heard);

    /// <summary>Whether a person can see the app at its other end, as that said last.</summary>
    public bool IsVisible
    {
        get => Volatile.Read(ref _visible);
        set => Volatile.Write(ref _visible, value);
    }

    /// <summary>Cancelled when the connection is over.</summary>
    public CancellationToken Over { get; }

    public FollowedStreams Streams { get; }

    /// <summary>Sends a message that nobody asked for; waits while the device is slow.</summary>
    /// <exception cref="OperationCanceledException">The device is gone.</exception>
    /// <exception cref="ChannelClosedException">The device is gone.</exception>
    public ValueTask PushAsync(byte[] message) => SendAsync(message, _end.Token);

    /// <summary>Ends the connection with a reason that the device shows. The first reason counts.</summary>
    public void End(ErrorCode code, string message) => ConnectionEnd.Set(ref _reason, _end, code, message);

    /// <summary>
    /// Sends what the followed streams have so far and follows them no longer; completes when all of it was handed to the link. The
    /// connection itself goes on. Thread-safe.
    /// </summary>
    /// <exception cref="OperationCanceledException">The device did not take it in time.</exception>
    public async Task FinishStreamsAsync(CancellationToken cancellationToken)
    {
        await Streams.FinishAsync().WaitAsync(cancellationToken);
        await _outgoing.WhenEmptyAsync().WaitAsync(cancellationToken);
    }

    /// <summary>Serves until the device goes, breaks the protocol, or is ended.</summary>
    /// <param name="first">The response to <c>hello</c>, sent before anything else.</param>
    public async Task ServeAsync(byte[] first)
    {
        await _outgoing.WriteAsync(first, CancellationToken.None); // it is empty: this does not wait
        var writing = WriteAsync();
        ChannelException? broken = null;
        try
        {
            await ReadAsync();
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // Ended from outside; the reason is set.
        }
        catch (ChannelException e)
        {
            broken = e;
            await _end.CancelAsync();
        }

        await _end.CancelAsync();
        _cut.CancelAfter(s_lastWords);
        _unfinished.Dispose();
        _outgoing.Complete();
        await writing;
        await Streams.DisposeAsync();
        await Task.WhenAll(_running);
        if (broken is not null || _reason is not null)
        {
            await CloseAsync(broken);
        }
    }

    public ValueTask DisposeAsync()
    {
        _end.Dispose();
        _cut.Dispose();
        _unfinished.Dispose();
        _channel.Dispose();
        _memory?.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task ReadAsync()
    {
        while (await _link.ReceiveAsync(_end.Token) is { } frame)
        {
            if (_channel.Open(frame.Span) is not { } message)
            {
                _unfinished.GoesOn();
            }
            else
            {
                _unfinished.IsWhole();
                Volatile.Write(ref _heard, _time.GetTimestamp());
                Envelope envelope;
                RequestFailure? refusal;
                int length;
                try
                {
                    using (message)
                    {
                        length = message.Length;
                        (envelope, refusal) = EnvelopeReader.Read(message.Span);
                    }
                }
                catch (RequestFailure unreadable)
                {
                    End(unreadable.Error.Code, unreadable.Message);
                    return;
                }

                await HandleAsync(envelope, refusal, length);
            }
        }
    }

    private void OnUnfinished() => End(
        ErrorCode.InvalidRequest,
        $"A message was begun and not finished: its frames may be {UnfinishedMessage.FrameLimit.TotalSeconds:0} s apart, and {UnfinishedMessage.Limit.TotalSeconds:0} s in all. Connect and send it again.");

    /// <param name="refusal">Why it is not even looked at what is asked for; null: it is.</param>
    /// <param name="length">Of the whole message, in bytes.</param>
    private async Task HandleAsync(Envelope envelope, RequestFailure? refusal, int length)
    {
        if (_devices.Find(DeviceId) is not { RevokedAt: null } device)
        {
            End(ErrorCode.Unauthorized, Revoked);
            return;
        }

        if (_open.ContainsKey(envelope.RequestId!))
        {
            // An error with this id would be taken for the answer to the first one, which goes on.
            End(ErrorCode.InvalidRequest, "Two requests with the same requestId were open at once.");
            return;
        }

        if (refusal is not null)
        {
            await SendAsync(Message.Failure(envelope.RequestId, refusal.Error), _end.Token);
            return;
        }

        var caller = new DeviceCaller(device, this);
        if (!_table.TryFind(envelope.Type, caller, out var route, out var mayNot))
        {
            await SendAsync(Message.Failure(envelope.RequestId, mayNot), _end.Token);
            return;
        }

        if (length > route.MostBytes)
        {
            await SendAsync(
                Message.Failure(envelope.RequestId, new WireError(ErrorCode.InvalidRequest,
                    $"This message has {length} bytes; one of type '{route.Type}' has at most {route.MostBytes}.")), _end.Token);
            return;
        }

        // What a request holds while it is answered counts as its message did.
        if (_memory?.TryTake(length) == false)
        {
            await SendAsync(Message.Failure(envelope.RequestId, new WireError(
                ErrorCode.RateLimited, "The requests of this device take too much memory. Wait for the last ones.")), _end.Token);
            return;
        }

        if (!route.Concurrent)
        {
            await SendAsync(await AnswerAsync(route, caller, envelope), _end.Token);
            _memory?.Give(length);
            Streams.Start();
            return;
        }

        if (!await _concurrent.WaitAsync(TimeSpan.Zero, _end.Token))
        {
            _memory?.Give(length);
            await SendAsync(Message.Failure(envelope.RequestId,
                new WireError(ErrorCode.RateLimited, "Too many of these at once. Wait for the last ones.")), _end.Token);
            return;
        }

        _open.TryAdd(envelope.RequestId!, true);
        _running.RemoveAll(t => t.IsCompleted);
        _running.Add(AnswerLaterAsync(route, caller, envelope, length));
    }

    private async Task AnswerLaterAsync(Route route, DeviceCaller caller, Envelope envelope, int length)
    {
        try
        {
            var answer = await AnswerAsync(route, caller, envelope);
            _open.TryRemove(envelope.RequestId!, out _); // before it is sent: whoever has the answer may use the id again
            await SendAsync(answer, _end.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            // The device is gone; nobody wants the answer.
        }
        finally
        {
            _memory?.Give(length);
            _concurrent.Release();
        }
    }

    private async Task<byte[]> AnswerAsync(Route route, DeviceCaller caller, Envelope envelope)
    {
        try
        {
            var answer = await route.Answer(caller, envelope.Payload, _end.Token);
            return Message.Bounded(envelope.RequestId, answer.ToMessage(envelope.RequestId));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The one place where a failure becomes a device's answer. A refusal is nothing for the log.
            if (!Failures.IsRefusal(e))
            {
                Log.RequestFailed(_logger, route.Type, envelope.RequestId, e);
            }

            return Message.Failure(envelope.RequestId, Failures.ToWire(e));
        }
    }

    private ValueTask SendAsync(byte[] message, CancellationToken cancellationToken) => _outgoing.WriteAsync(message, cancellationToken);

    private async Task WriteAsync()
    {
        try
        {
            await foreach (var message in _outgoing.ReadAllAsync(_end.Token))
            {
                _end.Token.ThrowIfCancellationRequested(); // what still waits is not for a device that was just revoked
                await SendFramesAsync(message, _cut.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or LinkClosedException or ChannelException)
        {
            await _end.CancelAsync();
        }
    }

    /// <summary>
    /// Says why, as the last thing: through the channel, so that the device knows it is the machine's word; in a bare close frame when the
    /// channel itself broke.
    /// </summary>
    private async Task CloseAsync(ChannelException? broken)
    {
        try
        {
            if (broken is null)
            {
                var code = _reason!.Code.ToString();
                Log.Ended(_logger, DeviceId, code);
                await SendFramesAsync(Message.Failure(null, _reason), _cut.Token);
                await _link.CloseAsync(MachineEndpoint.Refused, code, _cut.Token);
            }
            else
            {
                var code = broken.Error.Code();
                Log.Ended(_logger, DeviceId, code);
                await _link.SendAsync(CloseReason.Frame(broken.Error, broken.Message), _cut.Token);
                await _link.CloseAsync(MachineEndpoint.Refused, code, _cut.Token);
            }
        }
        catch (Exception e) when (e is LinkClosedException or OperationCanceledException or ChannelException)
        {
            // It went first.
        }
    }

    private async Task SendFramesAsync(byte[] message, CancellationToken cancellationToken)
    {
        using var frames = _channel.Seal(message);
        for (var i = 0; i < frames.Count; i++)
        {
            // The link keeps a frame until it is sent; the channel's buffer is reused before that.
            await _link.SendAsync(frames[i].ToArray(), cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 201, Level = LogLevel.Information, Message = "device {Device}: connection ended: {Code}")]
        public static partial void Ended(ILogger logger, string device, string code);

        [LoggerMessage(EventId = 202, Level = LogLevel.Error, Message = "request {Type} ({RequestId}) failed")]
        public static partial void RequestFailed(ILogger logger, string type, string? requestId, Exception error);
    }
}
