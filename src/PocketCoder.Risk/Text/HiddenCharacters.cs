using System.Globalization;
using System.Text;

namespace PocketCoder.Risks.Text;

/// <summary>Finds characters that don't show, that turn text around, or that look like ASCII and are not.</summary>
internal static class HiddenCharacters
{
    /// <summary>
    /// Letters that look like the ASCII letter at the same place below (after Unicode's confusables.txt, the ones fonts draw alike).
    /// </summary>
    private const string Lookalikes = "аеорсухіјѕԁԛԝһӏАВЕКМНОРСТХЅІЈԌοναιΑΒΕΖΗΙΚΜΝΟΡΤΥΧıɡɑ";

    /// <summary>The first suspicious characters, at most eight, without repetition.</summary>
    public static IReadOnlyList<Rune> Find(string text)
    {
        var found = new List<Rune>();
        var mixed = Scripts.Mixed(text);
        for (var i = 0; i < text.Length && found.Count < 8;)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                Add(found, Rune.ReplacementChar); // half a surrogate pair
                i++;
                continue;
            }

            if (IsHidden(rune, text, i) || mixed.Contains(i)
                || (rune.Value > 0x7F && Resembles(rune) && TouchesAscii(text, i, rune.Utf16SequenceLength)))
            {
                Add(found, rune);
            }

            i += rune.Utf16SequenceLength;
        }

        return found;
    }

    /// <summary>
    /// The text with every control, format and invisible character, and every letter of a foreign script within a word, as <c>\u{…}</c>.
    /// </summary>
    public static string Escape(string text)
    {
        if (text.All(c => c is >= ' ' and < '\x7f'))
        {
            return text;
        }

        var shown = new StringBuilder(text.Length + 16);
        var mixed = Scripts.Mixed(text);
        for (var i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{{{(int)text[i]:X}}}");
                i++;
                continue;
            }

            if (IsHidden(rune, text, i) || mixed.Contains(i) || rune.Value is '\n' or '\t')
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X}}}");
            }
            else
            {
                shown.Append(rune.ToString());
            }

            i += rune.Utf16SequenceLength;
        }

        return shown.ToString();
    }

    private static void Add(List<Rune> found, Rune rune)
    {
        if (!found.Contains(rune))
        {
            found.Add(rune);
        }
    }

    private static bool IsHidden(Rune rune, string text, int index)
    {
        switch (rune.Value)
        {
            case '\n' or '\t':
                return false;
            case 0xFE0F or 0x200D:
                // Part of an emoji behind another non-ASCII character; anywhere else there is no reason for it.
                return index == 0 || text[index - 1] < 0x2000;
            case 0x115F or 0x1160 or 0x2800 or 0x3164 or 0xFFA0 or 0x034F or 0x17B4 or 0x17B5 or 0x180E or 0x00AD:
                return true; // letters, marks and symbols that draw nothing
            case >= 0xFE00 and <= 0xFE0E or >= 0xE0000 and <= 0xE0FFF:
                return true; // variation selectors and tags
        }

        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned => true,
            UnicodeCategory.SpaceSeparator => rune.Value != ' ',
            _ => false,
        };
    }

    private static bool Resembles(Rune rune) => rune.Value switch
    {
        >= 0xFF01 and <= 0xFF5E => true, // full-width forms
        >= 0x1D400 and <= 0x1D7FF => true, // mathematical alphabets
        0x2010 or 0x2011 or 0x2012 or 0x2212 or 0x2044 or 0x2215 or 0x2024 or 0x037E or 0x2236 or 0xA789 or 0x02D0 => true, // - / . ; :
        < 0x10000 => Lookalikes.Contains((char)rune.Value, StringComparison.Ordinal),
        _ => false,
    };

    /// <summary>
    /// Whether the run of letters around it holds ASCII letters: a Russian word is no disguise, a Latin word with one Russian letter is.
    /// </summary>
    private static bool TouchesAscii(string text, int index, int length)
    {
        for (var i = index - 1; i >= 0 && index - i < 64 && !char.IsWhiteSpace(text[i]); i--)
        {
            if (char.IsAsciiLetter(text[i]))
            {
                return true;
            }
        }

        for (var i = index + length; i < text.Length && i - index < 64 && !char.IsWhiteSpace(text[i]); i++)
        {
            if (char.IsAsciiLetter(text[i]))
            {
                return true;
            }
        }

        return false;
    }
}
