using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.Files.Watching;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
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
    private readonly Func<CancellationToken, Task> _run;
    private readonly IDisposable? _held;
    private Task _task = Task.CompletedTask;

    /// <param name="held">Let go of when it ends.</param>
    private Subscription(Func<CancellationToken, Task> run, CancellationToken connection, IDisposable? held = null)
    {
        (_run, _held) = (run, held);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(connection);
    }

    /// <param name="batches">The device takes several events in one message.</param>
    /// <param name="paging">Held while a page of the database is in memory; shared by the subscriptions of a connection. Null: whoever
    /// follows has no other stream.</param>
    public static Subscription ToSession(
        SessionStream stream, long after, Store store, Func<byte[], CancellationToken, ValueTask> send, SemaphoreSlim? paging,
        CancellationToken connection, bool batches = false)
    {
        return new Subscription(FollowAsync, connection);

        async Task FollowAsync(CancellationToken stop)
        {
            using var follower = stream.Follow(after);
            while (true)
            {
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

                    continue;
                }

                await SendRecentAsync(step.Events, follower, stop);
                foreach (var delta in step.Deltas)
                {
                    await send(delta.Value, stop);
                }

                if (step.Events.Count == 0 && step.Deltas.Count == 0)
                {
                    await follower.WaitAsync(stop);
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
            async stop =>
            {
                while (true)
                {
                    var (events, changed) = stream.ReadAfter(after);
                    if (events is null)
                    {
                        behind();
                        return;
                    }

                    foreach (var entry in events)
                    {
                        await send(entry.MessageBy(
                            (seq, body) => Message.Event(MessageTypes.MachineEvent, MachineStream.Name, stream.Epoch, seq, body)), stop);
                        after = entry.Seq;
                    }

                    if (events.Count == 0)
                    {
                        await changed.WaitAsync(stop);
                    }
                }
            },
            connection);

    /// <summary>A project's files. Who fell behind what is remembered is told that more changed.</summary>
    public static Subscription ToFiles(FileStreams.Lease lease, string name, Guid projectId, long after,
        Func<byte[], CancellationToken, ValueTask> send, CancellationToken connection)
        => new(
            async stop =>
            {
                var stream = lease.Stream;
                while (true)
                {
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
                        await changed.WaitAsync(stop);
                    }
                }
            },
            connection,
            lease);

    public void Start() => _task = RunAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _task;
        _held?.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await _run(_stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            // The device is gone or moved its cursor.
        }
    }
}
