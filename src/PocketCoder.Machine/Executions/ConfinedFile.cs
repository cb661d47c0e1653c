using System.Text;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Workspace;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Executions;

/// <summary>
/// Opens files that an agent names, by <see cref="ProjectRoot"/>: links are followed as long as they stay inside the project, and nothing that is swapped meanwhile leads elsewhere. Regular
/// files only. Linux only.
/// </summary>
internal static class ConfinedFile
{
    /// <summary>The file for reading, or null with a reason that tells nothing of what lies outside.</summary>
    /// <param name="path">Relative to the project, or absolute. Untrusted.</param>
    public static FileStream? Open(string project, string path, out string refusal)
    {
        refusal = "There is no such file inside the project.";
        try
        {
            if (Path.IsPathFullyQualified(path))
            {
                // The project may be known by another name; where it leads is looked at again beneath it.
                path = Path.GetRelativePath(ProjectFolder.RealPath(project), ProjectFolder.RealPath(path));
            }

            using var root = ProjectRoot.Open(project);
            return path.Length == 0 || path.Contains('\0', StringComparison.Ordinal) ? null : root.OpenRead(ProjectPath.Of(Encoding.UTF8.GetBytes(path.TrimEnd('/'))));
        }
        catch (Exception e) when (e is WorkspaceException or ControlException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
