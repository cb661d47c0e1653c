using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Paths;

/// <summary>
/// <see cref="Libc"/> as snapshots need it: by one name in an open directory, never through a link, with what fails as an exception. Linux
/// only. Names are Latin-1 text as in <see cref="TreePath"/>.
/// </summary>
public static class Unix
{
    private const uint OwnerOnly = 0x180, ForAll = 0x1ED;

    /// <summary>The project's folder itself; the one path that is followed, since its owner registered it.</summary>
    /// <exception cref="IOException">It is not there.</exception>
    public static SafeFileHandle OpenRoot(string path) => Libc.Open(path, Libc.PathOnly | Libc.DirectoryOnly) ?? throw Failure(path);

    /// <summary>A directory of that name; null when there is none (or a link, a file).</summary>
    public static SafeFileHandle? OpenDirectory(SafeFileHandle parent, string name)
        => Libc.Open(parent, name, Libc.PathOnly | Libc.DirectoryOnly);

    /// <summary>
    /// A file for reading, without waiting for a pipe's other end; the caller looks what it got. Null when it can't be opened.
    /// </summary>
    public static SafeFileHandle? OpenRead(SafeFileHandle parent, string name) => Libc.Open(parent, name, Libc.NonBlocking);

    /// <summary>A new file for writing, mode 0600.</summary>
    /// <exception cref="IOException">It can't be made.</exception>
    public static SafeFileHandle CreateNew(SafeFileHandle parent, string name)
        => Libc.Open(parent, name, Libc.WriteOnly | Libc.Create | Libc.Exclusive, OwnerOnly) ?? throw Failure(name);

    /// <summary>What stands at that name, links not followed; null when nothing.</summary>
    public static FileStat? Stat(SafeFileHandle parent, string name) => Libc.Stat(parent, name) is { } stat ? FileStat.Of(stat) : null;

    public static FileStat? Stat(SafeFileHandle file) => Libc.Stat(file) is { } stat ? FileStat.Of(stat) : null;

    /// <summary>Where a link points, as bytes; null when it is none (any more).</summary>
    public static byte[]? ReadLink(SafeFileHandle parent, string name)
        => Libc.ReadLink(parent, name) is { } target ? Encoding.Latin1.GetBytes(target) : null;

    public static void MakeDirectory(SafeFileHandle parent, string name)
    {
        if (!Libc.MakeDirectory(parent, name, ForAll) && Libc.LastError != Errno.Exists)
        {
            throw Failure(name);
        }
    }

    public static void MakeLink(SafeFileHandle parent, string name, byte[] target)
        => Check(Libc.MakeLink(parent, name, Encoding.Latin1.GetString(target)), name);

    public static void Rename(SafeFileHandle parent, string from, string to) => Check(Libc.Rename(parent, from, parent, to), to);

    /// <summary>Removes a file or link; one that is not there is no error.</summary>
    public static void Remove(SafeFileHandle parent, string name)
    {
        if (!Libc.Remove(parent, name) && Libc.LastError != Errno.NotFound)
        {
            throw Failure(name);
        }
    }

    /// <summary>Removes a directory if it is empty. Returns whether it is gone.</summary>
    public static bool RemoveEmptyDirectory(SafeFileHandle parent, string name) => Libc.RemoveDirectory(parent, name);

    public static void SetMode(SafeFileHandle file, int mode) => Check(Libc.SetMode(file, mode), "mode");

    /// <summary>Gives a new file or link to whom its place belongs; only root can and needs to.</summary>
    public static void GiveTo(SafeFileHandle parent, string name, uint user, uint group)
        => Check(Libc.SetOwner(parent, name, user, group), name);

    private static void Check(bool done, string name)
    {
        if (!done)
        {
            throw Failure(name);
        }
    }

    private static IOException Failure(string name) => new($"{new TreePath(name).Shown}: {Marshal.GetPInvokeErrorMessage(Libc.LastError)}");
}

/// <summary>What a snapshot remembers of a file, to tell without reading whether it is still the same.</summary>
/// <param name="Mode">Type and permissions.</param>
/// <param name="Modified">Nanoseconds since 1970.</param>
/// <param name="Changed">Of the inode, in nanoseconds since 1970: nobody but the kernel sets it.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct FileStat(int Mode, uint User, uint Group, ulong Inode, long Size, long Changed, long Modified)
{
    public bool IsRegular => (Mode & NodeStat.TypeMask) == NodeStat.RegularType;

    public bool IsLink => (Mode & NodeStat.TypeMask) == NodeStat.LinkType;

    public bool IsDirectory => (Mode & NodeStat.TypeMask) == NodeStat.DirectoryType;

    /// <summary>Without set-id and sticky bits: those are never given back.</summary>
    public int Permissions => Mode & NodeStat.PermissionMask;

    public static FileStat Of(NodeStat stat) => new(stat.Mode, stat.User, stat.Group, stat.Inode, stat.Size, stat.Changed, stat.Modified);
}
