using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PocketCoder.Git;
using PocketCoder.Processes;
using PocketCoder.Sandboxes;
using PocketCoder.Machine.Files;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>
/// Where git runs: sandboxes of a repository's own, kept while they are used and some minutes longer, with the repository bound and no way
/// out. What only reads has one in which the repository is read-only, and goes on side by side; what writes has the repository for itself,
/// and protected configuration read-only. Thread-safe.
/// </summary>
/// <remarks>
/// They are not the sandbox of the agent's commands, whose processes could stand in git's way. Here nothing runs but git on a person's
/// word, with hooks and the like switched off; filters of the repository's own configuration run only for what writes, and what they do
/// stays within.
/// </remarks>
public sealed class GitService : IAsyncDisposable
{
    private static readonly TimeSpan s_idle = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_look = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Held> _sandboxes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, AsyncSemaphore> _locks = new(StringComparer.Ordinal);
    private readonly SandboxService _sandboxService;
    private readonly ProjectStore _projects;
    private readonly Home _home;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private int _looking;

    public GitService(SandboxService sandboxService, ProjectStore projects, Home home, TimeProvider time, ILogger log)
    {
        (_sandboxService, _projects, _home, _time, _log) = (sandboxService, projects, home, time, log);
        _timer = time.CreateTimer(
            _ => EndIdleAsync().Observed(_log, "ending git's sandboxes"), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Finds a project's repository, and where git runs on it.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, GIT_NOT_INITIALIZED, PERMISSION_DENIED, SANDBOX_UNAVAILABLE</exception>
    internal async Task<GitRepository> OpenAsync(Guid projectId, CancellationToken cancellationToken)
    {
        var project = await _projects.GetAsync(projectId, cancellationToken);
        var all = await _projects.ListAsync(cancellationToken);
        var place = GitPlaces.Find(
            project.Path, [.. all.Select(p => p.Path)], [_home.Root], _sandboxService.Worktrees.Find(project.Path));
        var (kind, why) = await _sandboxService.ChooseAsync(null);
        if (kind is not { } sandbox)
        {
            throw new RequestFailure(ErrorCode.SandboxUnavailable, why);
        }

        return new GitRepository(project, place, sandbox, opened => RunnerOf(place, sandbox, opened),
            _locks.GetOrAdd(place.CommonDir, _ => new AsyncSemaphore()));
    }

    /// <summary>What stands at a path of a project now: a decision to read what git has of it is about that file.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<string> SealAsync(Guid projectId, string path, CancellationToken cancellationToken)
    {
        var project = await _projects.GetAsync(projectId, cancellationToken);
        return SecretReads.SealOf(SecretReads.Options(project.Path, [_home.Root]), path);
    }

    private (IRepositoryRunner Runner, Func<CancellationToken, Task<ISandbox>> Writing) RunnerOf(
        GitPlace place, SandboxKind kind, IReadOnlyList<string> opened)
    {
        var reading = GitBinds.Reading(place);
        // Looked at once for a request: a command finds what the one before it left in /tmp.
        var writing = new Lazy<GitBinds>(
            () => kind == SandboxKind.Landlock ? new GitBinds(place.Bound, Writes: true, [], [], GitBinds.Reading(place).Side)
                : GitBinds.Writing(place, opened));
        return (
            kind == SandboxKind.None
                ? new BareGit(place, _time)
                : new SandboxedGit((writes, ct) => SandboxAsync(writes ? writing.Value : reading, kind, ct), place,
                    driversRun: kind != SandboxKind.Landlock, _time),
            ct => SandboxAsync(writing.Value, kind, ct));
    }

    /// <exception cref="SandboxException">It can't be made.</exception>
    private async Task<ISandbox> SandboxAsync(GitBinds binds, SandboxKind kind, CancellationToken cancellationToken)
    {
        var key = $"{kind}\0{binds.Key}";
        while (true)
        {
            var held = _sandboxes.GetOrAdd(key, _ => new Held(new(() => CreateAsync(binds, kind))));
            held.UsedAt = _time.GetTimestamp();
            if (Interlocked.Exchange(ref _looking, 1) == 0)
            {
                _timer.Change(s_look, Timeout.InfiniteTimeSpan);
            }

            try
            {
                var sandbox = await held.Sandbox.Value.WaitAsync(cancellationToken);
                if (sandbox.IsAlive)
                {
                    return sandbox;
                }

                if (_sandboxes.TryRemove(KeyValuePair.Create(key, held)))
                {
                    await _sandboxService.KillAsync(sandbox);
                }
            }
            catch (SandboxException)
            {
                _sandboxes.TryRemove(KeyValuePair.Create(key, held));
                throw;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        foreach (var key in _sandboxes.Keys)
        {
            await EndAsync(key);
        }
    }

    private Task<ISandbox> CreateAsync(GitBinds binds, SandboxKind kind) => _sandboxService.CreateAsync(
        kind,
        new SandboxSpec
        {
            Id = $"git-{Guid.CreateVersion7().ToString("N")[^16..]}",
            Workspace = binds.Bound,
            WorkspaceReadOnly = !binds.Writes,
            ReadOnlyBinds = binds.ReadOnly,
            Pinned = binds.Pinned,
            Side = binds.Side,
            HostName = "git",
            Limits = new SandboxLimits { Memory = 2L << 30, Processes = 128, ProjectGrowth = 0 },
        });

    private async Task EndIdleAsync()
    {
        try
        {
            foreach (var (key, held) in _sandboxes)
            {
                if (_time.GetElapsedTime(held.UsedAt) > s_idle)
                {
                    await EndAsync(key);
                }
            }
        }
        finally
        {
            _timer.Change(s_look, Timeout.InfiniteTimeSpan); // one look after the other
        }
    }

    private async Task EndAsync(string key)
    {
        if (_sandboxes.TryRemove(key, out var held))
        {
            try
            {
                await _sandboxService.KillAsync(await held.Sandbox.Value);
            }
            catch (SandboxException)
            {
                // it was never made
            }
        }
    }

    private sealed class Held(Lazy<Task<ISandbox>> sandbox)
    {
        private long _usedAt;

        public Lazy<Task<ISandbox>> Sandbox { get; } = sandbox;

        public long UsedAt
        {
            get => Volatile.Read(ref _usedAt);
            set => Volatile.Write(ref _usedAt, value);
        }
    }
}
