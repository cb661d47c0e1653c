using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Files;

/// <summary>What a change of a path would touch.</summary>
/// <param name="Secret">A file that holds keys or passwords by its name.</param>
/// <param name="Protected">Configuration that other programs obey: the path, or one within the folder that it names. As it stands in
/// messages; null: none.</param>
public sealed record TouchedPath(bool Secret, string? Protected);

/// <summary>Finds out what a change of a path would touch, before it is made or asked about. Stateless.</summary>
internal static class ChangeInspector
{
    /// <summary>Entries of a folder that are looked at; a larger one counts as if it held protected configuration.</summary>
    private const int MostEntries = 20_000;

    private const int MostDepth = 256;

    /// <exception cref="WorkspaceException">PERMISSION_DENIED: it is git's own, which is never changed through here.</exception>
    public static TouchedPath At(ProjectRoot root, WorkspaceOptions options, ProjectPath path)
    {
        var real = Real(root, path);
        RefuseGit(path);
        foreach (var place in real)
        {
            RefuseGit(place);
        }

        IReadOnlyList<ProjectPath> all = [path, .. real];
        var found = all.FirstOrDefault(options.IsProtectedAt, ProjectPath.Root);
        return new TouchedPath(all.Any(options.IsSecretAt), found.IsRoot ? Within(root, options, path) : found.Wire);
    }

    /// <summary>
    /// Where a path really is: the name itself, and what it leads to. Of one that is not there, by the nearest folder above it that is.
    /// </summary>
    private static List<ProjectPath> Real(ProjectRoot root, ProjectPath path)
    {
        if (path.IsRoot)
        {
            return [];
        }

        var places = new List<ProjectPath>();
        using (var node = root.TryFind(path, follow: true, out _))
        {
            if (node is not null)
            {
                places.Add(root.RealPath(node.Handle));
            }
        }

        var missing = new List<string>();
        for (var at = path; !at.IsRoot; at = at.Parent)
        {
            missing.Insert(0, at.Name);
            using var above = root.TryFind(at.Parent, follow: true, out _);
            if (above is not null)
            {
                places.Add(missing.Aggregate(root.RealPath(above.Handle), (folder, name) => folder / name));
                break;
            }
        }

        return places;
    }

    /// <summary>The first protected name in a folder that would be moved or removed as a whole.</summary>
    private static string? Within(ProjectRoot root, WorkspaceOptions options, ProjectPath path)
    {
        using var node = path.IsRoot ? null : root.TryFind(path, follow: false, out _);
        if (node is not { Stat.IsDirectory: true })
        {
            return null;
        }

        using var top = node.OpenFolder();
        return Within(top, options, path);
    }

    /// <summary>The first protected name in an open folder, as if it stood at <paramref name="path"/>; null: none.</summary>
    public static string? Within(Microsoft.Win32.SafeHandles.SafeFileHandle top, WorkspaceOptions options, ProjectPath path)
    {
        var left = MostEntries;
        return Walk(top, path, 0);

        string? Walk(Microsoft.Win32.SafeHandles.SafeFileHandle folder, ProjectPath at, int depth)
        {
            string? found = null;
            var folders = new List<string>();
            FolderEntries.Read(folder, at, (name, kind) =>
            {
                if (--left < 0 || depth > MostDepth || options.IsProtectedAt(at / name))
                {
                    found = (at / name).Wire;
                    return false;
                }

                if ((kind ?? Libc.Stat(folder, name)?.Kind) == FsKind.Dir)
                {
                    folders.Add(name);
                }

                return true;
            });
            foreach (var name in folders)
            {
                using var next = found is null ? Libc.Open(folder, name, Libc.DirectoryOnly) : null;
                found ??= next is null ? null : Walk(next, at / name, depth + 1);
            }

            return found;
        }
    }

    private static void RefuseGit(ProjectPath path)
    {
        if (GitFolder.IsIn(path))
        {
            throw new WorkspaceException(
                ErrorCode.PermissionDenied, "What is in .git decides what git runs, so it is not changed through here.");
        }
    }
}
