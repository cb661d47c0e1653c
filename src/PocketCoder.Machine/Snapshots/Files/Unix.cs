using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace PocketCoder.Machine.Snapshots.Files;

/// <summary>
/// Files by directory handle and byte name, never through a link: what .NET has no door to. Linux only. Names are Latin-1 text as in <see cref="TreePath"/>.
/// </summary>
internal static partial class Unix
{
    public const int NotFound = 2, IsLoop = 40, NotADirectory = 20, NotEmpty = 39, Exists = 17;

    private const int WriteOnly = 1, Create = 0x40, Exclusive = 0x80, NonBlocking = 0x800, CloseOnExec = 0x80000, PathOnly = 0x200000;
    private const int AtCurrent = -100, AtEmptyPath = 0x1000, AtNoFollow = 0x100, AtRemoveDirectory = 0x200;
    private const uint BasicStats = 0x7ff;

    private static readonly bool s_arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    private static readonly int s_noFollow = s_arm ? 0x8000 : 0x20000;
    private static readonly int s_directory = s_arm ? 0x4000 : 0x10000;

    /// <summary>The project's folder itself; the one path that is followed, since its owner registered it.</summary>
    /// <exception cref="IOException">It is not there.</exception>
    public static SafeFileHandle OpenRoot(string path)
        => Handle(Open(AtCurrent, Encoding.UTF8.GetBytes(path + '\0'), PathOnly | s_directory | CloseOnExec, 0), path);

    /// <summary>A directory of that name; null when there is none (or a link, a file).</summary>
    public static SafeFileHandle? OpenDirectory(SafeFileHandle parent, string name)
        => TryHandle(Open(parent, name, PathOnly | s_directory | s_noFollow | CloseOnExec));

    /// <summary>A file for reading, without waiting for a pipe's other end; the caller looks what it got. Null when it can't be opened.</summary>
    public static SafeFileHandle? OpenRead(SafeFileHandle parent, string name)
        => TryHandle(Open(parent, name, s_noFollow | NonBlocking | CloseOnExec));

    /// <summary>A new file for writing, mode 0600.</summary>
    /// <exception cref="IOException">It can't be made.</exception>
    public static SafeFileHandle CreateNew(SafeFileHandle parent, string name)
        => Handle(Open(parent, name, WriteOnly | Create | Exclusive | s_noFollow | CloseOnExec, 0x180), name);

    /// <summary>What stands at that name, links not followed; null when nothing.</summary>
    public static unsafe FileStat? Stat(SafeFileHandle parent, string name)
    {
        var buffer = stackalloc byte[256];
        return StatX(parent, Name(name), AtNoFollow, BasicStats, buffer) == 0 ? FileStat.Read(new ReadOnlySpan<byte>(buffer, 256)) : null;
    }

    public static unsafe FileStat? Stat(SafeFileHandle file)
    {
        var buffer = stackalloc byte[256];
        return StatX(file, [0], AtEmptyPath, BasicStats, buffer) == 0 ? FileStat.Read(new ReadOnlySpan<byte>(buffer, 256)) : null;
    }

    /// <summary>Where a link points, as bytes; null when it is none (any more).</summary>
    public static byte[]? ReadLink(SafeFileHandle parent, string name)
    {
        var buffer = new byte[4097];
        var length = ReadLinkAt(parent, Name(name), buffer, buffer.Length);
        return length < 0 || length == buffer.Length ? null : buffer[..(int)length];
    }

    public static void MakeDirectory(SafeFileHandle parent, string name)
    {
        if (MakeDirectoryAt(parent, Name(name), 0x1ED) != 0 && Marshal.GetLastPInvokeError() != Exists)
        {
            throw Failure(name);
        }
    }

    public static void MakeLink(SafeFileHandle parent, string name, byte[] target) => Check(MakeLinkAt([.. target, 0], parent, Name(name)), name);

    public static void Rename(SafeFileHandle parent, string from, string to) => Check(RenameAt(parent, Name(from), parent, Name(to)), to);

    /// <summary>Removes a file or link; one that is not there is no error.</summary>
    public static void Remove(SafeFileHandle parent, string name)
    {
        if (UnlinkAt(parent, Name(name), 0) != 0 && Marshal.GetLastPInvokeError() != NotFound)
        {
            throw Failure(name);
        }
    }

    /// <summary>Removes a directory if it is empty. Returns whether it is gone.</summary>
    public static bool RemoveEmptyDirectory(SafeFileHandle parent, string name) => UnlinkAt(parent, Name(name), AtRemoveDirectory) == 0;

    public static void SetMode(SafeFileHandle file, int mode) => Check(ChangeMode(file, (uint)mode), "mode");

    /// <summary>Gives a new file or link to whom its place belongs; only root can and needs to.</summary>
    public static void GiveTo(SafeFileHandle parent, string name, uint user, uint group) => Check(ChangeOwnerAt(parent, Name(name), user, group, AtNoFollow), name);

    private static byte[] Name(string name) => [.. Encoding.Latin1.GetBytes(name), 0];

    private static int Open(SafeFileHandle parent, string name, int flags, uint mode = 0) => OpenAt(parent, Name(name), flags, mode);

    private static SafeFileHandle? TryHandle(int descriptor) => descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);

    private static SafeFileHandle Handle(int descriptor, string name) => TryHandle(descriptor) ?? throw Failure(name);

    private static void Check(int result, string name)
    {
        if (result != 0)
        {
            throw Failure(name);
        }
    }

    private static IOException Failure(string name)
        => new($"{new TreePath(name).Shown}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    private static partial int Open(int parent, byte[] name, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    private static partial int OpenAt(SafeFileHandle parent, byte[] name, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static unsafe partial int StatX(SafeFileHandle parent, byte[] name, int flags, uint mask, byte* buffer);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    private static partial nint ReadLinkAt(SafeFileHandle parent, byte[] name, byte[] buffer, nint size);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    private static partial int MakeDirectoryAt(SafeFileHandle parent, byte[] name, uint mode);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true)]
    private static partial int MakeLinkAt(byte[] target, SafeFileHandle parent, byte[] name);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true)]
    private static partial int RenameAt(SafeFileHandle fromParent, byte[] from, SafeFileHandle toParent, byte[] to);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    private static partial int UnlinkAt(SafeFileHandle parent, byte[] name, int flags);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    private static partial int ChangeMode(SafeFileHandle file, uint mode);

    [LibraryImport("libc", EntryPoint = "fchownat", SetLastError = true)]
    private static partial int ChangeOwnerAt(SafeFileHandle parent, byte[] name, uint user, uint group, int flags);
}

/// <summary>What statx(2) says; the structure is the same on every architecture.</summary>
/// <param name="Mode">Type and permissions.</param>
/// <param name="Modified">Nanoseconds since 1970.</param>
/// <param name="Changed">Of the inode, in nanoseconds since 1970: nobody but the kernel sets it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FileStat(int Mode, uint User, uint Group, ulong Inode, long Size, long Changed, long Modified)
{
    private const int TypeMask = 0xF000;

    public bool IsRegular => (Mode & TypeMask) == 0x8000;

    public bool IsLink => (Mode & TypeMask) == 0xA000;

    public bool IsDirectory => (Mode & TypeMask) == 0x4000;

    /// <summary>Without set-id and sticky bits: those are never given back.</summary>
    public int Permissions => Mode & 0x1FF;

    public static FileStat Read(ReadOnlySpan<byte> stat) => new(
        BinaryPrimitives.ReadUInt16LittleEndian(stat[28..]),
        BinaryPrimitives.ReadUInt32LittleEndian(stat[20..]),
        BinaryPrimitives.ReadUInt32LittleEndian(stat[24..]),
        BinaryPrimitives.ReadUInt64LittleEndian(stat[32..]),
        BinaryPrimitives.ReadInt64LittleEndian(stat[40..]),
        Time(stat[96..]),
        Time(stat[112..]));

    private static long Time(ReadOnlySpan<byte> time)
        => (BinaryPrimitives.ReadInt64LittleEndian(time) * 1_000_000_000) + BinaryPrimitives.ReadUInt32LittleEndian(time[8..]);
}
