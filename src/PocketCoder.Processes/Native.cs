using System.Runtime.InteropServices;
using PocketCoder.Platform.Calls;

namespace PocketCoder.Processes;

/// <summary>The few calls .NET has no door to.</summary>
internal static class Native
{
    public const int Kill = 9;
    public const int Terminate = 15;

    private const int BrokenPipe = 13;
    private const uint CloseRangeCloseOnExec = 4;

    /// <summary>kill(2). Negative: the process group. Errors (ESRCH: gone meanwhile) are the caller's to ignore.</summary>
    public static int Signal(int pid, int signal) => ProcessCalls.SendSignal(pid, signal);

    /// <summary>
    /// A descriptor that means this process and never a later one with its number (pidfd_open(2)); null where there is none.
    /// </summary>
    public static Microsoft.Win32.SafeHandles.SafeFileHandle? OpenProcess(int pid)
    {
        const nint open = 434; // the same number on x86-64 and arm64
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
        {
            return null;
        }

        var descriptor = ProcessCalls.SystemCall(open, pid, 0, 0, 0, 0);
        return descriptor < 0 ? null : new Microsoft.Win32.SafeHandles.SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Sends a signal to the process that a descriptor of <see cref="OpenProcess"/> means (pidfd_send_signal(2)).</summary>
    public static bool SignalHeld(Microsoft.Win32.SafeHandles.SafeFileHandle process, int signal)
    {
        const nint send = 424; // the same number on x86-64 and arm64
        return ProcessCalls.SystemCall(send, process.DangerousGetHandle(), signal, 0, 0, 0) == 0;
    }

    /// <summary>
    /// .NET ignores SIGPIPE, and what is ignored stays so in a child: <c>yes | head -1</c> would end with an error instead of silently. A
    /// signal that is caught becomes usual again at exec. So it is caught by a C function that has no effect and is safe in a handler:
    /// abs(3).
    /// </summary>
    public static void LetChildrenHaveBrokenPipe()
        => _ = ProcessCalls.SetHandler(BrokenPipe, NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "abs"));

    /// <summary>
    /// Marks every descriptor above stderr close-on-exec. .NET opens its own that way; this catches those the daemon
    /// itself inherited (from a shell, a supervisor). close_range(2) needs Linux 5.11 and glibc 2.34; else one by one.
    /// </summary>
    public static void KeepDescriptorsFromChildren()
    {
        try
        {
            if (ProcessCalls.CloseRange(3, uint.MaxValue, CloseRangeCloseOnExec) == 0)
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
                _ = ProcessCalls.FileControl(descriptor, setFlags, closeOnExec); // EBADF: closed meanwhile
            }
        }
    }
}
