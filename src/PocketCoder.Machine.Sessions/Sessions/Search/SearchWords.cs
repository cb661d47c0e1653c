using System.Text;

namespace PocketCoder.Machine.Sessions.Search;

/// <summary>
/// The words of a question, as conditions on the table of messages. Whatever was typed is data: nothing of it is syntax. Pure.
/// </summary>
internal sealed class SearchWords
{
    /// <summary>More words are not looked at: each is one more condition.</summary>
    public const int Most = 8;

    /// <summary>The index is of three characters each. Shorter words, as Chinese often has them, are looked for in the texts.</summary>
    private const int Indexed = 3;

    private SearchWords(IReadOnlyList<string> words) => Words = words;

    public IReadOnlyList<string> Words { get; }

    /// <summary>Null: there is none.</summary>
    public static SearchWords? Of(string query)
    {
        string[] words = [.. query.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .Distinct(StringComparer.OrdinalIgnoreCase).Take(Most)];
        return words.Length == 0 ? null : new SearchWords(words);
    }

    /// <summary>A condition with parameters, and their values.</summary>
    public (string Where, (string Name, object? Value)[] Parameters) Conditions()
    {
        var indexed = Words.Where(w => w.EnumerateRunes().Count() >= Indexed).ToList();
        var others = Words.Except(indexed, StringComparer.Ordinal).ToList();
        List<string> where = [];
        List<(string, object?)> parameters = [];
        if (indexed.Count > 0)
        {
            where.Add("words MATCH $match");
            parameters.Add(("$match", string.Join(" AND ", indexed.Select(Phrase))));
        }

        for (var i = 0; i < others.Count; i++)
        {
            where.Add($"text LIKE $like{i} ESCAPE '\\'");
            parameters.Add(($"$like{i}", $"%{Pattern(others[i])}%"));
        }

        return (string.Join(" AND ", where), [.. parameters]);
    }

    /// <summary>The text around the first of the words, on one line.</summary>
    public (string Excerpt, int From, int Length) Excerpt(string text)
    {
        const int Before = 60;
        const int After = 140;
        var (at, word) = Words.Select(w => (At: text.IndexOf(w, StringComparison.OrdinalIgnoreCase), Word: w))
            .Where(f => f.At >= 0).DefaultIfEmpty((At: 0, Word: "")).MinBy(f => f.At);
        var start = Whole(text, Math.Max(0, at - Before));
        var end = Whole(text, Math.Min(text.Length, at + word.Length + After));
        var excerpt = new StringBuilder(text, start, end - start, end - start);
        for (var i = 0; i < excerpt.Length; i++)
        {
            if (char.IsControl(excerpt[i]))
            {
                excerpt[i] = ' ';
            }
        }

        return ($"{(start > 0 ? "…" : "")}{excerpt}{(end < text.Length ? "…" : "")}", at - start + (start > 0 ? 1 : 0), word.Length);
    }

    /// <summary>Not within a pair of surrogates.</summary>
    private static int Whole(string text, int at) => at > 0 && at < text.Length && char.IsLowSurrogate(text[at]) ? at - 1 : at;

    private static string Phrase(string word) => $"\"{word.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string Pattern(string word)
        => word.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal)
            .Replace("_", "\\_", StringComparison.Ordinal);
}
