using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>Bounds of the git messages.</summary>
public static class GitLimits
{
    /// <summary>Paths in one request.</summary>
    public const int Paths = 1000;

    /// <summary>Bytes of one path.</summary>
    public const int PathBytes = 4096;

    /// <summary>Bytes of a commit's or tag's message.</summary>
    public const int MessageBytes = 64 * 1024;

    /// <summary>Characters of a branch's, tag's or remote's name, and of any revision.</summary>
    public const int NameLength = 250;

    /// <summary>Entries of each list in a status.</summary>
    public const int StatusEntries = 5000;

    /// <summary>Files in one diff.</summary>
    public const int DiffFiles = 500;

    /// <summary>Lines in one diff, all files together.</summary>
    public const int DiffLines = 20_000;

    /// <summary>Characters shown of one line of a diff or of blame.</summary>
    public const int LineLength = 4000;

    /// <summary>Hunks or parts of hunks in one request.</summary>
    public const int Selections = 500;

    /// <summary>Commits in one answer.</summary>
    public const int LogCommits = 200;

    /// <summary>How far back a log can be paged.</summary>
    public const int LogDepth = 10_000;

    /// <summary>Lines of one blame.</summary>
    public const int BlameLines = 2000;

    /// <summary>Bytes of a file in one answer.</summary>
    public const int FileBytes = 5 * 1024 * 1024;

    /// <summary>Branches, tags, stashes or worktrees in one answer.</summary>
    public const int Refs = 2000;
}

[JsonConverter(typeof(LowerSnake<GitChangeKind>))]
public enum GitChangeKind
{
    Added,
    Modified,
    Deleted,
    Renamed,
    Copied,

    /// <summary>A file became a link, a submodule, or the other way round.</summary>
    TypeChanged,
    Untracked,
}

/// <summary>How both sides of a merge touched a path.</summary>
[JsonConverter(typeof(LowerSnake<GitConflictKind>))]
public enum GitConflictKind
{
    BothModified,
    BothAdded,
    BothDeleted,
    DeletedByUs,
    DeletedByThem,
    AddedByUs,
    AddedByThem,
}

/// <summary>What was begun in the repository and is not done.</summary>
[JsonConverter(typeof(LowerSnake<GitOperationKind>))]
public enum GitOperationKind
{
    Merge,
    Rebase,
    CherryPick,
    Revert,
    Bisect,
    Am,
}

/// <summary>What differs within a submodule.</summary>
public sealed record GitSubmoduleState(bool CommitChanged, bool Modified, bool Untracked);

/// <summary>
/// One changed path. Paths are relative to the project, with <c>/</c>, written as in the messages about files (<see cref="PathText"/>).
/// Untrusted.
/// </summary>
/// <param name="OldPath">Of a rename or copy: where from.</param>
/// <param name="LargeFile">By the repository's attributes Git LFS keeps it elsewhere.</param>
public sealed record GitFileChange(
    string Path, GitChangeKind Kind, string? OldPath = null, GitSubmoduleState? Submodule = null, bool LargeFile = false);

/// <summary>One path that both sides changed.</summary>
public sealed record GitConflict(string Path, GitConflictKind Kind);

/// <summary>The state of the repository that the project is, or is within.</summary>
public sealed record GitStatusRequest(Guid ProjectId);

/// <param name="Branch">Its short name; null when detached.</param>
/// <param name="Head">The commit; null before the first one.</param>
/// <param name="Ahead">Commits that the upstream does not have; null: no upstream, or it is gone.</param>
/// <param name="Hooks">Hooks that are there and do not run (docs/git.md).</param>
/// <param name="Prefix">The project within its repository, with a closing <c>/</c>; empty: it is the repository. Changes outside of it are
/// not listed.</param>
/// <param name="Sandboxed">False: the owner runs without a sandbox, and git runs on the machine itself with everything of the repository's
/// configuration that runs programs switched off.</param>
/// <param name="Truncated">A list has more entries than are sent.</param>
/// <param name="Filters">Filters that the repository's configuration defines, by name. They don't run for looking, so a file of theirs can
/// look changed here. Untrusted.</param>
/// <param name="Marked">Staged files that still hold the marks of a conflict, at most 20. Not looked for among more than 100 files.
/// Untrusted.</param>
public sealed record GitStatusResponse(
    string? Branch,
    string? Head,
    bool Detached,
    string? Upstream,
    int? Ahead,
    int? Behind,
    IReadOnlyList<GitFileChange> Staged,
    IReadOnlyList<GitFileChange> Unstaged,
    IReadOnlyList<GitFileChange> Untracked,
    IReadOnlyList<GitConflict> Conflicted,
    GitOperationKind? Operation,
    int Stashes,
    IReadOnlyList<string> Hooks,
    string Prefix,
    bool Sandboxed,
    bool Truncated,
    IReadOnlyList<string>? Filters = null,
    IReadOnlyList<string>? Marked = null);

/// <summary>The submodules that the index has.</summary>
public sealed record GitSubmodulesRequest(Guid ProjectId);

/// <param name="Commit">What the index records.</param>
/// <param name="Url">As <c>.gitmodules</c> says; untrusted, and never fetched from by the machine. Null: not named there.</param>
public sealed record GitSubmodule(string Path, string Commit, string? Url);

public sealed record GitSubmodulesResponse(IReadOnlyList<GitSubmodule> Submodules);
