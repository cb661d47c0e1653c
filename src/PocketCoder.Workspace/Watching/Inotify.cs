using System.Text;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Workspace.Beneath;
using static PocketCoder.Platform.Calls.WatchCalls;

namespace PocketCoder.Workspace.Watching;

/// <summary>
/// inotify(7), with a second descriptor to wake up who waits. One thread uses it; only <see cref="Wake"/> may be called from others.
/// </summary>
internal sealed class Inotify : IDisposable
{
    public const uint Modify = 0x2, MovedFrom = 0x40, MovedTo = 0x80, Create = 0x100, Delete = 0x200, DeleteSelf = 0x400, MoveSelf =
        0x800, Overflow = 0x4000, Ignored = 0x8000, IsFolder = 0x40000000;

    private const uint ExcludeUnlinked = 0x4000000, OnlyFolder = 0x1000000;
    private const int NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const short Readable = 1;

    private readonly SafeFileHandle _events;

    private Inotify(SafeFileHandle events) => _events = events;

    /// <summary>Null: the system gives no more of them.</summary>
    public static Inotify? TryOpen() => Initialize(NonBlocking | CloseOnExec) is >= 0 and var descriptor
        ? new Inotify(new SafeFileHandle(descriptor, ownsHandle: true)) : null;

    /// <summary>Watches the very folder that is open. Negative: it can't; <see cref="Libc.LastError"/> tells.</summary>
    public int Add(SafeFileHandle folder) => AddWatch(
        _events, [.. Encoding.ASCII.GetBytes(Libc.Self(folder)), 0],
        Modify | MovedFrom | MovedTo | Create | Delete | DeleteSelf | MoveSelf | ExcludeUnlinked | OnlyFolder);

    public void Remove(int watch) => _ = RemoveWatch(_events, watch);

    /// <summary>What is there now; 0: nothing.</summary>
    public int Read(Span<byte> buffer)
    {
        unsafe
        {
            fixed (byte* start = buffer)
            {
                return (int)Math.Max(0, ReadEvents(_events, start, buffer.Length));
            }
        }
    }

    public void Dispose() => _events.Dispose();

    /// <summary>Waits for events of <paramref name="inotify"/> (if any), a wake-up, or the time.</summary>
    public static unsafe void Wait(Inotify? inotify, SafeFileHandle wake, TimeSpan? time)
    {
        var polled = stackalloc PollEntry[2];
        polled[0] = new PollEntry { Descriptor = (int)wake.DangerousGetHandle(), Events = Readable };
        polled[1] = new PollEntry { Descriptor = inotify is null ? -1 : (int)inotify._events.DangerousGetHandle(), Events = Readable };
        // interrupted: the caller looks again
        _ = Poll(polled, 2, time is { } t ? (int)Math.Min(Math.Ceiling(t.TotalMilliseconds), int.MaxValue) : -1);
    }

    public static SafeFileHandle WakeUp() => EventDescriptor(0, NonBlocking | CloseOnExec) is >= 0 and var descriptor
        ? new SafeFileHandle(descriptor, ownsHandle: true)
        : throw Errno.Failure(Libc.LastError, ProjectPath.Root);

    public static unsafe void Wake(SafeFileHandle wake)
    {
        ulong one = 1;
        _ = WriteEvent(wake, (byte*)&one, sizeof(ulong)); // full: it is awake
    }
}
