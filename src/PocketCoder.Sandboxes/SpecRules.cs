namespace PocketCoder.Sandboxes;

/// <summary>What every backend asks of what it is given, before anything is made.</summary>
internal static class SpecRules
{
    private const int LongestId = 64;
    private const int LongestArgument = 128 * 1024; // MAX_ARG_STRLEN

    private static readonly string[] s_systemFolders =
        ["/usr", "/etc", "/proc", "/sys", "/dev", "/run", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/boot", "/stmp", "/shome"];

    /// <summary>Of the environment these belong to the sandbox itself or steer the loader of every program.</summary>
    private static readonly string[] s_reservedVariables = ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"];

    /// <exception cref="SandboxException">Beside what the other says: the workspace holds the daemon's own folders.</exception>
    public static void Check(SandboxSpec spec, SandboxOptions options)
    {
        Check(spec);
        if (options.Closed.FirstOrDefault(
            c => c == spec.Workspace || c.StartsWith(spec.Workspace + "/", StringComparison.Ordinal)) is { } own)
        {
            throw new SandboxException(
                SandboxError.WorkspaceRefused,
                $"{spec.Workspace} holds {own}, where PocketCoder keeps its keys and its ledger: what runs in a sandbox would read them. Add the folder of one project, or set POCKETCODER_HOME to a directory elsewhere.");
        }
    }

    public static void Check(SandboxSpec spec)
    {
        Id(spec.Id);
        Id(spec.HostName);
        Folder(spec.Workspace, nameof(spec.Workspace));
        if (!Directory.Exists(spec.Workspace))
        {
            throw new SandboxException(SandboxError.WorkspaceRefused, $"There is no directory {spec.Workspace}.");
        }

        Folder(spec.WorkspaceInside ?? spec.Workspace, nameof(spec.WorkspaceInside));
        Inside(spec.WorkspaceInside ?? spec.Workspace);
        foreach (var bind in spec.ReadOnlyBinds)
        {
            Folder(bind.Source, nameof(spec.ReadOnlyBinds));
            Folder(bind.Inside ?? bind.Source, nameof(spec.ReadOnlyBinds));
            Inside(bind.Inside ?? bind.Source);
            if (!Path.Exists(bind.Source))
            {
                throw Bad($"{bind.Source} is to be bound and is not there.");
            }
        }

        if (spec.StateDirectory is { } state)
        {
            Folder(state, nameof(spec.StateDirectory));
            Inside(state);
            if (!Directory.Exists(state) || new DirectoryInfo(state).LinkTarget is not null)
            {
                throw Bad($"{state} must hold the state but is not a directory.");
            }
        }

        if (spec.Side is { } side)
        {
            Side(spec, side);
        }

        if (spec is { WorkspaceReadOnly: true, Pinned.Count: > 0 })
        {
            throw Bad("A workspace that is read-only has nothing that could be moved.");
        }

        foreach (var path in spec.Empty)
        {
            Folder(path, nameof(spec.Empty));
            if (!path.StartsWith(spec.Workspace + "/", StringComparison.Ordinal))
            {
                throw Bad($"{path} must stay empty but is outside of the workspace.");
            }
        }

        foreach (var path in spec.Pinned)
        {
            Folder(path, nameof(spec.Pinned));
            if (!path.StartsWith(spec.Workspace + "/", StringComparison.Ordinal) || !Directory.Exists(path))
            {
                throw Bad($"{path} must stay in its place but is not a directory of the workspace.");
            }
        }

        foreach (var relay in spec.Relays)
        {
            if (relay.Port is < 1 or > 65535 || relay.Socket.Length is 0 or > LongestId
                || !relay.Socket.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.') || relay.Socket.StartsWith('.'))
            {
                throw Bad($"A relay needs a port of 1–65535 and a plain socket name, not {relay.Port}, \"{relay.Socket}\".");
            }
        }

        Environment(spec.Environment);
        var limits = spec.Limits;
        if (limits.Memory < 16 << 20 || limits.Processes < 8 || limits.FileSize < 1 << 20 || limits.OpenFiles < 64
            || limits.MemoryFiles < 1 << 20
            || limits.Disk < 1 << 20 || limits.Processors is < 0 or > 4096 || double.IsNaN(limits.Processors))
        {
            throw Bad("The limits are too small for anything to run (16 MiB of memory, 8 processes, 64 open files and 1 MiB of the others are the least).");
        }
    }

    /// <summary>For backends that show one folder only.</summary>
    public static void NoSide(SandboxSpec spec)
    {
        if (spec.Side is { } side)
        {
            throw new SandboxException(SandboxError.Unsupported, $"Only bubblewrap can show {side.Path} beside the project.");
        }
    }

    /// <summary>For backends that can't keep a state directory.</summary>
    public static void NoState(SandboxSpec spec)
    {
        if (spec.StateDirectory is not null)
        {
            throw new SandboxException(SandboxError.Unsupported, "Only bubblewrap can keep a state directory.");
        }
    }

    public static void Check(ExecSpec spec)
    {
        Id(spec.Id);
        if (spec.Command.Count == 0 || spec.Command[0].Length == 0)
        {
            throw Bad("There is no command.");
        }

        foreach (var argument in spec.Command)
        {
            if (argument.Contains('\0', StringComparison.Ordinal))
            {
                throw Bad("An argument can't contain a NUL.");
            }

            if (System.Text.Encoding.UTF8.GetByteCount(argument) >= LongestArgument)
            {
                throw Bad("An argument is longer than the 128 KiB that the kernel takes. Put it into a file.");
            }
        }

        if (spec.WorkingDirectory is { } directory)
        {
            Folder(directory, nameof(spec.WorkingDirectory));
        }

        if (spec.TimeLimit is { } limit && limit <= TimeSpan.Zero)
        {
            throw Bad("A time limit must be above zero.");
        }

        Environment(spec.Environment);
    }

    public static void Check(TerminalSpec spec)
    {
        if (spec.Name.Length is 0 or > LongestId || !spec.Name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')
            || spec.Name.StartsWith('-'))
        {
            throw Bad("A terminal's name is of letters, digits and dashes, at most 64.");
        }

        Size(spec.Columns, spec.Rows);
        if (spec.WorkingDirectory is { } directory)
        {
            Folder(directory, "The terminal's directory");
        }

        if (spec.Command.Any(a => a.Contains('\0', StringComparison.Ordinal)))
        {
            throw Bad("An argument can't contain a NUL.");
        }
    }

    public static void Size(int columns, int rows)
    {
        if (columns is < 2 or > 1000 || rows is < 2 or > 1000)
        {
            throw Bad("A terminal has 2 to 1000 columns and rows.");
        }
    }

    public static void Id(string id)
    {
        if (id.Length is 0 or > LongestId || id[0] == '-' || !id.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-'))
        {
            throw Bad($"An id is of lower-case letters, digits and dashes, at most {LongestId}.");
        }
    }

    private static void Side(SandboxSpec spec, SideFolder side)
    {
        Folder(side.Path, nameof(spec.Side));
        Inside(side.Path);
        if (Holds(side.Path, spec.Workspace) || Holds(spec.Workspace, side.Path))
        {
            throw Bad($"{side.Path} must lie beside the workspace, not in it or around it.");
        }

        foreach (var path in (string[])[side.Path, .. side.Writable])
        {
            Folder(path, nameof(spec.Side));
            if (!Holds(side.Path, path) || !Directory.Exists(path) || new DirectoryInfo(path).LinkTarget is not null)
            {
                throw Bad($"{path} is to be shown beside the project and is not a directory of {side.Path}.");
            }
        }
    }

    private static bool Holds(string folder, string path) => path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);

    private static void Folder(string path, string what)
    {
        if (!Path.IsPathFullyQualified(path) || path.Contains('\0', StringComparison.Ordinal) || Path.GetFullPath(path) != path
            || (path.Length > 1 && path.EndsWith('/')))
        {
            throw Bad($"{what}: {path} is not a plain absolute path.");
        }
    }

    private static void Inside(string path)
    {
        if (path == "/" || Array.Exists(s_systemFolders, f => path == f || path.StartsWith(f + "/", StringComparison.Ordinal))
            || path == "/home" || path == "/tmp" || path == SandboxDefaults.HomeInside)
        {
            throw new SandboxException(SandboxError.WorkspaceRefused,
                $"{path} belongs to the system and can't be given to a sandbox. Use a directory of its own.");
        }
    }

    private static void Environment(IReadOnlyDictionary<string, string> environment)
    {
        foreach (var (name, value) in environment)
        {
            if (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') || char.IsAsciiDigit(name[0])
                || value.Contains('\0', StringComparison.Ordinal))
            {
                throw Bad("An environment variable's name is of letters, digits and underscores, and its value has no NUL.");
            }

            if (Array.IndexOf(s_reservedVariables, name) >= 0)
            {
                throw Bad($"{name} can't be set in a sandbox.");
            }
        }
    }

    private static SandboxException Bad(string message) => new(SandboxError.InvalidSpec, message);
}
