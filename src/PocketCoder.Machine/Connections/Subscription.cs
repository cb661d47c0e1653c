using System.Text.Json;
using PocketCoder.Machine.Files.Watching;
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
    /// <summary>Events read from the database at once.</summary>
    private const int Page = 500;

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

    public static Subscription ToSession(SessionStream stream, long after, Store store, Func<byte[], CancellationToken, ValueTask> send, CancellationToken connection)
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
                    foreach (var stored in (await store.EventsAsync(stream.Name, from, Page, stop)).Events)
                    {
                        await SendAsync(new SessionStream.StoredEvent(stored.Seq, stored.Utf8Body, FinishedBlock.Of(stored.Utf8Body)), follower, stop);
                    }

                    continue;
                }

                foreach (var recent in step.Events)
                {
                    await SendAsync(recent, follower, stop);
                }

                foreach (var delta in step.Deltas)
                {
                    await send(Message.Delta(stream.Name, stream.Epoch, delta), stop);
                }

                if (step.Events.Count == 0 && step.Deltas.Count == 0)
                {
                    await follower.WaitAsync(stop);
                }
            }
        }

        async Task SendAsync(SessionStream.StoredEvent stored, SessionStream.Follower follower, CancellationToken stop)
        {
            await send(Message.Event(MessageTypes.AgentEvent, stream.Name, stream.Epoch, stored.Seq, stored.Body.Span), stop);
            follower.Advance(stored);
        }
    }

    /// <param name="behind">Called when the device fell further behind than the machine remembers.</param>
    public static Subscription ToMachine(MachineStream stream, long after, Func<byte[], CancellationToken, ValueTask> send, Action behind, CancellationToken connection)
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

                    foreach (var (seq, body) in events)
                    {
                        await send(Message.Event(MessageTypes.MachineEvent, MachineStream.Name, stream.Epoch, seq, body), stop);
                        after = seq;
                    }

                    if (events.Count == 0)
                    {
                        await changed.WaitAsync(stop);
                    }
                }
            },
            connection);

    /// <summary>A project's files. Who fell behind what is remembered is told that more changed.</summary>
    public static Subscription ToFiles(FileStreams.Lease lease, string name, Guid projectId, long after, Func<byte[], CancellationToken, ValueTask> send, CancellationToken connection)
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
                        var lost = JsonSerializer.SerializeToUtf8Bytes(new FsChangedPayload(after, [], ChangesTruncated: true), ProtocolJson.Default.FsChangedPayload);
                        await send(Message.FilesChanged(name, stream.Epoch, after, projectId, lost), stop);
                        continue;
                    }

                    foreach (var (seq, body) in events)
                    {
                        await send(Message.FilesChanged(name, stream.Epoch, seq, projectId, body), stop);
                        after = seq;
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
