using Microsoft.Win32.SafeHandles;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Workspace;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Projects;

/// <summary>
/// The folder beneath a project's root that a session works in. Its one spelling, no link on the way, nothing hidden: so what was recorded
/// is where it works, or it does not work. Stateless.
/// </summary>
public static class SessionFolder
{
    /// <summary>The folder as it is recorded: names with a slash between each two; null: the project's root. What is there is not looked
    /// at.</summary>
    /// <param name="given">As the project's files name it: at most <see cref="FileLimits.PathLength"/> characters and
    /// <see cref="FileLimits.Depth"/> levels. Null or empty: the root.</param>
    /// <exception cref="WorkspaceException">OUTSIDE_PROJECT_ROOT: absolute, or with <c>..</c>; INVALID_REQUEST: no path in its one
    /// spelling.</exception>
    /// <exception cref="RequestFailure">INVALID_REQUEST: a name that is not seen as what it is; PERMISSION_DENIED: hidden, as
    /// <c>.git</c> and folders of keys and settings are.</exception>
    public static string? Parse(string? given)
    {
        if (given is null or "" || ProjectPath.Parse(given).IsRoot)
        {
            return null;
        }

        foreach (var name in given.Split('/'))
        {
            if (name.Contains('\\', StringComparison.Ordinal) || !FolderNames.IsPlain(name))
            {
                throw new RequestFailure(
                    ErrorCode.InvalidRequest, "A session's folder has no backslash and no invisible character in its names.");
            }

            if (name[0] == '.')
            {
                throw new RequestFailure(
                    ErrorCode.PermissionDenied, $"No session works in {given}: {name} is hidden, as folders of keys and settings are.");
            }
        }

        return given;
    }

    /// <summary>Where the folder is, if it is there now and no part of the way from the root is a link.</summary>
    /// <param name="root">The project's folder, absolute, real.</param>
    /// <param name="folder">As <see cref="Parse"/> gives it; null: the root, which is not looked at.</param>
    /// <param name="closed">Real paths that no session works in, as far as they lie in the project: the daemon's own.</param>
    /// <returns>Its absolute path.</returns>
    /// <exception cref="RequestFailure">FILE_NOT_FOUND; NOT_A_DIRECTORY; OUTSIDE_PROJECT_ROOT: a link is on the way; PERMISSION_DENIED:
    /// the daemon's own, or closed to its user.</exception>
    public static string Require(string root, string? folder, IReadOnlyList<string>? closed = null)
    {
        if (folder is null)
        {
            return root;
        }

        var path = FolderBrowser.Join(root, folder);
        // What lies above the project is not meant: a worktree of a session and the demo lie in the daemon's home themselves.
        if (FolderBrowser.IsClosed(path, [.. (closed ?? []).Where(c => FolderBrowser.IsClosed(c, [root]))]))
        {
            throw new RequestFailure(ErrorCode.PermissionDenied, $"{folder} holds PocketCoder's own files: no session works there.");
        }

        if (OperatingSystem.IsLinux())
        {
            Walk(root, folder);
        }
        else
        {
            Look(root, folder);
        }

        return path;
    }

    /// <summary>Each step from the one before, by handle, so that nothing that is swapped meanwhile is followed.</summary>
    private static void Walk(string root, string folder)
    {
        var at = Libc.Open(root, Libc.PathOnly | Libc.DirectoryOnly)
            ?? throw new RequestFailure(ErrorCode.ProjectNotFound, $"The folder {root} no longer exists.");
        try
        {
            foreach (var name in folder.Split('/'))
            {
                var next = Libc.Open(at, FolderBrowser.Raw(name), Libc.PathOnly | Libc.DirectoryOnly) ?? throw Refused(at, name, folder);
                at.Dispose();
                at = next;
            }
        }
        finally
        {
            at.Dispose();
        }
    }

    /// <summary>The same by names, where there are no such handles.</summary>
    private static void Look(string root, string folder)
    {
        var at = root;
        foreach (var name in folder.Split('/'))
        {
            at = Path.Combine(at, name);
            if (new FileInfo(at).LinkTarget is not null)
            {
                throw Link(folder);
            }

            if (!Directory.Exists(at))
            {
                throw File.Exists(at) ? NoFolder(folder) : Missing(folder);
            }
        }
    }

    private static RequestFailure Refused(SafeFileHandle parent, string name, string folder)
    {
        var error = Libc.LastError;
        return Libc.Stat(parent, FolderBrowser.Raw(name)) switch
        {
            { IsLink: true } => Link(folder),
            { IsDirectory: false } => NoFolder(folder),
            null when Libc.LastError == Errno.NotFound => Missing(folder),
            _ => new RequestFailure(
                ErrorCode.PermissionDenied, $"The folder {folder} can't be entered by the user that runs PocketCoder (error {error})."),
        };
    }

    private static RequestFailure Link(string folder) => new(
        ErrorCode.OutsideProjectRoot,
        $"A part of {folder} is a symbolic link. A session works in a folder itself: name what the link leads to.");

    private static RequestFailure NoFolder(string folder) => new(ErrorCode.NotADirectory, $"{folder} is not a folder.");

    private static RequestFailure Missing(string folder) => new(ErrorCode.FileNotFound, $"The folder {folder} does not exist.");
}
