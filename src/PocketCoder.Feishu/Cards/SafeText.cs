using System.Globalization;
using System.Text;

namespace PocketCoder.Feishu.Cards;

/// <summary>
/// Makes untrusted text (agents' output, names, commands, paths) fit to be shown in a card: nothing invisible, nothing that turns the
/// writing direction, and in markdown nothing that is markup. Pure; safe for every string, also one with half a surrogate pair.
/// </summary>
public static class SafeText
{
    private const int ZeroWidthJoiner = 0x200D;
    private const int EmojiStyle = 0xFE0F;

    /// <summary>Characters that mean something in the platform's markdown, or begin something that does.</summary>
    private const string Markup = "&<>*_~`[]()#:!|\\$\"'+=-{}@";

    /// <summary>
    /// The text with every control, format, bidi, zero-width and unassigned character written as <c>\u{…}</c>. Line feeds and tabs stay,
    /// CR LF becomes LF. Emoji stay whole: a joiner or a style selector is left where it stands between or after symbols.
    /// </summary>
    public static string Visible(string text)
    {
        var shown = new StringBuilder(text.Length);
        var before = 0; // the rune before, as it was
        for (var i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                Name(shown, text[i++]);
                before = 0;
                continue;
            }

            var next = i + rune.Utf16SequenceLength;
            var isLineEnd = rune.Value == '\r' && next < text.Length && text[next] == '\n';
            if (!isLineEnd && (rune.Value is '\n' or '\t' || IsShown(rune, before, text, next)))
            {
                shown.Append(text, i, rune.Utf16SequenceLength);
            }
            else if (!isLineEnd)
            {
                Name(shown, rune.Value);
            }

            (before, i) = (rune.Value, next);
        }

        return shown.ToString();
    }

    /// <summary>As <see cref="Visible"/>, on one line: line feeds become <c>⏎</c>, tabs a space.</summary>
    public static string Line(string text, int most) => Cut(Visible(text).Replace('\t', ' ').Replace('\n', '⏎'), most);

    /// <summary>At most <paramref name="most"/> characters (UTF-16); what was cut ends with <c>…</c>. No grapheme is cut in two.</summary>
    public static string Cut(string text, int most)
        => text.Length <= most ? text : string.Concat(text.AsSpan(0, Fits(text, 0, most - 1)), "…");

    /// <summary>
    /// Visible text as the content of a text message, where the platform reads tags (one names everybody) and links too: a <c>&lt;</c> that
    /// could begin a tag becomes the full-width one, and between the parts of a link stands a space.
    /// </summary>
    public static string Message(string visible)
    {
        var safe = new StringBuilder(visible.Length);
        for (var i = 0; i < visible.Length; i++)
        {
            var next = i + 1 < visible.Length ? visible[i + 1] : ' ';
            var isTag = visible[i] == '<' && next is not ('<' or '=' or '-');
            safe.Append(isTag ? '＜' : visible[i]);
            _ = visible[i] == ']' && next == '(' ? safe.Append(' ') : safe;
        }

        return safe.ToString();
    }

    /// <summary>The platform's markdown that shows exactly this text: everything with a meaning is written as an entity.</summary>
    public static string Markdown(string text)
    {
        var shown = Visible(text);
        var safe = new StringBuilder(shown.Length * 2);
        var lineStart = true; // only white space or digits since the line began
        foreach (var c in shown)
        {
            if (c == '\n')
            {
                safe.Append(c);
                lineStart = true;
                continue;
            }

            if ((c is ' ' or '\t') && lineStart)
            {
                safe.Append(c == ' ' ? "\u00A0" : "\u00A0\u00A0"); // four spaces would begin a block of code
                continue;
            }

            if (Markup.Contains(c) || (c == '.' && lineStart))
            {
                safe.Append("&#").Append((int)c).Append(';');
            }
            else
            {
                safe.Append(c);
            }

            lineStart = lineStart && char.IsAsciiDigit(c);
        }

        return safe.ToString();
    }

    /// <summary>
    /// How many characters from <paramref name="from"/> on are whole graphemes and at most <paramref name="most"/>; at least one rune.
    /// </summary>
    internal static int Fits(string text, int from, int most)
    {
        var taken = 0;
        while (from + taken < text.Length)
        {
            var length = StringInfo.GetNextTextElementLength(text, from + taken);
            if (taken + length > most)
            {
                break;
            }

            taken += length;
        }

        if (taken > 0 || from >= text.Length)
        {
            return taken;
        }

        // One grapheme is longer than all there is room for: marks upon marks. Then it is cut between runes.
        while (from + taken < text.Length)
        {
            var length = char.IsSurrogatePair(text, from + taken) ? 2 : 1;
            if (taken > 0 && taken + length > most)
            {
                break;
            }

            taken += length;
        }

        return taken;
    }

    private static void Name(StringBuilder shown, int value) => shown.Append("\\u{").Append(value.ToString("X4", CultureInfo.InvariantCulture)).Append('}');

    private static bool IsShown(Rune rune, int before, string text, int next)
    {
        switch (rune.Value)
        {
            case ZeroWidthJoiner:
                return IsSymbol(before) && Rune.TryGetRuneAt(text, Math.Min(next, text.Length - 1), out var after) && next < text.Length
                    && IsSymbol(after.Value);
            case EmojiStyle:
                return IsSymbol(before) || before is '#' or '*' or (>= '0' and <= '9');
            case >= 0xFE00 and < EmojiStyle: // the other style selectors
            case >= 0xE0000 and <= 0xE0FFF: // tags and more selectors
            case 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or 0x2800 or 0x3164 or 0xFFA0: // blanks and fillers
            case >= 0x180B and <= 0x180F:
                return false;
        }

        return Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator);
    }

    private static bool IsSymbol(int value)
        => value == EmojiStyle || (Rune.IsValid(value) && value > 0x7F
            && Rune.GetUnicodeCategory(new Rune(value))
                is UnicodeCategory.OtherSymbol or UnicodeCategory.ModifierSymbol or UnicodeCategory.MathSymbol);
}
