using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PocketCoder.Hands;

/// <summary>The few calls .NET has no door to. Linux only.</summary>
internal static partial class Native
{
    public const int Interrupt = 2, Kill = 9, Terminate = 15;

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "getegid")]
    public static partial uint EffectiveGroup();

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int directory, string path, int flags, uint mask, byte* buffer);

    /// <summary>Gives a file away (a link itself, not what it points to).</summary>
    /// <exception cref="IOException">Not allowed, or it is gone.</exception>
    public static void GiveTo(string path, uint user, uint group)
    {
        if (ChangeOwner(path, user, group) != 0)
        {
            throw new IOException($"{path} could not be given to user {user}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }
    }

    /// <summary>
    /// Opens a file of somebody else's for reading: not through a link in the last place, not a pipe or device that could hold us.
    /// Null when it is not there or is anything but a regular file.
    /// </summary>
    public static SafeFileHandle? OpenPlain(string path)
    {
        const int readOnlyNonBlocking = 0x800 | 0x80000; // O_NONBLOCK | O_CLOEXEC
        var noFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;
        var descriptor = Open(path, readOnlyNonBlocking | noFollow);
        if (descriptor < 0)
        {
            return null;
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (PocketCoder.Processes.FileKind.IsRegular($"/proc/self/fd/{descriptor}"))
        {
            return handle;
        }

        handle.Dispose();
        return null;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    /// <summary>User and group of a file, links followed; null when it can't be seen. statx(2): the structure is the same everywhere.</summary>
    public static unsafe (uint User, uint Group)? OwnerOf(string path)
    {
        const int currentDirectory = -100, size = 256;
        const uint userAndGroup = 0x8 | 0x10;
        var buffer = stackalloc byte[size];
        if (path.Contains('\0', StringComparison.Ordinal) || StatX(currentDirectory, path, 0, userAndGroup, buffer) != 0)
        {
            return null;
        }

        var bytes = new ReadOnlySpan<byte>(buffer, size);
        return (BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]));
    }
}
