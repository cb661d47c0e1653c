namespace PocketCoder.Agents.Shared;

/// <summary>
/// Looks for settings in a project by which an agent would run programs that nobody decided on, and that it can't be told to leave alone.
/// </summary>
internal static class QuietProject
{
    /// <summary>
    /// Looks in the directory and above it up to the repository's root. A repository may get such files at any time: look before each
    /// start.
    /// </summary>
    /// <exception cref="AgentException">There are some.</exception>
    public static void Require(string agent, string workingDirectory, IReadOnlyList<string> files)
    {
        for (var directory = new DirectoryInfo(workingDirectory); directory is not null; directory = directory.Parent)
        {
            if (files.Select(f => Path.Combine(directory.FullName, f)).FirstOrDefault(Path.Exists) is { } found)
            {
                throw new AgentException(AgentError.Refused,
                    $"{found} makes {agent} run programs that nobody decided on. Move it away, or work with another agent.");
            }

            if (Path.Exists(Path.Combine(directory.FullName, ".git")))
            {
                return;
            }
        }
    }
}
