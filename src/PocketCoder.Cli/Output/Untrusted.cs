using System.Globalization;
using System.Text;

namespace PocketCoder.Cli.Output;

/// <summary>
/// Makes text that came from agents, devices and repositories safe to look at: what would be invisible, move the cursor or turn the
/// direction of reading is written as <c>\u{…}</c> (Unicode categories Cc, Cf, Cs, Co, Cn, Zl, Zp), as are blanks other than the plain one.
/// </summary>
internal static class Untrusted
{
    /// <summary>
    /// As <see cref="Show"/>, and line ends stay. Every line after the first is indented, so that none can pass for one of ours.
    /// </summary>
    public static string ShowLines(string text)
        => string.Join("\n  ", text.TrimEnd().Split('\n')
            .Select(line => Show(line.TrimEnd('\r').Replace("\t", "  ", StringComparison.Ordinal))));

    public static string Show(string text)
    {
        var shown = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                shown.Append($"\\u{{{(int)text[i]:x}}}"); // half a surrogate pair
                i++;
                continue;
            }

            i += rune.Utf16SequenceLength;
            if (rune.Value == ' ' || !IsHidden(rune))
            {
                shown.Append(rune);
            }
            else
            {
                shown.Append($"\\u{{{rune.Value:x}}}");
            }
        }

        return shown.ToString();
    }

    private static bool IsHidden(Rune rune)
        => Rune.GetUnicodeCategory(
            rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.SpaceSeparator
        || rune.Value is 0x115F or 0x1160 or 0x3164 or 0xFFA0 or 0x2800 // letters and a pattern without ink
                                                                        // joiners and variation selectors
            or 0x034F or (>= 0x180B and <= 0x180F) or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF);
}
