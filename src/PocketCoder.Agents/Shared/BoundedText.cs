namespace PocketCoder.Agents.Shared;

/// <summary>Cuts long text in the middle and says so.</summary>
internal static class BoundedText
{
    /// <summary>Characters of a tool's output that are kept.</summary>
    public const int OutputLimit = 1024 * 1024;

    private const int TitleLimit = 200;

    /// <summary>The text whole, or its head and tail around a line that tells how much is missing. Never cuts a surrogate pair.</summary>
    public static string HeadAndTail(string text, int limit)
    {
        if (text.Length <= limit)
        {
            return text;
        }

        var head = limit / 2;
        var tail = text.Length - (limit - head);
        if (char.IsHighSurrogate(text[head - 1]))
        {
            head--;
        }

        if (char.IsLowSurrogate(text[tail]))
        {
            tail++;
        }

        return $"{text[..head]}\n[… {tail - head} characters left out …]\n{text[tail..]}";
    }

    /// <summary>
    /// The first line, at most 200 characters, with "…" where something was left out. For titles only, never for what is approved.
    /// </summary>
    public static string OneLine(string text)
    {
        var trimmed = text.AsSpan().Trim();
        var end = trimmed.IndexOfAny('\r', '\n');
        var line = end < 0 ? trimmed : trimmed[..end];
        if (line.Length > TitleLimit)
        {
            var cut = char.IsHighSurrogate(line[TitleLimit - 1]) ? TitleLimit - 1 : TitleLimit;
            return $"{line[..cut]}…";
        }

        return end < 0 ? line.ToString() : $"{line} …";
    }
}
