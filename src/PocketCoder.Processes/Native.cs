using System.Runtime.InteropServices;

namespace PocketCoder.Processes;

/// <summary>The few calls .NET has no door to.</summary>
internal static partial class Native
{
    public const int Kill = 9;
    public const int Terminate = 15;

    private const int BrokenPipe = 13;
    private const uint CloseRangeCloseOnExec = 4;

    /// <summary>kill(2). Negative: the process group. Errors (ESRCH: gone meanwhile) are the caller's to ignore.</summary>
    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Signal(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "close_range", SetLastError = true)]
    private static partial int CloseRange(uint first, uint last, uint flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FileControl(int descriptor, int command, int argument);

    /// <summary>statx(2). Its structure of 256 bytes is the same on every architecture, unlike stat's.</summary>
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static unsafe partial int StatX(int directory, string path, int flags, uint mask, byte* buffer);

    [LibraryImport("libc", EntryPoint = "signal", SetLastError = true)]
    private static partial nint SetHandler(int signal, nint handler);

    /// <summary>
    /// .NET ignores SIGPIPE, and what is ignored stays so in a child: <c>yes | head -1</c> would end with an error instead of silently. A signal
    /// that is caught becomes usual again at exec. So it is caught by a C function that has no effect and is safe in a handler: abs(3).
    /// </summary>
    public static void LetChildrenHaveBrokenPipe()
        => _ = SetHandler(BrokenPipe, NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "abs"));

    /// <summary>
    /// Marks every descriptor above stderr close-on-exec. .NET opens its own that way; this catches those the daemon
    /// itself inherited (from a shell, a supervisor). close_range(2) needs Linux 5.11 and glibc 2.34; else one by one.
    /// </summary>
    public static void KeepDescriptorsFromChildren()
    {
        try
        {
            if (CloseRange(3, uint.MaxValue, CloseRangeCloseOnExec) == 0)
            {
                return;
            }
        }
        catch (EntryPointNotFoundException)
        {
            // an older C library: below
        }

        const int setFlags = 2, closeOnExec = 1;
        foreach (var path in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
        {
            if (int.TryParse(Path.GetFileName(path.AsSpan()), out var descriptor) && descriptor > 2)
            {
                _ = FileControl(descriptor, setFlags, closeOnExec); // EBADF: closed meanwhile
            }
        }
    }
}
