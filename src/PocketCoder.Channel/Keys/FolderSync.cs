using System.Runtime.InteropServices;

namespace PocketCoder.Channels;

/// <summary>
/// Makes a rename durable: fsync(2) on the folder, which .NET has no call for. Best effort: a file system that cannot do it
/// (or Windows, where NTFS journals the rename) leaves what there was before, a rename that reaches the disk a little later.
/// </summary>
internal static partial class FolderSync
{
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        try
        {
            var handle = Open(folder, 0);
            if (handle >= 0)
            {
                _ = Sync(handle);
                _ = Close(handle);
            }
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // A C library under another name: the rename itself has been done.
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int handle);
}
