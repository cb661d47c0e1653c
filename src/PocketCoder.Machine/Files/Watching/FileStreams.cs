using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Watching;

namespace PocketCoder.Machine.Files.Watching;

/// <summary>
/// What changes in projects, as the streams <c>files/&lt;projectId&gt;</c>. A project is watched while somebody follows it and a little longer, so that a phone that was away for a moment goes on without a
/// gap; each watching is an epoch of its own, since nobody knows what happened between two. Thread-safe; the lock guards the table.
/// </summary>
internal sealed class FileStreams(FileDesk desk, Store store, TimeProvider time) : IAsyncDisposable
{
    public const string Prefix = "files/";

    /// <summary>Projects that are watched at once.</summary>
    private const int Most = 16;

    /// <summary>How far the numbering jumps when the last number may not have been written down.</summary>
    private const int Jump = 1_000;

    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Dictionary<Guid, Watched> _watched = [];

    /// <summary>Told when <see cref="Warnings"/> may be others.</summary>
    public Action WarningsChanged { get; set; } = static () => { };

    public IReadOnlyList<string> Warnings
    {
        get
        {
            lock (_watched)
            {
                return [.. _watched.Values.Select(w => w.Watch?.Warning).OfType<string>().Distinct(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>A project's stream, watched until what is returned is disposed of.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, DAEMON_BUSY</exception>
    public async Task<Lease> FollowAsync(Guid projectId, CancellationToken cancellationToken)
    {
        var options = await desk.OptionsAsync(projectId, cancellationToken);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_watched.GetValueOrDefault(projectId) is not { } watched)
            {
                if (_watched.Count >= Most)
                {
                    throw new RequestFailure(ErrorCode.DaemonBusy, $"{Most} projects are watched already.");
                }

                var seq = await BeginAsync(projectId);
                watched = new Watched(projectId, new MachineStream(Guid.CreateVersion7().ToString("N"), seq));
                watched.Watch = new ProjectWatch(options with { Time = TimeProvider.System }, found => Publish(watched, found)); // by the real clock: it waits for real files
                lock (_watched)
                {
                    _watched[projectId] = watched;
                }
            }

            lock (_watched)
            {
                watched.Followers++;
                watched.Ending?.Dispose();
                watched.Ending = null;
            }

            try
            {
                await watched.Watch!.Ready.WaitAsync(cancellationToken);
            }
            catch
            {
                Release(watched);
                throw;
            }

            if (watched.Watch.Warning is not null)
            {
                WarningsChanged();
            }

            return new Lease(watched.Stream, () => Release(watched));
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends all watching and writes down where each numbering is.</summary>
    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync();
        foreach (var watched in _watched.Values.ToList())
        {
            await EndAsync(watched);
        }

        _gate.Dispose();
    }

    private async Task<long> BeginAsync(Guid projectId) => await store.WriteAsync(change =>
    {
        var (seq, clean) = change.Query("SELECT last_seq, clean FROM fs_state WHERE project_id = $id", row => (row.GetInt64(0), row.GetInt64(1) != 0), ("$id", projectId.ToString())) is [var known] ? known : (0, true);
        seq += clean ? 0 : Jump;
        Keep(change, projectId, seq, clean: false);
        return seq;
    });

    private static void Keep(Change change, Guid projectId, long seq, bool clean) => change.Execute(
        "INSERT INTO fs_state (project_id, last_seq, clean) VALUES ($id, $seq, $clean) ON CONFLICT (project_id) DO UPDATE SET last_seq = max(last_seq, $seq), clean = $clean",
        ("$id", projectId.ToString()),
        ("$seq", seq),
        ("$clean", clean ? 1 : 0));

    /// <summary>On the watching thread.</summary>
    private void Publish(Watched watched, WatchEvent found)
    {
        watched.Stream.Publish(seq => JsonSerializer.SerializeToUtf8Bytes(
            new FsChangedPayload(seq, found.Changes, found.Truncated ? true : null, found.Warning), ProtocolJson.Default.FsChangedPayload));
        if (found.Warning != watched.Warning)
        {
            watched.Warning = found.Warning;
            WarningsChanged();
        }

        if (Interlocked.Exchange(ref watched.Writing, 1) == 0)
        {
            _ = WriteBehindAsync(watched);
        }
    }

    /// <summary>Events are seldom and a row is small; when the disk has no room for it, the next start jumps.</summary>
    private async Task WriteBehindAsync(Watched watched)
    {
        try
        {
            Interlocked.Exchange(ref watched.Writing, 0);
            await store.WriteAsync(change => Keep(change, watched.ProjectId, watched.Stream.Head, clean: false));
        }
        catch (LedgerException)
        {
            // The row says "not clean", which is what the next start goes by.
        }
    }

    private void Release(Watched watched)
    {
        lock (_watched)
        {
            if (--watched.Followers == 0)
            {
                watched.Ending = time.CreateTimer(_ => _ = EndIfUnusedAsync(watched), null, s_grace, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private async Task EndIfUnusedAsync(Watched watched)
    {
        try
        {
            await _gate.WaitAsync();
        }
        catch (ObjectDisposedException)
        {
            return; // the daemon stopped
        }

        try
        {
            if (watched.Followers == 0)
            {
                await EndAsync(watched);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task EndAsync(Watched watched)
    {
        lock (_watched)
        {
            _watched.Remove(watched.ProjectId);
        }

        watched.Ending?.Dispose();
        await Task.Run(watched.Watch!.Dispose); // it waits for its thread
        try
        {
            await store.WriteAsync(change => Keep(change, watched.ProjectId, watched.Stream.Head, clean: true));
        }
        catch (LedgerException)
        {
            // as above
        }

        if (watched.Warning is not null)
        {
            WarningsChanged();
        }
    }

    /// <summary>Somebody's interest in a stream.</summary>
    internal sealed class Lease(MachineStream stream, Action release) : IDisposable
    {
        private int _released;

        public MachineStream Stream { get; } = stream;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _released, 1) == 0)
            {
                release();
            }
        }
    }

    private sealed class Watched(Guid projectId, MachineStream stream)
    {
        /// <summary>1: the number is about to be written down.</summary>
        public int Writing;

        public Guid ProjectId { get; } = projectId;

        public MachineStream Stream { get; } = stream;

        public ProjectWatch? Watch { get; set; }

        public int Followers { get; set; }

        public ITimer? Ending { get; set; }

        public string? Warning { get; set; }
    }
}
