using System.Globalization;
using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>What a tool result says.</summary>
internal static class ClaudeResult
{
    public static string Text(JsonElement block)
    {
        if (block.Text("content") is { } text)
        {
            return text;
        }

        return string.Join('\n', block.Items("content").Select(part => part.Text("type") switch
        {
            "text" => part.Text("text") ?? "",
            { } type => $"[{type}]",
            null => "",
        }));
    }

    /// <summary>
    /// A failed command's text begins with "Exit code N"; a successful one has only its structured output. For some programs (grep, diff)
    /// the program takes 1 for success and says so by an interpretation: then the code is not known.
    /// </summary>
    public static int? ExitCode(string text, bool isError, JsonElement? structured)
    {
        const string prefix = "Exit code ";
        if (isError && text.StartsWith(prefix, StringComparison.Ordinal))
        {
            var digits = text.AsSpan(prefix.Length);
            var end = digits.IndexOfAnyExceptInRange('0', '9');
            return int.TryParse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var code) ? code
                : null;
        }

        return !isError && structured?.Member("stdout") is not null && !structured.Value.IsTrue("interrupted")
            && structured.Value.Text("returnCodeInterpretation") is null ? 0 : null;
    }
}
