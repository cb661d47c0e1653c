using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using static PocketCoder.Platform.Calls.FileCalls;

namespace PocketCoder.Workspace.Beneath;

/// <summary>
/// Files by directory handle and byte name: what .NET has no door to. Linux only (glibc and musl; the numbers of x86-64 and arm64). Names
/// are Latin-1 text. What fails returns null or false and leaves the reason in <see cref="LastError"/>. The one place that calls the kernel
/// for files; a path that somebody else wrote goes through <see cref="ProjectRoot"/>. Thread-safe.
/// </summary>
public static class Libc
{
    public const int WriteOnly = 1, ReadWrite = 2, Create = 0x40, Exclusive = 0x80, NoControllingTerminal = 0x100, Truncate =
        0x200, NonBlocking = 0x800, PathOnly = 0x200000;
    public const int CloseOnExec = PocketCoder.Platform.Calls.FileCalls.CloseOnExec;
    public const ulong StayBeneath = 0x08, NoMagicLinks = 0x02, NoLinks = 0x04;

    private const int AtEmptyPath = 0x1000, AtNoFollow = 0x100, AtRemoveDirectory = 0x200, MayWrite = 2;
    private const uint BasicStats = 0x7ff;
    private const nint OpenAt2Number = 437;
    private const int LinkBytes = 4097;

    private static readonly bool s_arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    private static readonly nint s_readEntries = s_arm ? 61 : 217;
    private static readonly nint s_rename2 = s_arm ? 276 : 316;

    public static int NoFollow { get; } = s_arm ? 0x8000 : 0x20000;

    public static int DirectoryOnly { get; } = s_arm ? 0x4000 : 0x10000;

    public static int LastError => Marshal.GetLastPInvokeError();

    /// <summary>An absolute path, links followed: for the project's own folder and <c>/proc</c>.</summary>
    public static SafeFileHandle? Open(string path, int flags)
        => Handle(OpenAt(CurrentDirectory, [.. Encoding.UTF8.GetBytes(path), 0], flags | CloseOnExec, 0));

    /// <summary>One name in a directory, its last link not followed.</summary>
    public static SafeFileHandle? Open(SafeFileHandle parent, string name, int flags, uint mode = 0)
        => Handle(OpenAt(parent, Name(name), flags | NoFollow | CloseOnExec, mode));

    /// <summary>openat2(2).</summary>
    public static unsafe SafeFileHandle? OpenBeneath(SafeFileHandle root, string path, int flags, ulong resolve)
    {
        var how = stackalloc ulong[3] { (uint)(flags | CloseOnExec), 0, resolve };
        fixed (byte* name = Name(path.Length == 0 ? "." : path))
        {
            return Handle((int)OpenAt2(OpenAt2Number, root, name, how, 24));
        }
    }

    /// <summary>The same file again, by what it is and not by its name, for reading or writing.</summary>
    public static SafeFileHandle? Reopen(SafeFileHandle handle, int flags) => Open(Self(handle), flags | NoControllingTerminal);

    /// <summary>What stands at that name, links not followed; null when nothing.</summary>
    public static unsafe NodeStat? Stat(SafeFileHandle parent, string name)
    {
        var buffer = stackalloc byte[256];
        return StatX(parent, Name(name), AtNoFollow, BasicStats, buffer) == 0 ? NodeStat.Read(new ReadOnlySpan<byte>(buffer, 256)) : null;
    }

    public static unsafe NodeStat? Stat(SafeFileHandle file)
    {
        var buffer = stackalloc byte[256];
        return StatX(file, [0], AtEmptyPath, BasicStats, buffer) == 0 ? NodeStat.Read(new ReadOnlySpan<byte>(buffer, 256)) : null;
    }

    /// <summary>Where a link points; an empty name: the link that the handle is. Null when it is none.</summary>
    public static string? ReadLink(SafeFileHandle parent, string name)
    {
        var buffer = new byte[LinkBytes];
        var length = ReadLinkAt(parent, Name(name), buffer, buffer.Length);
        return length < 0 || length == buffer.Length ? null : Encoding.Latin1.GetString(buffer, 0, (int)length);
    }

    /// <summary>Where an open directory is now, as the kernel tells it; null without <c>/proc</c>.</summary>
    public static string? WhereIs(SafeFileHandle handle)
    {
        var buffer = new byte[LinkBytes];
        var length = ReadLinkAt(CurrentDirectory, [.. Encoding.ASCII.GetBytes(Self(handle)), 0], buffer, buffer.Length);
        return length < 0 || length == buffer.Length ? null : Encoding.Latin1.GetString(buffer, 0, (int)length);
    }

    /// <summary>The path by which a handle can be named to calls that take none.</summary>
    public static string Self(SafeFileHandle handle) => $"/proc/self/fd/{handle.DangerousGetHandle()}";

    public static bool MakeDirectory(SafeFileHandle parent, string name, uint mode = 0x1FF)
        => MakeDirectoryAt(parent, Name(name), mode) == 0;

    public static bool MakeLink(SafeFileHandle parent, string name, string target)
        => MakeLinkAt([.. Encoding.Latin1.GetBytes(target), 0], parent, Name(name)) == 0;

    public static bool Rename(SafeFileHandle fromParent, string from, SafeFileHandle toParent, string to)
        => RenameAt(fromParent, Name(from), toParent, Name(to)) == 0;

    /// <summary>
    /// Renames where nothing is; EEXIST when something is. File systems without that get a hard link and lose the old name (files only).
    /// </summary>
    public static unsafe bool RenameNew(SafeFileHandle fromParent, string from, SafeFileHandle toParent, string to)
    {
        const nint noReplace = 1;
        fixed (byte* old = Name(from), next = Name(to))
        {
            if (RenameAt2(s_rename2, fromParent, old, toParent, next, noReplace) == 0)
            {
                return true;
            }
        }

        return LastError is Errno.Invalid or Errno.NotImplemented && Stat(fromParent, from) is { IsDirectory: false }
            && LinkAt(fromParent, Name(from), toParent, Name(to), 0) == 0 && Remove(fromParent, from);
    }

    /// <summary>Removes a file or link.</summary>
    public static bool Remove(SafeFileHandle parent, string name) => UnlinkAt(parent, Name(name), 0) == 0;

    /// <summary>Removes an empty directory.</summary>
    public static bool RemoveDirectory(SafeFileHandle parent, string name) => UnlinkAt(parent, Name(name), AtRemoveDirectory) == 0;

    public static bool SetMode(SafeFileHandle file, int mode) => ChangeMode(file, (uint)mode) == 0;

    public static bool SetOwner(SafeFileHandle parent, string name, uint user, uint group)
        => ChangeOwnerAt(parent, Name(name), user, group, AtNoFollow) == 0;

    public static bool Sync(SafeFileHandle file) => SyncFile(file) == 0;

    /// <summary>Whether this user may write into that very file.</summary>
    public static bool CanWrite(SafeFileHandle file) => AccessAt(CurrentDirectory, Self(file), MayWrite, 0) == 0;

    /// <summary>Fills the buffer with the next entries of an open directory; 0 at its end, negative on failure.</summary>
    public static unsafe int ReadEntries(SafeFileHandle directory, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return (int)GetEntries(s_readEntries, directory, start, buffer.Length);
        }
    }

    private static byte[] Name(string name)
    {
        var bytes = new byte[name.Length + 1];
        Encoding.Latin1.GetBytes(name, bytes);
        return bytes;
    }

    private static SafeFileHandle? Handle(int descriptor) => descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
}
