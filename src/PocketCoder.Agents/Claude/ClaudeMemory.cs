using System.Text;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// The notes for the agent (<c>CLAUDE.md</c>) of the person and the project. With the repository's settings off the program does not load them
/// itself, so they go into the system prompt: as text only, imports in them are not followed.
/// </summary>
internal static class ClaudeMemory
{
    /// <summary>Bytes taken of each file.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Null when there is none.</summary>
    public static string? Read(string configDirectory, string workingDirectory)
    {
        var text = new StringBuilder();
        Append("the person's notes for every project", Path.Combine(configDirectory, "CLAUDE.md"), mustBeBeneath: null);
        Append("this project's notes", "CLAUDE.md", workingDirectory);
        Append("this project's notes", ".claude/CLAUDE.md", workingDirectory);
        return text.Length == 0 ? null : text.ToString();

        void Append(string what, string path, string? mustBeBeneath)
        {
            var real = mustBeBeneath is null ? ConfinedPath.Resolve("/", path) : ConfinedPath.ResolveBeneath(mustBeBeneath, path);
            if (real is null || ReadStart(real) is not { Length: > 0 } content)
            {
                return;
            }

            text.Append(text.Length == 0 ? "" : "\n\n").Append("# ").Append(what).Append(" (").Append(Path.GetFileName(path)).Append(")\n").Append(content);
        }
    }

    private static string? ReadStart(string path)
    {
        try
        {
            if (!FileKind.IsRegular(path))
            {
                return null;
            }

            using var stream = File.OpenRead(path);
            var buffer = new byte[MaxBytes + 1];
            var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return length <= MaxBytes
                ? Encoding.UTF8.GetString(buffer, 0, length)
                : $"{Encoding.UTF8.GetString(buffer, 0, MaxBytes)}\n[… the rest of the file is left out: it is longer than {MaxBytes} bytes …]";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // a note that can't be read is no reason not to work
        }
    }
}
