using System.Text;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// The notes for the agent (<c>CLAUDE.md</c>) of the person and the project. With the repository's settings off the program does not load
/// them itself, so they go into the system prompt: as text only, imports in them are not followed.
/// </summary>
internal static class ClaudeMemory
{
    /// <summary>Null when there is none.</summary>
    public static string? Read(string configDirectory, string workingDirectory)
    {
        var text = new StringBuilder();
        Append("the person's notes for every project", Path.Combine(configDirectory, "CLAUDE.md"), mustBeBeneath: null);
        Append("this project's notes", "CLAUDE.md", workingDirectory);
        Append("this project's notes", ".claude/CLAUDE.md", workingDirectory);
        Append("this project's notes", "CLAUDE.local.md", workingDirectory);
        return text.Length == 0 ? null : text.ToString();

        void Append(string what, string path, string? mustBeBeneath)
        {
            var real = mustBeBeneath is null ? ConfinedPath.Resolve("/", path) : ConfinedPath.ResolveBeneath(mustBeBeneath, path);
            if (real is null || NotesFile.Start(real) is not { Length: > 0 } content)
            {
                return;
            }

            text.Append(text.Length == 0 ? "" : "\n\n").Append("# ").Append(what).Append(" (").Append(Path.GetFileName(path)).Append(")\n")
                .Append(content);
        }
    }
}
