using System.Collections.Concurrent;
using PocketCoder.Sandboxes;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Executions;

/// <summary>
/// Where what people ask for in a project runs, outside of any session: one sandbox a project, made at the first need and ended with the
/// last use of it. Like a session's it has the project's rules for the network and its protected configuration; nobody is asked for further
/// hosts. Thread-safe.
/// </summary>
/// <param name="bare">For projects without a sandbox: plain process groups.</param>
public sealed class RunSandboxes(SandboxService sandboxes, ISandboxBackend bare)
{
    private readonly ConcurrentDictionary<Guid, Entry> _entries = new();

    /// <summary>
    /// Ends what a killed daemon left without a sandbox; what is in one ends with <see cref="SandboxService.CleanAsync"/>.
    /// </summary>
    public Task RecoverAsync(CancellationToken cancellationToken) => bare.RecoverAsync(cancellationToken);

    /// <summary>The project's sandbox, until the lease is disposed.</summary>
    /// <param name="folder">The project's.</param>
    /// <exception cref="SandboxException">It can't be made; or the project's is of another kind and still in use.</exception>
    public async Task<ProjectLease> TakeAsync(Guid project, string folder, SandboxKind kind, CancellationToken cancellationToken)
    {
        var entry = _entries.GetOrAdd(project, static _ => new Entry());
        await entry.Gate.WaitAsync(cancellationToken);
        try
        {
            if (entry.Users > 0 && entry.Kind != kind)
            {
                throw new SandboxException(SandboxError.Exists,
                    $"Something is still running in the project's sandbox, which is of another kind ({SandboxName.Of(entry.Kind)}). Wait for it, or cancel it.");
            }

            entry.Kind = kind;
            ISandbox sandbox;
            if (kind == SandboxKind.None)
            {
                sandbox = entry.Bare ??= await bare.CreateAsync(
                    new SandboxSpec { Id = project.ToString("D"), Workspace = folder, Environment = EnvironmentAllowList.SelectFromOwn() },
                    CancellationToken.None);
            }
            else
            {
                sandbox = await sandboxes.GetAsync(new SandboxWanted(project, project, kind, folder), cancellationToken);
            }

            entry.Users++;
            return new ProjectLease(sandbox, () => LeaveAsync(project, entry));
        }
        finally
        {
            entry.Gate.Release();
        }
    }

    private async Task LeaveAsync(Guid project, Entry entry)
    {
        await entry.Gate.WaitAsync();
        try
        {
            if (--entry.Users > 0)
            {
                return;
            }

            if (entry.Bare is { } used)
            {
                entry.Bare = null;
                await used.KillAsync(CancellationToken.None);
            }
            else
            {
                await sandboxes.EndAsync(project);
            }
        }
        finally
        {
            entry.Gate.Release();
        }
    }

    private sealed class Entry
    {
        /// <summary>Making and ending take turns, so that nobody gets what is being ended.</summary>
        public AsyncSemaphore Gate { get; } = new();

        public int Users { get; set; }

        public SandboxKind Kind { get; set; }

        public ISandbox? Bare { get; set; }
    }
}

/// <summary>A use of a project's sandbox.</summary>
public sealed class ProjectLease(ISandbox sandbox, Func<Task> leave) : IAsyncDisposable
{
    private int _left;

    public ISandbox Sandbox { get; } = sandbox;

    /// <exception cref="SandboxException">It was the last use, and something could not be ended.</exception>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _left, 1) == 0)
        {
            await leave();
        }
    }
}
