using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>Stages paths (new, changed, deleted), or parts of a diff.</summary>
/// <param name="All">Everything in the project.</param>
/// <param name="Selections">From an unstaged diff; <c>CONFLICT</c> when it does not fit any more.</param>
/// <param name="Context">What that diff was asked with.</param>
public sealed record GitStageRequest(
    Guid ProjectId, IReadOnlyList<string>? Paths = null, bool All = false, IReadOnlyList<GitSelection>? Selections = null, int Context = 3);

public sealed record GitStageResponse(bool Success);

/// <summary>Takes paths, or parts of a staged diff, out of the index again. Files are not touched.</summary>
public sealed record GitUnstageRequest(
    Guid ProjectId, IReadOnlyList<string>? Paths = null, bool All = false, IReadOnlyList<GitSelection>? Selections = null, int Context = 3);

public sealed record GitUnstageResponse(bool Success);

/// <summary>Commits what is staged.</summary>
/// <param name="Message">1 to <see cref="GitLimits.MessageBytes"/>; taken as it is, without comments being cut out.</param>
/// <param name="Amend">Replaces the last commit. Refused when its upstream has it.</param>
public sealed record GitCommitRequest(Guid ProjectId, string Message, bool Amend = false);

/// <param name="HooksSkipped">Hooks that a commit in a terminal would have run.</param>
/// <param name="SigningSkipped">The repository (or the owner's own configuration) wants commits to be signed, and this one is not: keys do
/// not go where git runs.</param>
public sealed record GitCommitResponse(
    string Sha, string? Branch, string Subject, IReadOnlyList<string> HooksSkipped, bool SigningSkipped = false);

/// <summary>
/// Throws changes of files away: paths become what the index has, untracked ones are deleted; or parts of an unstaged diff are taken back.
/// Can be undone.
/// </summary>
public sealed record GitDiscardRequest(
    Guid ProjectId, IReadOnlyList<string>? Paths = null, IReadOnlyList<GitSelection>? Selections = null, int Context = 3);

/// <param name="DiscardId">For <c>git_discard_undo</c>, for 30 days and the last 50.</param>
public sealed record GitDiscardResponse(Guid DiscardId, int Files);

/// <summary>Brings back what was thrown away. <c>CONFLICT</c> with <c>details.paths</c> when files changed since.</summary>
public sealed record GitDiscardUndoRequest(Guid ProjectId, Guid DiscardId);

public sealed record GitDiscardUndoResponse(int Files);

[JsonConverter(typeof(LowerSnake<GitStashAction>))]
public enum GitStashAction
{
    Push,

    /// <summary>Applies and drops it; with conflicts it stays.</summary>
    Pop,
    Apply,
    Drop,
}

/// <param name="Commit">Which one; for all but push.</param>
/// <param name="Message">For push.</param>
public sealed record GitStashRequest(
    Guid ProjectId, GitStashAction Action, string? Commit = null, string? Message = null, bool IncludeUntracked = true);

public sealed record GitStashResponse(IReadOnlyList<GitStash> Stashes);

/// <summary>One side of a conflict.</summary>
/// <param name="Exists">False: deleted there, or never there.</param>
/// <param name="Encoding"><c>utf8</c> or <c>base64</c>.</param>
public sealed record GitConflictSide(bool Exists, string Content, string Encoding, long Size);

/// <summary>The three sides of a conflict and the file with its marks.</summary>
/// <param name="ApprovalId">Of what looks like a secret: the decision that allowed reading it.</param>
public sealed record GitConflictRequest(Guid ProjectId, string Path, Guid? ApprovalId = null);

public sealed record GitConflictResponse(GitConflictKind Kind, GitConflictSide Base, GitConflictSide Ours, GitConflictSide Theirs,
    GitConflictSide File, string? OursName, string? TheirsName);

[JsonConverter(typeof(LowerSnake<GitResolution>))]
public enum GitResolution
{
    Ours,
    Theirs,

    /// <summary>The file as it is now.</summary>
    File,

    /// <summary>What the request carries.</summary>
    Content,
    Delete,
}

/// <param name="Content">UTF-8, at most 1 MiB.</param>
public sealed record GitConflictResolveRequest(Guid ProjectId, string Path, GitResolution Resolution, string? Content = null);

/// <param name="Left">Conflicts that are left.</param>
public sealed record GitConflictResolveResponse(int Left);

[JsonConverter(typeof(LowerSnake<GitOperationStep>))]
public enum GitOperationStep
{
    Continue,
    Abort,
}

/// <summary>Finishes or gives up a merge, rebase, cherry-pick or revert.</summary>
public sealed record GitOperationRequest(Guid ProjectId, GitOperationStep Step);

public sealed record GitOperationResponse(string? Commit, GitOperationKind? Operation);
