using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Ignoring;

namespace PocketCoder.Workspace.Watching;

/// <summary>
/// A project's folders under inotify, each by its handle and not by its name. Of files only a hash of each name is kept, to tell what is
/// new from what is replaced. One thread uses it.
/// </summary>
internal sealed class NotifiedTree : IDisposable
{
    private const int EventHead = 16;

    private readonly ProjectRoot _root;
    private readonly int _most;
    private readonly Action<FsChangeKind, ProjectPath> _changed;
    private readonly Action _gitChanged;
    private readonly HashSet<int> _git = [];
    private readonly Dictionary<int, Folder> _watches = [];
    private readonly byte[] _buffer = new byte[64 * 1024];
    private Folder? _top;

    private NotifiedTree(ProjectRoot root, Inotify inotify, int most, Action<FsChangeKind, ProjectPath> changed, Action gitChanged)
        => (_root, Inotify, _most, _changed, _gitChanged) = (root, inotify, most, changed, gitChanged);

    private sealed class Folder(ProjectPath path, IgnoreScope ignores, int watch)
    {
        public ProjectPath Path { get; } = path;

        public IgnoreScope Ignores { get; } = ignores;

        public int Watch { get; } = watch;

        public HashSet<ulong> Names { get; } = [];

        public Dictionary<string, Folder>? Folders { get; set; }
    }

    public Inotify Inotify { get; }

    /// <summary>Events were lost.</summary>
    public bool Overflowed { get; private set; }

    /// <summary>A <c>.gitignore</c> changed: what is watched is to be decided anew.</summary>
    public bool RulesChanged { get; private set; }

    public bool RootGone { get; private set; }

    public int Folders => _watches.Count;

    /// <summary>Watches everything there is; null with a reason for people when the system does not let it.</summary>
    /// <param name="most">Folders at most.</param>
    public static NotifiedTree? TryOpen(
        ProjectRoot root, int most, Action<FsChangeKind, ProjectPath> changed, Action gitChanged, out string? why)
    {
        why = "the system has no more file watchers to give (fs.inotify.max_user_instances)";
        if (Inotify.TryOpen() is not { } inotify)
        {
            return null;
        }

        var tree = new NotifiedTree(root, inotify, most, changed, gitChanged);
        using var handle = root.OpenFolder(ProjectPath.Root);
        if (tree.Watch(handle, ProjectPath.Root, null, IgnoreScope.OfRoot(root), tell: false) is { } problem)
        {
            tree.Dispose();
            why = problem;
            return null;
        }

        tree.WatchGit();
        why = null;
        return tree;
    }

    /// <summary>Takes all that the kernel has to tell. Returns a reason when it can't go on this way.</summary>
    public string? Read()
    {
        while (Inotify.Read(_buffer) is > 0 and var length)
        {
            for (var at = 0; at + EventHead <= length;)
            {
                var watch = BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(at));
                var mask = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(at + 4));
                var nameLength = (int)BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(at + 12));
                var name = _buffer.AsSpan(at + EventHead, nameLength);
                at += EventHead + nameLength;
                var end = name.IndexOf((byte)0);
                if (Take(watch, mask, Encoding.Latin1.GetString(end < 0 ? name : name[..end])) is { } problem)
                {
                    return problem;
                }
            }
        }

        return null;
    }

    public void Dispose() => Inotify.Dispose();

    private static ulong Hash(string name)
    {
        var hash = 14695981039346656037UL; // FNV-1a
        foreach (var c in name)
        {
            hash = (hash ^ c) * 1099511628211UL;
        }

        return hash;
    }

    private string? Take(int watch, uint mask, string name)
    {
        if ((mask & Inotify.Overflow) != 0)
        {
            Overflowed = true;
            return null;
        }

        if (_git.Contains(watch))
        {
            TakeGit(watch, mask, name);
            return null;
        }

        if (!_watches.TryGetValue(watch, out var folder))
        {
            return null; // forgotten already
        }

        if ((mask & (Inotify.DeleteSelf | Inotify.MoveSelf | Inotify.Ignored)) != 0)
        {
            RootGone |= folder == _top;
            if ((mask & Inotify.Ignored) != 0)
            {
                _watches.Remove(watch);
            }

            return null; // of others their own folder tells
        }

        if (folder == _top && name == GitState.Folder)
        {
            WatchGit();
            _gitChanged();
            return null;
        }

        var isFolder = (mask & Inotify.IsFolder) != 0;
        if (name.Length == 0 || Unwatched.Is(_root, folder.Ignores, folder.Path, name, isFolder))
        {
            return null;
        }

        RulesChanged |= name == ".gitignore";
        var path = folder.Path / name;
        if ((mask & (Inotify.Delete | Inotify.MovedFrom)) != 0)
        {
            folder.Names.Remove(Hash(name));
            if (folder.Folders is { } folders && folders.Remove(name, out var gone))
            {
                Forget(gone);
            }

            _changed(FsChangeKind.Delete, path);
            return null;
        }

        _changed(folder.Names.Add(Hash(name)) ? FsChangeKind.Create : FsChangeKind.Modify, path);
        return isFolder && (mask & (Inotify.Create | Inotify.MovedTo)) != 0 ? Enter(folder, name, path) : null;
    }

    private void TakeGit(int watch, uint mask, string name)
    {
        if ((mask & Inotify.Ignored) != 0)
        {
            _git.Remove(watch);
        }
        else if (GitState.Decides(name))
        {
            WatchGit(); // what git makes at first, it makes one after the other
            _gitChanged();
        }
    }

    /// <summary>Watches what git keeps its state in; watching it again changes nothing. Without it git is only told less of.</summary>
    private void WatchGit() => GitState.Visit(_root, folder =>
    {
        if (Inotify.Add(folder) is >= 0 and var watch)
        {
            _git.Add(watch);
        }
    });

    /// <summary>A folder that came, with all that is in it by now.</summary>
    private string? Enter(Folder parent, string name, ProjectPath path)
    {
        if (parent.Folders is { } known && known.Remove(name, out var before))
        {
            Forget(before);
        }

        using var handle = _root.TryFind(parent.Path, follow: false, out _) is { } node ? Open(node, name) : null;
        return handle is null ? null : Watch(handle, path, parent, parent.Ignores.Enter(path, handle), tell: true);

        static SafeFileHandle? Open(Node node, string name)
        {
            using (node)
            {
                return Libc.Open(node.Handle, name, Libc.DirectoryOnly);
            }
        }
    }

    /// <summary>Watches a folder first and reads it then, so that nothing comes in between.</summary>
    /// <param name="tell">What is found is new.</param>
    /// <returns>Why it can't be watched, for people.</returns>
    private string? Watch(SafeFileHandle handle, ProjectPath path, Folder? parent, IgnoreScope ignores, bool tell)
    {
        if (_watches.Count >= _most)
        {
            return $"it has more than {_most} folders";
        }

        var watch = Inotify.Add(handle);
        if (watch < 0)
        {
            return Libc.LastError switch
            {
                Errno.NoSpace => "the system has no more file watches to give (fs.inotify.max_user_watches)",
                Errno.NotFound or Errno.NotADirectory or Errno.Denied => null, // gone, or nobody may look: it is just not watched
                var error => $"the system refuses to watch it ({error})",
            };
        }

        var folder = new Folder(path, ignores, watch);
        _watches[watch] = folder;
        _top ??= folder;
        if (parent is not null)
        {
            (parent.Folders ??= new Dictionary<string, Folder>(StringComparer.Ordinal))[path.Name] = folder;
        }

        List<string>? folders = null;
        FolderEntries.Read(handle, path, (name, kind) =>
        {
            var isFolder = Unwatched.IsFolder(handle, name, kind);
            if (!Unwatched.Is(_root, ignores, path, name, isFolder))
            {
                folder.Names.Add(Hash(name));
                if (tell)
                {
                    _changed(FsChangeKind.Create, path / name);
                }

                if (isFolder)
                {
                    (folders ??= []).Add(name);
                }
            }

            return true;
        });
        folder.Names.TrimExcess();
        if (folders is null || path.Names.Count >= FileLimits.Depth)
        {
            return null;
        }

        foreach (var name in folders)
        {
            using var next = Libc.Open(handle, name, Libc.DirectoryOnly);
            if (next is not null && Watch(next, path / name, folder, ignores.Enter(path / name, next), tell) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private void Forget(Folder folder)
    {
        foreach (var child in folder.Folders?.Values ?? Enumerable.Empty<Folder>())
        {
            Forget(child);
        }

        _watches.Remove(folder.Watch);
        Inotify.Remove(folder.Watch);
    }
}
