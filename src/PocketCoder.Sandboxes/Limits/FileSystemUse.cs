using System.Runtime.InteropServices;
using static PocketCoder.Platform.Calls.FileCalls;

namespace PocketCoder.Sandboxes.Limits;

/// <summary>What a file system says of itself (statvfs(3), statfs(2)); the structures are those of 64-bit Linux.</summary>
/// <param name="UsedFiles">0 where it does not count them.</param>
/// <param name="AvailableBytes">To ordinary users.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FileSystemUse(long UsedBytes, long UsedFiles, long AvailableBytes)
{
    private const int StructureBytes = 256;
    private const long MemoryFileSystem = 0x01021994; // TMPFS_MAGIC

    /// <summary>Null when the path can't be seen.</summary>
    public static unsafe FileSystemUse? Of(string path)
    {
        // f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, …: 8 bytes each
        var fields = stackalloc long[StructureBytes / sizeof(long)];
        if (StatVfs(path, fields) != 0)
        {
            return null;
        }

        var unit = fields[1];
        return new((fields[2] - fields[3]) * unit, Math.Max(0, fields[5] - fields[6]), fields[4] * unit);
    }

    /// <summary>Whether files there are memory.</summary>
    public static unsafe bool IsMemory(string path)
    {
        var fields = stackalloc long[StructureBytes / sizeof(long)];
        return StatFs(path, fields) == 0 && fields[0] == MemoryFileSystem;
    }
}
