using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Platform;
using PocketCoder.Platform.Calls;

namespace PocketCoder.Processes;

/// <summary>
/// Opens a regular file by a path that holds no link any more, and refuses one that was turned into a link meanwhile: each component is
/// opened by the handle of the one before it. So what was looked at (<c>realpath</c>) is what is read, whoever swaps folders and links in
/// between. Linux only. Thread-safe.
/// </summary>
public static class PlainFile
{
    private const int NotThere = 2;
    private const int NoControllingTerminal = 0x100, NonBlocking = 0x800, PathOnly = 0x200000;
    private static readonly int s_noFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <summary>A handle for reading; null when it is no regular file, a component is a link, or it can't be opened.</summary>
    /// <param name="path">Absolute, without links, <c>.</c> and <c>..</c>.</param>
    /// <param name="missing">There is nothing at that path.</param>
    public static SafeFileHandle? OpenRead(string path, out bool missing)
    {
        missing = false;
        if (!Path.IsPathFullyQualified(path) || path.Contains('\0', StringComparison.Ordinal) || OperatingSystem.IsWindows())
        {
            return null;
        }

        var current = Handle(FileCalls.OpenPath("/", PathOnly | FileCalls.CloseOnExec));
        try
        {
            foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                if (current is null || name is "." or "..")
                {
                    return null;
                }

                var next = Handle(FileCalls.OpenAt(current, name, PathOnly | s_noFollow | FileCalls.CloseOnExec));
                missing = next is null && Marshal.GetLastPInvokeError() == NotThere;
                current.Dispose();
                current = next;
            }

            // By its handle: nothing can be put in its place any more. Of a pipe or device nothing is opened but this handle.
            return current is not null && FileIdentity.Of(current) is { IsRegular: true }
                ? Handle(FileCalls.OpenPath(
                    $"/proc/self/fd/{current.DangerousGetHandle()}", NoControllingTerminal | NonBlocking | FileCalls.CloseOnExec))
                : null;
        }
        finally
        {
            current?.Dispose();
        }
    }

    private static SafeFileHandle? Handle(int descriptor) => descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
}

/// <summary>Which file something is, whatever it is called: its device and number there. Linux only.</summary>
/// <param name="Links">Names that the file has; more than one: it may have another elsewhere.</param>
public readonly record struct FileIdentity(ulong Device, ulong Number, uint Links, bool IsRegular)
{
    /// <summary>Links followed. Null when it can't be known.</summary>
    public static FileIdentity? Of(string path)
        => FileStatus.Of(path) is { } status ? new FileIdentity(status.Device, status.Inode, status.Links, status.IsRegular) : null;

    internal static FileIdentity? Of(SafeFileHandle handle) => Of($"/proc/self/fd/{handle.DangerousGetHandle()}");

    /// <summary>Whether both are the same file or folder.</summary>
    public bool IsSame(FileIdentity other) => (Device, Number) == (other.Device, other.Number);
}
