using System.Text;
using System.Text.Json.Serialization.Metadata;
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
        .Look(MessageTypes.GitStatus, static () => ProtocolJson.Default.GitStatusRequest,
            static () => ProtocolJson.Default.GitStatusResponse, reads.StatusAsync)
        .Look(MessageTypes.GitBranches, static () => ProtocolJson.Default.GitBranchesRequest,
            static () => ProtocolJson.Default.GitBranchesResponse, reads.BranchesAsync)
        .Change(MessageTypes.GitBranchCreate, static () => ProtocolJson.Default.GitBranchCreateRequest,
            static () => ProtocolJson.Default.GitBranchCreateResponse, changes.CreateBranchAsync)
        .Change(MessageTypes.GitCheckout, static () => ProtocolJson.Default.GitCheckoutRequest,
            static () => ProtocolJson.Default.GitCheckoutResponse, changes.CheckoutAsync)
        .Change(MessageTypes.GitStage, static () => ProtocolJson.Default.GitStageRequest,
            static () => ProtocolJson.Default.GitStageResponse, changes.StageAsync)
        .Change(MessageTypes.GitUnstage, static () => ProtocolJson.Default.GitUnstageRequest,
            static () => ProtocolJson.Default.GitUnstageResponse, changes.UnstageAsync)
        .Change(MessageTypes.GitCommit, static () => ProtocolJson.Default.GitCommitRequest,
            static () => ProtocolJson.Default.GitCommitResponse, changes.CommitAsync)
        .Read(MessageTypes.GitFileBase, static () => ProtocolJson.Default.GitFileBaseRequest, static () =>
            ProtocolJson.Default.GitFileBaseResponse, git, secrets, static r => (r.ProjectId, r.Path, r.ApprovalId), history.FileBaseAsync)
        .Look(MessageTypes.GitDiff, static () => ProtocolJson.Default.GitDiffRequest, static () => ProtocolJson.Default.GitDiffResponse,
            history.DiffAsync)
        .Look(MessageTypes.GitLog, static () => ProtocolJson.Default.GitLogRequest, static () => ProtocolJson.Default.GitLogResponse,
            history.LogAsync)
        .Look(MessageTypes.GitShow, static () => ProtocolJson.Default.GitShowRequest, static () => ProtocolJson.Default.GitShowResponse,
            history.ShowAsync)
        .Read(MessageTypes.GitBlame, static () => ProtocolJson.Default.GitBlameRequest, static () => ProtocolJson.Default.GitBlameResponse,
            git, secrets, static r => (r.ProjectId, r.Path, r.ApprovalId), history.BlameAsync)
        .Look(MessageTypes.GitStashes, static () => ProtocolJson.Default.GitStashesRequest,
            static () => ProtocolJson.Default.GitStashesResponse, reads.StashesAsync)
        .Change(MessageTypes.GitStash, static () => ProtocolJson.Default.GitStashRequest,
            static () => ProtocolJson.Default.GitStashResponse, changes.StashAsync)
        .Change(MessageTypes.GitDiscard, static () => ProtocolJson.Default.GitDiscardRequest,
            static () => ProtocolJson.Default.GitDiscardResponse, discards.DiscardAsync)
        .Change(MessageTypes.GitDiscardUndo, static () => ProtocolJson.Default.GitDiscardUndoRequest,
            static () => ProtocolJson.Default.GitDiscardUndoResponse, discards.UndoAsync)
        .Look(MessageTypes.GitTags, static () => ProtocolJson.Default.GitTagsRequest, static () => ProtocolJson.Default.GitTagsResponse,
            reads.TagsAsync)
        .Change(MessageTypes.GitTagCreate, static () => ProtocolJson.Default.GitTagCreateRequest,
            static () => ProtocolJson.Default.GitTagCreateResponse, changes.CreateTagAsync)
        .Change(MessageTypes.GitTagDelete, static () => ProtocolJson.Default.GitTagDeleteRequest,
            static () => ProtocolJson.Default.GitTagDeleteResponse, changes.DeleteTagAsync)
        .Look(MessageTypes.GitRemotes, static () => ProtocolJson.Default.GitRemotesRequest,
            static () => ProtocolJson.Default.GitRemotesResponse, reads.RemotesAsync)
        .Look(MessageTypes.GitWorktrees, static () => ProtocolJson.Default.GitWorktreesRequest,
            static () => ProtocolJson.Default.GitWorktreesResponse, reads.WorktreesAsync)
        .Change(MessageTypes.GitWorktreeCreate, static () => ProtocolJson.Default.GitWorktreeCreateRequest,
            static () => ProtocolJson.Default.GitWorktreeCreateResponse, trees.CreateAsync)
        .Change(MessageTypes.GitWorktreeRemove, static () => ProtocolJson.Default.GitWorktreeRemoveRequest,
            static () => ProtocolJson.Default.GitWorktreeRemoveResponse, trees.RemoveAsync)
        .Change(MessageTypes.GitWorktreeMerge, static () => ProtocolJson.Default.GitWorktreeMergeRequest,
            static () => ProtocolJson.Default.GitWorktreeMergeResponse, trees.MergeAsync)
        .Look(MessageTypes.GitSubmodules, static () => ProtocolJson.Default.GitSubmodulesRequest,
            static () => ProtocolJson.Default.GitSubmodulesResponse, reads.SubmodulesAsync)
        .Read(MessageTypes.GitConflict, static () => ProtocolJson.Default.GitConflictRequest, static () =>
            ProtocolJson.Default.GitConflictResponse, git, secrets, static r => (r.ProjectId, r.Path, r.ApprovalId), conflicts.LookAsync)
        .Change(MessageTypes.GitConflictResolve, static () => ProtocolJson.Default.GitConflictResolveRequest,
            static () => ProtocolJson.Default.GitConflictResolveResponse, conflicts.ResolveAsync, Limits.FileRequestBytes)
        .Change(MessageTypes.GitOperation, static () => ProtocolJson.Default.GitOperationRequest,
            static () => ProtocolJson.Default.GitOperationResponse, changes.OperationAsync);

    /// <remarks>Asking needs <c>prompt</c>; nothing leaves before somebody allows it.</remarks>
    private static MessageTable MapTransfers(this MessageTable table, GitTransfers transfers) => table
        .Map(MessageTypes.GitPush, Scope.Prompt, static () => ProtocolJson.Default.GitPushRequest,
            static () => ProtocolJson.Default.GitPushResponse, transfers.PushAsync, concurrent: true)
        .Map(MessageTypes.GitRemoteDelete, Scope.Prompt, static () => ProtocolJson.Default.GitRemoteDeleteRequest,
            static () => ProtocolJson.Default.GitRemoteDeleteResponse, transfers.DeleteAsync, concurrent: true)
        .Map(MessageTypes.GitFetch, Scope.Prompt, static () => ProtocolJson.Default.GitFetchRequest,
            static () => ProtocolJson.Default.GitFetchResponse, transfers.FetchAsync, concurrent: true)
        .Map(MessageTypes.GitPull, Scope.Prompt, static () => ProtocolJson.Default.GitPullRequest,
            static () => ProtocolJson.Default.GitPullResponse, transfers.PullAsync, concurrent: true)
        .Map(MessageTypes.GitTransferCancel, Scope.Prompt, static () => ProtocolJson.Default.GitTransferCancelRequest,
            static () => ProtocolJson.Default.GitTransferCancelResponse, transfers.CancelAsync, concurrent: true);

    private static MessageTable Look<TRequest, TResponse>(
        this MessageTable table, string type, Func<JsonTypeInfo<TRequest>> request, Func<JsonTypeInfo<TResponse>> response,
        Func<TRequest, CancellationToken, Task<TResponse>> handle)
        => table.Map(type, Scope.View, request, response, (_, asked, cancellationToken) => handle(asked, cancellationToken),
            concurrent: true);

    /// <summary>
    /// A file's content, as git has it: what looks like a secret only with the decision that reading the file itself needs.
    /// </summary>
    private static MessageTable Read<TRequest, TResponse>(
        this MessageTable table, string type, Func<JsonTypeInfo<TRequest>> request, Func<JsonTypeInfo<TResponse>> response, GitService git,
        SecretReads secrets,
        Func<TRequest, (Guid Project, string Path, Guid? Approval)> of, Func<TRequest, CancellationToken, Task<TResponse>> handle)
        => table.Map(
            type,
            Scope.View,
            request,
            response,
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
        string type,
        Func<JsonTypeInfo<TRequest>> request,
        Func<JsonTypeInfo<TResponse>> response,
        Func<DeviceCaller, TRequest, CancellationToken, Task<TResponse>> handle,
        int mostBytes = Limits.RequestBytes)
        => table.Map(type, Scope.Decide, request, response, handle, concurrent: true, mostBytes);
}
