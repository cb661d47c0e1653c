using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PocketCoder.Platform.Calls;

/// <summary>Messages to the kernel: netlink(7).</summary>
internal static unsafe partial class NetlinkCalls
{
    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int Open(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(SafeFileHandle kernel, byte* message, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(SafeFileHandle kernel, byte* message, nint size, int flags);
}
