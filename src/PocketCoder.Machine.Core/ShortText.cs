namespace PocketCoder.Machine;

/// <summary>Text of others, as far as a line of ours shows it. Pure.</summary>
public static class ShortText
{
    /// <summary>Characters of a line that are shown.</summary>
    private const int LineLength = 300;

    /// <summary>The first line, cut with an ellipsis where it is longer than 300 characters.</summary>
    public static string OneLine(string text)
    {
        var end = text.AsSpan().IndexOfAny('\r', '\n');
        var line = end < 0 ? text : text[..end];
        return line.Length <= LineLength ? line : string.Concat(line.AsSpan(0, SafeCut(line, LineLength - 1)), "…");
    }

    /// <summary>That many characters, or one fewer where a surrogate pair would be cut in two.</summary>
    public static int SafeCut(string text, int length) => char.IsHighSurrogate(text[length - 1]) ? length - 1 : length;
}
