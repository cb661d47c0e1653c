using System.Globalization;
using System.Text;

namespace PocketCoder.Risks.Text;

/// <summary>
/// Writing systems of letters, by Unicode ranges, as far as words that mix them are to be told (UTS #39 §5.2, "highly restrictive").
/// </summary>
internal static class Scripts
{
    private const int Latin = 1;
    private const int EastAsian = 2;

    /// <summary>
    /// First and last code point, and the script. Chinese, Japanese and Korean scripts are one here: they are written together, and with
    /// Latin.
    /// </summary>
    private static readonly (int From, int To, int Script)[] s_ranges =
    [
        (0x41, 0x5A, Latin), (0x61, 0x7A, Latin), (0xAA, 0xAA, Latin), (0xBA, 0xBA, Latin), (0xC0, 0x2B8, Latin), (0x1D00, 0x1D25, Latin),
        (0x1D2C, 0x1D5C, Latin), (0x1D62, 0x1D65, Latin), (0x1D6B, 0x1D77, Latin),
        (0x1D79, 0x1DBE, Latin), (0x1E00, 0x1EFF, Latin), (0x2071, 0x2071, Latin), (0x207F, 0x209C, Latin), (0x212A, 0x212B, Latin),
        (0x2C60, 0x2C7F, Latin), (0xA722, 0xA7FF, Latin), (0xAB30, 0xAB64, Latin), (0xFB00, 0xFB06, Latin),
        (0xFF21, 0xFF5A, Latin),
        (0x370, 0x373, 3), (0x376, 0x3E1, 3), (0x3F0, 0x3FF, 3), (0x1D26, 0x1D2A, 3), (0x1F00, 0x1FFF, 3), (0x2126, 0x2126, 3),
        (0x3E2, 0x3EF, 4), (0x2C80, 0x2CFF, 4), // Coptic
        // Cyrillic
        (0x400, 0x52F, 5), (0x1C80, 0x1C8F, 5), (0x1D2B, 0x1D2B, 5), (0x1D78, 0x1D78, 5), (0x2DE0, 0x2DFF, 5), (0xA640, 0xA69F, 5),
        (0x531, 0x58F, 6), (0xFB13, 0xFB17, 6), // Armenian
        (0x590, 0x5FF, 7), (0xFB1D, 0xFB4F, 7), // Hebrew
        (0x600, 0x6FF, 8), (0x750, 0x77F, 8), (0x8A0, 0x8FF, 8), (0xFB50, 0xFDFF, 8), (0xFE70, 0xFEFE, 8), // Arabic
        (0x10A0, 0x10FF, 9), (0x1C90, 0x1CBF, 9), (0x2D00, 0x2D2F, 9), // Georgian
        (0x1200, 0x139F, 10), (0x2D80, 0x2DDF, 10), (0xAB01, 0xAB2E, 10), // Ethiopic
        (0x13A0, 0x13FF, 11), (0xAB70, 0xABBF, 11), // Cherokee
        (0x1100, 0x11FF, EastAsian), (0x2E80, 0x2FDF, EastAsian), (0x3005, 0x3007, EastAsian), (0x3021, 0x31FF, EastAsian),
        (0x3400, 0x4DBF, EastAsian), (0x4E00, 0x9FFF, EastAsian), (0xA960, 0xA97F, EastAsian), (0xAC00, 0xD7FF, EastAsian),
        (0xF900, 0xFAFF, EastAsian), (0xFF66, 0xFFDC, EastAsian), (0x1B000, 0x1B16F, EastAsian), (0x20000, 0x3FFFF, EastAsian),
    ];

    /// <summary>
    /// The places in <paramref name="text"/> (UTF-16 indexes) of letters that are of another script than the rest of their word, and of
    /// digits of another script in a word with ASCII.
    /// </summary>
    public static HashSet<int> Mixed(string text)
    {
        var mixed = new HashSet<int>();
        if (Ascii.IsValid(text))
        {
            return mixed;
        }

        for (var i = 0; i < text.Length;)
        {
            var end = i;
            var plain = true;
            while (end < text.Length && Rune.TryGetRuneAt(text, end, out var rune) && InWord(rune))
            {
                plain &= rune.IsAscii;
                end += rune.Utf16SequenceLength;
            }

            if (!plain)
            {
                Look(text, i, end, mixed);
            }

            i = Math.Max(end, i + 1);
        }

        return mixed;
    }

    private static void Look(string text, int from, int to, HashSet<int> mixed)
    {
        var letters = new List<(int At, int Script)>();
        var ascii = false;
        var digits = new List<int>();
        for (var i = from; i < to;)
        {
            Rune.TryGetRuneAt(text, i, out var rune);
            ascii |= rune.IsAscii && rune.Value != '_';
            if (Rune.IsLetter(rune))
            {
                letters.Add((i, ScriptOf(rune.Value)));
            }
            else if (!rune.IsAscii && Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber)
            {
                digits.Add(i);
            }

            i += rune.Utf16SequenceLength;
        }

        if (ascii)
        {
            mixed.UnionWith(digits);
        }

        if (letters.Count == 0)
        {
            return;
        }

        var main = letters.Exists(l => l.Script == Latin) ? Latin : letters[0].Script;
        foreach (var (at, script) in letters)
        {
            // Latin stands within Chinese, Japanese and Korean words; nothing else does.
            if (script != main && !(main == Latin && script == EastAsian))
            {
                mixed.Add(at);
            }
        }
    }

    private static bool InWord(Rune rune)
        => rune.IsAscii ? char.IsAsciiLetterOrDigit((char)rune.Value) || rune.Value == '_'
            : Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.LetterNumber;

    private static int ScriptOf(int value)
    {
        foreach (var (from, to, script) in s_ranges)
        {
            if (value >= from && value <= to)
            {
                return script;
            }
        }

        // The scripts of South Asia have 128 places each; every other block of 256 counts as a script of its own.
        return value is >= 0x900 and < 0xE00 ? 100 + ((value - 0x900) / 0x80) : 1000 + (value >> 8);
    }
}
