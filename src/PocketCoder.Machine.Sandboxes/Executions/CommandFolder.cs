using System.Runtime.InteropServices;
using PocketCoder.Machine.Paths;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Executions;

/// <summary>Which directory a path leads to right now: a name can be given to another one, these two numbers can't.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FolderIdentity(uint DeviceMajor, uint DeviceMinor, ulong Inode)
{
    public override string ToString() => FormattableString.Invariant($"{DeviceMajor}:{DeviceMinor}:{Inode}");
}

/// <summary>Where commands begin.</summary>
public static class CommandFolder
{
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
            var root = RealPath.Of(project);
            var real = RealPath.Of(Path.Combine(project, given));
            if (real != root && !real.StartsWith(root + "/", StringComparison.Ordinal))
            {
                refusal = "cwd must be a folder of the project.";
            }
            else if (!Directory.Exists(real))
            {
                refusal = "No such folder: cwd.";
            }
            else
            {
                return real == root ? project : real;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            refusal = "cwd can't be followed.";
        }

        return null;
    }

    /// <summary>Null when there is nothing, or where it can't be told (anything but Linux, which has no sandbox either).</summary>
    internal static FolderIdentity? IdentityOf(string path)
        => OperatingSystem.IsLinux()
            && FileStatus.Of(path) is { } status ? new FolderIdentity(status.DeviceMajor, status.DeviceMinor, status.Inode) : null;
}
