using System.Text;

namespace PocketCoder.Workspace.Ignoring;

/// <summary>The patterns of one <c>.gitignore</c> file (gitignore(5)). Immutable.</summary>
internal sealed class IgnoreRules
{
    /// <summary>Larger files are not read: nobody writes such a one by hand.</summary>
    public const int MaxBytes = 512 * 1024;

    private const int MaxPatterns = 10_000;
    private const int MaxPatternLength = 1_000;

    private readonly IReadOnlyList<Pattern> _patterns;

    private IgnoreRules(IReadOnlyList<Pattern> patterns) => _patterns = patterns;

    /// <param name="Whole">Against the path from the file's folder; else against the name alone.</param>
    private sealed record Pattern(string Glob, bool Negated, bool FoldersOnly, bool Whole);

    /// <summary>Null when there is no pattern in it.</summary>
    public static IgnoreRules? Parse(ReadOnlySpan<byte> file)
    {
        var patterns = new List<Pattern>();
        if (file.StartsWith("\uFEFF"u8))
        {
            file = file[3..];
        }

        foreach (var range in file.Split((byte)'\n'))
        {
            var line = file[range];
            if (line.EndsWith("\r"u8))
            {
                line = line[..^1];
            }

            if (line.Length is > 0 and <= MaxPatternLength && line[0] != '#' && patterns.Count < MaxPatterns
                && ParseLine(Encoding.Latin1.GetString(line)) is { } pattern)
            {
                patterns.Add(pattern);
            }
        }

        return patterns.Count == 0 ? null : new IgnoreRules(patterns);
    }

    /// <summary>What the last pattern that fits says; null: none does.</summary>
    /// <param name="path">From the file's folder; bytes as Latin-1.</param>
    public bool? IsIgnored(ReadOnlySpan<char> path, bool folder)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];
        for (var i = _patterns.Count - 1; i >= 0; i--)
        {
            var pattern = _patterns[i];
            if ((folder || !pattern.FoldersOnly) && Glob.IsMatch(pattern.Glob, pattern.Whole ? path : name))
            {
                return !pattern.Negated;
            }
        }

        return null;
    }

    private static Pattern? ParseLine(string line)
    {
        line = TrimEnd(line);
        var negated = line.StartsWith('!');
        if (negated)
        {
            line = line[1..];
        }

        var folders = line.EndsWith('/');
        if (folders)
        {
            line = line[..^1];
        }

        var whole = line.Contains('/', StringComparison.Ordinal);
        if (line.StartsWith('/'))
        {
            line = line[1..];
        }

        return line.Length == 0 ? null : new Pattern(line, negated, folders, whole);
    }

    /// <summary>Spaces at the end don't count, unless the first of them is escaped.</summary>
    private static string TrimEnd(string line)
    {
        var end = 0;
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\')
            {
                end = Math.Min(++i + 1, line.Length);
            }
            else if (line[i] != ' ')
            {
                end = i + 1;
            }
        }

        return line[..end];
    }
}
