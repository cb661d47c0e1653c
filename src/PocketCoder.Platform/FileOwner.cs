using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace PocketCoder.Platform;

/// <summary>Who owns a file: .NET tells a file's mode but not its owner.</summary>
[UnsupportedOSPlatform("windows")]
public static class FileOwner
{
    /// <exception cref="IOException">The file can't be looked at.</exception>
    public static bool IsCurrentUser(string path)
    {
        if (OperatingSystem.IsLinux())
        {
            return FileStatus.Of(path) is { } status
                ? status.User == CurrentUser.Id
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

    /// <summary>Whether the same user owns both. False when one of them can't be looked at. Linux only.</summary>
    public static bool AreTheSame(string one, string other) => FileStatus.Of(one) is { } first && FileStatus.Of(other) is { } second
        && first.User == second.User;
}
