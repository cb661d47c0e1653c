namespace PocketCoder.Sandboxes;

/// <summary>What a session's sandbox is to be. All paths absolute. Nothing is taken over from the daemon's own environment.</summary>
public sealed record SandboxSpec
{
    /// <summary>Names it in the state directory. Lower-case letters, digits and dashes, at most 64.</summary>
    public required string Id { get; init; }

    /// <summary>The project: an existing host directory, read and write.</summary>
    public required string Workspace { get; init; }

    /// <summary>
    /// Where the project is seen inside. Null: at its own path, so that paths mean the same to the agent, to commands and to people.
    /// </summary>
    public string? WorkspaceInside { get; init; }

    /// <summary>The project is seen read-only. Goes with no <see cref="Pinned"/>; not with the backend that is no sandbox.</summary>
    public bool WorkspaceReadOnly { get; init; }

    /// <summary>
    /// Further host files and directories to be seen read-only, also beneath the workspace (the directory itself must be named: a bind of a
    /// child falls to a rename of its parent).
    /// </summary>
    public IReadOnlyList<ReadOnlyBind> ReadOnlyBinds { get; init; } = [];

    /// <summary>
    /// Directories of the workspace that can't be renamed, removed or replaced inside, though what is in them can be changed: for those
    /// that hold a <see cref="ReadOnlyBinds"/>.
    /// </summary>
    public IReadOnlyList<string> Pinned { get; init; } = [];

    /// <summary>
    /// Directories of the workspace that are not there and stay empty inside. They are made on the host, as the session's user: something
    /// must be there to be covered. Bubblewrap only.
    /// </summary>
    public IReadOnlyList<string> Empty { get; init; } = [];

    /// <summary>
    /// A second host directory, of the workspace's owner, to be seen at its own path: read-only but for its named parts. For a repository
    /// whose files are in the workspace. <see cref="ReadOnlyBinds"/> may lie beneath it. Bubblewrap only. Null: none.
    /// </summary>
    public SideFolder? Side { get; init; }

    /// <summary>
    /// A host directory of the daemon's own to be seen at its own path, read and write: what must outlive the sandbox. Its contents are
    /// given to the sandbox's user. Bubblewrap only. Null: none.
    /// </summary>
    public string? StateDirectory { get; init; }

    /// <summary>
    /// The whole environment of every command beside PATH, HOME, LANG, TERM and USER (which it may override). Explicit; seen by every
    /// process inside.
    /// </summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public SandboxLimits Limits { get; init; } = new();

    /// <summary>
    /// TCP ports on the sandbox's own loopback that lead to a socket of <see cref="ISandbox.SocketDirectory"/>: the way to a proxy for
    /// programs that speak no Unix sockets. Needs socat.
    /// </summary>
    public IReadOnlyList<SocketRelay> Relays { get; init; } = [];

    public string HostName { get; init; } = "hands";

    /// <summary>
    /// The sandbox's user is called root inside, and what is its own looks like root's: for programs that trust only root's files. It has
    /// no more rights than otherwise. Bubblewrap only.
    /// </summary>
    public bool RootInside { get; init; }

    /// <summary>Lets programs trace their own children (gdb, strace). More of the kernel is within reach then.</summary>
    public bool AllowTracing { get; init; }
}

/// <param name="Path">Absolute; beside the workspace, neither in it nor around it.</param>
/// <param name="Writable">Directories in it, or itself, that can be written and not be moved.</param>
public sealed record SideFolder(string Path, IReadOnlyList<string> Writable);

/// <param name="Source">On the host. Must exist.</param>
/// <param name="Inside">Null: the same path.</param>
public sealed record ReadOnlyBind(string Source, string? Inside = null);

/// <param name="Port">1–65535 on 127.0.0.1 inside.</param>
/// <param name="Socket">A file name in <see cref="ISandbox.SocketDirectory"/>.</param>
public sealed record SocketRelay(int Port, string Socket);

/// <summary>
/// What a session may use, all its commands together unless said. Which of them are real on a machine is in
/// <see cref="SandboxProbe.Limits"/>.
/// </summary>
public sealed record SandboxLimits
{
    /// <summary>
    /// Bytes of memory, files in memory (/dev/shm, /run, memfd) included. Held by the kernel where there are control groups; else watched
    /// (<see cref="SandboxOptions.MemoryWatchPeriod"/>): the command that uses most is ended.
    /// </summary>
    public long Memory { get; init; } = 4L << 30;

    /// <summary>Processes and threads.</summary>
    public int Processes { get; init; } = 1024;

    /// <summary>Processors' worth of time: 1.5 is one and a half. Needs control groups. 0: no limit.</summary>
    public double Processors { get; init; }

    /// <summary>Bytes of one file.</summary>
    public long FileSize { get; init; } = 4L << 30;

    /// <summary>Bytes of /run and /dev/shm each (they are memory).</summary>
    public long MemoryFiles { get; init; } = 256L << 20;

    /// <summary>
    /// Bytes that the sandbox's own /tmp and home may hold on disk. Watched, not enforced by the kernel: what goes beyond ends the
    /// session's commands.
    /// </summary>
    public long Disk { get; init; } = 10L << 30;

    /// <summary>
    /// Bytes by which the project may grow while the sandbox lives, whoever writes there. Watched as <see cref="Disk"/> is. 0: the project
    /// is not watched.
    /// </summary>
    public long ProjectGrowth { get; init; } = 10L << 30;

    /// <summary>
    /// Files and directories in /tmp and home, and more than there were in the project. Watched as <see cref="Disk"/> is.
    /// </summary>
    public long Files { get; init; } = 1_000_000;

    /// <summary>Open files of one process.</summary>
    public int OpenFiles { get; init; } = 65536;
}

/// <summary>Fixed names and times.</summary>
public static class SandboxDefaults
{
    /// <summary>Where the sockets of <see cref="ISandbox.SocketDirectory"/> are inside.</summary>
    public const string SocketsInside = "/run/ring";

    /// <summary>The home directory inside. It lives as long as the sandbox.</summary>
    public const string HomeInside = "/home/agent";

    /// <summary>How long a sandbox or a step of it may take to start on a busy machine.</summary>
    public static TimeSpan StartLimit { get; } = TimeSpan.FromSeconds(20);

    /// <summary>How long ending may take.</summary>
    public static TimeSpan KillLimit { get; } = TimeSpan.FromSeconds(10);
}
