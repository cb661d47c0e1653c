using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Documents;

/// <summary>A page of docs/, read as a stranger reads it: sections, tables, code blocks and the words in them.</summary>
internal sealed partial class Page(string file)
{
    private readonly string _text = File.ReadAllText(Repository.PathOf(file));

    /// <summary>All of it.</summary>
    public string Text => _text;

    /// <summary>Below a heading, up to the next one of any level.</summary>
    public string Section(string heading)
    {
        var from = _text.IndexOf($"# {heading}\n", StringComparison.Ordinal);
        Assert.True(from >= 0, $"{file} has no heading '{heading}'");
        var end = Heading().Match(_text, from);
        return _text[from..(end.Success ? end.Index : _text.Length)];
    }

    /// <summary>The rows of the table that begins with these columns; code and text of each cell as they stand.</summary>
    public IReadOnlyList<string[]> Table(string header)
    {
        var from = _text.IndexOf(header, StringComparison.Ordinal);
        Assert.True(from >= 0, $"{file} has no table '{header}'");
        return [.. _text[from..].Split('\n').Skip(2).TakeWhile(l => l.StartsWith('|'))
            .Select(l => l.Trim('|').Split('|').Select(c => c.Trim()).ToArray())];
    }

    /// <summary>The first code block of a section.</summary>
    public string Code(string heading)
    {
        var match = Fence().Match(Section(heading));
        Assert.True(match.Success, $"{file} has no code in '{heading}'");
        return match.Groups["code"].Value;
    }

    public JsonNode Json(string heading) => JsonNode.Parse(Code(heading))!;

    /// <summary>The words in backticks, in order.</summary>
    public static IReadOnlyList<string> Words(string text) => [.. Backticks().Matches(text).Select(m => m.Groups["word"].Value)];

    [GeneratedRegex("```[a-z]*\n(?<code>.*?)\n```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Fence();

    [GeneratedRegex("\n#+ ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Heading();

    [GeneratedRegex("`(?<word>[^`\n]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Backticks();
}
