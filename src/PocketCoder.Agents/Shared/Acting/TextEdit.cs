namespace PocketCoder.Agents.Shared.Acting;

/// <summary>Replaces a text in a file's text. The result is what a person is shown, and exactly what is written.</summary>
internal static class TextEdit
{
    /// <summary>The new text, or null with the reason for the model.</summary>
    public static string? Apply(string? before, string old, string replacement, bool all, out string refusal)
    {
        refusal = "";
        if (before is null)
        {
            refusal = "The file does not exist. Use write_file to create it.";
        }
        else if (old.Length == 0)
        {
            refusal = "old_string is empty.";
        }
        else if (old == replacement)
        {
            refusal = "old_string and new_string are the same.";
        }
        else
        {
            // A model hardly ever sees or writes CR: in a file with CR LF it means those ends of line.
            if (before.Contains("\r\n", StringComparison.Ordinal) && !old.Contains('\r', StringComparison.Ordinal))
            {
                old = old.Replace("\n", "\r\n", StringComparison.Ordinal);
                replacement = replacement.Replace("\r\n", "\n", StringComparison.Ordinal).Replace("\n", "\r\n", StringComparison.Ordinal);
            }

            var first = before.IndexOf(old, StringComparison.Ordinal);
            if (first < 0)
            {
                refusal = "old_string is not in the file.";
            }
            else if (all)
            {
                return before.Replace(old, replacement, StringComparison.Ordinal);
            }
            else if (before.IndexOf(old, first + 1, StringComparison.Ordinal) >= 0)
            {
                refusal = "old_string is there more than once: give more of the text around it, or set replace_all.";
            }
            else
            {
                return $"{before[..first]}{replacement}{before[(first + old.Length)..]}";
            }
        }

        return null;
    }
}
