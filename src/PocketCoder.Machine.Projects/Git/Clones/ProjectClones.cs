using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using PocketCoder.Git;
using PocketCoder.Ledger;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Sandboxes;

namespace PocketCoder.Machine.Git.Clones;

/// <summary>
/// Clones repositories for devices (docs/git.md, <em>Clones</em>): into a hidden folder beneath an allowed root, by git in a sandbox of its
/// own, which gets its name and becomes a project when all of it is there. One at a time. What begins is recorded first, so what a crash
/// cuts off is taken away by the next start. Thread-safe.
/// </summary>
public sealed class ProjectClones(
    ProjectSetup setup, ProjectStore projects, SandboxService sandboxes, Store store, TransferSettings ways, CloneLimits limits,
    TimeProvider time, ILogger log) : IDisposable
{
    private const int LongestAddress = 1400;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly TransferRunner _way = new(store, ways, time);
    private readonly AsyncSemaphore _gate = new(); // guards beginning, and _stopped
    private volatile CloneAttempt? _attempt; // the last one; it may be over
    private IReadOnlyList<CloneRecord> _left = [];
    private bool _stopped;

    public void Dispose() => _attempt?.Dispose();

    /// <summary>Looks what a crash left, and makes a project of a clone that was whole. Once, before sessions are recovered.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var left = new List<CloneRecord>();
        foreach (var clone in await CloneRows.OpenAsync(store, cancellationToken))
        {
            try
            {
                if (clone.State != CloneRows.Placing || !CloneFolder.IsPlaced(clone))
                {
                    left.Add(clone);
                    continue;
                }

                await RegisterAsync(clone);
            }
            catch (Exception e) when (e is LedgerException or RequestFailure)
            {
                // nothing can be recorded now, or the folder is no longer one that may be registered: the next start tries again
            }
        }

        _left = left;
    }

    /// <summary>Takes away what a crash left. Once, when nothing of an earlier daemon runs any more.</summary>
    public async Task ClearAsync()
    {
        foreach (var clone in _left)
        {
            try
            {
                await CloneFolder.RemoveAsync(clone, time);
                await store.WriteAsync(change => CloneRows.Set(change, clone.CloneId, CloneRows.Failed, Interrupted().Error));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or LedgerException)
            {
                // the next start tries again, and the others go on
            }
        }
    }

    /// <summary>Begins one, or tells how the one of that id stands.</summary>
    /// <exception cref="RequestFailure">As <see cref="ProjectCloneRequest"/> says.</exception>
    public async Task<ProjectCloneResponse> BeginAsync(
        Device device, ProjectCloneRequest request, Func<Task> reopen, CancellationToken cancellationToken)
    {
        if (request.CloneId == Guid.Empty)
        {
            throw GitErrors.Invalid("cloneId must be a UUID made for this request.");
        }

        var name = FolderNames.New(request.Name);
        var address = Checked(request.Address);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (await CloneRows.FindAsync(store, request.CloneId, cancellationToken) is { } known)
            {
                return (known.Parent, known.Name, known.Address) == (request.Parent, name, request.Address)
                    ? new ProjectCloneResponse(await InfoAsync(known, cancellationToken))
                    : throw new RequestFailure(ErrorCode.Conflict, "This cloneId is in use for another clone.");
            }

            RequireFree();
            var attempt = await BeginAsync(device, request, address, cancellationToken);
            attempt.Work = Task.Run(() => RunAsync(attempt, reopen), CancellationToken.None);
            attempt.Work.Observed(log, "cloning a repository");
            _attempt?.Dispose();
            _attempt = attempt;
            return new ProjectCloneResponse(attempt.Info);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task<ProjectCloneGetResponse> GetAsync(ProjectCloneGetRequest request, CancellationToken cancellationToken)
        => new(request.CloneId is not { } id
            ? _attempt?.Info is { State: CloneState.Running } running ? running : null
            : await CloneRows.FindAsync(store, id, cancellationToken) is { } known ? await InfoAsync(known, cancellationToken) : null);

    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<ProjectCloneCancelResponse> CancelAsync(ProjectCloneCancelRequest request, CancellationToken cancellationToken)
    {
        if (_attempt is { } attempt && attempt.Clone.CloneId == request.CloneId)
        {
            attempt.End(null);
            await attempt.Work.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }

        return (await GetAsync(new ProjectCloneGetRequest(request.CloneId), cancellationToken)).Cloning is { } clone
            ? new ProjectCloneCancelResponse(clone)
            : throw new RequestFailure(ErrorCode.ProjectNotFound, "There is no such clone.");
    }

    /// <summary>Ends the one that runs. What can't be taken away in time is by the next start.</summary>
    public async Task StopAsync()
    {
        await _gate.WaitAsync();
        _stopped = true;
        _gate.Release();
        if (_attempt is { } attempt)
        {
            attempt.End(Interrupted().Error);
            await Task.WhenAny(attempt.Work, Task.Delay(s_patience, time));
        }
    }

    private void RequireFree()
    {
        if (_stopped)
        {
            throw new RequestFailure(ErrorCode.Unavailable, "The machine is stopping. Try again when it is back.");
        }

        if (_attempt is { Work.IsCompleted: false, Clone: { } running })
        {
            throw new RequestFailure(
                ErrorCode.Conflict,
                $"This machine clones one repository at a time, and {running.Name} is being cloned. Wait for it, or cancel it.",
                new Dictionary<string, string>(StringComparer.Ordinal)
                { ["reason"] = "clone_running", ["cloneId"] = running.CloneId.ToString() });
        }
    }

    private async Task<CloneAttempt> BeginAsync(
        Device device, ProjectCloneRequest request, RemoteAddress address, CancellationToken cancellationToken)
    {
        var (kind, why) = await sandboxes.ChooseAsync(null);
        if (kind is not (SandboxKind.Bubblewrap or SandboxKind.None))
        {
            throw new RequestFailure(
                ErrorCode.SandboxUnavailable, kind is null ? why : "This kind of sandbox has no network access. Only bubblewrap has.");
        }

        var parent = await setup.OpenParentAsync(request.Parent, request.Name, cancellationToken);
        try
        {
            CloneWatch.RequireRoom(request.Parent, limits);
            var staging = $".pocketcoder-clone-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
            var clone = new CloneRecord(
                request.CloneId, request.Parent, request.Name, request.Address, staging, device.DeviceId, CloneRows.Running);
            await store.WriteAsync(change =>
            {
                CloneRows.Begin(change, clone);
                change.Ledger(new LedgerEntry(LedgerKind.GitChanged)
                {
                    DeviceId = device.DeviceId,
                    Actor = device.Name,
                    Sandbox = SandboxName.Of(kind.Value),
                    Data = new GitData(clone.CloneId, MessageTypes.ProjectClone, address.Url, [clone.Path], 1, null).ToJson(),
                });
            });
            return new CloneAttempt(clone, address, kind.Value, info => store.Announce(new CloneChanged(info)), time) { Parent = parent };
        }
        catch
        {
            parent.Dispose();
            throw;
        }
    }

    private async Task RunAsync(CloneAttempt attempt, Func<Task> reopen)
    {
        ProjectInfo project;
        try
        {
            project = await MakeAsync(attempt);
        }
        catch (Exception e)
        {
            var (state, error) = attempt.EndOf(e);
            await ClearAsync(attempt, state, error);
            attempt.Over(state, null, error);
            if (CloneAttempt.IsExpected(e))
            {
                return;
            }

            throw; // the log has it
        }
        finally
        {
            attempt.Parent.Dispose();
        }

        attempt.Over(CloneState.Done, project, null);
        await reopen();
    }

    /// <summary>Nothing of it is left; what can't be taken away or recorded now stays open for the next start.</summary>
    private async Task ClearAsync(CloneAttempt attempt, CloneState state, WireError? error)
    {
        try
        {
            store.Seam("clone_clearing");
            await CloneFolder.RemoveAsync(attempt.Clone, time);
            await store.WriteAsync(change => CloneRows.Set(
                change, attempt.Clone.CloneId, state == CloneState.Cancelled ? CloneRows.Cancelled : CloneRows.Failed, error));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LedgerException)
        {
            // it is told how it ended all the same
        }
    }

    private async Task<ProjectInfo> MakeAsync(CloneAttempt attempt)
    {
        using var folder = CloneFolder.Make(attempt.Parent, attempt.Clone);
        attempt.Clone = attempt.Clone with { Folder = folder.Identity };
        var clone = attempt.Clone;
        await store.WriteAsync(change => CloneRows.Made(change, clone.CloneId, folder.Identity));
        store.Seam("clone_folder");
        NewRepository.Make(folder.Opened.Handle);
        await using (var watch = new CloneWatch(clone.StagingPath, limits, why => attempt.End(why.Error), time))
        {
            watch.Begin();
            await FetchAsync(attempt);
        }

        attempt.Stopping.ThrowIfCancellationRequested();
        store.Seam("clone_fetched");
        await store.WriteAsync(change => CloneRows.Set(change, clone.CloneId, CloneRows.Placing));
        attempt.Clone = clone with { State = CloneRows.Placing };
        folder.Place();
        store.Seam("clone_placed");
        setup.Check(folder.Opened, clone.Path);
        return await RegisterAsync(clone);
    }

    /// <summary>With the row of the ledger, or not at all.</summary>
    private Task<ProjectInfo> RegisterAsync(CloneRecord clone) => store.WriteAsync(change =>
    {
        var project = ProjectStore.Add(
            change, clone.Path, ProjectFolder.NameOf(null, clone.Path), clone.DeviceId,
            GitRepository.Checked(() => RemoteAddress.Parse(clone.Address)).Url).Project;
        CloneRows.Set(change, clone.CloneId, CloneRows.Done, project: project.ProjectId);
        return project;
    });

    private async Task FetchAsync(CloneAttempt attempt)
    {
        var at = attempt.Clone.StagingPath;
        var git = FolderBrowser.Join(at, ".git");
        var place = new GitPlace(at, git, git, at, "");
        var sandbox = attempt.Sandbox == SandboxKind.None ? null : await SandboxAsync(at);
        try
        {
            IRepositoryRunner runner = sandbox is null ? new BareGit(place, time)
                : new SandboxedGit((_, _) => Task.FromResult(sandbox), place, driversRun: false, time);
            var repo = new GitRepository(
                new ProjectInfo(attempt.Clone.CloneId, attempt.Clone.Name, at, store.Now, null, false), place, attempt.Sandbox,
                _ => (runner, _ => Task.FromResult(sandbox!)), new AsyncSemaphore());
            await new CloneGit(repo, _way, attempt.Address, attempt.Clone.Address, attempt, limits.Time).RunAsync(attempt.Stopping);
        }
        finally
        {
            if (sandbox is not null)
            {
                await sandboxes.KillAsync(sandbox);
            }
        }
    }

    private Task<ISandbox> SandboxAsync(string folder) => sandboxes.CreateAsync(
        SandboxKind.Bubblewrap,
        new SandboxSpec
        {
            Id = $"git-{Guid.CreateVersion7().ToString("N")[^16..]}",
            Workspace = folder,
            HostName = "git",
            // the folder's own size is watched here, where it ends the clone with a reason
            Limits = new SandboxLimits { Memory = 2L << 30, Processes = 128, ProjectGrowth = 0, FileSize = limits.Bytes },
        });

    private async Task<CloneInfo> InfoAsync(CloneRecord clone, CancellationToken cancellationToken)
    {
        if (_attempt is { } attempt && attempt.Clone.CloneId == clone.CloneId)
        {
            return attempt.Info;
        }

        var project = clone.ProjectId is { } id
            ? (await projects.ListAsync(cancellationToken)).FirstOrDefault(p => p.ProjectId == id) : null;
        return new CloneInfo(
            clone.CloneId, clone.Path, clone.Address,
            clone.State switch
            {
                CloneRows.Done => CloneState.Done,
                CloneRows.Cancelled => CloneState.Cancelled,
                _ => CloneState.Failed,
            },
            null, null, project, clone.State is CloneRows.Running or CloneRows.Placing ? Interrupted().Error : clone.Error);
    }

    /// <summary>What people see is what is connected to: nothing invisible, and nothing around it.</summary>
    private static RemoteAddress Checked(string address)
        => address.Length is 0 or > LongestAddress || address != address.Trim() || !FolderNames.IsPlain(address)
            ? throw GitErrors.Invalid("Give an address: https://host/path, ssh://user@host/path or user@host:path.")
            : GitRepository.Checked(() => RemoteAddress.Parse(address));

    private static RequestFailure Interrupted() => new(
        ErrorCode.Unavailable, "The machine stopped while it was cloning. Nothing of it is left. Clone again.");
}
