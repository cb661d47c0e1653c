using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

[JsonConverter(typeof(LowerSnake<FsSearchTarget>))]
public enum FsSearchTarget
{
    /// <summary>Paths of files and directories.</summary>
    Names,

    /// <summary>Lines of text files of at most <see cref="FileLimits.ReadBytes"/>; never of files that look like secrets.</summary>
    Content,
}

/// <summary>Searches a folder of a project and what is beneath it. Links are not followed, <c>.git</c> is left out.</summary>
/// <param name="Regex">A .NET regular expression without look-around and back references; else the text as it is.</param>
/// <param name="Ignored">Also what <c>.gitignore</c> and <c>node_modules</c> leave out.</param>
/// <param name="Limit">1 to <see cref="FileLimits.Matches"/>.</param>
public sealed record FsSearchRequest(
    Guid ProjectId, string Query, FsSearchTarget Target = FsSearchTarget.Content, string Path = "", bool Regex = false,
    bool CaseSensitive = false, bool Ignored = false, int Limit = 200);

/// <param name="Line">1-based; null in a search of names.</param>
/// <param name="Text">The line, cut around the match; of names the path.</param>
/// <param name="Start">Where in <paramref name="Text"/> the first match begins, in UTF-16 units.</param>
public sealed record FsMatch(string Path, FsKind Kind, int? Line, string Text, int Start, int Length);

[JsonConverter(typeof(LowerSnake<FsSearchEnd>))]
public enum FsSearchEnd
{
    /// <summary>All was looked at.</summary>
    Complete,

    /// <summary>There may be more than the limit.</summary>
    Limit,

    /// <summary>It took too long.</summary>
    Time,
}

/// <param name="Files">Files or names that were looked at.</param>
/// <param name="Engine"><c>ripgrep</c> chose the files to look at, or <c>own</c>.</param>
public sealed record FsSearchResponse(IReadOnlyList<FsMatch> Matches, FsSearchEnd End, int Files, string Engine);
