using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

[JsonConverter(typeof(LowerSnake<GitPullMode>))]
public enum GitPullMode
{
    /// <summary>Only when nothing of one's own has to be joined.</summary>
    FastForward,
    Merge,
    Rebase,
}

/// <summary>
/// Asks to send a branch's commits to a remote, exactly as they are now: somebody allows it with the address, the ref and the commits in
/// view, and then the machine does it. Never forced. How it ended is in the approval's execution; on the way there are
/// <see cref="GitProgress"/> events.
/// </summary>
/// <param name="Branch">A local branch; null: the current one. It keeps its name there.</param>
/// <param name="Remote">Null: the branch's own, else <c>origin</c>.</param>
/// <param name="Tag">Instead of a branch.</param>
public sealed record GitPushRequest(
    Guid ProjectId, string? Branch = null, string? Remote = null, bool SetUpstream = false, string? Tag = null);

public sealed record GitPushResponse(ApprovalInfo Approval);

/// <summary>
/// Asks to delete a branch or a tag on a remote: one of them, by its short name. Done only while it still names what is known of it here
/// (<c>CONFLICT</c> else, and when nothing is known: fetch first). What is here stays. See <see cref="GitPushRequest"/>.
/// </summary>
public sealed record GitRemoteDeleteRequest(Guid ProjectId, string? Branch = null, string? Tag = null, string? Remote = null);

public sealed record GitRemoteDeleteResponse(ApprovalInfo Approval);

/// <summary>Asks to get a remote's branches; nothing that is checked out changes. See <see cref="GitPushRequest"/>.</summary>
/// <param name="Prune">Forgets remote branches that are gone there.</param>
public sealed record GitFetchRequest(Guid ProjectId, string? Remote = null, bool Prune = false);

public sealed record GitFetchResponse(ApprovalInfo Approval);

/// <summary>Asks to get the current branch's upstream and to join it. See <see cref="GitPushRequest"/>.</summary>
public sealed record GitPullRequest(Guid ProjectId, GitPullMode Mode = GitPullMode.FastForward);

public sealed record GitPullResponse(ApprovalInfo Approval);

/// <summary>
/// Ends a push, deletion, fetch or pull that runs. What had been done until then stays done: whether the remote took a push is known after
/// the next fetch. Does nothing to one that is over. Errors: <c>APPROVAL_NOT_FOUND</c>, also for what is no transfer; <c>CONFLICT</c>: it
/// is not decided yet.
/// </summary>
public sealed record GitTransferCancelRequest(Guid ApprovalId);

/// <param name="Approval">As it ended.</param>
public sealed record GitTransferCancelResponse(ApprovalInfo Approval);
