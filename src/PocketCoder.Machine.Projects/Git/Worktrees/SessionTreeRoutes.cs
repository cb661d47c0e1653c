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
            DeviceVerbs.SessionWorktreeCreate, Scope.Decide, trees.CreateAsync, concurrent: true)
        .Map(
            DeviceVerbs.SessionWorktreeState, Scope.View, (_, request, ct) => trees.StateAsync(request, ct),
            concurrent: true)
        .Map(
            DeviceVerbs.SessionWorktreeMerge, Scope.Decide, trees.MergeAsync, concurrent: true)
        .Map(
            DeviceVerbs.SessionWorktreeDiscard, Scope.Decide,
            (caller, request, ct) => trees.DiscardAsync(caller, request, close, reopen, ct), concurrent: true);
}
