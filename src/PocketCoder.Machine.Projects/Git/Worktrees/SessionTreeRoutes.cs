using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git.Worktrees;

/// <summary>
/// The messages about worktrees of sessions. Looking needs <c>view</c>; making, merging and throwing away need <c>decide</c>, as every
/// change of a repository.
/// </summary>
public static class SessionTreeRoutes
{
    /// <param name="close">Ends everything that runs in a project, and lets go of its sessions.</param>
    /// <param name="reopen">Sessions that were let go of can be read again.</param>
    public static MessageTable MapSessionTrees(
        this MessageTable table, SessionTrees trees, Func<Guid, Task> close, Func<Task> reopen) => table
        .Map(
            MessageTypes.SessionWorktreeCreate, Scope.Decide, static () => ProtocolJson.Default.SessionWorktreeCreateRequest,
            static () => ProtocolJson.Default.SessionWorktreeCreateResponse, trees.CreateAsync, concurrent: true)
        .Map(
            MessageTypes.SessionWorktreeState, Scope.View, static () => ProtocolJson.Default.SessionWorktreeStateRequest,
            static () => ProtocolJson.Default.SessionWorktreeStateResponse, (_, request, ct) => trees.StateAsync(request, ct),
            concurrent: true)
        .Map(
            MessageTypes.SessionWorktreeMerge, Scope.Decide, static () => ProtocolJson.Default.SessionWorktreeMergeRequest,
            static () => ProtocolJson.Default.SessionWorktreeMergeResponse, trees.MergeAsync, concurrent: true)
        .Map(
            MessageTypes.SessionWorktreeDiscard, Scope.Decide, static () => ProtocolJson.Default.SessionWorktreeDiscardRequest,
            static () => ProtocolJson.Default.SessionWorktreeDiscardResponse,
            (caller, request, ct) => trees.DiscardAsync(caller, request, close, reopen, ct), concurrent: true);
}
