using System.Buffers;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Files;

/// <summary>Whole directories by handle, no link ever followed. Stateless.</summary>
internal static class Trees
{
    /// <summary>Deeper is nothing that people made; the handles on the way are open at once.</summary>
    private const int MaxDepth = 256;

    private const int CopyBuffer = 256 * 1024;

    /// <summary>Bytes and entries of something, itself too; null once it has more bytes than the limit.</summary>
    public static (long Bytes, int Entries)? Measure(SafeFileHandle folder, string name, long limit)
    {
        long bytes = 0;
        var entries = 0;
        return Add(folder, name, 0) ? (bytes, entries) : null;

        bool Add(SafeFileHandle parent, string child, int depth)
        {
            if (Libc.Stat(parent, child) is not { } stat)
            {
                return true;
            }

            entries++;
            bytes += stat.IsRegular ? stat.Size : 0;
            if (bytes > limit || depth > MaxDepth)
            {
                return false;
            }

            if (!stat.IsDirectory)
            {
                return true;
            }

            using var handle = OpenFolder(parent, child);
            return FolderEntries.Read(handle, new ProjectPath(child), (next, _) => Add(handle, next, depth + 1));
        }
    }

    /// <summary>Removes something with all that is in it; what is not there is no error.</summary>
    /// <exception cref="WorkspaceException">Something of it stays.</exception>
    public static void Remove(SafeFileHandle parent, string name, int depth = 0)
    {
        if (Libc.Remove(parent, name) || Libc.LastError == Errno.NotFound)
        {
            return;
        }

        var error = Libc.LastError;
        if (error is not (Errno.IsADirectory or Errno.NotPermitted) || depth > MaxDepth
            || Libc.Stat(parent, name) is not { IsDirectory: true })
        {
            throw Errno.Failure(error, new ProjectPath(name));
        }

        using (var folder = OpenFolder(parent, name))
        {
            var names = new List<string>();
            FolderEntries.Read(folder, new ProjectPath(name), (child, _) =>
            {
                names.Add(child);
                return true;
            });
            foreach (var child in names)
            {
                Remove(folder, child, depth + 1);
            }
        }

        if (!Libc.RemoveDirectory(parent, name) && Libc.LastError != Errno.NotFound)
        {
            throw Errno.Failure(Libc.LastError, new ProjectPath(name));
        }
    }

    /// <summary>
    /// Copies something to a new name, with modes and, where this user may, owners; special files are refused. For moves between file
    /// systems.
    /// </summary>
    /// <exception cref="WorkspaceException">It can't be copied whole; the caller removes what there is.</exception>
    public static void Copy(SafeFileHandle fromParent, string from, SafeFileHandle toParent, string to, int depth = 0)
    {
        var path = new ProjectPath(from);
        if (Libc.Stat(fromParent, from) is not { } stat || depth > MaxDepth)
        {
            throw Errno.Failure(Errno.NotFound, path);
        }

        if (stat.IsLink)
        {
            if (Libc.ReadLink(fromParent, from) is not { } target || !Libc.MakeLink(toParent, to, target))
            {
                throw Errno.Failure(Libc.LastError, path);
            }
        }
        else if (stat.IsDirectory)
        {
            using var source = OpenFolder(fromParent, from);
            using var target = Libc.MakeDirectory(toParent, to, 0x1C0) ? OpenFolder(toParent, to)
                : throw Errno.Failure(Libc.LastError, path);
            FolderEntries.Read(source, path, (child, _) =>
            {
                Copy(source, child, target, child, depth + 1);
                return true;
            });
            Check(Libc.SetMode(target, stat.Mode & 0xFFF), path);
        }
        else if (stat.IsRegular)
        {
            using var source = Libc.Open(fromParent, from, Libc.NonBlocking) ?? throw Errno.Failure(Libc.LastError, path);
            using var target = Libc.Open(toParent, to, Libc.WriteOnly | Libc.Create | Libc.Exclusive, 0x180)
                ?? throw Errno.Failure(Libc.LastError, path);
            CopyBytes(source, target, path);
            Check(Libc.SetMode(target, stat.Permissions) && Libc.Sync(target), path);
        }
        else
        {
            throw new WorkspaceException(
                ErrorCode.PermissionDenied, $"{path.Wire} is a pipe, a socket or a device; it is not copied to another file system.");
        }

        if (Environment.IsPrivilegedProcess)
        {
            Check(Libc.SetOwner(toParent, to, stat.User, stat.Group), path);
        }
    }

    private static void CopyBytes(SafeFileHandle source, SafeFileHandle target, ProjectPath path)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBuffer);
        try
        {
            for (long offset = 0; RandomAccess.Read(source, buffer, offset) is > 0 and var read; offset += read)
            {
                RandomAccess.Write(target, buffer.AsSpan(0, read), offset);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Errno.Failure(e, path);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static SafeFileHandle OpenFolder(SafeFileHandle parent, string name)
        => Libc.Open(parent, name, Libc.DirectoryOnly) ?? throw Errno.Failure(Libc.LastError, new ProjectPath(name));

    private static void Check(bool done, ProjectPath path)
    {
        if (!done)
        {
            throw Errno.Failure(Libc.LastError, path);
        }
    }
}
