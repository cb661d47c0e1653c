using System.Text;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Git;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Git;

/// <summary>
/// The messages about a project's repository. Looking needs <c>view</c>. What changes the repository is that device's own decision and needs <c>decide</c>, as typing in a terminal does; each is a row
/// of the ledger.
/// </summary>
internal static class GitRoutes
{
    public static MessageTable MapGit(this MessageTable table, GitRoom room, Store store, ProjectDesk desk, GitWays ways)
    {
        var notes = new GitNotes(store);
        var secrets = new SecretReads(desk);
        var transfers = new GitTransfers(room, notes, desk, new TransferWay(room, store, ways, TimeProvider.System), TimeProvider.System);
        return table.MapTransfers(transfers).MapGit(
            new GitReads(room), new GitHistory(room), new GitChanges(room, notes, TimeProvider.System), new GitDiscards(room, notes, TimeProvider.System), new GitConflicts(room, notes), secrets, new GitTrees(room, notes, TimeProvider.System));
    }

    private static MessageTable MapGit(this MessageTable table, GitReads reads, GitHistory history, GitChanges changes, GitDiscards discards, GitConflicts conflicts, SecretReads secrets, GitTrees trees) => table
        .Look(MessageTypes.GitStatus, ProtocolJson.Default.GitStatusRequest, ProtocolJson.Default.GitStatusResponse, reads.StatusAsync)
        .Look(MessageTypes.GitBranches, ProtocolJson.Default.GitBranchesRequest, ProtocolJson.Default.GitBranchesResponse, reads.BranchesAsync)
        .Change(MessageTypes.GitBranchCreate, ProtocolJson.Default.GitBranchCreateRequest, ProtocolJson.Default.GitBranchCreateResponse, changes.CreateBranchAsync)
        .Change(MessageTypes.GitCheckout, ProtocolJson.Default.GitCheckoutRequest, ProtocolJson.Default.GitCheckoutResponse, changes.CheckoutAsync)
        .Change(MessageTypes.GitStage, ProtocolJson.Default.GitStageRequest, ProtocolJson.Default.GitStageResponse, changes.StageAsync)
        .Change(MessageTypes.GitUnstage, ProtocolJson.Default.GitUnstageRequest, ProtocolJson.Default.GitUnstageResponse, changes.UnstageAsync)
        .Change(MessageTypes.GitCommit, ProtocolJson.Default.GitCommitRequest, ProtocolJson.Default.GitCommitResponse, changes.CommitAsync)
        .Read(MessageTypes.GitFileBase, ProtocolJson.Default.GitFileBaseRequest, ProtocolJson.Default.GitFileBaseResponse, secrets, static r => (r.ProjectId, r.Path, r.ApprovalId), history.FileBaseAsync)
        .Look(MessageTypes.GitDiff, ProtocolJson.Default.GitDiffRequest, ProtocolJson.Default.GitDiffResponse, history.DiffAsync)
        .Look(MessageTypes.GitLog, ProtocolJson.Default.GitLogRequest, ProtocolJson.Default.GitLogResponse, history.LogAsync)
        .Look(MessageTypes.GitShow, ProtocolJson.Default.GitShowRequest, ProtocolJson.Default.GitShowResponse, history.ShowAsync)
        .Read(MessageTypes.GitBlame, ProtocolJson.Default.GitBlameRequest, ProtocolJson.Default.GitBlameResponse, secrets, static r => (r.ProjectId, r.Path, r.ApprovalId), history.BlameAsync)
        .Look(MessageTypes.GitStashes, ProtocolJson.Default.GitStashesRequest, ProtocolJson.Default.GitStashesResponse, reads.StashesAsync)
        .Change(MessageTypes.GitStash, ProtocolJson.Default.GitStashRequest, ProtocolJson.Default.GitStashResponse, changes.StashAsync)
        .Change(MessageTypes.GitDiscard, ProtocolJson.Default.GitDiscardRequest, ProtocolJson.Default.GitDiscardResponse, discards.DiscardAsync)
        .Change(MessageTypes.GitDiscardUndo, ProtocolJson.Default.GitDiscardUndoRequest, ProtocolJson.Default.GitDiscardUndoResponse, discards.UndoAsync)
        .Look(MessageTypes.GitTags, ProtocolJson.Default.GitTagsRequest, ProtocolJson.Default.GitTagsResponse, reads.TagsAsync)
        .Change(MessageTypes.GitTagCreate, ProtocolJson.Default.GitTagCreateRequest, ProtocolJson.Default.GitTagCreateResponse, changes.CreateTagAsync)
        .Change(MessageTypes.GitTagDelete, ProtocolJson.Default.GitTagDeleteRequest, ProtocolJson.Default.GitTagDeleteResponse, changes.DeleteTagAsync)
        .Look(MessageTypes.GitRemotes, ProtocolJson.Default.GitRemotesRequest, ProtocolJson.Default.GitRemotesResponse, reads.RemotesAsync)
        .Look(MessageTypes.GitWorktrees, ProtocolJson.Default.GitWorktreesRequest, ProtocolJson.Default.GitWorktreesResponse, reads.WorktreesAsync)
        .Change(MessageTypes.GitWorktreeCreate, ProtocolJson.Default.GitWorktreeCreateRequest, ProtocolJson.Default.GitWorktreeCreateResponse, trees.CreateAsync)
        .Change(MessageTypes.GitWorktreeRemove, ProtocolJson.Default.GitWorktreeRemoveRequest, ProtocolJson.Default.GitWorktreeRemoveResponse, trees.RemoveAsync)
        .Change(MessageTypes.GitWorktreeMerge, ProtocolJson.Default.GitWorktreeMergeRequest, ProtocolJson.Default.GitWorktreeMergeResponse, trees.MergeAsync)
        .Look(MessageTypes.GitSubmodules, ProtocolJson.Default.GitSubmodulesRequest, ProtocolJson.Default.GitSubmodulesResponse, reads.SubmodulesAsync)
        .Read(MessageTypes.GitConflict, ProtocolJson.Default.GitConflictRequest, ProtocolJson.Default.GitConflictResponse, secrets, static r => (r.ProjectId, r.Path, r.ApprovalId), conflicts.LookAsync)
        .Change(MessageTypes.GitConflictResolve, ProtocolJson.Default.GitConflictResolveRequest, ProtocolJson.Default.GitConflictResolveResponse, conflicts.ResolveAsync)
        .Change(MessageTypes.GitOperation, ProtocolJson.Default.GitOperationRequest, ProtocolJson.Default.GitOperationResponse, changes.OperationAsync);

    /// <remarks>Asking needs <c>prompt</c>; nothing leaves before somebody allows it.</remarks>
    private static MessageTable MapTransfers(this MessageTable table, GitTransfers transfers) => table
        .Map(MessageTypes.GitPush, Scope.Prompt, ProtocolJson.Default.GitPushRequest, ProtocolJson.Default.GitPushResponse, transfers.PushAsync, concurrent: true)
        .Map(MessageTypes.GitRemoteDelete, Scope.Prompt, ProtocolJson.Default.GitRemoteDeleteRequest, ProtocolJson.Default.GitRemoteDeleteResponse, transfers.DeleteAsync, concurrent: true)
        .Map(MessageTypes.GitFetch, Scope.Prompt, ProtocolJson.Default.GitFetchRequest, ProtocolJson.Default.GitFetchResponse, transfers.FetchAsync, concurrent: true)
        .Map(MessageTypes.GitPull, Scope.Prompt, ProtocolJson.Default.GitPullRequest, ProtocolJson.Default.GitPullResponse, transfers.PullAsync, concurrent: true)
        .Map(MessageTypes.GitTransferCancel, Scope.Prompt, ProtocolJson.Default.GitTransferCancelRequest, ProtocolJson.Default.GitTransferCancelResponse, transfers.CancelAsync, concurrent: true);

    private static MessageTable Look<TRequest, TResponse>(
        this MessageTable table, string type, JsonTypeInfo<TRequest> request, JsonTypeInfo<TResponse> response, Func<TRequest, CancellationToken, Task<TResponse>> handle)
        => table.Map(type, Scope.View, request, response, (_, asked, cancellationToken) => handle(asked, cancellationToken), concurrent: true);

    /// <summary>A file's content, as git has it: what looks like a secret only with the decision that reading the file itself needs.</summary>
    private static MessageTable Read<TRequest, TResponse>(
        this MessageTable table, string type, JsonTypeInfo<TRequest> request, JsonTypeInfo<TResponse> response, SecretReads secrets,
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
                    await secrets.RequireAsync(caller, project, ProjectPath.Of(GitRepository.Checked(() => GitNames.Path(path))).Wire, approval);
                }

                return await handle(asked, cancellationToken);
            },
            concurrent: true);

    private static MessageTable Change<TRequest, TResponse>(
        this MessageTable table, string type, JsonTypeInfo<TRequest> request, JsonTypeInfo<TResponse> response, Func<Caller, TRequest, CancellationToken, Task<TResponse>> handle)
        => table.Map(type, Scope.Decide, request, response, handle, concurrent: true);
}
