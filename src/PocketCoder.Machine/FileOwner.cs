using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace PocketCoder.Machine;

/// <summary>Who owns a file: .NET tells a file's mode but not its owner.</summary>
[UnsupportedOSPlatform("windows")]
internal static partial class FileOwner
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint OwnerWanted = 0x8; // STATX_UID

    /// <exception cref="IOException">The file can't be looked at.</exception>
    public static bool IsCurrentUser(string path)
    {
        if (OperatingSystem.IsLinux())
        {
            return StatX(CurrentDirectory, path, 0, OwnerWanted, out var stat) == 0
                ? stat.Uid == EffectiveUserId()
                : throw new IOException($"statx on {path} failed with error {Marshal.GetLastPInvokeError()}.");
        }

        try
        {
            // Elsewhere `struct stat` differs by platform; but only the owner (and root) may set a mode, even to what it is.
            File.SetUnixFileMode(path, File.GetUnixFileMode(path));
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUserId();

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int directory, string path, int flags, uint mask, out Stat stat);

    /// <summary>statx(2): 256 bytes on every architecture, the owner at offset 20.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Stat
    {
        [FieldOffset(20)]
        public uint Uid;
    }
}
