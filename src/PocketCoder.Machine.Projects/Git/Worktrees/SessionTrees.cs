using System.Globalization;
using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Platform;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Sandboxes;

namespace PocketCoder.Machine.Git.Worktrees;

/// <summary>
/// Worktrees for sessions: each is a project of its own in the daemon's home, with a branch of its own, made, merged back and thrown away
/// on a device's word (docs/git.md, <em>Worktrees of sessions</em>). What is being made or removed is recorded before git is started, so a
/// crash leaves something that is finished or taken away. Thread-safe; one is made or removed at a time.
/// </summary>
/// <param name="approvals">Of what would change protected configuration of the parent.</param>
/// <param name="seam">For tests: called by name at each step; what it throws is thrown there.</param>
public sealed class SessionTrees(
    GitService git, PersonApprovals approvals, ProjectStore projects, Store store, WorktreeLinks links, Home home, Action<string> seam,
    TimeProvider time)
{
    private const int SlugLength = 40;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(120);

    private readonly GitNotes _notes = new(store);
    private readonly GitGuard _guard = new(git, new GitNotes(store), approvals);
    private readonly AsyncSemaphore _gate = new();

    /// <summary>Makes known what there is. Call before anything runs in a project.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var folders = (await projects.ListAsync(cancellationToken)).ToDictionary(p => p.ProjectId, p => p.Path);
        foreach (var tree in await WorktreeRows.ListAsync(store, cancellationToken))
        {
            if (tree.State != WorktreeRows.Making)
            {
                var link = tree.Link(folders.GetValueOrDefault(tree.ParentId, "/"));
                links.Set(link with { Gone = tree.State != WorktreeRows.Ready });
            }
        }
    }

    /// <summary>Takes away what a crash left half made or half removed. Once, after it is known which sandboxes there are.</summary>
    public async Task ClearAsync()
    {
        foreach (var tree in await WorktreeRows.ListAsync(store, CancellationToken.None))
        {
            if (tree.State is WorktreeRows.Making or WorktreeRows.Removing)
            {
                await _gate.WaitAsync();
                try
                {
                    await SettleAsync(tree.ProjectId);
                }
                catch (Exception e) when (e is RequestFailure or IOException or UnauthorizedAccessException or SandboxException)
                {
                    // the repository can't be reached now; the same request, or the next start, tries again, and the others go on
                }
                finally
                {
                    _gate.Release();
                }
            }
        }
    }

    /// <exception cref="RequestFailure">As the messages say; APPROVAL_REQUIRED: it is made when somebody allows it.</exception>
    public async Task<SessionWorktreeCreateResponse> CreateAsync(
        DeviceCaller caller, SessionWorktreeCreateRequest request, CancellationToken cancellationToken)
    {
        if (request.WorktreeId == Guid.Empty)
        {
            throw GitErrors.Invalid("worktreeId must be a UUID made for this request.");
        }

        var branch = Visible(GitRepository.Checked(() => GitNames.Ref(request.Branch, "branch")));
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (await WorktreeRows.FindAsync(store, request.WorktreeId, cancellationToken) is { } known)
            {
                if (known.ParentId != request.ProjectId || known.Branch != branch || (request.Base ?? known.Base) != known.Base)
                {
                    throw new RequestFailure(ErrorCode.Conflict, "This worktree id is in use for another one.");
                }

                if (known.State == WorktreeRows.Ready)
                {
                    return new SessionWorktreeCreateResponse(await projects.GetAsync(request.WorktreeId, cancellationToken));
                }

                if (known.State is WorktreeRows.Gone or WorktreeRows.Removing)
                {
                    throw new RequestFailure(ErrorCode.Conflict, "This worktree was thrown away.");
                }

                await SettleAsync(known.ProjectId); // a crash cut it off: from the beginning
            }

            var repo = await ParentAsync(request.ProjectId, cancellationToken);
            var at = request.Base is { } named ? GitRepository.Checked(() => GitNames.Ref(named, "branch"))
                : await repo.BranchAsync(cancellationToken)
                    ?? throw new RequestFailure(ErrorCode.Conflict, "No branch is checked out in the project. Name the base.");
            var to = await BranchAsync(repo, at, cancellationToken) ?? throw new RequestFailure(
                ErrorCode.Conflict, $"There is no branch {at} with a commit. A worktree begins at one.");
            if (await BranchAsync(repo, branch, cancellationToken) is not null)
            {
                throw new RequestFailure(
                    ErrorCode.Conflict, $"The branch {branch} already exists. Choose another name.", Because("branch_exists"));
            }

            var tree = Planned(request, repo, branch, at, to);
            var project = await _guard.ChangeAsync(
                caller, repo, new GitAct(MessageTypes.SessionWorktreeCreate, branch, r => GitPlans.CheckoutAsync(r, to))
                { Worktrees = true, Exactly = [at, to, request.WorktreeId.ToString()] },
                r => MakeAsync(caller, r, tree));
            return new SessionWorktreeCreateResponse(project);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task<SessionWorktreeStateResponse> StateAsync(
        SessionWorktreeStateRequest request, CancellationToken cancellationToken)
    {
        var (tree, repo) = await OpenAsync(request.ProjectId, cancellationToken);
        return (await new TreeState(git, store).OfAsync(tree, repo, conflicts: true, cancellationToken)).Shown;
    }

    public async Task<SessionWorktreeMergeResponse> MergeAsync(
        DeviceCaller caller, SessionWorktreeMergeRequest request, CancellationToken cancellationToken)
    {
        var commit = GitRepository.Checked(() => GitNames.Id(request.Commit, "commit"));
        var (tree, repo) = await OpenAsync(request.ProjectId, cancellationToken);
        var state = (await new TreeState(git, store).OfAsync(tree, repo, conflicts: true, cancellationToken)).Shown;
        Mergeable(state, tree, commit);
        return await _guard.ChangeAsync(
            caller, repo, new GitAct(MessageTypes.SessionWorktreeMerge, tree.Branch, r => GitPlans.MergeAsync(r, commit))
            { Exactly = [tree.ProjectId.ToString(), tree.Base, commit] },
            async r =>
            {
                if (await r.BranchAsync(CancellationToken.None) != tree.Base
                    || await BranchAsync(r, tree.Branch, CancellationToken.None) != commit)
                {
                    throw new RequestFailure(ErrorCode.Conflict, $"{tree.Branch} or {tree.Base} moved at the same moment. Look again.");
                }

                return await JoinAsync(r, tree, commit);
            });
    }

    /// <param name="close">Ends everything that runs in the worktree's project, and lets go of its sessions.</param>
    /// <param name="reopen">Its sessions can be read again.</param>
    public async Task<SessionWorktreeDiscardResponse> DiscardAsync(
        DeviceCaller caller, SessionWorktreeDiscardRequest request, Func<Guid, Task> close, Func<Task> reopen,
        CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var tree = await RecordAsync(request.ProjectId, cancellationToken);
            if (tree.State == WorktreeRows.Gone)
            {
                return new SessionWorktreeDiscardResponse(tree.LastCommit);
            }

            var repo = await ParentAsync(tree.ParentId, cancellationToken);
            if (tree.State == WorktreeRows.Ready)
            {
                await BeginRemovalAsync(caller, tree, repo, request.Loss, cancellationToken);
            }

            await close(tree.ProjectId);
            seam("worktree_removing");
            try
            {
                await SettleAsync(tree.ProjectId);
            }
            finally
            {
                await reopen();
            }

            return new SessionWorktreeDiscardResponse((await RecordAsync(tree.ProjectId, CancellationToken.None)).LastCommit);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task BeginRemovalAsync(
        DeviceCaller caller, WorktreeRecord tree, GitRepository repo, string? shown, CancellationToken cancellationToken)
    {
        var (state, last) = await new TreeState(git, store).OfAsync(tree, repo, conflicts: false, cancellationToken);
        if (state.Loss is { } loss && loss != shown)
        {
            throw new RequestFailure(
                ErrorCode.Conflict,
                $"Throwing {tree.Branch} away would lose work: {state.Uncommitted} changed files without a commit, {state.Ahead} commits that {tree.Base} lacks.",
                Because("would_lose"));
        }

        await _notes.BeforeAsync(caller, repo, MessageTypes.SessionWorktreeDiscard, tree.Branch, head: last);
        await store.WriteAsync(change =>
        {
            if (ProjectStore.IsBusy(change, tree.ProjectId))
            {
                throw new RequestFailure(ErrorCode.Conflict, "A session works in this worktree or has prompts waiting. Stop it first.");
            }

            WorktreeRows.Set(change, tree.ProjectId, WorktreeRows.Removing, last);
        });
    }

    private async Task<ProjectInfo> MakeAsync(DeviceCaller caller, GitRepository repo, WorktreeRecord tree)
    {
        await store.WriteAsync(change => WorktreeRows.Insert(change, tree));
        try
        {
            seam("worktree_recorded");
            PrivateFolder.Make(home.Worktrees);
            RequirePrivate(Path.GetDirectoryName(tree.Path)!);
            PrivateFolder.Make(tree.Path);
            await repo.Opening(Path.Combine(tree.CommonDir, GitBinds.Worktrees), tree.Path).RunAsync(
                new GitCommand("worktree", "add", "--quiet", "--lock", "--reason", "PocketCoder has sessions in it", "--no-track", "-b",
                    tree.Branch, tree.Path, tree.BaseCommit)
                { Writes = true, TimeLimit = s_limit },
                CancellationToken.None);
            seam("worktree_made");
            var link = tree.Link(repo.Project.Path);
            if (link.Broken() is { } why)
            {
                throw new RequestFailure(ErrorCode.GitError, $"git made the worktree in another way than expected. {why}");
            }

            links.Set(link);
            return await store.WriteAsync(change =>
            {
                WorktreeRows.Set(change, tree.ProjectId, WorktreeRows.Ready);
                return ProjectStore.AddWorktree(change, tree, caller.Device.DeviceId);
            });
        }
        catch (Exception e) when (e is RequestFailure or IOException or UnauthorizedAccessException or SandboxException)
        {
            await TakeAwayAsync(repo, tree, tree.BaseCommit);
            await store.WriteAsync(change => WorktreeRows.Delete(change, tree.ProjectId));
            throw;
        }
    }

    /// <summary>Ends what was begun: what is being made is taken away, what is being removed is removed.</summary>
    private async Task SettleAsync(Guid id)
    {
        var tree = await RecordAsync(id, CancellationToken.None);
        var repo = await ParentAsync(tree.ParentId, CancellationToken.None);
        if (tree.State == WorktreeRows.Making)
        {
            await repo.ExclusiveAsync(() => TakeAwayAsync(repo, tree, tree.BaseCommit));
            await store.WriteAsync(change => WorktreeRows.Delete(change, id));
        }
        else if (tree.State == WorktreeRows.Removing)
        {
            links.Set(tree.Link(repo.Project.Path) with { Gone = true });
            await repo.ExclusiveAsync(() => TakeAwayAsync(repo, tree, tree.LastCommit));
            await store.WriteAsync(change =>
            {
                WorktreeRows.Set(change, id, WorktreeRows.Gone);
                if (ProjectStore.Find(change, id) is { } project)
                {
                    change.Publish(new ProjectChanged(project));
                }
            });
        }
    }

    /// <summary>The folder, what git keeps of it, and the branch while it is where it is expected. Each may be gone already.</summary>
    private async Task<bool> TakeAwayAsync(GitRepository repo, WorktreeRecord tree, string? branchAt)
    {
        if (!IsOwn(tree))
        {
            throw new RequestFailure(ErrorCode.Conflict, $"{tree.Path} is not a folder of PocketCoder's worktrees. Nothing was removed.");
        }

        try
        {
            if (Directory.Exists(tree.Path))
            {
                await RemoveAsync(tree.Path);
            }
        }
        catch (IOException e)
        {
            throw new RequestFailure(ErrorCode.PermissionDenied, e.Message);
        }

        if (Directory.Exists(tree.GitDir))
        {
            await repo.Opening(Path.Combine(tree.CommonDir, GitBinds.Worktrees)).RunAsync(
                new GitCommand("worktree", "remove", "--force", "--force", tree.Path) { Writes = true, TimeLimit = s_limit },
                CancellationToken.None);
        }

        if (branchAt is not null && await BranchAsync(repo, tree.Branch, CancellationToken.None) == branchAt)
        {
            await repo.WriteAsync(CancellationToken.None, "update-ref", "--no-deref", "-d", $"refs/heads/{tree.Branch}", branchAt);
        }

        _notes.Changed(repo);
        return true;
    }

    private async Task<SessionWorktreeMergeResponse> JoinAsync(GitRepository repo, WorktreeRecord tree, string commit)
    {
        var before = await repo.HeadAsync(CancellationToken.None);
        try
        {
            await repo.RunAsync(
                new GitCommand("merge", "--no-edit", "--no-verify", "--no-gpg-sign", "--no-stat", "-m", $"Merge branch '{tree.Branch}'",
                    commit)
                {
                    Writes = true,
                    TimeLimit = s_limit,
                    Environment = await GitIdentity.ForAsync(repo, time, CancellationToken.None),
                },
                CancellationToken.None);
        }
        catch (RequestFailure e) when (e.Error.Code == ErrorCode.GitConflict)
        {
            await repo.RunAsync(new GitCommand("merge", "--abort") { Writes = true, AlsoFine = [128] }, CancellationToken.None);
            throw;
        }

        var after = await repo.HeadAsync(CancellationToken.None);
        return new SessionWorktreeMergeResponse(after ?? "", before == after);
    }

    private static void Mergeable(SessionWorktreeStateResponse state, WorktreeRecord tree, string commit)
    {
        var (words, reason) = state switch
        {
            { Problem: { } problem } => (problem, "broken"),
            { Working: true } => ("A session works in this worktree. Wait for it, or stop it.", "working"),
            _ when state.Commit != commit => ($"{tree.Branch} has moved since. Look again.", "moved"),
            { CheckedOut: { } other } => ($"{other} is checked out in the worktree, not {tree.Branch}.", "left_branch"),
            { Uncommitted: > 0 } => ($"{state.Uncommitted} changed files are in no commit. Commit or discard them first.", "uncommitted"),
            { BaseCheckedOut: false } => ($"The project does not have {tree.Base} checked out. Check it out there first.", "base"),
            _ => (null, ""),
        };
        if (words is not null)
        {
            throw new RequestFailure(ErrorCode.Conflict, words, Because(reason));
        }

        if (state.Conflicts.Count > 0)
        {
            throw new RequestFailure(
                ErrorCode.GitConflict,
                $"{tree.Branch} and {tree.Base} changed the same places in {state.Conflicts.Count} files. Nothing was changed: merge {tree.Base} into {tree.Branch} in the session, resolve it there, and come back.",
                new Dictionary<string, string>(StringComparer.Ordinal)
                { ["reason"] = "merge_conflict", ["paths"] = string.Join('\n', state.Conflicts) });
        }
    }

    /// <summary>It becomes a project's name: git allows characters in a branch that nobody sees.</summary>
    private static string Visible(string branch) => branch.EnumerateRunes().Any(r => Rune.GetUnicodeCategory(r)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
        ? throw GitErrors.Invalid("A branch's name here has no characters that can't be seen.")
        : branch;

    private WorktreeRecord Planned(SessionWorktreeCreateRequest request, GitRepository repo, string branch, string at, string to)
    {
        var slug = string.Concat(branch.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_').Take(SlugLength));
        var name = $"{slug}{(slug.Length == 0 ? "" : "-")}{request.WorktreeId.ToString("N")[^12..]}";
        return new WorktreeRecord(
            request.WorktreeId, request.ProjectId, Path.Combine(Folder, name),
            Path.Combine(repo.Place.CommonDir, GitBinds.Worktrees, name), repo.Place.CommonDir, branch, at, to, WorktreeRows.Making, null);
    }

    private async Task<(WorktreeRecord Tree, GitRepository Parent)> OpenAsync(Guid id, CancellationToken cancellationToken)
    {
        var tree = await RecordAsync(id, cancellationToken);
        return tree.State == WorktreeRows.Ready ? (tree, await ParentAsync(tree.ParentId, cancellationToken))
            : throw new RequestFailure(ErrorCode.ProjectNotFound, "This worktree was thrown away.");
    }

    private async Task<WorktreeRecord> RecordAsync(Guid id, CancellationToken cancellationToken)
        => await WorktreeRows.FindAsync(store, id, cancellationToken)
            ?? throw new RequestFailure(ErrorCode.ProjectNotFound, "This project is no worktree of sessions.");

    /// <exception cref="RequestFailure">It can't have worktrees, and why.</exception>
    private async Task<GitRepository> ParentAsync(Guid id, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(id, cancellationToken);
        GitChanges.Whole(repo);
        if (repo.Place.GitDir != repo.Place.CommonDir)
        {
            throw new RequestFailure(
                ErrorCode.PermissionDenied, "This project is a worktree or submodule itself. Use the project that its repository is in.");
        }

        if (repo.Sandbox is SandboxKind.Docker or SandboxKind.Landlock)
        {
            throw new RequestFailure(ErrorCode.SandboxUnavailable,
                "Only bubblewrap can show a worktree together with its repository, and this machine uses another kind of sandbox.");
        }

        return !OperatingSystem.IsWindows() && Environment.IsPrivilegedProcess && !FileOwner.IsCurrentUser(repo.Place.Top)
            ? throw new RequestFailure(ErrorCode.PermissionDenied,
                "PocketCoder runs as root and the project belongs to another user, who can't enter PocketCoder's folder of worktrees.")
            : repo;
    }

    private bool IsOwn(WorktreeRecord tree)
        => Path.GetDirectoryName(tree.Path) == Folder;

    /// <summary>Where all lie, by its real path.</summary>
    private string Folder => RealPath.Of(home.Root) + home.Worktrees[home.Root.Length..];

    /// <exception cref="RequestFailure">Somebody else could write there, or look.</exception>
    private static void RequirePrivate(string folder)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead
            | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        var there = new DirectoryInfo(folder);
        if (!OperatingSystem.IsWindows()
            && (there.LinkTarget is not null || !FileOwner.IsCurrentUser(folder) || (there.UnixFileMode & others) != UnixFileMode.None))
        {
            throw new RequestFailure(
                ErrorCode.PermissionDenied, $"{folder} is not a folder of this user's alone, so no worktree is made there: chmod 700 {folder}");
        }
    }

    private static Task RemoveAsync(string path) => Sandboxes.Execution.Trees.RemoveAsync(path, TimeProvider.System);

    /// <returns>Its commit; null: there is no such branch.</returns>
    internal static async Task<string?> BranchAsync(GitRepository repo, string branch, CancellationToken cancellationToken)
    {
        var found = await repo.RunAsync(
            new GitCommand("rev-parse", "--verify", "--quiet", "--end-of-options", $"refs/heads/{branch}^{{commit}}")
            { AlsoFine = [1, 128] }, cancellationToken);
        var id = found.Text.Trim();
        return GitNames.IsId(id) ? id : null;
    }

    private static Dictionary<string, string> Because(string reason) => new(StringComparer.Ordinal) { ["reason"] = reason };
}
