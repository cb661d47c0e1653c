using System.Text;
using PocketCoder.Machine.Paths;
using PocketCoder.Workspace;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Executions;

/// <summary>
/// Opens files that an agent names, by <see cref="ProjectRoot"/>: links are followed as long as they stay inside the project, and nothing
/// that is swapped meanwhile leads elsewhere. Regular files only. Linux only.
/// </summary>
public static class ConfinedFile
{
    /// <summary>The file for reading, or null with a reason that tells nothing of what lies outside.</summary>
    /// <param name="path">Relative to the project, or absolute. Untrusted.</param>
    /// <param name="closed">Real folders that are not there for an agent: the daemon's own, for a project that holds them.</param>
    public static FileStream? Open(string project, string path, out string refusal, IReadOnlyList<string>? closed = null)
    {
        refusal = "There is no such file inside the project.";
        try
        {
            if (Path.IsPathFullyQualified(path))
            {
                // The project may be known by another name; where it leads is looked at again beneath it.
                path = Path.GetRelativePath(RealPath.Of(project), RealPath.Of(path));
            }

            using var root = ProjectRoot.Open(project, closed);
            return path.Length == 0 || path.Contains('\0', StringComparison.Ordinal) ? null
                : root.OpenRead(ProjectPath.Of(Encoding.UTF8.GetBytes(path.TrimEnd('/'))));
        }
        catch (Exception e) when (e is WorkspaceException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
