using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>A file change as it would be, with what is needed to see that the file is still the same when the answer comes.</summary>
internal sealed record ClaudeFileChange(FileChange Change, string RawPath, string WorkingDirectory, string DigestBefore)
{
    private static readonly char[] s_curlyQuotes = ['“', '”', '‘', '’'];

    /// <summary>
    /// Null when it is no edit, or the file can't be shown as text (then it is asked as a plain tool with its input).
    /// The result is computed where Claude Code 2.1.197 is known to write exactly that: <c>Write</c> always, <c>Edit</c> except in files
    /// with CR LF and where quotes are curly (the program converts both ways).
    /// </summary>
    public static ClaudeFileChange? Predict(string tool, JsonElement input, string workingDirectory)
    {
        if (ClaudeTool.Kind(tool) != ToolKind.Edit
            || ClaudeTool.RawPath(tool, input) is not { } raw
            || raw.StartsWith('~')
            || ConfinedPath.Resolve(workingDirectory, raw) is not { } path
            || TextFile.Read(path) is not { } before)
        {
            return null;
        }

        var after = tool switch
        {
            "Write" => input.Text("content"),
            "Edit" => Edited(before.Text, input),
            _ => null,
        };
        return new ClaudeFileChange(new FileChange(path, before.Text, after), raw, workingDirectory, before.Digest);
    }

    /// <summary>Whether path and file are what they were when the human was asked.</summary>
    public bool IsStillTrue()
        => ConfinedPath.Resolve(WorkingDirectory, RawPath) == Change.Path && TextFile.Read(Change.Path)?.Digest == DigestBefore;

    private static string? Edited(string? before, JsonElement input)
    {
        if (input.Text("old_string") is not { } old || input.Text("new_string") is not { } replacement)
        {
            return null;
        }

        if (old.Length == 0)
        {
            return string.IsNullOrEmpty(before) ? replacement : null;
        }

        if (before is null || before.Contains('\r', StringComparison.Ordinal) || replacement.Contains('\r', StringComparison.Ordinal)
            || before.IndexOfAny(s_curlyQuotes) >= 0)
        {
            return null;
        }

        var first = before.IndexOf(old, StringComparison.Ordinal);
        if (first < 0)
        {
            return null;
        }

        // A deletion takes the line's end along when the text is followed by one anywhere (2.1.197, seen in a run).
        if (replacement.Length == 0 && !old.EndsWith('\n') && before.Contains(old + "\n", StringComparison.Ordinal))
        {
            old += "\n";
            first = before.IndexOf(old, StringComparison.Ordinal);
        }

        if (input.IsTrue("replace_all"))
        {
            return before.Replace(old, replacement, StringComparison.Ordinal);
        }

        return before.IndexOf(old, first + 1, StringComparison.Ordinal) >= 0 ? null
            : $"{before[..first]}{replacement}{before[(first + old.Length)..]}";
    }
}
