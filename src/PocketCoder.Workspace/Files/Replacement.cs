using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Files;

/// <summary>
/// Puts new content in a file's place at once: whoever looks, or kills us, finds the old file or the new one. Mode and owner stay; a file
/// with several names, a special one or one that this user may not write is refused. Used once.
/// </summary>
/// <param name="etag">Of the new content.</param>
/// <param name="expected">What must be there now; null: whatever.</param>
/// <param name="onlyNew">Nothing may be there.</param>
/// <param name="secret">It holds keys by its name: a new one is its owner's alone, whatever the umask.</param>
internal sealed class Replacement(Place place, StateFolder state, string etag, long bytes, string? expected, bool onlyNew, bool secret)
{
    private const uint NewFile = 0x1B6; // 0666, less the umask
    private const uint PrivateFile = 0x180;

    private NodeStat? _there;

    /// <summary>Whether nothing was there.</summary>
    public bool IsNew => _there is null;

    /// <summary>Looks at what is there.</summary>
    /// <returns>False: it is that content already, and nothing is to do.</returns>
    /// <exception cref="WorkspaceException">CONFLICT and FILE_EXISTS with what is there; IS_A_DIRECTORY, PERMISSION_DENIED</exception>
    public bool Check()
    {
        var current = CurrentEtag();
        if (current == etag)
        {
            return false;
        }

        if (onlyNew && _there is not null)
        {
            throw new WorkspaceException(ErrorCode.FileExists, $"{place.Path.Wire} already exists.", ("etag", current!));
        }

        return expected is null || expected == current ? true
            : throw (current is null
                ? new WorkspaceException(ErrorCode.Conflict, $"{place.Path.Wire} no longer exists.")
                : new WorkspaceException(ErrorCode.Conflict, $"{place.Path.Wire} has changed in the meantime.", ("etag", current)));
    }

    /// <summary>Writes a temporary file beside it and gives it the name.</summary>
    public async Task WriteAsync(Func<SafeFileHandle, Task> write, Recorder record)
    {
        var name = StateFolder.TemporaryName();
        using var note = state.Remember(place.Path.Parent / name);
        try
        {
            using (var file = Libc.Open(place.Folder, name, Libc.WriteOnly | Libc.Create | Libc.Exclusive, _there is null
                && !secret ? NewFile : PrivateFile) ?? throw Failure())
            {
                try
                {
                    await write(file);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    throw Errno.Failure(e, place.Path);
                }

                KeepOwnerAndMode(file, name);
                if (!Libc.Sync(file))
                {
                    throw Failure();
                }
            }

            await record(new FileChange(FileAction.Write, place.Path.Wire, null, etag, bytes));
            GiveName(name);
        }
        catch
        {
            _ = Libc.Remove(place.Folder, name);
            throw;
        }

        SyncFolder(place.Folder);
    }

    /// <summary>A rename is durable with its directory; a file system that can't do that has nothing better.</summary>
    public static void SyncFolder(SafeFileHandle folder)
    {
        using var readable = Libc.Reopen(folder, Libc.DirectoryOnly);
        _ = readable is not null && Libc.Sync(readable);
    }

    private void GiveName(string temporary)
    {
        var now = Libc.Stat(place.Folder, place.Name);
        if (_there is { } before ? now is not { } same || !same.IsSameAs(before) : now is not null)
        {
            throw new WorkspaceException(ErrorCode.Conflict, $"{place.Path.Wire} changed at this very moment. Read it again.");
        }

        if (!(_there is null ? Libc.RenameNew(place.Folder, temporary, place.Folder, place.Name)
            : Libc.Rename(place.Folder, temporary, place.Folder, place.Name)))
        {
            throw Failure();
        }
    }

    private void KeepOwnerAndMode(SafeFileHandle file, string name)
    {
        var made = Libc.Stat(file) ?? throw Failure();
        var (user, group) = _there is { } there ? (there.User, there.Group) : Environment.IsPrivilegedProcess
            ? (place.FolderStat.User, place.FolderStat.Group) : (made.User, made.Group);
        if ((made.User, made.Group) != (user, group) && !Libc.SetOwner(place.Folder, name, user, group))
        {
            throw new WorkspaceException(
                ErrorCode.PermissionDenied, $"{place.Path.Wire} belongs to another user or group, which could not be kept.");
        }

        if (_there is { } old && !Libc.SetMode(file, old.Permissions))
        {
            throw Failure();
        }
    }

    private string? CurrentEtag()
    {
        using var node = Libc.Open(place.Folder, place.Name, Libc.PathOnly);
        if (node is null)
        {
            return Libc.LastError == Errno.NotFound ? null : throw Failure();
        }

        var stat = Libc.Stat(node) ?? throw Failure();
        if (stat.IsDirectory)
        {
            throw Errno.Failure(Errno.IsADirectory, place.Path);
        }

        if (!stat.IsRegular)
        {
            throw new WorkspaceException(ErrorCode.PermissionDenied,
                $"{place.Path.Wire} is no regular file (a pipe, a socket, a device or a link): it is never written.");
        }

        if (stat.Links > 1)
        {
            throw new WorkspaceException(ErrorCode.PermissionDenied,
                $"{place.Path.Wire} has {stat.Links} names (hard links), some of which may be outside of the project: it is not written.");
        }

        if (!Libc.CanWrite(node))
        {
            throw Failure();
        }

        using var file = Libc.Reopen(node, 0) ?? throw Failure();
        _there = stat;
        try
        {
            return FileReading.Etag(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Errno.Failure(e, place.Path);
        }
    }

    private WorkspaceException Failure() => Errno.Failure(Libc.LastError, place.Path);
}
