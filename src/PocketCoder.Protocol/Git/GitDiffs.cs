using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>What is compared with what.</summary>
[JsonConverter(typeof(LowerSnake<GitDiffScope>))]
public enum GitDiffScope
{
    /// <summary>The index with the files.</summary>
    Unstaged,

    /// <summary>The last commit with the index.</summary>
    Staged,

    /// <summary>A commit's first parent with the commit; <c>to</c> names it.</summary>
    Commit,

    /// <summary>Where <c>to</c> left <c>from</c> with <c>to</c> (three dots); <c>to</c> left out: HEAD.</summary>
    Branch,

    /// <summary><c>from</c> with <c>to</c>, as they are; <c>to</c> left out: the files.</summary>
    Range,
}

[JsonConverter(typeof(LowerSnake<GitLineKind>))]
public enum GitLineKind
{
    Context,
    Added,
    Removed,

    /// <summary>In a word diff: a line within which words changed.</summary>
    Changed,
}

/// <summary>A piece of a line in a word diff.</summary>
public sealed record GitDiffWord(GitLineKind Kind, string Text);

/// <summary>One line. Its text is untrusted, without its line end, cut at <see cref="GitLimits.LineLength"/>.</summary>
/// <param name="Old">Its number before; null for an added one and in word diffs.</param>
/// <param name="NoNewline">It is the last one and ends without a line end.</param>
/// <param name="Words">In a word diff: its pieces, and then <paramref name="Text"/> is empty.</param>
public sealed record GitDiffLine(
    GitLineKind Kind, int? Old, int? New, string Text, bool NoNewline = false, bool Cut = false, IReadOnlyList<GitDiffWord>? Words = null);

/// <summary>A run of changed lines with their surroundings.</summary>
/// <param name="Id">Names exactly this change to exactly this file: it does not fit any more when either changed.</param>
/// <param name="Heading">The function or section it is in, as git guesses. Untrusted.</param>
public sealed record GitHunk(
    string Id, int OldStart, int OldLines, int NewStart, int NewLines, string Heading, IReadOnlyList<GitDiffLine> Lines);

/// <summary>One file of a diff.</summary>
/// <param name="OldMode">As git writes it: <c>100644</c>; null when it was not there.</param>
/// <param name="Truncated">Hunks or lines are left out; what is left out can't be selected.</param>
/// <param name="Withheld">By its name it holds keys or passwords: its lines are not shown. The file itself can be read after a
/// decision.</param>
public sealed record GitFileDiff(
    string Path,
    string? OldPath,
    GitChangeKind Kind,
    string? OldMode,
    string? NewMode,
    bool Binary,
    bool Submodule,
    int Added,
    int Removed,
    IReadOnlyList<GitHunk> Hunks,
    bool Truncated,
    bool Withheld = false,
    GitLargeFile? LargeFile = null);

/// <summary>What Git LFS keeps elsewhere: the repository has only a pointer to it. Instead of the pointer's lines.</summary>
/// <param name="OldBytes">Size of the object before; null: it was none.</param>
/// <param name="NewBytes">After.</param>
public sealed record GitLargeFile(long? OldBytes, long? NewBytes);

/// <summary>Compares.</summary>
/// <param name="Paths">Only these, at most 200; null or empty: all of the project.</param>
/// <param name="Word">Words instead of lines; such a diff can't be staged from.</param>
/// <param name="Context">Lines around each change, 0–50.</param>
public sealed record GitDiffRequest(
    Guid ProjectId,
    GitDiffScope Scope,
    string? From = null,
    string? To = null,
    IReadOnlyList<string>? Paths = null,
    bool Word = false,
    int Context = 3,
    bool IgnoreWhitespace = false);

public sealed record GitDiffResponse(IReadOnlyList<GitFileDiff> Files, bool Truncated);

/// <summary>A hunk, or lines of it.</summary>
/// <param name="HunkId">From a <c>git_diff</c> with the same context, without <c>ignoreWhitespace</c>.</param>
/// <param name="Lines">Indexes in the hunk's <c>lines</c> of the added and removed ones that are meant; null: all.</param>
public sealed record GitSelection(string Path, string HunkId, IReadOnlyList<int>? Lines = null);

/// <summary>A file as it was in a commit.</summary>
/// <param name="Ref">A revision; null: the last commit. <c>:</c> is the index.</param>
/// <param name="ApprovalId">Of what looks like a secret: the decision that allowed reading it.</param>
public sealed record GitFileBaseRequest(Guid ProjectId, string Path, string? Ref = null, Guid? ApprovalId = null);

/// <param name="Exists">False: it was not there, and the content is empty.</param>
/// <param name="Encoding"><c>utf8</c> or <c>base64</c>.</param>
/// <param name="Size">Bytes.</param>
public sealed record GitFileBaseResponse(string Content, bool Exists, string Encoding, long Size, bool Binary);
