namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>
/// The places of one session below the state directory. What the daemon itself executes or believes is the daemon's; the session's user
/// owns only what lies in <see cref="Own"/> and can't rename anything there: when we are root, no path that we follow or delete along may
/// be that user's to swap. Of it the agent sees only home, tmp and the sockets.
/// </summary>
internal sealed class SessionFolder(string stateDirectory, string id)
{
    public const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    public const UnixFileMode PassThrough = Private | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const UnixFileMode GroupPasses = Private | UnixFileMode.GroupExecute;
    public const UnixFileMode Readable = PassThrough | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public string Id => id;

    public string Root { get; } = Path.Combine(stateDirectory, id);

    /// <summary>What recovery needs (<see cref="SessionState"/>).</summary>
    public string State => Path.Combine(Root, "state.json");

    /// <summary>What bwrap says about its child.</summary>
    public string Status => Path.Combine(Root, "status.json");

    public string Ready => Path.Combine(Root, "ready");

    public string Log => Path.Combine(Root, "holder.log");

    /// <summary>Fixed scripts and what was written for this session; seen read-only in ring one at /run/hands.</summary>
    public string Files => Path.Combine(Root, "files");

    /// <summary>
    /// bwrap's options of each command: its environment and directory; seen in ring one at /run/execs, never by the agent.
    /// </summary>
    public string Options => Path.Combine(Root, "options");

    /// <summary>One record a command, for recovery.</summary>
    public string Commands => Path.Combine(Root, "commands");

    /// <summary>The daemon's, and open to pass for the session user's group only.</summary>
    public string Own => Path.Combine(Root, "own");

    public string Home => Path.Combine(Own, "home");

    public string Temporary => Path.Combine(Own, "tmp");

    public string Sockets => Path.Combine(Own, "sockets");

    public string Spools => Path.Combine(Own, "spool");

    /// <summary>Where a workspace is mounted that belongs to somebody else.</summary>
    public string Mapped => Path.Combine(Own, "workspace");

    /// <summary>Where a state directory is mounted for a user of the range.</summary>
    public string MappedState => Path.Combine(Own, "state");

    /// <summary>Where a folder beside the workspace is mounted for a user of the range.</summary>
    public string MappedSide => Path.Combine(Own, "side");

    public string Spool(string exec) => Path.Combine(Spools, exec);

    public string OptionsOf(string exec) => Path.Combine(Options, exec);

    public string Command(string exec) => Path.Combine(Commands, exec + ".json");

    /// <summary>Makes all folders.</summary>
    public void Create(uint? user, uint? group)
    {
        Make(Root, user is null ? Private : PassThrough);
        Make(Files, user is null ? Private : Readable);
        Make(Options, user is null ? Private : PassThrough);
        Make(Commands, Private);
        Make(Own, user is null ? Private : GroupPasses);
        Make(Home, Private);
        Make(Temporary, Private);
        Make(Spools, user is null ? Private : GroupPasses);
        Make(Mapped, Private);
        Make(MappedState, Private);
        Make(MappedSide, Private);
        Make(Sockets, user is null ? Private : Readable);
        if (user is not null)
        {
            Native.GiveTo(Own, 0, group!.Value);
            Native.GiveTo(Spools, 0, group.Value);
            Native.GiveTo(Home, user.Value, group.Value);
            Native.GiveTo(Temporary, user.Value, group.Value);
        }
    }

    /// <summary>Makes a directory with exactly this mode, whatever the umask.</summary>
    public static void Make(string directory, UnixFileMode mode)
    {
        Directory.CreateDirectory(directory, mode);
        File.SetUnixFileMode(directory, mode);
    }

    /// <summary>A file of the daemon's that others may read and nobody else may write.</summary>
    public void WriteFile(string name, byte[] content, bool executable = false)
    {
        var path = Path.Combine(Files, name);
        Make(Path.GetDirectoryName(path)!, Readable);
        File.WriteAllBytes(path, content);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead
            | (executable ? UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute : UnixFileMode.None));
    }
}
