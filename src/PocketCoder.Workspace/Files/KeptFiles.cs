using System.Text;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Ignoring;

namespace PocketCoder.Workspace.Files;

/// <summary>
/// Which files of a project a snapshot holds (docs/snapshots.md): what no ignore file leaves out, of a bounded size, and nothing of
/// <c>.git</c>. Stateless.
/// </summary>
public static class KeptFiles
{
    /// <summary>More than that is not looked at.</summary>
    private const int MostEntries = 5000;

    /// <summary>
    /// Whether everything that is at the path now would be brought back: also when nothing is there. False when that can't be told.
    /// </summary>
    /// <param name="project">Absolute path of the project.</param>
    /// <param name="path">Absolute, beneath it.</param>
    /// <param name="mostBytes">Larger files are not kept.</param>
    public static bool Cover(string project, string path, long mostBytes)
    {
        var folder = Path.TrimEndingDirectorySeparator(project);
        if (!path.StartsWith(folder + "/", StringComparison.Ordinal))
        {
            return false;
        }

        try
        {
            using var root = ProjectRoot.Open(folder);
            var at = ProjectPath.Of(Encoding.UTF8.GetBytes(path[(folder.Length + 1)..].TrimEnd('/')));
            if (at.IsRoot || at.Names.Any(IsGit))
            {
                return false;
            }

            using var node = root.TryFind(at, follow: false, out var error);
            return node is null ? error == Errno.NotFound : new Look(root, mostBytes).Covers(at, node, IgnoreScope.Of(root, at.Parent));
        }
        catch (Exception e) when (e is WorkspaceException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }

    private static bool IsGit(string name) => name.Equals(".git", StringComparison.OrdinalIgnoreCase);

    private sealed class Look(ProjectRoot root, long mostBytes)
    {
        private int _left = MostEntries;

        public bool Covers(ProjectPath path, Node node, IgnoreScope scope)
        {
            if (--_left < 0 || IsGit(path.Name) || scope.IsIgnored(path, node.Stat.IsDirectory))
            {
                return false;
            }

            if (!node.Stat.IsDirectory)
            {
                return node.Stat.IsLink || (node.Stat.IsRegular && node.Stat.Size <= mostBytes && node.Stat.Links == 1);
            }

            var within = scope.Enter(path, node.Handle);
            var any = false;
            using var opened = node.OpenFolder();
            return FolderEntries.Read(opened, path, (name, _) =>
            {
                any = true;
                using var child = root.TryFind(path / name, follow: false, out var _);
                return child is not null && Covers(path / name, child, within);
            }) && any; // an empty folder is not kept
        }
    }
}
