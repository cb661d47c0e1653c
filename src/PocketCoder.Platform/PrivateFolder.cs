namespace PocketCoder.Platform;

/// <summary>A directory that only the daemon's user may enter.</summary>
public static class PrivateFolder
{
    /// <summary>Makes the folder, with those above it, in mode 0700. One that is there stays as it is.</summary>
    /// <returns>Its full path.</returns>
    public static string Make(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return Directory.CreateDirectory(path).FullName; // beneath the home, which is the user's own there
        }

        return Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
    }
}
