using System.Text;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// What the agent is told beside the prompt: that its shell is ours, and the notes of the project (<c>AGENTS.md</c>), which OpenCode does
/// not load with the settings of projects off. As text only, at most 64 KiB of each. The person's own notes OpenCode loads by itself.
/// </summary>
internal static class OpenCodeNotes
{
    private const string Shell =
        "Your shell is the tool `" + OpenCodeRules.McpPrefix
            + "bash`; there is no other one. A person allows each command and each change of a file before it happens. A refusal comes with their words: follow them.";

    public static string Read(string workingDirectory)
    {
        var text = new StringBuilder(Shell);
        foreach (var name in (string[])["AGENTS.md", "CLAUDE.md"])
        {
            if (ConfinedPath.ResolveBeneath(workingDirectory, name) is { } real && NotesFile.Start(real) is { Length: > 0 } content)
            {
                text.Append("\n\n# This project's notes (").Append(name).Append(")\n").Append(content);
                break; // as OpenCode does: the first one counts
            }
        }

        return text.ToString();
    }
}
