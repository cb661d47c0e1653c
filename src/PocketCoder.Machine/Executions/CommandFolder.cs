using System.Runtime.InteropServices;
using PocketCoder.Machine.ControlPlane;

namespace PocketCoder.Machine.Executions;

/// <summary>Which directory a path leads to right now: a name can be given to another one, these two numbers can't.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FolderIdentity(uint DeviceMajor, uint DeviceMinor, ulong Inode)
{
    public override string ToString() => FormattableString.Invariant($"{DeviceMajor}:{DeviceMinor}:{Inode}");
}

/// <summary>Where commands begin.</summary>
internal static partial class CommandFolder
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint InodeWanted = 0x100; // STATX_INO

    /// <summary>The real path of a folder inside the project, or null with the reason.</summary>
    /// <param name="given">Relative to the project, or absolute; null: the project.</param>
    public static string? Resolve(string project, string? given, out string refusal)
    {
        refusal = "";
        if (given is null)
        {
            return project;
        }

        try
        {
            var root = ProjectFolder.RealPath(project);
            var real = ProjectFolder.RealPath(Path.Combine(project, given));
            if (real != root && !real.StartsWith(root + "/", StringComparison.Ordinal))
            {
                refusal = "cwd must be a folder of the project.";
            }
            else if (!Directory.Exists(real))
            {
                refusal = "There is no such folder: cwd.";
            }
            else
            {
                return real == root ? project : real;
            }
        }
        catch (Exception e) when (e is ControlException or IOException or UnauthorizedAccessException)
        {
            refusal = "cwd can't be followed.";
        }

        return null;
    }

    /// <summary>Null when there is nothing, or where it can't be told (anything but Linux, which has no sandbox either).</summary>
    public static FolderIdentity? IdentityOf(string path)
        => OperatingSystem.IsLinux() && !path.Contains('\0', StringComparison.Ordinal) && StatX(CurrentDirectory, path, 0, InodeWanted, out var stat) == 0
            ? new FolderIdentity(stat.DeviceMajor, stat.DeviceMinor, stat.Inode)
            : null;

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int directory, string path, int flags, uint mask, out Stat stat);

    /// <summary>statx(2): 256 bytes on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Stat
    {
        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }
}
