using System.Collections.Concurrent;
using PocketCoder.Machine.Files.Watching;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>The streams that one connection follows. One at a time asks for them; ending and finishing may come from anywhere.</summary>
/// <param name="end">Ends the connection: it fell further behind than the machine remembers.</param>
/// <param name="over">Cancelled when the connection is over.</param>
internal sealed class FollowedStreams(
    Store store, Func<byte[], CancellationToken, ValueTask> send, Action<ErrorCode, string> end, CancellationToken over) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Subscription> _subscriptions = new(StringComparer.Ordinal);

    /// <summary>
    /// One at a time reads a page of what was missed, and only when the last one is sent: many streams and a slow device hold one page.
    /// </summary>
    private readonly AsyncSemaphore _paging = new();

    private Subscription? _toStart;

    /// <summary>Follows a stream from a cursor; following it again moves the cursor. Nothing is sent before <see cref="Start"/>.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST, SESSION_NOT_FOUND</exception>
    public async Task<SubscribeResponse> SubscribeAsync(
        SubscribeRequest request, StreamHub hub, Func<Guid, bool> sessionExists, FileStreams files)
    {
        await UnsubscribeAsync(request.Stream);
        if (_subscriptions.Count >= Limits.Subscriptions)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"A connection can follow at most {Limits.Subscriptions} streams.");
        }

        if (request.After < 0)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "after can't be negative.");
        }

        if (request.Stream == MachineStream.Name)
        {
            var machine = hub.Machine;
            if (request.Epoch != machine.Epoch || machine.ReadAfter(request.After).Events is null)
            {
                // Not followed: the device asks for machine_state and comes back with its cursor.
                return new SubscribeResponse(MachineStream.Name, machine.Epoch, machine.Head, Reset: true);
            }

            _toStart = Subscription.ToMachine(machine, request.After, send,
                () => end(ErrorCode.Conflict, "This device fell too far behind; it starts over."), over);
            _subscriptions[request.Stream] = _toStart;
            return new SubscribeResponse(MachineStream.Name, machine.Epoch, machine.Head, Reset: false);
        }

        if (request.Stream.StartsWith(FileStreams.Prefix, StringComparison.Ordinal)
            && Guid.TryParseExact(request.Stream.AsSpan(FileStreams.Prefix.Length), "D", out var project))
        {
            var lease = await files.FollowAsync(project, over);
            var (watched, head) = (lease.Stream, lease.Stream.Head);
            var goesOn = request.Epoch == watched.Epoch && watched.ReadAfter(request.After).Events is not null;
            _toStart = Subscription.ToFiles(lease, request.Stream, project, goesOn ? request.After : head, send, over);
            _subscriptions[request.Stream] = _toStart;
            return new SubscribeResponse(request.Stream, watched.Epoch, head, Reset: !goesOn);
        }

        return await FollowSessionAsync(request, sessionExists);
    }

    public async Task UnsubscribeAsync(string stream)
    {
        if (_subscriptions.TryRemove(stream, out var subscription))
        {
            await subscription.DisposeAsync();
        }
    }

    /// <summary>Starts the one that was asked for last, when the answer to that is out: its events come after it.</summary>
    public void Start() => Interlocked.Exchange(ref _toStart, null)?.Start();

    /// <summary>Sends what the streams have so far and follows them no longer.</summary>
    public Task FinishAsync() => Task.WhenAll(_subscriptions.Values.Select(s => s.FinishAsync()));

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in _subscriptions.Values)
        {
            await subscription.DisposeAsync();
        }
    }

    private async Task<SubscribeResponse> FollowSessionAsync(SubscribeRequest request, Func<Guid, bool> sessionExists)
    {
        if (!request.Stream.StartsWith(StreamHub.SessionPrefix, StringComparison.Ordinal)
            || !Guid.TryParseExact(request.Stream.AsSpan(StreamHub.SessionPrefix.Length), "D", out var session)
            || !sessionExists(session))
        {
            throw new RequestFailure(ErrorCode.SessionNotFound, "No such stream.");
        }

        var stream = await store.StreamAsync(session, over);
        var head = stream.Head;
        var known = request.Epoch is null && request.After == 0;
        var reset = !known && (request.Epoch != stream.Epoch || request.After > head);
        _toStart = Subscription.ToSession(stream, reset ? 0 : request.After, store, send, _paging, over, request.Batches);
        _subscriptions[request.Stream] = _toStart;
        return new SubscribeResponse(request.Stream, stream.Epoch, head, reset);
    }
}
