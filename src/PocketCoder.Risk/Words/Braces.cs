using System.Globalization;

namespace PocketCoder.Risks.Words;

/// <summary>Brace expansion (bash manual §3.5.1), the plain cases; what is odd is not understood.</summary>
internal static class Braces
{
    /// <summary>The words that come of it, or null when that is too odd or too much.</summary>
    public static List<List<Unit>>? Expand(List<Unit> word)
    {
        if (!word.Any(u => u.Is('{')))
        {
            return [word];
        }

        var results = new List<List<Unit>>();
        return Expand(word, 0, results, 0) ? results : null;
    }

    private static bool Expand(List<Unit> word, int from, List<List<Unit>> results, int depth)
    {
        if (depth > 16 || results.Count > RiskLimits.MaxBraceWords)
        {
            return false;
        }

        var open = word.FindIndex(from, u => u.Is('{'));
        if (open < 0)
        {
            // A lone closing brace behind a comma is where shells disagree.
            results.Add(word);
            return results.Count <= RiskLimits.MaxBraceWords;
        }

        var commas = new List<int>();
        var close = Close(word, open, commas);
        if (close < 0)
        {
            return !word.Skip(open).Any(u => u.Is(',')) && !HasDots(word, open, word.Count) && Expand(word, open + 1, results, depth + 1);
        }

        var alternatives = commas.Count > 0 ? Split(word, open, close, commas) : Series(word, open, close);
        if (alternatives is null)
        {
            return false;
        }

        if (alternatives.Count == 0)
        {
            return Expand(word, open + 1, results, depth + 1); // {} and {x}: literally
        }

        foreach (var alternative in alternatives)
        {
            List<Unit> next = [.. word.Take(open), .. alternative, .. word.Skip(close + 1)];
            if (!Expand(next, open, results, depth + 1))
            {
                return false;
            }
        }

        return true;
    }

    private static int Close(List<Unit> word, int open, List<int> commas)
    {
        var depth = 0;
        for (var i = open; i < word.Count; i++)
        {
            if (word[i].Is('{'))
            {
                depth++;
            }
            else if (word[i].Is('}') && --depth == 0)
            {
                return i;
            }
            else if (word[i].Is(',') && depth == 1)
            {
                commas.Add(i);
            }
        }

        return -1;
    }

    private static List<List<Unit>> Split(List<Unit> word, int open, int close, List<int> commas)
    {
        var alternatives = new List<List<Unit>>();
        var start = open + 1;
        foreach (var end in commas.Append(close))
        {
            alternatives.Add(word[start..end]);
            start = end + 1;
        }

        return alternatives;
    }

    private static bool HasDots(List<Unit> word, int from, int to)
    {
        for (var i = from; i + 1 < to; i++)
        {
            if (word[i].Is('.') && word[i + 1].Is('.'))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary><c>{1..5}</c> and <c>{a..e}</c>. Empty when it is no series.</summary>
    private static List<List<Unit>>? Series(List<Unit> word, int open, int close)
    {
        if (!HasDots(word, open, close))
        {
            // {a{b,c}} keeps its outer braces.
            return [];
        }

        if (word[(open + 1)..close].Any(u => u.Kind != UnitKind.Bare))
        {
            return null;
        }

        var ends = string.Concat(word[(open + 1)..close].Select(u => u.Text)).Split("..");
        if (ends.Length != 2)
        {
            return null;
        }

        var numbers = ends.All(e => e is "0" || (e.Length is > 0 and < 6 && e[0] != '0' && e.All(char.IsAsciiDigit)));
        var letters = ends.All(e => e.Length == 1 && char.IsAsciiLetterLower(e[0]))
            || ends.All(e => e.Length == 1 && char.IsAsciiLetterUpper(e[0]));
        if (!numbers && !letters)
        {
            return null;
        }

        var (first, last) = numbers ? (int.Parse(ends[0], CultureInfo.InvariantCulture), int.Parse(ends[1], CultureInfo.InvariantCulture))
            : (ends[0][0], ends[1][0]);
        if (Math.Abs(last - first) >= RiskLimits.MaxBraceWords)
        {
            return null;
        }

        var step = last >= first ? 1 : -1;
        return [.. Enumerable.Range(0, Math.Abs(last - first) + 1).Select(i => first + (i * step)).Select(n =>
            (numbers ? n.ToString(CultureInfo.InvariantCulture) : ((char)n).ToString()).Select(c => new Unit(UnitKind.Quoted, c.ToString()))
                .ToList())];
    }
}
