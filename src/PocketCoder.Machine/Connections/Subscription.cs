using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.Files.Watching;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>
/// One device following one stream: first what it missed, then what happens, in order and without gaps. It pulls at the device's pace;
/// a slow device makes nobody wait and loses nothing. One task; ended by disposing.
/// </summary>
internal sealed class Subscription : IAsyncDisposable
{
    /// <summary>Events read from the database at once, and bytes of them: one event more than that many bytes is held at most.</summary>
    private const int Page = 1_000;

    private const int PageBytes = 1 << 20;

    private readonly CancellationTokenSource _stop;
    private readonly Pace _pace;
    private readonly Func<Pace, Task> _run;
    private readonly IDisposable? _held;
    private Task _task = Task.CompletedTask;

    /// <param name="held">Let go of when it ends.</param>
    private Subscription(Func<Pace, Task> run, CancellationToken connection, IDisposable? held = null)
    {
        (_run, _held) = (run, held);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(connection);
        _pace = new Pace(_stop.Token);
    }

    /// <param name="batches">The device takes several events in one message.</param>
    /// <param name="paging">Held while a page of the database is in memory; shared by the subscriptions of a connection. Null: whoever
    /// follows has no other stream.</param>
    public static Subscription ToSession(
        SessionStream stream, long after, Store store, Func<byte[], CancellationToken, ValueTask> send, AsyncSemaphore? paging,
        CancellationToken connection, bool batches = false)
    {
        return new Subscription(FollowAsync, connection);

        async Task FollowAsync(Pace pace)
        {
            var stop = pace.Stop;
            using var follower = stream.Follow(after);
            for (var isLast = false; !isLast;)
            {
                isLast = pace.IsFinishing;
                var step = follower.Next();
                if (step.ReadFrom is { } from)
                {
                    await (paging?.WaitAsync(stop) ?? Task.CompletedTask);
                    try
                    {
                        await SendPageAsync((await store.EventsAsync(stream.Name, from, Page, stop, PageBytes)).Events, follower, stop);
                    }
                    finally
                    {
                        paging?.Release();
                    }

                    isLast = false;
                    continue;
                }

                await SendRecentAsync(step.Events, follower, stop);
                foreach (var delta in step.Deltas)
                {
                    await send(delta.Value, stop);
                }

                if (step.Events.Count == 0 && step.Deltas.Count == 0)
                {
                    await pace.WaitAsync(follower.WaitAsync);
                }
                else
                {
                    isLast = false;
                }
            }
        }

        async Task SendPageAsync(IReadOnlyList<StreamEvent> page, SessionStream.Follower follower, CancellationToken stop)
        {
            for (int i = 0, next; i < page.Count; i = next)
            {
                next = batches ? EventBatch.End(page, i) : i + 1;
                await send(next == i + 1 ? stream.EventMessage(page[i].Seq, page[i].Utf8Body.Span)
                    : EventBatch.Message(stream, page, i, next), stop);
                for (var sent = i; sent < next; sent++)
                {
                    follower.Advance(page[sent].Seq, page[sent].Utf8Body);
                }
            }
        }

        async Task SendRecentAsync(IReadOnlyList<SessionStream.StoredEvent> recent, SessionStream.Follower follower, CancellationToken stop)
        {
            if (batches && recent.Count > EventBatch.Least)
            {
                await SendPageAsync([.. recent.Select(e => new StreamEvent(e.Seq, default, e.Body))], follower, stop);
                return;
            }

            foreach (var stored in recent)
            {
                await send(stored.Message, stop);
                follower.Advance(stored);
            }
        }
    }

    /// <param name="behind">Called when the device fell further behind than the machine remembers.</param>
    public static Subscription ToMachine(
        MachineStream stream, long after, Func<byte[], CancellationToken, ValueTask> send, Action behind, CancellationToken connection)
        => new(
            async pace =>
            {
                for (var isLast = false; !isLast;)
                {
                    isLast = pace.IsFinishing;
                    var (events, changed) = stream.ReadAfter(after);
                    if (events is null)
                    {
                        behind();
                        return;
                    }

                    foreach (var entry in events)
                    {
                        var message = entry.MessageBy(
                            (seq, body) => Message.Event(MessageTypes.MachineEvent, MachineStream.Name, stream.Epoch, seq, body));
                        await send(message, pace.Stop);
                        after = entry.Seq;
                    }

                    if (events.Count == 0)
                    {
                        await pace.WaitAsync(changed.WaitAsync);
                    }
                }
            },
            connection);

    /// <summary>A project's files. Who fell behind what is remembered is told that more changed.</summary>
    public static Subscription ToFiles(FileStreams.Lease lease, string name, Guid projectId, long after,
        Func<byte[], CancellationToken, ValueTask> send, CancellationToken connection)
        => new(
            async pace =>
            {
                var stop = pace.Stop;
                var stream = lease.Stream;
                for (var isLast = false; !isLast;)
                {
                    isLast = pace.IsFinishing;
                    var (events, changed) = stream.ReadAfter(after);
                    if (events is null)
                    {
                        after = stream.Head;
                        var lost = JsonSerializer.SerializeToUtf8Bytes(
                            new FsChangedPayload(after, [], ChangesTruncated: true), ProtocolJson.Default.FsChangedPayload);
                        await send(Message.FilesChanged(name, stream.Epoch, after, projectId, lost), stop);
                        continue;
                    }

                    foreach (var entry in events)
                    {
                        await send(entry.MessageBy((seq, body) => Message.FilesChanged(name, stream.Epoch, seq, projectId, body)), stop);
                        after = entry.Seq;
                    }

                    if (events.Count == 0)
                    {
                        await pace.WaitAsync(changed.WaitAsync);
                    }
                }
            },
            connection,
            lease);

    public void Start() => _task = RunAsync();

    /// <summary>
    /// Sends what there is to send and then ends; completes when it has. Whatever happened before this call is sent. Thread-safe.
    /// </summary>
    public Task FinishAsync()
    {
        _pace.Finish();
        return _task;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _task;
        _held?.Dispose();
        _pace.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await _run(_pace);
        }
        catch (Exception e) when (e is OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            // The device is gone or moved its cursor.
        }
    }

    /// <summary>When a subscription waits for more, and when it doesn't any more. Thread-safe.</summary>
    private sealed class Pace(CancellationToken stop) : IDisposable
    {
        private readonly CancellationTokenSource _finish = CancellationTokenSource.CreateLinkedTokenSource(stop);

        /// <summary>Cancelled when nothing more is sent.</summary>
        public CancellationToken Stop { get; } = stop;

        /// <summary>Whether nobody waits for more any more. Read before the stream is: what was there when it was set is sent.</summary>
        public bool IsFinishing => _finish.IsCancellationRequested;

        public void Finish()
        {
            try
            {
                _finish.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It ended by itself meanwhile.
            }
        }

        /// <summary>Waits for the next change; returns at once when it is finishing.</summary>
        /// <exception cref="OperationCanceledException">It was stopped.</exception>
        public async Task WaitAsync(Func<CancellationToken, Task> change)
        {
            try
            {
                await change(_finish.Token);
            }
            catch (OperationCanceledException) when (!Stop.IsCancellationRequested)
            {
                // one more look, then it ends
            }
        }

        public void Dispose() => _finish.Dispose();
    }
}
