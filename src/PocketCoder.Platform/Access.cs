using System.Runtime.InteropServices;
using PocketCoder.Platform.Calls;

namespace PocketCoder.Platform;

/// <summary>
/// What this process may do with a file, as the kernel says: also where a file system is read-only, which modes don't tell.
/// </summary>
public static class Access
{
    public const int Search = 1;
    public const int Write = 2;
    public const int Read = 4;

    public const string ReadOnlyFileSystem = "is on a file system that can only be read";

    private const int Effective = 0x200; // AT_EACCESS on Linux
    private const int Denied = 13; // EACCES
    private const int NotPermitted = 1; // EPERM
    private const int Immutable = 30; // EROFS

    /// <summary>Why it may not, to be put after the path; null: it may, or that can't be told here.</summary>
    public static string? Refused(string path, int wanted)
        => !OperatingSystem.IsLinux()
            || FileCalls.AccessAt(FileCalls.CurrentDirectory, path, wanted, Effective) == 0 ? null : Marshal.GetLastPInvokeError() switch
            {
                Immutable => ReadOnlyFileSystem,
                Denied or NotPermitted => $"can't be {(wanted == Read ? "read" : "written")} by this user",
                _ => null, // gone meanwhile, or no such call: whoever opens it learns more
            };
}
