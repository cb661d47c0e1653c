using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Platform;
using PocketCoder.Platform.Calls;

namespace PocketCoder.Sandboxes;

/// <summary>The few calls .NET has no door to. Linux only.</summary>
internal static class Native
{
    public const int Interrupt = 2, Kill = 9, Terminate = 15;

    /// <summary>Gives a file away (a link itself, not what it points to).</summary>
    /// <exception cref="IOException">Not allowed, or it is gone.</exception>
    public static void GiveTo(string path, uint user, uint group)
    {
        if (FileCalls.ChangeOwner(path, user, group) != 0)
        {
            throw new IOException(
                $"{path} could not be given to user {user}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
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
        var descriptor = FileCalls.OpenPath(path, readOnlyNonBlocking | noFollow);
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

    /// <summary>Which file this is and what it takes, links followed; null when it can't be seen.</summary>
    public static (ulong Device, ulong Inode, long Bytes)? FileAt(string path)
        => FileStatus.Of(path) is { } status ? (status.Device, status.Inode, status.Allocated) : null;

    /// <summary>User and group of a file, links followed; null when it can't be seen.</summary>
    public static (uint User, uint Group)? OwnerOf(string path) => FileStatus.Of(path) is { } status ? (status.User, status.Group) : null;
}
