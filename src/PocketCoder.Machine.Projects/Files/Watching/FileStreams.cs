using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Watching;

namespace PocketCoder.Machine.Files.Watching;

/// <summary>
/// What changes in projects, as the streams <c>files/&lt;projectId&gt;</c>. A project is watched while somebody follows it and a little
/// longer, so that a phone that was away for a moment goes on without a gap; each watching is an epoch of its own, since nobody knows what
/// happened between two. Thread-safe; the lock guards the table.
/// </summary>
public sealed class FileStreams(FileService service, Store store, TimeProvider time) : IAsyncDisposable
{
    public const string Prefix = "files/";

    /// <summary>Projects that are watched at once.</summary>
    private const int Most = 16;

    /// <summary>How far the numbering jumps when the last number may not have been written down.</summary>
    private const int Jump = 1_000;

    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(30);

    private readonly AsyncSemaphore _gate = new();
    private readonly Dictionary<Guid, Watched> _watched = [];
    private bool _isOver; // nothing is watched any more, and nothing will be

    /// <summary>Raised when <see cref="Warnings"/> may be others.</summary>
    public event Action? WarningsChanged;

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

    /// <summary>Where each project's numbering is, and whether it is being watched; one that never was is not in it.</summary>
    public async Task<IReadOnlyDictionary<Guid, WatchState>> StatesAsync(CancellationToken cancellationToken)
    {
        var states = (await store.QueryAsync("SELECT project_id, last_seq FROM fs_state", row => (Id: row.Id(0), Seq: row.GetInt64(1)),
            cancellationToken)).ToDictionary(s => s.Id, s => new WatchState(false, s.Seq));
        lock (_watched)
        {
            foreach (var (project, watched) in _watched)
            {
                states[project] = new WatchState(true, watched.Stream.Head);
            }
        }

        return states;
    }

    /// <summary>Watches a project no more; who follows it is told that all of it is gone.</summary>
    public async Task EndProjectAsync(Guid projectId)
    {
        await _gate.WaitAsync();
        try
        {
            if (_watched.GetValueOrDefault(projectId) is { } watched)
            {
                await EndAsync(watched, [new FsChange(FsChangeKind.Delete, "")]);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>A project's stream, watched until what is returned is disposed of.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, DAEMON_BUSY; UNAVAILABLE: the machine stops</exception>
    public async Task<Lease> FollowAsync(Guid projectId, CancellationToken cancellationToken)
    {
        var options = await service.OptionsAsync(projectId, cancellationToken);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_isOver)
            {
                throw new RequestFailure(ErrorCode.Unavailable, "The machine is stopping. Try again when it is back.");
            }

            if (_watched.GetValueOrDefault(projectId) is not { } watched)
            {
                if (_watched.Count >= Most)
                {
                    throw new RequestFailure(ErrorCode.DaemonBusy, $"{Most} projects are already being watched.");
                }

                var seq = await BeginAsync(projectId);
                watched = new Watched(projectId, new MachineStream(Guid.CreateVersion7().ToString("N"), seq));
                // by the real clock: it waits for real files
                watched.Watch = new ProjectWatch(options with { Time = TimeProvider.System }, found => Publish(watched, found));
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
                WarningsChanged?.Invoke();
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
        try
        {
            _isOver = true;
            foreach (var watched in _watched.Values.ToList())
            {
                await EndAsync(watched);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<long> BeginAsync(Guid projectId) => await store.WriteAsync(change =>
    {
        var (seq, clean) = change.Query("SELECT last_seq, clean FROM fs_state WHERE project_id = $id",
            row => (row.GetInt64(0), row.GetInt64(1) != 0), ("$id", projectId.ToString())) is [var known] ? known : (0, true);
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
        if (found.Git)
        {
            store.Announce(new GitChanged(watched.ProjectId)); // its repository may be in another state than before, whoever did that
        }

        if (found.Changes.Count > 0 || found.Truncated || !found.Git)
        {
            Tell(watched, found.Changes, found.Truncated, found.Warning);
        }

        if (found.Warning != watched.Warning)
        {
            watched.Warning = found.Warning;
            WarningsChanged?.Invoke();
        }

        if (Interlocked.Exchange(ref watched.Writing, 1) == 0)
        {
            _ = WriteBehindAsync(watched);
        }
    }

    private static void Tell(Watched watched, IReadOnlyList<FsChange> changes, bool truncated, string? warning)
        => watched.Stream.Publish(seq => JsonSerializer.SerializeToUtf8Bytes(
        new FsChangedPayload(seq, changes, truncated ? true : null, warning), ProtocolJson.Default.FsChangedPayload));

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
            if (--watched.Followers == 0 && !watched.Over)
            {
                watched.Ending = time.CreateTimer(_ => _ = EndIfUnusedAsync(watched), null, s_grace, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private async Task EndIfUnusedAsync(Watched watched)
    {
        await _gate.WaitAsync();
        try
        {
            if (watched is { Followers: 0, Over: false })
            {
                await EndAsync(watched);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task EndAsync(Watched watched, IReadOnlyList<FsChange>? last = null)
    {
        lock (_watched)
        {
            watched.Over = true;
            _watched.Remove(watched.ProjectId);
            watched.Ending?.Dispose();
        }

        await Task.Run(watched.Watch!.Dispose); // it waits for its thread
        if (last is not null)
        {
            Tell(watched, last, truncated: false, warning: null);
        }

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
            WarningsChanged?.Invoke();
        }
    }

    /// <param name="Seq">Number of the last event.</param>
    public readonly record struct WatchState(bool Watching, long Seq);

    /// <summary>Somebody's interest in a stream.</summary>
    public sealed class Lease(MachineStream stream, Action release) : IDisposable
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

        /// <summary>It is watched no more, though somebody may still have its stream.</summary>
        public bool Over { get; set; }

        public string? Warning { get; set; }
    }
}
