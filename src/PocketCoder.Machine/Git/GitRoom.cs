using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PocketCoder.Git;
using PocketCoder.Hands;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>
/// Where git runs: one sandbox a repository, kept while it is used and some minutes longer, with the repository bound and no way out. Reading goes on side by side;
/// what writes has the repository for itself. Thread-safe.
/// </summary>
/// <remarks>
/// It is not the sandbox of the agent's commands: theirs has the repository's configuration read-only, and their processes could stand in git's way. Here nothing runs but git
/// on a person's word, with hooks and the like switched off, and what a filter of the repository's own configuration does stays within.
/// </remarks>
internal sealed partial class GitRoom : IAsyncDisposable
{
    private static readonly TimeSpan s_idle = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_look = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_killLimit = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Held> _sandboxes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _locks = new(StringComparer.Ordinal);
    private readonly HandsRoom _hands;
    private readonly ProjectStore _projects;
    private readonly Home _home;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ITimer _timer;

    public GitRoom(HandsRoom hands, ProjectStore projects, Home home, TimeProvider time, ILogger log)
    {
        (_hands, _projects, _home, _time, _log) = (hands, projects, home, time, log);
        _timer = time.CreateTimer(_ => _ = EndIdleAsync(), null, s_look, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Finds a project's repository, and where git runs on it.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, GIT_NOT_INITIALIZED, PERMISSION_DENIED, SANDBOX_UNAVAILABLE</exception>
    public async Task<GitRepository> OpenAsync(Guid projectId, CancellationToken cancellationToken)
    {
        var project = await _projects.GetAsync(projectId, cancellationToken);
        var all = await _projects.ListAsync(cancellationToken);
        var place = GitPlaces.Find(project.Path, [.. all.Select(p => p.Path)], [_home.Root]);
        var (kind, why) = await _hands.ChooseAsync(null);
        if (kind is not { } sandbox)
        {
            throw new RequestFailure(ErrorCode.SandboxUnavailable, why);
        }

        IGitRunner runner = sandbox == SandboxKind.None ? new BareGit(place, _time) : new SandboxedGit(ct => SandboxAsync(place.Bound, sandbox, ct), place, _time);
        return new GitRepository(project, place, sandbox, runner, _locks.GetOrAdd(place.CommonDir, _ => new SemaphoreSlim(1, 1)));
    }

    /// <summary>The sandbox of a repository; for what must put a socket into it.</summary>
    /// <exception cref="SandboxException">It can't be made.</exception>
    public async Task<ISandbox> SandboxAsync(string bound, SandboxKind kind, CancellationToken cancellationToken)
    {
        while (true)
        {
            var held = _sandboxes.GetOrAdd(bound, _ => new Held(new(() => CreateAsync(bound, kind))));
            held.UsedAt = _time.GetTimestamp();
            try
            {
                var sandbox = await held.Sandbox.Value.WaitAsync(cancellationToken);
                if (sandbox.IsAlive)
                {
                    return sandbox;
                }

                if (_sandboxes.TryRemove(KeyValuePair.Create(bound, held)))
                {
                    await KillAsync(sandbox);
                }
            }
            catch (SandboxException)
            {
                _sandboxes.TryRemove(KeyValuePair.Create(bound, held));
                throw;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        foreach (var bound in _sandboxes.Keys)
        {
            await EndAsync(bound);
        }

        foreach (var gate in _locks.Values)
        {
            gate.Dispose();
        }
    }

    private Task<ISandbox> CreateAsync(string bound, SandboxKind kind) => _hands.CreateAsync(
        kind,
        new SandboxSpec { Id = $"git-{Guid.CreateVersion7().ToString("N")[^16..]}", Workspace = bound, HostName = "git", Limits = new SandboxLimits { Memory = 2L << 30, Processes = 128 } });

    private async Task EndIdleAsync()
    {
        try
        {
            foreach (var (bound, held) in _sandboxes)
            {
                if (_time.GetElapsedTime(held.UsedAt) > s_idle)
                {
                    await EndAsync(bound);
                }
            }
        }
        finally
        {
            _timer.Change(s_look, Timeout.InfiniteTimeSpan); // one look after the other
        }
    }

    private async Task EndAsync(string bound)
    {
        if (_sandboxes.TryRemove(bound, out var held))
        {
            try
            {
                await KillAsync(await held.Sandbox.Value);
            }
            catch (SandboxException)
            {
                // it was never made
            }
        }
    }

    private async Task KillAsync(ISandbox sandbox)
    {
        try
        {
            using var limit = new CancellationTokenSource(s_killLimit);
            await sandbox.KillAsync(limit.Token);
        }
        catch (Exception e) when (e is SandboxException or OperationCanceledException)
        {
            LogNotEnded(_log, sandbox.Id, e.Message);
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

    [LoggerMessage(EventId = 701, Level = LogLevel.Warning, Message = "git's sandbox {Id} could not be ended wholly: {Why}")]
    private static partial void LogNotEnded(ILogger log, string id, string why);
}
