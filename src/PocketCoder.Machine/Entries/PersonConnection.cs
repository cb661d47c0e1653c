using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Entries;

/// <summary>
/// A person in a chat, connected: what <see cref="DeviceConnection"/> is for a device, without a channel, since nothing is in between.
/// Requests go through the same table with the same scopes and bounds; those that a chat has nothing to do with are refused.
/// </summary>
internal sealed partial class PersonConnection : ILiveConnection, IEntryPerson
{
    /// <summary>Long requests beside each other, as a device's.</summary>
    private const int MostLong = 4;

    /// <summary>Requests that may wait for those before; more are refused.</summary>
    private const int MostWaiting = 32;

    private static readonly WireError s_notInThisRole = new(ErrorCode.Unauthorized, "Your role in this group does not allow that.");

    private readonly DeviceStore _devices;
    private readonly ConnectionRegistry _connections;
    private readonly MessageTable _table;
    private readonly Store _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _end = new();
    private readonly OutgoingQueue _outgoing = new();
    private readonly AsyncSemaphore _ordered = new(); // requests that aren't long, one after the other
    private readonly AsyncSemaphore _long = new(MostLong);
    private WireError? _reason;
    private int _waiting;
    private int _disposed;

    public PersonConnection(
        string deviceId, DeviceStore devices, ConnectionRegistry connections, MessageTable table, Store store, TimeProvider time,
        ILogger logger)
    {
        (DeviceId, _devices, _connections, _table, _store, _time, _logger) = (deviceId, devices, connections, table, store, time, logger);
        Over = _end.Token;
        Streams = new FollowedStreams(store, _outgoing.WriteAsync, End, Over);
    }

    public string ConnectionId { get; } = $"chat-{Guid.CreateVersion7():N}";

    public string DeviceId { get; }

    public DateTimeOffset Now => _store.Now;

    public CancellationToken Over { get; }

    public FollowedStreams Streams { get; }

    /// <summary>It is open on purpose, however long nothing comes.</summary>
    public long Heard => _time.GetTimestamp();

    /// <summary>A chat is no app that a person looks at: a notification is not held back for it.</summary>
    public bool IsVisible
    {
        get => false;
        set => throw new RequestFailure(ErrorCode.InvalidRequest, "A chat has no presence.");
    }

    public string Name => _devices.Find(DeviceId)?.Name ?? "";

    public IReadOnlyList<Scope> Scopes => _devices.Find(DeviceId) is { RevokedAt: null } device ? device.Scopes : [];

    public ValueTask PushAsync(byte[] message) => _outgoing.WriteAsync(message, Over);

    public void End(ErrorCode code, string message) => ConnectionEnd.Set(ref _reason, _end, code, message);

    public async Task FinishStreamsAsync(CancellationToken cancellationToken)
    {
        await Streams.FinishAsync().WaitAsync(cancellationToken);
        await _outgoing.WhenEmptyAsync().WaitAsync(cancellationToken);
    }

    public async Task<TResponse> AskAsync<TRequest, TResponse>(
        Verb<TRequest, TResponse> verb, TRequest request, IReadOnlyList<Scope>? within, CancellationToken cancellationToken)
    {
        ThrowIfOver();
        var payload = JsonSerializer.SerializeToUtf8Bytes(request, verb.Request());
        var route = Allowed(verb.Type, payload.Length, within).Route;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Over);
        var turn = route.Concurrent ? _long : _ordered;
        await TakeAsync(turn, either.Token);
        try
        {
            var (_, caller) = Allowed(verb.Type, payload.Length, within); // once more: it may have waited
            using var document = JsonDocument.Parse(payload);
            var answer = await route.Answer(caller, document.RootElement, either.Token);
            return JsonSerializer.Deserialize(answer.ToPayload(), verb.Response())!;
        }
        catch (Exception e) when (e is not (OperationCanceledException or EntryRefusal))
        {
            // The one place where a failure becomes this person's answer. A refusal is nothing for the log.
            if (!Failures.IsRefusal(e))
            {
                LogFailed(_logger, route.Type, e);
            }

            throw new EntryRefusal(Failures.ToWire(e));
        }
        finally
        {
            if (!route.Concurrent)
            {
                Streams.Start(); // its events come after the answer
            }

            turn.Release();
        }
    }

    public async IAsyncEnumerable<EntryEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Over);
        await foreach (var message in _outgoing.ReadAllAsync(either.Token))
        {
            using var document = JsonDocument.Parse(message);
            var root = document.RootElement;
            yield return new EntryEvent(
                root.GetProperty("type").GetString()!,
                root.GetProperty("stream").GetString()!,
                root.GetProperty("epoch").GetString()!,
                root.TryGetProperty("seq", out var seq) ? seq.GetInt64() : null,
                root.GetProperty("payload").Clone());
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _end.CancelAsync();
        _connections.Remove(this);
        _outgoing.Complete();
        await Streams.DisposeAsync();
        _end.Dispose();
    }

    private async Task TakeAsync(AsyncSemaphore turn, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MostWaiting)
            {
                throw new EntryRefusal(new WireError(ErrorCode.RateLimited, "Too many requests at once. Wait for the last ones."));
            }

            await turn.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>The row for this request and who asks it, as they stand now.</summary>
    /// <exception cref="EntryRefusal">They may not, or not any more.</exception>
    private (Route Route, DeviceCaller Caller) Allowed(string type, int length, IReadOnlyList<Scope>? within)
    {
        if (_devices.Find(DeviceId) is not { RevokedAt: null, Chat: not null } device)
        {
            End(ErrorCode.Unauthorized, DeviceConnection.Revoked);
            throw new EntryRefusal(new WireError(ErrorCode.Unauthorized, "You were revoked here. The machine's owner can pair you again."));
        }

        var all = new DeviceCaller(device, this);
        var caller = within is null ? all : new DeviceCaller(device with { Scopes = [.. device.Scopes.Where(within.Contains)] }, this);
        return !_table.TryFind(type, caller, out var route, out var mayNot)
                ? throw new EntryRefusal(_table.TryFind(type, all, out _, out _) ? s_notInThisRole : mayNot)
            : !ChatVerbs.All.Contains(type)
                ? throw new EntryRefusal(new WireError(ErrorCode.Unauthorized, "That can't be done in a chat. Do it in the app."))
            : length > route.MostBytes
                ? throw new EntryRefusal(new WireError(ErrorCode.InvalidRequest, $"This is too long: at most {route.MostBytes} bytes."))
            : (route, caller);
    }

    private void ThrowIfOver()
    {
        if (Over.IsCancellationRequested)
        {
            throw _reason is { } reason ? new EntryRefusal(reason) : new OperationCanceledException(Over);
        }
    }

    [LoggerMessage(EventId = 221, Level = LogLevel.Error, Message = "request {Type} of a person in a chat failed")]
    private static partial void LogFailed(ILogger logger, string type, Exception error);
}
