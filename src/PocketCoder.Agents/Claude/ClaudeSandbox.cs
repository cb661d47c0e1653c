using System.Text;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// Makes the folder of a sandbox ready for Claude Code. The folder was the agent's in earlier runs, so nothing in it is trusted: no link is
/// followed.
/// </summary>
internal static class ClaudeSandbox
{
    /// <summary>
    /// Takes away the notes on who has a conversation open (process ids of an earlier sandbox mean nothing), and brings the transcript of a
    /// conversation that began outside, once: from then on the sandbox's copy is the one that goes on.
    /// </summary>
    /// <exception cref="AgentException">The folder can't be used.</exception>
    public static void Prepare(string state, string hostConfig, string workingDirectory, string? conversation)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new AgentException(AgentError.FailedToStart, "There are no sandboxes on Windows.");
        }

        try
        {
            if (ClaudeOpenSessions.FindTerminal(state) is { } holder)
            {
                throw new AgentException(
                    AgentError.OpenElsewhere, $"The conversation is open in a terminal (process {holder}). Leave it there first.");
            }

            Remove(Path.Combine(state, "sessions"));
            var path = Path.Combine("projects", FolderName(workingDirectory), conversation + ".jsonl");
            if (conversation is not null && new FileInfo(Path.Combine(hostConfig, path)).LinkTarget is null)
            {
                SandboxFiles.Bring(Path.Combine(hostConfig, path), state, path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(AgentError.FailedToStart, $"The folder for Claude Code's own files can't be used: {e.Message}", e);
        }
    }

    /// <summary>Claude Code's name for a directory: all but letters and digits becomes a dash.</summary>
    public static string FolderName(string directory)
    {
        var name = new StringBuilder(directory.Length);
        foreach (var c in directory)
        {
            name.Append(char.IsAsciiLetterOrDigit(c) ? c : '-');
        }

        return name.ToString();
    }

    private static void Remove(string directory)
    {
        var there = new DirectoryInfo(directory);
        if (there.LinkTarget is not null)
        {
            there.Delete();
        }
        else if (there.Exists)
        {
            foreach (var file in Directory.EnumerateFiles(directory))
            {
                File.Delete(file); // a link in the last place is removed itself
            }
        }
    }
}
