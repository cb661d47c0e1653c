namespace PocketCoder.Agents.Shared;

/// <summary>
/// Where a path really leads: every symbolic link on the way resolved, as the kernel would. A look, not a lock: what it says holds
/// at the moment of asking, so whoever acts asks again right before.
/// </summary>
internal static class ConfinedPath
{
    /// <summary>The kernel's own bound (path_resolution(7)).</summary>
    private const int MaxLinks = 40;

    /// <summary>The real absolute path (its tail need not exist), or null for a link loop or an unreadable link.</summary>
    public static string? Resolve(string baseDirectory, string path)
    {
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
        {
            return null;
        }

        // Not Path.GetFullPath: "link/.." is the parent of the link's target, not of the link.
        var pending = new Stack<string>();
        var current = path[0] == '/' ? "/" : Resolve("/", baseDirectory);
        if (current is null)
        {
            return null;
        }

        Push(path);
        var links = 0;
        while (pending.TryPop(out var part))
        {
            if (part is "" or ".")
            {
                continue;
            }

            if (part == "..")
            {
                current = Path.GetDirectoryName(current) ?? "/";
                continue;
            }

            var next = Path.Combine(current, part);
            string? target;
            try
            {
                target = new FileInfo(next).LinkTarget;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return null;
            }

            if (target is null)
            {
                current = next;
                continue;
            }

            if (++links > MaxLinks)
            {
                return null;
            }

            if (target.StartsWith('/'))
            {
                current = "/";
            }

            Push(target);
        }

        return current;

        void Push(string text)
        {
            foreach (var part in text.Split('/').Reverse())
            {
                pending.Push(part);
            }
        }
    }

    /// <summary>Like <see cref="Resolve"/>, and null when the real path is not strictly beneath the real <paramref name="root"/>.</summary>
    public static string? ResolveBeneath(string root, string path) => ResolveBeneath(root, root, path);

    /// <summary>The same for a path that begins in another folder than the root.</summary>
    public static string? ResolveBeneath(string root, string baseDirectory, string path)
    {
        var realRoot = Resolve("/", root);
        var real = Resolve(baseDirectory, path);
        return realRoot is not null && real is not null && IsBeneath(realRoot, real) ? real : null;
    }

    /// <summary>Whether <paramref name="real"/> is <paramref name="realRoot"/> itself or lies beneath it; both already resolved.</summary>
    public static bool IsInside(string realRoot, string real) => real == realRoot || IsBeneath(realRoot, real);

    private static bool IsBeneath(string realRoot, string real)
        => real.Length > realRoot.Length && real.StartsWith(realRoot, StringComparison.Ordinal)
            && (realRoot == "/" || real[realRoot.Length] == '/');
}
