using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Ignoring;

namespace PocketCoder.Workspace.Watching;

/// <summary>A project that is looked through again and again, where it can't be watched. One thread uses it.</summary>
internal sealed class ScannedTree(ProjectRoot root, Action<FsChangeKind, ProjectPath> changed, Action gitChanged)
{
    /// <summary>Things remembered; what is beyond is not told of.</summary>
    private const int Most = 200_000;

    private Dictionary<string, Seen> _known = new(StringComparer.Ordinal);
    private Dictionary<string, Seen> _now = new(StringComparer.Ordinal);
    private bool _first = true;
    private int _git;

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Seen(long Modified, long Size, ulong Inode, bool Folder);

    /// <summary>Looks once more and tells what is different.</summary>
    public void Scan()
    {
        _now.Clear();
        using (var handle = root.OpenFolder(ProjectPath.Root))
        {
            Walk(handle, ProjectPath.Root, IgnoreScope.OfRoot(root));
        }

        var git = GitState.Look(root);
        if (!_first)
        {
            Compare();
            if (git != _git)
            {
                gitChanged();
            }
        }

        _git = git;

        _first = false;
        (_known, _now) = (_now, _known);
    }

    private void Compare()
    {
        foreach (var (path, seen) in _now)
        {
            if (!_known.TryGetValue(path, out var before))
            {
                changed(FsChangeKind.Create, new ProjectPath(path));
            }
            else if (before.Folder ? !seen.Folder : before != seen)
            {
                changed(FsChangeKind.Modify, new ProjectPath(path));
            }
        }

        foreach (var path in _known.Keys.Where(p => !_now.ContainsKey(p)))
        {
            // What was in a folder goes with it.
            if (!_known.ContainsKey(new ProjectPath(path).Parent.Raw) || _now.ContainsKey(new ProjectPath(path).Parent.Raw))
            {
                changed(FsChangeKind.Delete, new ProjectPath(path));
            }
        }
    }

    private void Walk(SafeFileHandle handle, ProjectPath folder, IgnoreScope ignores)
    {
        List<string>? folders = null;
        FolderEntries.Read(handle, folder, (name, kind) =>
        {
            var isFolder = Unwatched.IsFolder(handle, name, kind);
            if (_now.Count < Most && !Unwatched.Is(root, ignores, folder, name, isFolder) && Libc.Stat(handle, name) is { } stat)
            {
                _now[(folder / name).Raw] = new Seen(stat.Modified, stat.Size, stat.Inode, stat.IsDirectory);
                if (stat.IsDirectory)
                {
                    (folders ??= []).Add(name);
                }
            }

            return true;
        });
        if (folders is null || folder.Names.Count >= FileLimits.Depth)
        {
            return;
        }

        foreach (var name in folders)
        {
            using var next = Libc.Open(handle, name, Libc.DirectoryOnly);
            if (next is not null)
            {
                Walk(next, folder / name, ignores.Enter(folder / name, next));
            }
        }
    }
}
