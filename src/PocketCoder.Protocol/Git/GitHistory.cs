namespace PocketCoder.Protocol;

/// <summary>A line of the graph beside a commit, from its row to the next.</summary>
/// <param name="From">Lane at this row.</param>
/// <param name="To">Lane at the next row.</param>
public sealed record GitGraphEdge(int From, int To);

/// <summary>A commit. Texts are untrusted.</summary>
/// <param name="Refs">Short names of branches and tags that lead to it; <c>HEAD</c> too.</param>
/// <param name="Lane">Its column in the graph, from 0.</param>
public sealed record GitCommit(
    string Sha,
    IReadOnlyList<string> Parents,
    string Author,
    string AuthorEmail,
    DateTimeOffset? AuthoredAt,
    string Committer,
    DateTimeOffset? CommittedAt,
    string Subject,
    IReadOnlyList<string> Refs,
    int Lane,
    IReadOnlyList<GitGraphEdge> Edges);

/// <summary>The history.</summary>
/// <param name="Ref">A revision; null: what is checked out.</param>
/// <param name="All">All branches and tags.</param>
/// <param name="Path">Only what changed it; then without a graph.</param>
/// <param name="Limit">1 to <see cref="GitLimits.LogCommits"/>.</param>
public sealed record GitLogRequest(Guid ProjectId, string? Ref = null, bool All = false, string? Path = null, int Skip = 0, int Limit = 50);

/// <param name="More">There are older ones.</param>
public sealed record GitLogResponse(IReadOnlyList<GitCommit> Commits, bool More);

/// <summary>One commit with what it changed against its first parent.</summary>
public sealed record GitShowRequest(Guid ProjectId, string Ref, int Context = 3);

/// <param name="Message">Whole, at most <see cref="GitLimits.MessageBytes"/>.</param>
public sealed record GitShowResponse(GitCommit Commit, string Message, IReadOnlyList<GitFileDiff> Files, bool Truncated);

/// <summary>Who wrote which line.</summary>
/// <param name="FirstLine">From 1.</param>
/// <param name="Lines">1 to <see cref="GitLimits.BlameLines"/>.</param>
/// <param name="ApprovalId">Of what looks like a secret: the decision that allowed reading it.</param>
public sealed record GitBlameRequest(
    Guid ProjectId, string Path, string? Ref = null, int FirstLine = 1, int Lines = GitLimits.BlameLines, Guid? ApprovalId = null);

/// <param name="Commit">Index in <see cref="GitBlameResponse.Commits"/>.</param>
public sealed record GitBlameLine(int Line, int OriginalLine, int Commit, string Text);

/// <param name="Sha">All zeros: not committed.</param>
/// <param name="Path">What the file was called there.</param>
public sealed record GitBlameCommit(string Sha, string Author, DateTimeOffset? At, string Subject, string Path);

public sealed record GitBlameResponse(IReadOnlyList<GitBlameCommit> Commits, IReadOnlyList<GitBlameLine> Lines);

/// <summary>What was put aside.</summary>
public sealed record GitStashesRequest(Guid ProjectId);

/// <param name="Commit">Names it: the index moves when another is pushed or dropped.</param>
public sealed record GitStash(int Index, string Commit, string Message, DateTimeOffset? At);

public sealed record GitStashesResponse(IReadOnlyList<GitStash> Stashes);
