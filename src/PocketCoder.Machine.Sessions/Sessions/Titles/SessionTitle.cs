using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace PocketCoder.Machine.Sessions.Titles;

/// <summary>What a session is called until somebody knows better: its prompt's first words. Pure.</summary>
internal static partial class SessionTitle
{
    /// <summary>For a prompt that has no words.</summary>
    public const string Nothing = "Session";

    /// <summary>Characters a title has at most, counted as a person counts them.</summary>
    public const int Longest = 60;

    /// <summary>How much of a prompt is looked at.</summary>
    private const int Looked = 4000;

    private const string Fence = "```";
    private const string Confirm = "confirm:";

    /// <summary>The first line that says something, outside of code if there is one, without markdown and as whole words.</summary>
    public static string Of(string text)
    {
        var (inFence, inCode) = (false, "");
        foreach (var line in text[..Math.Min(text.Length, Looked)].ReplaceLineEndings("\n").Split('\n'))
        {
            if (line.TrimStart().StartsWith(Fence, StringComparison.Ordinal))
            {
                inFence = !inFence;
                continue;
            }

            if (Plain(line) is not { Length: > 0 } words)
            {
                continue;
            }

            if (!inFence)
            {
                return Cut(words);
            }

            inCode = inCode.Length == 0 ? words : inCode;
        }

        return inCode.Length > 0 ? Cut(inCode) : Nothing;
    }

    private static string Plain(string line)
    {
        var text = Marks().Replace(line, "");
        if (text.StartsWith(Confirm, StringComparison.OrdinalIgnoreCase))
        {
            text = text[Confirm.Length..];
        }

        return Visible(Emphasis().Replace(Links().Replace(text, "${text}"), ""));
    }

    /// <summary>A text on one line, with single spaces and without what is not seen or turns what is seen around.</summary>
    public static string Visible(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            plain.Append(Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator ? " " : rune.ToString());
        }

        return string.Join(' ', plain.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private static string Cut(string line)
    {
        var whole = new StringInfo(line);
        if (whole.LengthInTextElements <= Longest)
        {
            return First(line, Protocol.Limits.NameLength);
        }

        var head = whole.SubstringByTextElements(0, Longest - 1);
        var end = line[head.Length] == ' ' ? head.Length : head.LastIndexOf(' ');
        head = (end > head.Length / 2 ? head[..end] : head).TrimEnd(' ', ',', ';', ':', '-', '–', '—', '(');
        return $"{First(head, Protocol.Limits.NameLength - 1)}…";
    }

    private static string First(string text, int most)
        => text.Length <= most ? text : text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)];

    /// <summary>What a line begins with that is no word: heading, quote, list, number, box.</summary>
    [GeneratedRegex(@"\A\s*(?:(?:\#{1,6}|>|[-*+]|\d{1,3}[.)])\s+|\[[ xX]\]\s+)*", RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Marks();

    [GeneratedRegex(@"!?\[(?<text>[^\]\[]{0,300})\]\([^)(\s]{0,1000}\)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Links();

    [GeneratedRegex(@"\*\*|__|~~|`+|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Emphasis();
}
