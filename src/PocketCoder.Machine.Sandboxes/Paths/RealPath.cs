namespace PocketCoder.Machine.Paths;

/// <summary>The one spelling of a path: absolute, without links, without a trailing separator.</summary>
public static class RealPath
{
    /// <summary>The path with every link in it followed. What does not exist is kept as written.</summary>
    /// <exception cref="LinkCircleException">Its links form a loop.</exception>
    public static string Of(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var root = Path.GetPathRoot(full)!;
        var real = root;
        var links = 0;
        var rest = new Stack<string>(
            full[root.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse());
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
                throw new LinkCircleException($"{path} is a loop of symbolic links."); // as many as the kernel follows
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
}

/// <summary>Links that lead to each other: no program can follow them.</summary>
public sealed class LinkCircleException(string message) : IOException(message);
