using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Files;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Git;

/// <summary>
/// The messages about a project's repository. Looking needs <c>view</c>. What changes the repository is that device's own decision and
/// needs <c>decide</c>, as typing in a terminal does; each is a row of the ledger.
/// </summary>
public static class GitRoutes
{
    public static MessageTable MapGit(
        this MessageTable table, GitService git, Store store, PersonApprovals approvals, TransferSettings ways)
    {
        var notes = new GitNotes(store);
        var secrets = new SecretReads(approvals);
        var guard = new GitGuard(git, notes, approvals);
        var transfers = new GitTransfers(
            git, guard, notes, approvals, new TransferRunner(store, ways, TimeProvider.System), TimeProvider.System);
        return table.MapTransfers(transfers).MapGit(
            git, new GitReads(git), new GitHistory(git), new GitChanges(git, guard, notes, TimeProvider.System),
            new GitDiscards(git, guard, TimeProvider.System), new GitConflicts(git, guard), secrets,
            new GitTrees(git, guard, TimeProvider.System));
    }

    private static MessageTable MapGit(
        this MessageTable table, GitService git, GitReads reads, GitHistory history, GitChanges changes, GitDiscards discards,
        GitConflicts conflicts, SecretReads secrets, GitTrees trees) => table
        .Look(DeviceVerbs.GitStatus, reads.StatusAsync)
        .Look(DeviceVerbs.GitBranches, reads.BranchesAsync)
        .Change(DeviceVerbs.GitBranchCreate, changes.CreateBranchAsync)
        .Change(DeviceVerbs.GitCheckout, changes.CheckoutAsync)
        .Change(DeviceVerbs.GitStage, changes.StageAsync)
        .Change(DeviceVerbs.GitUnstage, changes.UnstageAsync)
        .Change(DeviceVerbs.GitCommit, changes.CommitAsync)
        .Read(DeviceVerbs.GitFileBase, git, secrets, static r => (r.ProjectId, r.Path, r.ApprovalId), history.FileBaseAsync)
        .Look(DeviceVerbs.GitDiff, history.DiffAsync)
        .Look(DeviceVerbs.GitLog, history.LogAsync)
        .Look(DeviceVerbs.GitShow, history.ShowAsync)
        .Read(DeviceVerbs.GitBlame, git, secrets, static r => (r.ProjectId, r.Path, r.ApprovalId), history.BlameAsync)
        .Look(DeviceVerbs.GitStashes, reads.StashesAsync)
        .Change(DeviceVerbs.GitStash, changes.StashAsync)
        .Change(DeviceVerbs.GitDiscard, discards.DiscardAsync)
        .Change(DeviceVerbs.GitDiscardUndo, discards.UndoAsync)
        .Look(DeviceVerbs.GitTags, reads.TagsAsync)
        .Change(DeviceVerbs.GitTagCreate, changes.CreateTagAsync)
        .Change(DeviceVerbs.GitTagDelete, changes.DeleteTagAsync)
        .Look(DeviceVerbs.GitRemotes, reads.RemotesAsync)
        .Look(DeviceVerbs.GitWorktrees, reads.WorktreesAsync)
        .Change(DeviceVerbs.GitWorktreeCreate, trees.CreateAsync)
        .Change(DeviceVerbs.GitWorktreeRemove, trees.RemoveAsync)
        .Change(DeviceVerbs.GitWorktreeMerge, trees.MergeAsync)
        .Look(DeviceVerbs.GitSubmodules, reads.SubmodulesAsync)
        .Read(DeviceVerbs.GitConflict, git, secrets, static r => (r.ProjectId, r.Path, r.ApprovalId), conflicts.LookAsync)
        .Change(DeviceVerbs.GitConflictResolve, conflicts.ResolveAsync, Limits.FileRequestBytes)
        .Change(DeviceVerbs.GitOperation, changes.OperationAsync);

    /// <remarks>Asking needs <c>prompt</c>; nothing leaves before somebody allows it.</remarks>
    private static MessageTable MapTransfers(this MessageTable table, GitTransfers transfers) => table
        .Map(DeviceVerbs.GitPush, Scope.Prompt, transfers.PushAsync, concurrent: true)
        .Map(DeviceVerbs.GitRemoteDelete, Scope.Prompt, transfers.DeleteAsync, concurrent: true)
        .Map(DeviceVerbs.GitFetch, Scope.Prompt, transfers.FetchAsync, concurrent: true)
        .Map(DeviceVerbs.GitPull, Scope.Prompt, transfers.PullAsync, concurrent: true)
        .Map(DeviceVerbs.GitTransferCancel, Scope.Prompt, transfers.CancelAsync, concurrent: true);

    private static MessageTable Look<TRequest, TResponse>(
        this MessageTable table, Verb<TRequest, TResponse> verb, Func<TRequest, CancellationToken, Task<TResponse>> handle)
        => table.Map(verb, Scope.View, (_, asked, cancellationToken) => handle(asked, cancellationToken), concurrent: true);

    /// <summary>
    /// A file's content, as git has it: what looks like a secret only with the decision that reading the file itself needs.
    /// </summary>
    private static MessageTable Read<TRequest, TResponse>(
        this MessageTable table, Verb<TRequest, TResponse> verb, GitService git, SecretReads secrets,
        Func<TRequest, (Guid Project, string Path, Guid? Approval)> of, Func<TRequest, CancellationToken, Task<TResponse>> handle)
        => table.Map(
            verb,
            Scope.View,
            async (caller, asked, cancellationToken) =>
            {
                var (project, path, approval) = of(asked);
                if (GitHistory.IsSecret(path ?? ""))
                {
                    var wire = ProjectPath.Of(GitRepository.Checked(() => GitNames.Path(path))).Wire;
                    await secrets.RequireAsync(caller, project, wire, await git.SealAsync(project, wire, cancellationToken), approval);
                }

                return await handle(asked, cancellationToken);
            },
            concurrent: true);

    private static MessageTable Change<TRequest, TResponse>(
        this MessageTable table,
        Verb<TRequest, TResponse> verb,
        Func<DeviceCaller, TRequest, CancellationToken, Task<TResponse>> handle,
        int mostBytes = Limits.RequestBytes)
        => table.Map(verb, Scope.Decide, handle, concurrent: true, mostBytes);
}
