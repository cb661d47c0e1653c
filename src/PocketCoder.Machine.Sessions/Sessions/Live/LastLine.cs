using PocketCoder.Machine.Sessions.Titles;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Live;

/// <summary>The end of what an agent said, for the list of sessions. Pure.</summary>
internal static class LastLine
{
    /// <summary>How much of the end of a text is looked at, in UTF-16 units.</summary>
    private const int Looked = 4_000;

    /// <summary>The last line that says something, on one line and without what is not seen; null: there is none.</summary>
    /// <param name="text">Without secrets.</param>
    public static string? Of(string text)
    {
        foreach (var line in text[Math.Max(0, text.Length - Looked)..].ReplaceLineEndings("\n").Split('\n').Reverse())
        {
            if (!line.TrimStart().StartsWith("```", StringComparison.Ordinal) && SessionTitle.Visible(line) is { Length: > 0 } words)
            {
                return words.Length <= Limits.LastLineLength ? words : $"{words[..ShortText.SafeCut(words, Limits.LastLineLength - 1)]}…";
            }
        }

        return null;
    }
}
