namespace PocketCoder.Machine.Files;

/// <summary>How well a path fits what a person typed. Pure.</summary>
internal static class FileRanking
{
    private const int None = int.MaxValue;

    /// <summary>The best first.</summary>
    public static IReadOnlyList<string> Best(IEnumerable<string> paths, string query, int limit)
    {
        var wanted = query.Trim().TrimStart('@').Replace('\\', '/');
        wanted = wanted.StartsWith("./", StringComparison.Ordinal) ? wanted[2..] : wanted;
        return
        [
            .. paths.Select(p => (Path: p, Score: Score(p, wanted)))
                .Where(p => p.Score != None)
                .OrderBy(p => p.Score).ThenBy(p => p.Path.Length).ThenBy(p => p.Path, StringComparer.Ordinal)
                .Take(limit)
                .Select(p => p.Path),
        ];
    }

    /// <summary>Less is better.</summary>
    private static int Score(string path, string wanted)
    {
        var name = path.AsSpan(path.LastIndexOf('/') + 1);
        if (wanted.Length == 0)
        {
            return path.AsSpan().Count('/');
        }

        if (name.Equals(wanted, StringComparison.OrdinalIgnoreCase))
        {
            return 0;
        }

        if (name.StartsWith(wanted, StringComparison.OrdinalIgnoreCase))
        {
            return 1;
        }

        if (path.StartsWith(wanted, StringComparison.OrdinalIgnoreCase))
        {
            return 2;
        }

        var at = name.IndexOf(wanted, StringComparison.OrdinalIgnoreCase);
        return at > 0 ? (IsWordStart(name, at) ? 3 : 4)
            : path.Contains(wanted, StringComparison.OrdinalIgnoreCase) ? 5
            : IsSubsequence(name, wanted) ? 6
            : IsSubsequence(path, wanted) ? 7
            : None;
    }

    private static bool IsWordStart(ReadOnlySpan<char> name, int at)
        => !char.IsLetterOrDigit(name[at - 1]) || (char.IsLower(name[at - 1]) && char.IsUpper(name[at]));

    private static bool IsSubsequence(ReadOnlySpan<char> text, string wanted)
    {
        var next = 0;
        foreach (var c in text)
        {
            if (char.ToUpperInvariant(c) == char.ToUpperInvariant(wanted[next]) && ++next == wanted.Length)
            {
                return true;
            }
        }

        return false;
    }
}
