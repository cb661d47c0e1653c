using System.Globalization;

namespace PocketCoder.Sandboxes.Limits;

/// <summary>
/// The kernel's control groups as this process may use them: version 2 where a subtree is delegated to us, version 1 where we may write.
/// Each session gets a group below our own, so that limits that others put on us hold too. Source: cgroups(7).
/// </summary>
internal sealed class ControlGroups
{
    private static readonly string[] s_needed = ["memory", "pids"];
    private static readonly string[] s_wished = ["memory", "pids", "cpu"];

    private readonly IReadOnlyDictionary<string, string> _parents; // controller → directory of ours; for version 2 one entry, ""

    private ControlGroups(LimitSource source, IReadOnlyDictionary<string, string> parents, string? reason)
    {
        Source = source;
        _parents = parents;
        Reason = reason;
    }

    /// <summary>None, because nobody wants them.</summary>
    public static ControlGroups Off { get; } = new(
        LimitSource.ResourceLimits, new Dictionary<string, string>(StringComparer.Ordinal), "Control groups are switched off: " + Watched);

    private const string Watched = "memory is watched but not limited by the kernel, CPU time is not limited.";

    public LimitSource Source { get; }

    /// <summary>Why there are none.</summary>
    public string? Reason { get; }

    /// <summary>
    /// Looks at what may be used. Changes nothing in version 1; in version 2 it may switch controllers on for our children.
    /// </summary>
    /// <param name="mount">Usually /sys/fs/cgroup.</param>
    /// <param name="own">Usually the lines of /proc/self/cgroup.</param>
    public static ControlGroups Detect(string mount, IReadOnlyList<string> own)
    {
        var lines = own.Select(l => l.Split(':', 3)).Where(p => p.Length == 3).ToList();
        if (File.Exists(Path.Combine(mount, "cgroup.controllers")))
        {
            return DetectVersion2(mount, lines.Find(p => p[0] == "0")?[2] ?? "/");
        }

        var usable = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var controller in s_wished)
        {
            var line = lines.Find(p => p[1].Split(',').Contains(controller, StringComparer.Ordinal));
            foreach (var name in (string[])[controller, line?[1] ?? controller])
            {
                var directory = Below(Path.Combine(mount, name), line?[2] ?? "/");
                if (IsWritable(directory))
                {
                    usable.TryAdd(controller, directory);
                }
            }
        }

        return Array.TrueForAll(s_needed, usable.ContainsKey)
            ? new(LimitSource.CgroupV1, usable, null)
            : new(LimitSource.ResourceLimits, new Dictionary<string, string>(StringComparer.Ordinal),
                "Control groups can't be used by this user: " + Watched);
    }

    /// <summary>Makes a group with these limits.</summary>
    /// <exception cref="IOException">The kernel refuses; nothing is left.</exception>
    public ControlGroup Create(string name, SandboxLimits limits)
    {
        var made = new List<string>();
        try
        {
            foreach (var (controller, parent) in _parents)
            {
                var directory = Path.Combine(parent, name);
                Directory.CreateDirectory(directory);
                made.Add(directory);
                if (controller is "memory")
                {
                    Write(directory, "memory.limit_in_bytes", Text(limits.Memory));
                }
                else if (controller is "pids")
                {
                    Write(directory, "pids.max", Text(limits.Processes));
                }
                else if (controller is "cpu" && limits.Processors > 0)
                {
                    Write(directory, "cpu.cfs_period_us", "100000");
                    Write(directory, "cpu.cfs_quota_us", Text((long)(limits.Processors * 100_000)));
                }
                else if (controller.Length == 0)
                {
                    Write(directory, "memory.max", Text(limits.Memory));
                    Write(directory, "pids.max", Text(limits.Processes));
                    if (limits.Processors > 0)
                    {
                        Write(directory, "cpu.max", $"{Text((long)(limits.Processors * 100_000))} 100000");
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            made.ForEach(ControlGroup.TryRemove);
            throw new IOException($"The control group of the session could not be made: {e.Message}", e);
        }

        return new ControlGroup(made);
    }

    /// <summary>The groups whose name begins so.</summary>
    public IReadOnlyList<string> WithPrefix(string prefix) => [.. _parents.Values.Where(Directory.Exists)
        .SelectMany(p => Directory.EnumerateDirectories(p, prefix + "*")).Distinct(StringComparer.Ordinal)];

    /// <summary>The groups of that name that are there.</summary>
    public IReadOnlyList<string> Existing(string name) => [.. _parents.Values.Select(p => Path.Combine(p, name)).Where(Directory.Exists)];

    private static ControlGroups DetectVersion2(string mount, string own)
    {
        var mine = Below(mount, own);
        var candidates = own == "/" ? [mine] : (string[])[mine, Path.GetDirectoryName(mine)!]; // we may sit in a leaf of what is delegated
        foreach (var directory in candidates)
        {
            if (IsWritable(directory) && Array.TrueForAll(s_needed, Words(directory, "cgroup.controllers").Contains)
                && HasSwitchedOn(directory))
            {
                return new(LimitSource.CgroupV2, new Dictionary<string, string>(StringComparer.Ordinal) { [""] = directory }, null);
            }
        }

        return new(
            LimitSource.ResourceLimits,
            new Dictionary<string, string>(StringComparer.Ordinal),
            "No control group is delegated to this daemon: " + Watched
                + " Under systemd set Delegate=yes and DelegateSubgroup=daemon for its unit.");
    }

    private static bool HasSwitchedOn(string directory)
    {
        if (!Array.TrueForAll(s_needed, Words(directory, "cgroup.subtree_control").Contains))
        {
            foreach (var controller in s_wished)
            {
                try
                {
                    Write(directory, "cgroup.subtree_control", "+" + controller);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // not ours to switch, or processes sit in it: seen below
                }
            }
        }

        return Array.TrueForAll(s_needed, Words(directory, "cgroup.subtree_control").Contains);
    }

    private static string[] Words(string directory, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, file)).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool IsWritable(string directory)
    {
        // The only sure way to know is to make a group; the name can't collide with a session's.
        var trial = Path.Combine(directory, $"pocketcoder-trial-{Environment.ProcessId}-{Guid.CreateVersion7():N}");
        try
        {
            if (!Directory.Exists(directory))
            {
                return false;
            }

            Directory.CreateDirectory(trial);
            Directory.Delete(trial);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Below(string mount, string path) => path == "/" ? mount : Path.Combine(mount, path.TrimStart('/'));

    private static void Write(string directory, string file, string text) => File.WriteAllText(Path.Combine(directory, file), text);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
