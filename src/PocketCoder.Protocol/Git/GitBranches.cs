namespace PocketCoder.Protocol;

/// <summary>Lists local and remote branches, the latest first.</summary>
public sealed record GitBranchesRequest(Guid ProjectId);

/// <param name="Name"><c>main</c>, or <c>origin/main</c> of a remote one. Untrusted.</param>
/// <param name="Current">It is checked out in this project.</param>
/// <param name="UpstreamGone">The upstream is configured and not there any more.</param>
/// <param name="Worktree">Where else it is checked out.</param>
public sealed record GitBranch(
    string Name, bool Remote, bool Current, string? Upstream, bool UpstreamGone, int? Ahead, int? Behind, string Commit, string Subject,
    string Author, DateTimeOffset? At, string? Worktree);

public sealed record GitBranchesResponse(IReadOnlyList<GitBranch> Branches, string? Current, bool Truncated);

/// <summary>Makes a branch.</summary>
/// <param name="StartPoint">A revision; null: the last commit.</param>
public sealed record GitBranchCreateRequest(Guid ProjectId, string Name, string? StartPoint = null, bool Checkout = false);

public sealed record GitBranchCreateResponse(string Branch, string Commit, bool CheckedOut);

/// <summary>
/// Checks out a branch, or a tag or commit (then detached). A remote branch's name without the remote makes a local one that follows it.
/// What would lose changes is refused: <c>CONFLICT</c> with <c>details.paths</c>.
/// </summary>
public sealed record GitCheckoutRequest(Guid ProjectId, string Ref);

public sealed record GitCheckoutResponse(string? Branch, string Commit, bool Detached);

public sealed record GitTagsRequest(Guid ProjectId);

/// <param name="Commit">What it leads to.</param>
public sealed record GitTag(string Name, string Commit, bool Annotated, string Subject, DateTimeOffset? At);

public sealed record GitTagsResponse(IReadOnlyList<GitTag> Tags, bool Truncated);

/// <param name="Message">Null: a plain tag.</param>
public sealed record GitTagCreateRequest(Guid ProjectId, string Name, string? Ref = null, string? Message = null);

public sealed record GitTagCreateResponse(string Name, string Commit);

public sealed record GitTagDeleteRequest(Guid ProjectId, string Name);

/// <param name="Commit">What it led to.</param>
public sealed record GitTagDeleteResponse(string Name, string Commit);

public sealed record GitRemotesRequest(Guid ProjectId);

/// <param name="FetchUrl">As the repository says, without a password. Untrusted.</param>
/// <param name="Problem">Why the machine does not talk to it; null: it can.</param>
public sealed record GitRemote(string Name, string FetchUrl, string PushUrl, string? Problem);

public sealed record GitRemotesResponse(IReadOnlyList<GitRemote> Remotes);

public sealed record GitWorktreesRequest(Guid ProjectId);

/// <param name="Path">Absolute, on the machine.</param>
/// <param name="Main">The repository's first one.</param>
/// <param name="Current">This project.</param>
/// <param name="Reachable">It lies within the project, so the machine can work on it.</param>
public sealed record GitWorktree(
    string Path, string? Branch, string? Commit, bool Main, bool Current, bool Locked, bool Missing, bool Reachable);

public sealed record GitWorktreesResponse(IReadOnlyList<GitWorktree> Worktrees);

/// <summary>Makes a worktree in the project's folder <c>.worktrees/NAME</c>, which git is told to ignore.</summary>
/// <param name="Name">Letters, digits, <c>-</c>, <c>_</c> and <c>.</c>, at most 100; the folder's name.</param>
/// <param name="Branch">A new branch of this name (or an existing one that is checked out nowhere); null: like the folder.</param>
public sealed record GitWorktreeCreateRequest(Guid ProjectId, string Name, string? Branch = null, string? StartPoint = null);

public sealed record GitWorktreeCreateResponse(GitWorktree Worktree);

/// <summary>Removes a worktree that was made so. Its branch stays.</summary>
/// <param name="Force">Also when it holds changes: they are lost.</param>
public sealed record GitWorktreeRemoveRequest(Guid ProjectId, string Name, bool Force = false);

public sealed record GitWorktreeRemoveResponse(bool Removed);

/// <summary>
/// Merges the branch of such a worktree into what is checked out in the project. With conflicts: <c>GIT_CONFLICT</c>, and the merge waits
/// to be finished or aborted.
/// </summary>
public sealed record GitWorktreeMergeRequest(Guid ProjectId, string Name);

public sealed record GitWorktreeMergeResponse(string Commit, bool AlreadyMerged);
