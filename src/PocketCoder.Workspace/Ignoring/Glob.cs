namespace PocketCoder.Workspace.Ignoring;

/// <summary>
/// Patterns of .gitignore over paths (gitignore(5), "PATTERN FORMAT"): <c>*</c> and <c>?</c> stop at a slash, <c>**</c> between slashes
/// does not. Time is bounded by the product of both lengths, whatever the pattern. Pure.
/// </summary>
internal static class Glob
{
    /// <param name="text">A path, or one name; bytes as Latin-1.</param>
    public static bool IsMatch(string pattern, ReadOnlySpan<char> text)
    {
        var star = pattern.AsSpan().IndexOfAny("*?[\\");
        if (star < 0)
        {
            return text.SequenceEqual(pattern);
        }

        if (!text.StartsWith(pattern.AsSpan(0, star)))
        {
            return false;
        }

        if (star == pattern.Length - 1 && pattern[star] == '*')
        {
            return text[star..].IndexOf('/') < 0;
        }

        return Match(pattern, star, text, star, new Trail(star)) == Found.Yes;
    }

    /// <param name="Start">Where the first wildcard is: git compares what is before it by itself, so that <c>**</c> right there counts as
    /// one at the beginning.</param>
    private sealed record Trail(int Start)
    {
        /// <summary>Places from where it was seen that the rest does not match: none is tried twice.</summary>
        public HashSet<(int, int)> Failed { get; } = [];
    }

    private enum Found
    {
        No,
        Yes,
    }

    private static Found Match(string pattern, int p, ReadOnlySpan<char> text, int t, Trail trail)
    {
        for (; p < pattern.Length; p++, t++)
        {
            switch (pattern[p])
            {
                case '*':
                    return MatchStar(pattern, p, text, t, trail);
                case '?':
                    if (t >= text.Length || text[t] == '/')
                    {
                        return Found.No;
                    }

                    break;
                case '[':
                    if (t >= text.Length || !MatchSet(pattern, ref p, text[t]))
                    {
                        return Found.No;
                    }

                    break;
                case '\\':
                    if (++p >= pattern.Length || t >= text.Length || text[t] != pattern[p])
                    {
                        return Found.No;
                    }

                    break;
                default:
                    if (t >= text.Length || text[t] != pattern[p])
                    {
                        return Found.No;
                    }

                    break;
            }
        }

        return t == text.Length ? Found.Yes : Found.No;
    }

    private static Found MatchStar(string pattern, int p, ReadOnlySpan<char> text, int t, Trail trail)
    {
        if (trail.Failed.Contains((p, t)))
        {
            return Found.No;
        }

        var first = p;
        while (p < pattern.Length && pattern[p] == '*')
        {
            p++;
        }

        var deep = p - first > 1 && (first == trail.Start || pattern[first - 1] == '/')
            && (p == pattern.Length || pattern[p] == '/' || pattern.AsSpan(p).StartsWith("\\/"));
        if (p == pattern.Length)
        {
            return deep || text[t..].IndexOf('/') < 0 ? Found.Yes : Found.No;
        }

        if (deep && pattern[p] == '/' && Match(pattern, p + 1, text, t, trail) == Found.Yes)
        {
            return Found.Yes; // no directory at all
        }

        for (var at = t; at <= text.Length; at++)
        {
            if (Match(pattern, p, text, at, trail) == Found.Yes)
            {
                return Found.Yes;
            }

            if (!deep && at < text.Length && text[at] == '/')
            {
                break;
            }
        }

        trail.Failed.Add((first, t));
        return Found.No;
    }

    /// <summary>
    /// One character against <c>[…]</c>; leaves the place at its closing bracket. A set that does not end matches nothing.
    /// </summary>
    private static bool MatchSet(string pattern, ref int p, char c)
    {
        var at = p + 1;
        var negated = at < pattern.Length && pattern[at] is '!' or '^';
        if (negated)
        {
            at++;
        }

        var matched = false;
        var begin = at;
        char? previous = null;
        for (; ; at++)
        {
            if (at >= pattern.Length)
            {
                p = pattern.Length;
                return false;
            }

            var next = pattern[at];
            if (next == ']' && at > begin)
            {
                break;
            }

            if (next == '[' && at + 1 < pattern.Length && pattern[at + 1] == ':'
                && pattern.IndexOf(":]", at + 2, StringComparison.Ordinal) is var end and >= 0
                && !pattern.AsSpan(at + 2, end - at - 2).Contains(']'))
            {
                if (InClass(pattern.AsSpan(at + 2, end - at - 2), c) is not { } inClass)
                {
                    p = pattern.Length;
                    return false;
                }

                matched |= inClass;
                (previous, at) = (null, end + 1);
                continue;
            }

            if (next == '-' && previous is { } low && at + 1 < pattern.Length && pattern[at + 1] != ']')
            {
                at++;
                if (pattern[at] == '\\' && ++at >= pattern.Length)
                {
                    p = pattern.Length;
                    return false;
                }

                matched |= c >= low && c <= pattern[at];
                previous = null;
                continue;
            }

            if (next == '\\')
            {
                if (++at >= pattern.Length)
                {
                    p = pattern.Length;
                    return false;
                }

                next = pattern[at];
            }

            matched |= c == next;
            previous = next;
        }

        p = at;
        return matched != negated && c != '/';
    }

    private static bool? InClass(ReadOnlySpan<char> name, char c) => name switch
    {
        "alnum" => char.IsAsciiLetterOrDigit(c),
        "alpha" => char.IsAsciiLetter(c),
        "blank" => c is ' ' or '\t',
        "cntrl" => c is < ' ' or '\x7f',
        "digit" => char.IsAsciiDigit(c),
        "graph" => c is > ' ' and < '\x7f',
        "lower" => char.IsAsciiLetterLower(c),
        "print" => c is >= ' ' and < '\x7f',
        "punct" => c is > ' ' and < '\x7f' && !char.IsAsciiLetterOrDigit(c),
        "space" => c is ' ' or (>= '\t' and <= '\r'),
        "upper" => char.IsAsciiLetterUpper(c),
        "xdigit" => char.IsAsciiHexDigit(c),
        _ => null,
    };
}
