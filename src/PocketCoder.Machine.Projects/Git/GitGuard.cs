using PocketCoder.Git;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Files;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;
using PocketCoder.Risks.Paths;
using PocketCoder.Workspace;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Machine.Git;

/// <summary>
/// Every change of a repository on a device's word goes through here: it has a row before it is done, and one that would change protected
/// configuration of the work tree is decided on first, as an agent's edit of it is. What was allowed is done by the machine, once, while
/// everything that it depends on is still the same. Thread-safe.
/// </summary>
internal sealed class GitGuard(GitService git, GitNotes notes, PersonApprovals approvals)
{
    private const int ShownDiffs = 20;
    private const int ShownNames = 10;

    /// <summary>Does it, alone in the repository.</summary>
    /// <param name="work">Does it with the repository that it is given.</param>
    /// <exception cref="RequestFailure">APPROVAL_REQUIRED: it is done when somebody allows it; what the plan and the work
    /// throw.</exception>
    public Task<T> ChangeAsync<T>(DeviceCaller caller, GitRepository repo, GitAct act, Func<GitRepository, Task<T>> work)
        => repo.ExclusiveAsync(() => WithinAsync(caller, repo, act, work));

    /// <summary>The same for who has the repository for itself already.</summary>
    /// <inheritdoc cref="ChangeAsync"/>
    public async Task<T> WithinAsync<T>(DeviceCaller caller, GitRepository repo, GitAct act, Func<GitRepository, Task<T>> work)
    {
        var plan = await PlanAsync(repo, act);
        if (plan.Touches.Count == 0)
        {
            return await DoAsync(caller, act.Worktrees ? repo.Opening(Worktrees(repo)) : repo, act, [], work);
        }

        var state = await StateAsync(repo, plan);
        throw await approvals.RequiredAsync(new ProjectAsk(
            repo.Project.ProjectId,
            caller.Device,
            ApprovalKind.File,
            await SubjectAsync(repo, act, plan),
            ApprovalDigest.OfProject(repo.Project.ProjectId, "git_change",
                [act.Action, act.TargetIsNew ? null : act.Target, .. act.Exactly, approvals.Sealed(state)]),
            _ => AllowedAsync(caller, repo, act, plan, state, work),
            Drift: async _ => await DriftAsync(await FreshAsync(repo), act, state),
            Sandbox: repo.Sandbox));
    }

    private async Task<ProjectOutcome> AllowedAsync<T>(
        DeviceCaller caller, GitRepository asked, GitAct act, GitPlan plan, string state, Func<GitRepository, Task<T>> work)
    {
        var repo = await FreshAsync(asked);
        try
        {
            await repo.ExclusiveAsync(async () => await DriftAsync(repo, act, state) is { } drift
                ? throw new RequestFailure(ErrorCode.Conflict, drift)
                : await DoAsync(caller, repo.Opening([.. plan.Touches.Select(t => Path.Combine(repo.Place.Top, PathText.Unescape(t.Path)
                    ?? t.Path)), .. act.Worktrees ? [Worktrees(repo)] : (string[])[]]), act, plan.Touches, work));
            return ProjectOutcome.Done;
        }
        catch (PocketCoder.Sandboxes.SandboxException e)
        {
            return ProjectOutcome.Failed($"SANDBOX_UNAVAILABLE: {e.Message}", 1);
        }
    }

    private static string Worktrees(GitRepository repo) => Path.Combine(repo.Place.CommonDir, GitBinds.Worktrees);

    private async Task<GitRepository> FreshAsync(GitRepository asked)
    {
        var repo = await git.OpenAsync(asked.Project.ProjectId, CancellationToken.None);
        return repo.Place == asked.Place ? repo
            : throw new RequestFailure(ErrorCode.Conflict, "The repository has moved since the request.");
    }

    private async Task<T> DoAsync<T>(
        DeviceCaller caller, GitRepository repo, GitAct act, IReadOnlyList<GitTouch> allowed, Func<GitRepository, Task<T>> work)
    {
        await notes.BeforeAsync(caller, repo, act.Action, act.Target, act.Paths, await repo.HeadAsync(CancellationToken.None));
        var there = There(repo);
        try
        {
            return await work(repo);
        }
        finally
        {
            notes.Changed(repo);
            var made = There(repo).Except(there, StringComparer.Ordinal).Where(p => !(act.Worktrees && p == $".git/{GitBinds.Worktrees}")
                && !allowed.Any(a => a.Path == p || a.Path.StartsWith(p + "/", StringComparison.Ordinal))).ToList();
            if (made.Count > 0)
            {
                await notes.AlarmAsync(caller,
                    $"{string.Join(", ", made)} appeared during {act.Action}, which does not contain it: a filter of the repository may have written it. Other programs obey such files");
            }
        }
    }

    private static async Task<GitPlan> PlanAsync(GitRepository repo, GitAct act)
        => act.Plan is { } find ? await find(repo) : GitPlan.Nothing;

    /// <summary>Why it is not the same any more; null: it is.</summary>
    private static async Task<string?> DriftAsync(GitRepository repo, GitAct act, string state)
        => await StateAsync(repo, await PlanAsync(repo, act)) == state ? null
            : "The repository, or a file that this changes, has changed since the request.";

    /// <summary>Everything that a decision about it depends on, as one text.</summary>
    private static async Task<string> StateAsync(GitRepository repo, GitPlan plan) => string.Join(
        '\0',
        [
            repo.Place.Top, repo.Place.CommonDir, await repo.HeadAsync(CancellationToken.None) ?? "",
            await repo.BranchAsync(CancellationToken.None) ?? "", plan.Bound,
            .. plan.Touches.SelectMany(t => (string[])[t.Path, t.After ?? "", t.Text ?? "", Pin(repo, t.Path)]),
        ]);

    private static string Pin(GitRepository repo, string path)
    {
        try
        {
            return ProjectFiles.Pin(repo.Place.Top, path);
        }
        catch (WorkspaceException e)
        {
            return e.Message;
        }
    }

    private static async Task<FileSubject> SubjectAsync(GitRepository repo, GitAct act, GitPlan plan)
    {
        var diffs = new List<FileDiff>();
        var options = SecretReads.Options(repo.Place.Top, []);
        foreach (var touch in plan.Touches.Where(t => t.Known && !GitHistory.IsSecret(t.Path)).Take(ShownDiffs))
        {
            var after = touch.Text ?? (touch.After is { } id ? await TextAsync(repo, id) : "");
            if (after is not null && ProtectedChange.Diff(touch.Path, ProjectFiles.TextOf(options, touch.Path), after) is { } diff)
            {
                diffs.Add(diff);
            }
        }

        var (first, rest) = (plan.Touches[0].Path, plan.Touches.Count - 1);
        var others = rest == 0 ? ""
            : $" Also {string.Join(", ", plan.Touches.Skip(1).Take(ShownNames).Select(t => t.Path))}{(rest > ShownNames ? $" and {rest - ShownNames} more" : "")}.";
        var operation = act.Action.Replace('_', ' ');
        return new FileSubject(
            FileOperation.Write, first,
            $"{operation}{(act is { TargetIsNew: false, Target: { Length: > 0 } target } ? $" {PathText.Escape(target)}" : "")} changes it. {ProtectedChange.Why}{others}",
            Diffs: diffs.Count == 0 ? null : diffs);
    }

    /// <summary>Null: it is no text, or too large to be shown.</summary>
    private static async Task<string?> TextAsync(GitRepository repo, string id)
    {
        var blob = await repo.RunAsync(
            new GitCommand("cat-file", "blob", id) { OutputLimit = 256 * 1024, AlsoFine = [128] }, CancellationToken.None);
        return blob.Truncated || blob.ExitCode != 0
            || GitHistory.Content(blob.Output.ToArray()) is not { Binary: false } content ? null : content.Text;
    }

    /// <summary>The protected configuration that is at the top of the repository and of git's own folder.</summary>
    private static IReadOnlyList<string> There(GitRepository repo) =>
    [
        .. ProtectedPaths.AtRoot.Where(n => Path.Exists(Path.Combine(repo.Place.Top, n))),
        .. ProtectedPaths.InGit.Where(n => Path.Exists(Path.Combine(repo.Place.CommonDir, n))).Select(n => $".git/{n}"),
    ];
}
