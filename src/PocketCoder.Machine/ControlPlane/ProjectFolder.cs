using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Which folders may become projects.</summary>
internal static class ProjectFolder
{
    /// <summary>The one spelling of a folder: absolute, without links, without a trailing separator.</summary>
    /// <exception cref="ControlException"><see cref="ErrorCode.InvalidRequest"/>: not absolute, not there, no directory, or refused without <paramref name="force"/>.</exception>
    public static string Resolve(string path, bool force, Home home, string? userHome)
    {
        if (!Path.IsPathFullyQualified(path) || path.Contains('\0', StringComparison.Ordinal))
        {
            throw Invalid("Give an absolute path.");
        }

        var real = RealPath(path);
        if (!Directory.Exists(real))
        {
            throw Invalid(File.Exists(real) ? $"{path} is a file; a project is a directory." : $"There is no directory {path}.");
        }

        if (force)
        {
            return real;
        }

        var what = real == Path.GetPathRoot(real) ? "the whole file system"
            : userHome is { Length: > 0 } && Directory.Exists(userHome) && (real == RealPath(userHome) || IsInside(RealPath(userHome), real)) ? "your home directory with everything in it"
            : real == RealPath(home.Root) || IsInside(RealPath(home.Root), real) || IsInside(real, RealPath(home.Root)) ? "the directory of PocketCoder's own keys"
            : null;
        return what is null
            ? real
            : throw Invalid($"{path} is {what}: an agent would work on all of it. Add the folder of one project, or say --force.");
    }

    /// <summary>A project's name: what was given, else the folder's.</summary>
    public static string NameOf(string? given, string path)
    {
        var name = (given ?? Path.GetFileName(path)).Trim();
        if (given is null && (name.Length is 0 or > 100 || name.Any(char.IsControl)))
        {
            name = "project"; // a folder may be called anything; a name that is shown may not
        }

        return name.Length is >= 1 and <= 100 && !name.Any(char.IsControl) ? name : throw Invalid("A project's name has 1 to 100 characters and no control characters.");
    }

    /// <summary>The path with every link in it followed. What does not exist is kept as written.</summary>
    internal static string RealPath(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var root = Path.GetPathRoot(full)!;
        var real = root;
        var links = 0;
        var rest = new Stack<string>(full[root.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse());
        while (rest.TryPop(out var part))
        {
            if (part == ".")
            {
                continue;
            }

            if (part == "..")
            {
                real = Path.GetDirectoryName(real) ?? root; // inside a link's target: by then everything before is real
                continue;
            }

            var next = Path.Combine(real, part);
            var target = new FileInfo(next).LinkTarget;
            if (target is null)
            {
                real = next;
                continue;
            }

            if (++links > 40)
            {
                throw Invalid($"{path} goes round in circles of links."); // as many as the kernel follows
            }

            if (Path.IsPathFullyQualified(target))
            {
                real = Path.GetPathRoot(target)!;
                target = target[real.Length..];
            }

            foreach (var step in target.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                rest.Push(step);
            }
        }

        return real;
    }

    private static bool IsInside(string inner, string outer)
        => inner.StartsWith(Path.EndsInDirectorySeparator(outer) ? outer : outer + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static ControlException Invalid(string message) => new(ErrorCode.InvalidRequest, message);
}
