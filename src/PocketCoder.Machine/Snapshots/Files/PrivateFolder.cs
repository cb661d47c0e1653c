namespace PocketCoder.Machine.Snapshots.Files;

/// <summary>A directory that only the daemon's user may enter.</summary>
internal static class PrivateFolder
{
    public static string Make(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return Directory.CreateDirectory(path).FullName; // beneath the home, which is the user's own there
        }

        return Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
    }
}
