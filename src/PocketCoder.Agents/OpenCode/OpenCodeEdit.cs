using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// What an edit will make of a file, out of the tool's input. Not out of the diff that OpenCode shows: that has lost indentation and ends
/// of line (seen with 1.18.33). OpenCode writes what it has computed when it asks, whatever the file has become meanwhile: so the file is
/// looked at again before the answer.
/// </summary>
/// <param name="Asked">The path as the model wrote it.</param>
internal sealed record OpenCodeEdit(ReadRules Reads, string Asked, string Digest, FileChange Change)
{
    private const char ByteOrderMark = '\uFEFF';

    /// <summary>Null, with the reason for the model, when it can't be known exactly or must not be.</summary>
    public static OpenCodeEdit? Predict(string tool, JsonElement input, ReadRules reads, out string refusal)
    {
        if (input.Text("filePath") is not { Length: > 0 } path)
        {
            refusal = "Give filePath.";
            return null;
        }

        if (WriteTarget.Find(reads.WorkingDirectory, path, out refusal, reads.Project) is not { } target)
        {
            return null;
        }

        var before = target.Before.Text;
        var after = tool == "write" ? Written(before, input, ref refusal) : Edited(before, input, ref refusal);
        return after is null ? null
            : new OpenCodeEdit(reads, path, target.Before.Digest, new FileChange(target.Path, before, after));
    }

    /// <summary>Whether what was shown is still what would be written over.</summary>
    public bool IsStillTrue() => Reads.Beneath(Asked) == Change.Path
        && TextFile.Read(Change.Path)?.Digest == Digest;

    private static string? Written(string? before, JsonElement input, ref string refusal)
    {
        if (input.Text("content") is not { } content)
        {
            refusal = "Give content.";
            return null;
        }

        return before is [ByteOrderMark, ..] && content is not [ByteOrderMark, ..] ? ByteOrderMark + content : content; // the mark stays
    }

    private static string? Edited(string? before, JsonElement input, ref string refusal)
    {
        if (input.Text("oldString") is not { } old || input.Text("newString") is not { } replacement)
        {
            refusal = "Give oldString and newString.";
            return null;
        }

        if (old.Length == 0)
        {
            refusal = before is null ? "" : "oldString is empty.";
            return before is null ? replacement : null;
        }

        if (before is null)
        {
            refusal = "There is no such file. Use write to make it.";
            return null;
        }

        // As OpenCode does: both texts get the file's ends of line.
        var end = before.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        (old, replacement) = (With(old, end), With(replacement, end));
        var first = before.IndexOf(old, StringComparison.Ordinal);
        if (first < 0)
        {
            // OpenCode would look for what resembles it
            refusal = "oldString is not in the file as it is, letter by letter. Read the file again and copy it exactly.";
            return null;
        }

        if (input.IsTrue("replaceAll"))
        {
            if (replacement.Contains('$', StringComparison.Ordinal))
            {
                // JavaScript's patterns of replacement
                refusal = "With replaceAll a $ in newString is not written as it is. Make one edit after another, without replaceAll.";
                return null;
            }

            return before.Replace(old, replacement, StringComparison.Ordinal);
        }

        if (before.IndexOf(old, first + 1, StringComparison.Ordinal) >= 0)
        {
            refusal = "oldString is there more than once: give more of the text around it, or set replaceAll.";
            return null;
        }

        return $"{before[..first]}{replacement}{before[(first + old.Length)..]}";
    }

    private static string With(string text, string end)
    {
        var plain = text.Replace("\r\n", "\n", StringComparison.Ordinal);
        return end == "\n" ? plain : plain.Replace("\n", end, StringComparison.Ordinal);
    }
}
