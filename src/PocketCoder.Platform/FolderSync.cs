using Microsoft.Win32.SafeHandles;
using PocketCoder.Platform.Calls;

namespace PocketCoder.Platform;

/// <summary>
/// Makes a rename durable: fsync(2) on the folder, which .NET has no call for. Best effort: where a file system can't do it (or on Windows,
/// where NTFS journals the rename), the rename reaches the disk a moment later.
/// </summary>
public static class FolderSync
{
    private const int MacCloseOnExec = 0x1000000;

    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        try
        {
            var descriptor = FileCalls.OpenPath(folder, OperatingSystem.IsMacOS() ? MacCloseOnExec : FileCalls.CloseOnExec);
            if (descriptor >= 0)
            {
                using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
                _ = FileCalls.SyncFile(handle);
            }
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // A C library under another name: the rename itself has been done.
        }
    }
}
