using System.Text;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// What the agent is told beside the prompt: that its shell is ours, and the notes of the project (<c>AGENTS.md</c>), which OpenCode does not load with the settings of projects
/// off. As text only, at most 64 KiB of each. The person's own notes OpenCode loads by itself.
/// </summary>
internal static class OpenCodeNotes
{
    private const int MaxBytes = 64 * 1024;

    private const string Shell =
        "Your shell is the tool `" + OpenCodeRules.McpPrefix + "bash`; there is no other one. A person allows each command and each change of a file before it happens. A refusal comes with their words: follow them.";

    public static string Read(string workingDirectory)
    {
        var text = new StringBuilder(Shell);
        foreach (var name in (string[])["AGENTS.md", "CLAUDE.md"])
        {
            if (ConfinedPath.ResolveBeneath(workingDirectory, name) is { } real && Start(real) is { Length: > 0 } content)
            {
                text.Append("\n\n# This project's notes (").Append(name).Append(")\n").Append(content);
                break; // as OpenCode does: the first one counts
            }
        }

        return text.ToString();
    }

    private static string? Start(string path)
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
