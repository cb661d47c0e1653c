using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Paths;

/// <summary>
/// Follows paths as the kernel would: component by component, symbolic links included, so that <c>link/../x</c> is what it will be. Looks
/// at links only (lstat); what changes between this look and the run is the executor's to notice.
/// </summary>
internal sealed class PlaceFinder(string workspace, string home, RiskSurroundings? around = null)
{
    private const int MaxLinks = 40;

    private readonly string _workspace = Physical(workspace);

    private readonly IReadOnlyList<NeighbourProject> _neighbours =
        [.. (around?.Projects ?? []).Select(p => p with { Path = Physical(p.Path) })];

    // A folder in which the project itself lies is bound from the machine, whatever else the sandbox has there.
    private readonly IReadOnlyList<string> _temporary =
        [.. (around?.OwnTemporary ?? []).Where(t => !Within(Physical(workspace), Physical(t)))];

    /// <summary>The person's home folder; <c>~</c>.</summary>
    public string Home { get; } = Clean(home);

    public string Workspace { get; } = Clean(workspace);

    /// <summary>The workspace with links followed.</summary>
    public string Root => _workspace;

    /// <param name="folder">Absolute; what relative paths are relative to.</param>
    public Place Find(string folder, string path)
    {
        var absolute = path.StartsWith('/') ? path : $"{folder}/{path}";
        if (absolute is "/dev/null" or "/dev/stdout" or "/dev/stderr" or "/dev/stdin" or "/dev/tty" or "/dev/fd/1" or "/dev/fd/2"
            or "/dev/zero" or "/dev/urandom" or "/dev/random"
            || absolute.StartsWith("/dev/fd/", StringComparison.Ordinal))
        {
            return new Place(absolute, absolute, Zone.Sink);
        }

        var physical = Physical(absolute);
        if (Within(physical, _workspace))
        {
            var shown = physical == _workspace ? "." : physical[(_workspace.TrimEnd('/').Length + 1)..];
            return new Place(physical, shown, Zone.Workspace);
        }

        if (_neighbours.FirstOrDefault(p => Within(physical, p.Path)) is { } neighbour)
        {
            return new Place(physical, physical, Zone.Neighbour, neighbour.Name);
        }

        // By the name as written: a link on this machine leads elsewhere than the sandbox's own folder of that name.
        return new Place(physical, physical,
            _temporary.Any(t => Within(physical, t) && Within(Clean(absolute), t)) ? Zone.Temporary : Zone.Outside);
    }

    /// <summary>Whether the place is the root of much more than a project: the home folder, its parents, a system folder.</summary>
    public bool IsWide(Place place) => Within(Home, place.Path)
        || place.Path is "/" or "/etc" or "/root" or "/home" or "/var" or "/usr" or "/proc";

    /// <summary>Another project that lies in the place.</summary>
    public string? NeighbourIn(Place place) => _neighbours.FirstOrDefault(p => Within(p.Path, place.Path))?.Name;

    /// <summary>Whether the workspace itself, or something that holds it, is meant.</summary>
    public bool HoldsWorkspace(Place place) => Within(_workspace, place.Path);

    public static bool Within(string path, string folder)
        => folder == "/" || path == folder || (path.StartsWith(folder, StringComparison.Ordinal) && path[folder.Length] == '/');

    /// <summary>As <c>cd</c> does it: <c>..</c> takes away a name, whether or not it is a link.</summary>
    public static string Logical(string folder, string path) => Clean(path.StartsWith('/') ? path : $"{folder}/{path}");

    private static string Clean(string path)
    {
        var parts = new List<string>();
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..")
            {
                parts.RemoveRange(Math.Max(0, parts.Count - 1), Math.Min(1, parts.Count));
            }
            else if (part != ".")
            {
                parts.Add(part);
            }
        }

        return "/" + string.Join('/', parts);
    }

    private static string Physical(string path)
    {
        var todo = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var done = new List<string>();
        var links = 0;
        var looksAtDisk = true;
        while (todo.TryPop(out var part))
        {
            if (part == ".")
            {
                continue;
            }

            if (part == "..")
            {
                if (done.Count > 0)
                {
                    done.RemoveAt(done.Count - 1);
                }

                continue;
            }

            done.Add(part);
            var sofar = "/" + string.Join('/', done);
            if (!looksAtDisk || sofar.Length > 4000 || sofar.StartsWith("/proc/", StringComparison.Ordinal)
                || Target(sofar) is not { } target)
            {
                // Thousands of components are no path that exists.
                looksAtDisk &= done.Count < 128;
                continue;
            }

            if (++links > MaxLinks)
            {
                return "/(links in a circle)";
            }

            done.RemoveAt(done.Count - 1);
            if (target.StartsWith('/'))
            {
                done.Clear();
            }

            foreach (var piece in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                todo.Push(piece);
            }
        }

        return "/" + string.Join('/', done);
    }

    private static string? Target(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null; // can't be looked at: then the command can't follow it as this user either, or it isn't there
        }
    }

    /// <summary>A component that is a pattern and may match <c>..</c> in older shells.</summary>
    public static bool MayClimb(Arg arg)
        => arg.Glob && arg.Text.Split('/').Any(p => p.StartsWith('.') && p.AsSpan().ContainsAny("*?["));
}
