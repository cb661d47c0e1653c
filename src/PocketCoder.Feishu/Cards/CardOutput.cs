using System.Text;

namespace PocketCoder.Feishu.Cards;

/// <summary>An agent's output, cut into pages and written as markdown in which only blocks of code and tables are markup. Pure.</summary>
public static class CardOutput
{
    /// <summary>The longest page, in characters (UTF-16), with the fences that were added.</summary>
    public const int LongestPage = 2400;

    /// <summary>The most pages that are made of one output; of a longer one the end is shown.</summary>
    public const int MostPages = 200;

    /// <summary>How many tables a card may have: the platform refuses a card with more. Further ones are shown as text.</summary>
    public const int MostTables = 5;

    private const int LongestInput = LongestPage * MostPages / 2;
    private const int LongestInfo = 20; // of a fence: the language
    private const int MostColumns = 12;
    private const int MostCost = 15_000; // in bytes of the request
    private const int LineCost = 4;
    private const string Fence = "```";

    /// <summary>Tags that the platform's markdown knows: a block of code with one of them is shown as escaped text.</summary>
    private static readonly string[] s_tags =
        ["at", "a", "font", "text_tag", "link", "person", "number_tag", "img", "audio", "video", "record", "raw", "highlight", "local_datetime"];

    /// <summary>
    /// The pages of an output, at least one. Each is <see cref="SafeText.Visible"/> text; a block of code that goes on is closed at the end
    /// of its page and opened on the next. No surrogate pair and no grapheme is cut.
    /// </summary>
    public static IReadOnlyList<string> Pages(string output)
    {
        if (output.Length > LongestInput)
        {
            var from = output.Length - LongestInput;
            output = "…" + output[(char.IsLowSurrogate(output[from]) ? from + 1 : from)..];
        }

        var pages = new List<string>();
        var page = new StringBuilder();
        var (isFresh, cost) = (true, 0); // the page has no line yet; what it costs
        string? fence = null; // the line that opened the block of code we are in
        void Turn()
        {
            pages.Add(fence is null ? page.ToString() : page.Append('\n').Append(Fence).ToString());
            page.Clear().Append(fence);
            (isFresh, cost) = (fence is null, 0);
        }

        foreach (var line in SafeText.Visible(output).Split('\n'))
        {
            var isFence = fence is null ? IsOpening(line) : line.TrimEnd() == Fence;
            for (var from = 0; ;)
            {
                var room = LongestPage - page.Length - 1 - (2 * (Fence.Length + 1)) - LongestInfo;
                var take = Room(line, from, room, MostCost - cost);
                var isWhole = from + take == line.Length;
                if (room <= 0 || (!isWhole && !isFresh && page.Length > (fence?.Length ?? 0)))
                {
                    Turn();
                    continue;
                }

                _ = (isFresh ? page : page.Append('\n')).Append(line, from, take);
                cost += LineCost + Cost(line.AsSpan(from, take));
                isFresh = false;
                from += take;
                if (isWhole)
                {
                    break;
                }

                Turn();
            }

            fence = !isFence ? fence : fence is null ? line.TrimEnd() : null;
        }

        pages.Add(fence is null ? page.ToString() : page.Append('\n').Append(Fence).ToString());
        return pages.Count <= MostPages ? pages : pages[^MostPages..];
    }

    /// <summary>A page as the platform's markdown: fenced code and tables stay, all else is escaped.</summary>
    public static string Markdown(string page)
    {
        var markdown = new StringBuilder(page.Length * 2);
        var lines = page.Split('\n');
        var tables = 0;
        for (var i = 0; i < lines.Length;)
        {
            var (end, block) = Code(lines, i) ?? Table(lines, i, ref tables) ?? (i + 1, SafeText.Markdown(lines[i]));
            _ = markdown.Length == 0 && i == 0 ? markdown.Append(block) : markdown.Append('\n').Append(block);
            i = end;
        }

        return markdown.ToString();
    }

    /// <summary>Text as a block of code, or null when a client might take a part of it for markup.</summary>
    public static string? Block(string text, string language = "")
        => text.Contains(Fence, StringComparison.Ordinal) || HasTag(text) ? null : $"{Fence}{language}\n{text}\n{Fence}";

    /// <summary>About how many bytes a text has in the request, at most.</summary>
    internal static int Cost(ReadOnlySpan<char> text)
    {
        var cost = 0;
        foreach (var c in text)
        {
            cost += char.IsAsciiLetterOrDigit(c) ? 1 : c > 0x7F || c == ' ' ? 6 : 12; // as an entity in JSON in JSON
        }

        return cost;
    }

    private static bool IsOpening(string line)
        => line.StartsWith(Fence, StringComparison.Ordinal) && line.Length <= Fence.Length + LongestInfo
        && !line.AsSpan(Fence.Length).Contains('`');

    private static int Room(string line, int from, int room, int cost)
    {
        if (line.Length - from <= room && Cost(line.AsSpan(from)) <= cost)
        {
            return line.Length - from;
        }

        var most = 0;
        for (var left = cost; most < room && from + most < line.Length; most++)
        {
            left -= Cost(line.AsSpan(from + most, 1));
            if (left < 0)
            {
                break;
            }
        }

        return most <= 0 ? 0 : SafeText.Fits(line, from, most);
    }

    private static (int End, string Text)? Code(string[] lines, int from)
    {
        if (!IsOpening(lines[from]))
        {
            return null;
        }

        var end = Array.FindIndex(lines, from + 1, l => l.TrimEnd() == Fence);
        if (end < 0)
        {
            return null;
        }

        var language = new string([.. lines[from][Fence.Length..].TakeWhile(char.IsAsciiLetterOrDigit).Take(LongestInfo)]);
        var text = string.Join('\n', lines[(from + 1)..end]);
        return (end + 1, Block(text, language) ?? SafeText.Markdown(text));
    }

    private static (int End, string Text)? Table(string[] lines, int from, ref int tables)
    {
        if (!IsRow(lines[from]) || from + 1 >= lines.Length || !IsRule(lines[from + 1]))
        {
            return null;
        }

        var columns = Cells(lines[from]).Length;
        if (columns > MostColumns || Cells(lines[from + 1]).Length != columns)
        {
            return null;
        }

        var end = from + 2;
        while (end < lines.Length && IsRow(lines[end]) && Cells(lines[end]).Length == columns)
        {
            end++;
        }

        if (++tables > MostTables)
        {
            var text = string.Join('\n', lines[from..end]);
            return (end, Block(text) ?? SafeText.Markdown(text));
        }

        var rows = Enumerable.Range(from, end - from).Where(i => i != from + 1)
            .Select(i => Row(Cells(lines[i]).Select(SafeText.Markdown))).ToList();
        rows.Insert(1, Row(Enumerable.Repeat("---", columns)));
        return (end, $"\n{string.Join('\n', rows)}\n");
    }

    private static string Row(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";

    private static bool IsRow(string line) => line.Length > 2 && line[0] == '|' && line.TrimEnd().EndsWith('|');

    private static bool IsRule(string line)
        => IsRow(line) && line.Contains('-', StringComparison.Ordinal) && line.All(c => c is '|' or '-' or ':' or ' ');

    private static string[] Cells(string line) => [.. line.Trim()[1..^1].Split('|').Select(c => c.Trim())];

    private static bool HasTag(string text)
    {
        for (var i = text.IndexOf('<'); i >= 0; i = text.IndexOf('<', i + 1))
        {
            var name = text.AsSpan(i + 1).TrimStart(" /");
            foreach (var tag in s_tags)
            {
                if (name.StartsWith(tag, StringComparison.OrdinalIgnoreCase)
                    && (name.Length == tag.Length || !(char.IsAsciiLetterOrDigit(name[tag.Length]) || name[tag.Length] == '_')))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
