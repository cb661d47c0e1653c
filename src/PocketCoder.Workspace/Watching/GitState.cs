using Microsoft.Win32.SafeHandles;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Watching;

/// <summary>
/// What a repository keeps in its own folder that decides what git says: the branch, the index, the tips of branches
/// (gitrepository-layout(5)). Only of a project that is the top of its repository: a worktree's state, and that of a folder inside of a
/// repository, lies outside of the project.
/// </summary>
internal static class GitState
{
    public const string Folder = ".git";

    private static readonly string[] s_branches = ["refs", "heads"];

    /// <summary>
    /// Whether a change of that name in one of the folders may change what git says. Everything is written under another name first.
    /// </summary>
    public static bool Decides(string name) => name.Length > 0 && !name.EndsWith(".lock", StringComparison.Ordinal)
        && !name.StartsWith("tmp_", StringComparison.Ordinal) && name is not ("COMMIT_EDITMSG" or "gc.pid" or "objects" or "logs");

    /// <summary>Opens the folders that are there, no link followed.</summary>
    public static void Visit(ProjectRoot root, Action<SafeFileHandle> found)
    {
        if (Libc.Open(root.Handle, Folder, Libc.DirectoryOnly) is not { } folder)
        {
            return;
        }

        found(folder);
        foreach (var name in s_branches)
        {
            using var parent = folder;
            if (Libc.Open(parent, name, Libc.DirectoryOnly) is not { } next)
            {
                return;
            }

            folder = next;
        }

        using (folder)
        {
            found(folder);
        }
    }

    /// <summary>A number that is another one when the state is.</summary>
    public static int Look(ProjectRoot root)
    {
        var seen = new HashCode();
        Visit(root, folder => FolderEntries.Read(folder, ProjectPath.Root, (name, _) =>
        {
            if (Decides(name) && Libc.Stat(folder, name) is { } stat)
            {
                seen.Add(name, StringComparer.Ordinal);
                seen.Add((stat.Inode, stat.Size, stat.Modified));
            }

            return true;
        }));
        return seen.ToHashCode();
    }
}
