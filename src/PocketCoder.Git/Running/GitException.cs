namespace PocketCoder.Git;

/// <summary>The closed set of what goes wrong with git.</summary>
public enum GitError
{
    /// <summary>Anything git says no to; the message has its words.</summary>
    Failed,

    NotARepository,

    /// <summary>A name, revision or path that git must not be given.</summary>
    InvalidName,

    /// <summary>There is no such revision, branch, tag, path.</summary>
    NotFound,

    /// <summary>That name already exists.</summary>
    Exists,

    /// <summary>It would overwrite changes, or does not fit what is there now.</summary>
    Conflict,

    /// <summary>A merge, rebase or apply stopped with conflicts that a person must resolve.</summary>
    MergeConflict,

    /// <summary>Another git holds the repository.</summary>
    Locked,

    /// <summary>The other machine wants credentials that are not there.</summary>
    AuthRequired,

    /// <summary>The other machine can't be reached, or its key is unknown.</summary>
    Unreachable,

    /// <summary>The host's address is none that the machine talks to.</summary>
    HostNotAllowed,

    /// <summary>The disk is full.</summary>
    NoRoom,

    /// <summary>The other machine has commits that are not here.</summary>
    NonFastForward,

    NothingToCommit,

    /// <summary>No name and address to commit as.</summary>
    NoIdentity,

    TimedOut,

    /// <summary>What it said can't be understood.</summary>
    Unreadable,

    /// <summary>git itself is not there, or could not be started.</summary>
    CanNotRun,
}

/// <summary>An expected failure. The message is for people; it may hold git's own words, which are untrusted.</summary>
public sealed class GitException(GitError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public GitError Error { get; } = error;

    /// <summary>Paths that git named, as it wrote them.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];
}
