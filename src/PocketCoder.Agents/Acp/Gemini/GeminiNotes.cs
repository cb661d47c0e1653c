using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Acp.Gemini;

/// <summary>
/// Notes of the project (<c>GEMINI.md</c>), which Gemini takes into its context unasked, links followed: in a sandbox such a link can lead
/// to its settings with the token of our tools. Which files it takes can be added to by settings, and not taken away from (seen with
/// 0.61.0).
/// </summary>
internal static class GeminiNotes
{
    private const string Name = "GEMINI.md";
    private const int MostFolders = 2000;

    /// <summary>
    /// Looks in the folder that it begins in, in the project's, and in those beneath, breadth first, at most 2,000; no link is followed.
    /// </summary>
    /// <exception cref="AgentException">One of them leads out of the project.</exception>
    public static void Require(string project, string workingDirectory)
    {
        var rules = ReadRules.For(workingDirectory, project);
        var folders = new Queue<string>(workingDirectory == project ? [project] : [workingDirectory, project]);
        for (var seen = 0; seen < MostFolders && folders.TryDequeue(out var folder); seen++)
        {
            var notes = Path.Combine(folder, Name);
            if (new FileInfo(notes).LinkTarget is not null && rules.Judge(notes).Place is not ReadPlace.Free)
            {
                throw new AgentException(AgentError.Refused,
                    $"{notes} is a link that leads out of the project, and Gemini CLI would read what it leads to without asking. Remove it, or work with another agent.");
            }

            foreach (var below in Below(folder))
            {
                folders.Enqueue(below);
            }
        }
    }

    /// <summary>
    /// The notes in the project's own folder, as text of at most 64 KiB, for a session without a sandbox: in a folder that the person did
    /// not trust in Gemini itself it reads none (0.61.0). Null: there are none.
    /// </summary>
    public static string? Read(string project)
        => ConfinedPath.ResolveBeneath(project, Name) is { } real && NotesFile.Start(real) is { } content
            && !string.IsNullOrWhiteSpace(content)
            ? $"<project_notes file=\"{Name}\">\n{NotesFile.Within("project_notes", content)}\n</project_notes>"
            : null;

    private static IEnumerable<string> Below(string folder)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(
                folder, "*", new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint })
                .Where(d => Path.GetFileName(d) is not (".git" or "node_modules")).Take(MostFolders)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
