using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Projects;

/// <summary>Which folders may become projects.</summary>
public static class ProjectFolder
{
    /// <summary>The one spelling of a folder: absolute, without links, without a trailing separator.</summary>
    /// <exception cref="RequestFailure">
    /// <see cref="ErrorCode.InvalidRequest"/>: not absolute, or refused without <paramref name="force"/>;
    /// <see cref="ErrorCode.FileNotFound"/>; <see cref="ErrorCode.NotADirectory"/>; <see cref="ErrorCode.PermissionDenied"/>: this user
    /// can't list or enter it.
    /// </exception>
    public static string Resolve(string path, bool force, Home home, string? userHome)
    {
        if (!Path.IsPathFullyQualified(path) || path.Contains('\0', StringComparison.Ordinal))
        {
            throw Invalid("Give an absolute path.");
        }

        var real = RealPath(path);
        if (!Directory.Exists(real))
        {
            throw File.Exists(real)
                ? new RequestFailure(ErrorCode.NotADirectory, $"{path} is a file; a project is a directory.")
                : new RequestFailure(ErrorCode.FileNotFound, $"No such directory: {path}.");
        }

        MustBeReadable(path, real);

        if (force)
        {
            return real;
        }

        var what = real == Path.GetPathRoot(real) ? "the whole file system"
            : userHome is { Length: > 0 } && Directory.Exists(userHome)
                && (real == RealPath(userHome) || IsInside(RealPath(userHome), real)) ? "your home directory with everything in it"
            : real == RealPath(home.Root) || IsInside(RealPath(home.Root), real)
                || IsInside(real, RealPath(home.Root)) ? "the directory of PocketCoder's own keys"
            : null;
        return what is null
            ? real
            : throw Invalid($"{path} is {what}: an agent would work on all of it. Add the folder of one project, or use --force.");
    }

    /// <summary>
    /// A project that can't be listed or entered would be registered, and then every session, file and command in it would fail.
    /// </summary>
    private static void MustBeReadable(string path, string real)
    {
        try
        {
            using (var entries = Directory.EnumerateFileSystemEntries(real).GetEnumerator())
            {
                _ = entries.MoveNext();
            }

            _ = File.GetAttributes(Path.Combine(real, Path.GetRandomFileName())); // entering it is another right than listing it
        }
        catch (FileNotFoundException)
        {
            // could be looked for, and is not there
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new RequestFailure(
                ErrorCode.PermissionDenied,
                $"PocketCoder's user can't read {path}. Give it the right to list and enter that folder (chmod u+rx, or its owner), then add it again.");
        }
    }

    /// <summary>A project's name: what was given, else the folder's.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static string NameOf(string? given, string path)
    {
        var name = (given ?? Path.GetFileName(path)).Trim();
        if (given is null && (name.Length is 0 or > Limits.NameLength || !FolderNames.IsPlain(name)))
        {
            name = "project"; // a folder may be called anything; a name that is shown may not
        }

        return FolderNames.Project(name);
    }

    /// <summary>The path with every link in it followed. What does not exist is kept as written.</summary>
    /// <exception cref="RequestFailure"><see cref="ErrorCode.InvalidRequest"/>: its links form a circle.</exception>
    public static string RealPath(string path)
    {
        try
        {
            return Paths.RealPath.Of(path);
        }
        catch (LinkCircleException e)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, e.Message);
        }
    }

    private static bool IsInside(string inner, string outer)
        => inner.StartsWith(Path.EndsInDirectorySeparator(outer) ? outer : outer + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static RequestFailure Invalid(string message) => new(ErrorCode.InvalidRequest, message);
}
