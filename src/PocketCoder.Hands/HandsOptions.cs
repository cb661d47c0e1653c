namespace PocketCoder.Hands;

/// <summary>What all backends of a daemon share.</summary>
public sealed record HandsOptions
{
    /// <summary>
    /// An absolute directory of the daemon's own, below which every session has a folder. When the daemon is root, the folders above it must be
    /// open to pass through for others (not below /root): the sandbox runs as another user.
    /// </summary>
    public required string StateDirectory { get; init; }

    /// <summary>Users for sessions whose project belongs to root, when the daemon is root. None of them may be in /etc/passwd.</summary>
    public uint FirstUser { get; init; } = 210_000;

    /// <summary>How many; each such session takes one.</summary>
    public int Users { get; init; } = 1000;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where programs (bwrap, tmux, nsenter, setpriv, prlimit, socat) are looked for.</summary>
    public string SearchPath { get; init; } = "/usr/bin:/bin:/usr/sbin:/sbin";

    /// <summary>How often the disk use of a session with running commands is looked at.</summary>
    public TimeSpan DiskWatchPeriod { get; init; } = TimeSpan.FromSeconds(5);
}
