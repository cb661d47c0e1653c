using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PocketCoder.Platform.Calls;

/// <summary>inotify(7), and waiting for it.</summary>
internal static unsafe partial class WatchCalls
{
    [LibraryImport("libc", EntryPoint = "inotify_init1", SetLastError = true)]
    public static partial int Initialize(int flags);

    [LibraryImport("libc", EntryPoint = "inotify_add_watch", SetLastError = true)]
    public static partial int AddWatch(SafeFileHandle events, byte[] path, uint mask);

    [LibraryImport("libc", EntryPoint = "inotify_rm_watch", SetLastError = true)]
    public static partial int RemoveWatch(SafeFileHandle events, int watch);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint ReadEvents(SafeFileHandle events, byte* buffer, nint size);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventDescriptor(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint WriteEvent(SafeFileHandle wake, byte* buffer, nint size);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollEntry* polled, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }
}
