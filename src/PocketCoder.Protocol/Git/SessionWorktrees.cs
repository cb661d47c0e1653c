namespace PocketCoder.Protocol;

/// <summary>
/// Makes a worktree for sessions: a project of its own, outside of the parent's folder, with a new branch. Then begin a session in it. The
/// same request again makes nothing twice and finishes what a crash cut off.
/// </summary>
/// <param name="WorktreeId">Client-made UUIDv7; becomes the id of the worktree's project.</param>
/// <param name="ProjectId">The parent. <c>GIT_NOT_INITIALIZED</c> if it is no repository; <c>CONFLICT</c> before its first commit.</param>
/// <param name="Branch">A new one, without characters that can't be seen: <c>CONFLICT</c> when there is one of that name.</param>
/// <param name="Base">A local branch of the parent; null: the one that is checked out there.</param>
public sealed record SessionWorktreeCreateRequest(Guid WorktreeId, Guid ProjectId, string Branch, string? Base = null);

public sealed record SessionWorktreeCreateResponse(ProjectInfo Project);

/// <summary>How a worktree stands to its base, and what merging it or throwing it away would do. Changes nothing.</summary>
/// <param name="ProjectId">The worktree's.</param>
public sealed record SessionWorktreeStateRequest(Guid ProjectId);

/// <param name="Problem">Why nothing runs in it: somebody removed or redirected it. It can be thrown away. Null: it is whole.</param>
/// <param name="Working">A session works in it.</param>
/// <param name="Commit">The branch's last commit; null: the branch is gone.</param>
/// <param name="Ahead">Commits that the base lacks, those of a HEAD that left the branch included.</param>
/// <param name="Behind">Commits of the base that it lacks.</param>
/// <param name="Files">Files that differ from where it left the base.</param>
/// <param name="Uncommitted">Files that are changed or new and in no commit; a merge does not take them.</param>
/// <param name="CheckedOut">What is checked out in it now, if that is not its branch; <c>HEAD</c>: no branch.</param>
/// <param name="BaseCheckedOut">Whether the parent has the base checked out, which a merge needs.</param>
/// <param name="Conflicts">Paths that both sides changed in the same places, at most 100. Untrusted.</param>
/// <param name="Loss">Names the commits and changed files that throwing it away would lose; null: none.</param>
public sealed record SessionWorktreeStateResponse(
    string Branch, string Base, string? Problem, bool Working, string? Commit, int Ahead, int Behind, int Files, int Uncommitted,
    string? CheckedOut, bool BaseCheckedOut, IReadOnlyList<string> Conflicts, string? Loss);

/// <summary>
/// Merges the branch into its base, in the parent's folder. Nothing is left half done: with conflicts it is <c>GIT_CONFLICT</c> with
/// <c>details.paths</c>, and the parent is as it was.
/// </summary>
/// <param name="Commit">The branch's last commit, as the state said: <c>CONFLICT</c> when it moved.</param>
public sealed record SessionWorktreeMergeRequest(Guid ProjectId, string Commit);

/// <param name="Commit">The base's last commit now.</param>
public sealed record SessionWorktreeMergeResponse(string Commit, bool AlreadyMerged);

/// <summary>
/// Removes the worktree's folder and its branch. Its sessions stay readable. A repetition finds it gone and says so again.
/// </summary>
/// <param name="Loss">What the person was shown as lost; <c>CONFLICT</c> with <c>details.reason</c> <c>would_lose</c> when it is something
/// else by now. Null: nothing may be lost.</param>
public sealed record SessionWorktreeDiscardRequest(Guid ProjectId, string? Loss = null);

/// <param name="Commit">Where the branch was; git keeps its commits for a while.</param>
public sealed record SessionWorktreeDiscardResponse(string? Commit);
