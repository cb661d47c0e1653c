using System.Text;
using System.Text.RegularExpressions;
using PocketCoder.Protocol;

namespace PocketCoder.Workspace.Searching;

/// <summary>
/// Finds what is searched for in one line or name. Immutable; a regular expression is matched in linear time and, all the same, with a
/// limit.
/// </summary>
internal sealed class LineMatcher
{
    private static readonly TimeSpan s_matchTime = TimeSpan.FromSeconds(1);

    private readonly string _text;
    private readonly StringComparison _comparison;
    private readonly Regex? _regex;
    private readonly byte[]? _bytes;

    /// <exception cref="WorkspaceException">INVALID_REQUEST: it is no such expression.</exception>
    public LineMatcher(FsSearchRequest request)
    {
        if (request.Query.Length is 0 or > FileLimits.QueryLength || request.Query.AsSpan().ContainsAny('\n', '\r', '\0'))
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, $"query has 1 to {FileLimits.QueryLength} characters in one line.");
        }

        _text = request.Query;
        _comparison = request.CaseSensitive ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;
        if (!request.Regex)
        {
            _bytes = request.CaseSensitive ? Encoding.UTF8.GetBytes(_text) : null;
            return;
        }

        try
        {
            _regex = new Regex(_text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant
                | (request.CaseSensitive ? RegexOptions.None : RegexOptions.IgnoreCase), s_matchTime);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, $"Unsupported regular expression: {e.Message}");
        }
    }

    /// <summary>Whether it is worth to look into a file at all.</summary>
    public bool MayBeIn(ReadOnlySpan<byte> content) => _bytes is null || content.IndexOf(_bytes) >= 0;

    /// <summary>The first match from a place in a text on; nothing: a start of -1.</summary>
    /// <exception cref="RegexMatchTimeoutException">It takes too long.</exception>
    public (int Start, int Length) Find(ReadOnlySpan<char> line)
    {
        if (_regex is null)
        {
            return (line.IndexOf(_text, _comparison), _text.Length);
        }

        foreach (var match in _regex.EnumerateMatches(line))
        {
            return (match.Index, match.Length);
        }

        return (-1, 0);
    }

    /// <summary>Whether whole files may be looked through at once, since a match can't go over a line's end.</summary>
    public bool Literal => _regex is null;
}
