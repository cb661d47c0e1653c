namespace PocketCoder.Machine.Git.Clones;

/// <summary>What a clone may take. Looked at each <see cref="Look"/>, not held by the kernel: it ends a clone that is beyond.</summary>
public sealed record CloneLimits
{
    public static CloneLimits Default { get; } = new();

    /// <summary>From the first connection to the last file.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Bytes of all files, git's own included.</summary>
    public long Bytes { get; init; } = 10L << 30;

    /// <summary>Files and folders.</summary>
    public long Files { get; init; } = 1_000_000;

    /// <summary>Bytes that stay free on the disk, else none begins and one that runs is ended.</summary>
    public long Free { get; init; } = 1L << 30;

    public TimeSpan Look { get; init; } = TimeSpan.FromSeconds(1);
}
