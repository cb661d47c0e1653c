using System.Text;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;

namespace PocketCoder.Workspace.Beneath;

/// <summary>
/// A project's folder, open: the one door to what is beneath it by a path that somebody else wrote. Whatever is swapped meanwhile, nothing
/// outside of the folder is reached. Links are followed as long as they stay inside; pipes, sockets and devices are never opened. Linux
/// only. Thread-safe.
/// </summary>
public sealed class ProjectRoot : IDisposable
{
    /// <summary>How names of files begin that are only there while something is being written.</summary>
    internal const string TemporaryPrefix = ".pocketcoder-";

    private readonly SafeFileHandle _root;
    private readonly Resolver _resolver;
    private readonly IReadOnlyList<string> _closed;

    private ProjectRoot(SafeFileHandle root, IReadOnlyList<string> closed, bool walkOnly)
    {
        (_root, _closed) = (root, closed);
        _resolver = new Resolver(root, walkOnly);
    }

    /// <summary>Opens a project's folder. Its own path is followed, since its owner registered it.</summary>
    /// <param name="closed">Absolute real paths that do not exist for anybody who asks: the daemon's own folders, for a project that holds
    /// them.</param>
    /// <param name="walkOnly">Do without openat2, a component at a time.</param>
    /// <exception cref="WorkspaceException">PROJECT_NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE (not Linux)</exception>
    public static ProjectRoot Open(string path, IReadOnlyList<string>? closed = null, bool walkOnly = false)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new WorkspaceException(ErrorCode.Unavailable, "Files of projects are shown on Linux machines only so far.");
        }

        var handle = Libc.Open(path, Libc.PathOnly | Libc.DirectoryOnly) ?? throw (Libc.LastError is Errno.NotFound or Errno.NotADirectory
            ? new WorkspaceException(ErrorCode.ProjectNotFound, $"The folder {path} no longer exists.")
            : Errno.Failure(Libc.LastError, ProjectPath.Root));
        // Only what lies beneath matters, and it seldom does: then nothing has to be compared.
        var here = closed is { Count: > 0 } ? Libc.WhereIs(handle) : null;
        var inside = (closed ?? []).Select(c => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(c)))
            .Where(c => here is null || here == "/" || c == here || c.StartsWith(here + "/", StringComparison.Ordinal));
        return new ProjectRoot(handle, [.. inside], walkOnly);
    }

    /// <summary>A regular file for reading.</summary>
    /// <exception cref="WorkspaceException">OUTSIDE_PROJECT_ROOT, FILE_NOT_FOUND, NOT_A_DIRECTORY, IS_A_DIRECTORY,
    /// PERMISSION_DENIED</exception>
    public FileStream OpenRead(ProjectPath path)
    {
        using var node = Find(path);
        return new FileStream(node.OpenFile(), FileAccess.Read, bufferSize: 0);
    }

    public void Dispose() => _root.Dispose();

    internal SafeFileHandle Handle => _root;

    /// <summary>Whether that path still leads to this very folder.</summary>
    internal bool IsAt(string path)
    {
        using var there = Libc.Open(path, Libc.PathOnly | Libc.DirectoryOnly);
        return there is not null && Libc.Stat(there) is { } now && Libc.Stat(_root) is { } mine
            && (now.Device, now.Inode) == (mine.Device, mine.Inode);
    }

    /// <summary>What a path names.</summary>
    /// <exception cref="WorkspaceException">As <see cref="OpenRead"/>.</exception>
    internal Node Find(ProjectPath path, bool follow = true) => TryFind(path, follow, out var error) ?? throw Errno.Failure(error, path);

    internal Node? TryFind(ProjectPath path, bool follow, out int error)
    {
        var handle = _resolver.Open(path, follow, out error);
        if (handle is null)
        {
            return null;
        }

        if (Libc.Stat(handle) is not { } stat)
        {
            error = Libc.LastError;
            handle.Dispose();
            return null;
        }

        // A link that is not followed has no place of its own that the kernel could tell: its directory is what is looked at.
        if (_closed.Count > 0 && !stat.IsLink && IsClosed(Libc.WhereIs(handle)))
        {
            error = Errno.NotFound;
            handle.Dispose();
            return null;
        }

        return new Node(path, handle, stat);
    }

    /// <summary>A directory to read the entries of.</summary>
    /// <exception cref="WorkspaceException">As <see cref="OpenRead"/>.</exception>
    internal SafeFileHandle OpenFolder(ProjectPath path)
    {
        using var node = Find(path);
        return node.OpenFolder();
    }

    /// <summary>The directory that a thing is in, to change something there. The last name is not followed.</summary>
    /// <exception cref="WorkspaceException">As <see cref="OpenRead"/>; INVALID_REQUEST for the project itself; PERMISSION_DENIED for what
    /// is git's own.</exception>
    internal Place PlaceOf(ProjectPath path)
    {
        if (path.IsRoot)
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, "That is the project itself.");
        }

        RefuseGit(path);
        using var parent = Find(path.Parent);
        if (!parent.Stat.IsDirectory)
        {
            throw Errno.Failure(Errno.NotADirectory, path.Parent);
        }

        // Where it really is: a link may lead to what is git's own.
        var real = RealPath(parent.Handle) / path.Name;
        RefuseGit(real);
        RefuseTemporary(real);
        return IsClosed(Absolute(real)) ? throw Errno.Failure(Errno.NotFound, path) : new Place(real, parent.Take(), parent.Stat);
    }

    /// <summary>The same for what a link names in the end: the real file's place.</summary>
    internal Place PlaceOfTarget(ProjectPath path)
    {
        var place = PlaceOf(path);
        if (Libc.Stat(place.Folder, place.Name) is not { IsLink: true })
        {
            return place;
        }

        using (place)
        {
            using var target = Find(path);
            return PlaceOf(RealPath(target.Handle));
        }
    }

    /// <summary>Where beneath the project an open thing is now.</summary>
    /// <exception cref="WorkspaceException">OUTSIDE_PROJECT_ROOT: it was moved out meanwhile; UNAVAILABLE: there is no
    /// <c>/proc</c>.</exception>
    internal ProjectPath RealPath(SafeFileHandle handle)
    {
        if (Libc.WhereIs(_root) is not { } root || Libc.WhereIs(handle) is not { } there)
        {
            throw new WorkspaceException(
                ErrorCode.Unavailable, "There is no /proc on this machine, without which files can't be changed safely.");
        }

        return there == root ? ProjectPath.Root
            : there.StartsWith(root == "/" ? root : root + "/", StringComparison.Ordinal)
            ? new ProjectPath(there[(root == "/" ? 1 : root.Length + 1)..])
            : throw ProjectPath.Outside();
    }

    /// <summary>Whether a thing of that name in that folder is not to be shown.</summary>
    internal bool IsHidden(ProjectPath realFolder, string name) => IsTemporary(name)
        || (_closed.Count > 0 && IsClosed(Absolute(realFolder / name)));

    internal static bool IsTemporary(string name) => name.StartsWith(TemporaryPrefix, StringComparison.Ordinal)
        && name.EndsWith(".tmp", StringComparison.Ordinal);

    private static void RefuseTemporary(ProjectPath path)
    {
        if (IsTemporary(path.Name))
        {
            throw new WorkspaceException(
                ErrorCode.PermissionDenied, "Names of this kind are PocketCoder's own, for files that are being written.");
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

    private string Absolute(ProjectPath real)
        => Libc.WhereIs(_root) is { } root ? (root == "/" ? "" : root) + (real.IsRoot ? "" : "/" + real.Raw) : "";

    private bool IsClosed(string? there)
        => _closed.Any(c => there is null || there == c || there.StartsWith(c + "/", StringComparison.Ordinal));
}

/// <summary>Something in a project, held by what it is.</summary>
internal sealed class Node(ProjectPath path, SafeFileHandle handle, NodeStat stat) : IDisposable
{
    private bool _taken;

    public SafeFileHandle Handle { get; } = handle;

    public NodeStat Stat { get; } = stat;

    /// <summary>The same regular file for reading.</summary>
    /// <exception cref="WorkspaceException">IS_A_DIRECTORY; PERMISSION_DENIED also for pipes, sockets and devices.</exception>
    public SafeFileHandle OpenFile() => Stat.IsRegular
        ? Libc.Reopen(Handle, 0) ?? throw Errno.Failure(Libc.LastError, path)
        : throw (Stat.IsDirectory
            ? Errno.Failure(Errno.IsADirectory, path)
            : new WorkspaceException(
                ErrorCode.PermissionDenied, $"{path.Wire} is no regular file (a pipe, a socket, a device or a link): it is never opened."));

    /// <exception cref="WorkspaceException">NOT_A_DIRECTORY, PERMISSION_DENIED</exception>
    public SafeFileHandle OpenFolder() => Stat.IsDirectory
        ? Libc.Reopen(Handle, Libc.DirectoryOnly) ?? throw Errno.Failure(Libc.LastError, path)
        : throw Errno.Failure(Errno.NotADirectory, path);

    /// <summary>The handle, from now on the caller's.</summary>
    public SafeFileHandle Take()
    {
        _taken = true;
        return Handle;
    }

    public void Dispose()
    {
        if (!_taken)
        {
            Handle.Dispose();
        }
    }
}

/// <summary>A name in an open directory, whether something is there or not.</summary>
/// <param name="Path">Where it really is, without links on the way.</param>
/// <param name="Folder">An O_PATH handle.</param>
internal sealed record Place(ProjectPath Path, SafeFileHandle Folder, NodeStat FolderStat) : IDisposable
{
    public string Name => Path.Name;

    public void Dispose() => Folder.Dispose();
}
