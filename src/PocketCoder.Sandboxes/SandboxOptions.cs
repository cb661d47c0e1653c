namespace PocketCoder.Sandboxes;

/// <summary>What all backends of a daemon share.</summary>
public sealed record SandboxOptions
{
    /// <summary>
    /// An absolute directory of the daemon's own, below which every session has a folder. When the daemon is root, the folders above it
    /// must be open to pass through for others (not below /root): the sandbox runs as another user.
    /// </summary>
    public required string StateDirectory { get; init; }

    /// <summary>
    /// Absolute real folders of the daemon's own. A folder that holds one of them is given to no sandbox: what runs there would read keys
    /// and ledger.
    /// </summary>
    public IReadOnlyList<string> Closed { get; init; } = [];

    /// <summary>Users for sessions whose project belongs to root, when the daemon is root. None of them may be in /etc/passwd.</summary>
    public uint FirstUser { get; init; } = 210_000;

    /// <summary>How many; each such session takes one.</summary>
    public int Users { get; init; } = 1000;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where programs (bwrap, tmux, nsenter, setpriv, prlimit, socat) are looked for.</summary>
    public string SearchPath { get; init; } = "/usr/bin:/bin:/usr/sbin:/sbin";

    /// <summary>
    /// How often the disk use of a session with running commands is looked at. Folders are only counted when the file system's own numbers
    /// have moved, and once in a while.
    /// </summary>
    public TimeSpan DiskWatchPeriod { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the memory of a session with running commands is looked at where no control group holds it.</summary>
    public TimeSpan MemoryWatchPeriod { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Available memory of the whole machine, in bytes, below which the watched command that uses most is ended: what the kernel holds for
    /// a program (sockets, pipes) shows in no process. Null: a twenty-fifth of the machine's memory, 512 MiB at most. 0: never.
    /// </summary>
    public long? MemoryFloor { get; init; }

    /// <summary>Use control groups where they can be had. Off only to try what holds without them.</summary>
    public bool ControlGroups { get; init; } = true;
}
