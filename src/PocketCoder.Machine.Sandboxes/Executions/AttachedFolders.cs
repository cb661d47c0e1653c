using PocketCoder.Platform;


namespace PocketCoder.Machine.Executions;

/// <summary>
/// A folder a session with copies of what went with its prompts: agents and commands may read there, at the same path in every sandbox, and
/// write nowhere in it. It lies outside of the project, so that nothing of it gets into a commit. Thread-safe.
/// </summary>
public sealed class AttachedFolders(string root)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode PassThrough = Private | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>A daemon of root runs sandboxes as other users, who must be able to read.</summary>
    private static readonly bool s_others = Environment.IsPrivilegedProcess && OperatingSystem.IsLinux();

    public static UnixFileMode FileMode => s_others ? PrivateFile.Mode | UnixFileMode.GroupRead | UnixFileMode.OtherRead : PrivateFile.Mode;

    private static UnixFileMode FolderMode => s_others ? PassThrough | UnixFileMode.GroupRead | UnixFileMode.OtherRead : Private;

    /// <summary>The session's folder; made when it is not there.</summary>
    /// <exception cref="IOException">It can't be made, or is not the daemon's.</exception>
    /// <exception cref="UnauthorizedAccessException">It can't be made.</exception>
    public string Of(Guid session)
    {
        Make(root, s_others ? PassThrough : Private);
        return Make(Path.Combine(root, session.ToString("N")), FolderMode);
    }

    /// <summary>A folder in the session's.</summary>
    /// <inheritdoc cref="Of(Guid)"/>
    public string Of(Guid session, string name) => Make(Path.Combine(Of(session), name), FolderMode);

    /// <summary>Deletes the session's folder, when there is one.</summary>
    /// <exception cref="IOException">It can't be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">It can't be deleted.</exception>
    public void Delete(Guid session)
    {
        var folder = Path.Combine(root, session.ToString("N"));
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Make(string path, UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows())
        {
            return Directory.CreateDirectory(path).FullName;
        }

        Directory.CreateDirectory(path, mode);
        if (new DirectoryInfo(path).LinkTarget is not null || !FileOwner.IsCurrentUser(path))
        {
            throw new IOException($"{path} is not PocketCoder's own folder.");
        }

        File.SetUnixFileMode(path, mode); // whatever the umask took
        return path;
    }
}
