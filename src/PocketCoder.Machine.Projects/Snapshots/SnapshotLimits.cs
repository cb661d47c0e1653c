namespace PocketCoder.Machine.Snapshots;

/// <summary>The bounds of snapshots. docs/snapshots.md tells them to people.</summary>
public sealed record SnapshotLimits
{
    public static SnapshotLimits Default { get; } = new();

    /// <summary>Larger files are left out, and said so.</summary>
    public long FileBytes { get; init; } = 50L << 20;

    /// <summary>Files of one snapshot. A project with more has none.</summary>
    public int Files { get; init; } = 200_000;

    /// <summary>Bytes that one snapshot may read anew. More: the snapshot fails.</summary>
    public long NewBytes { get; init; } = 2L << 30;

    /// <summary>How long taking one may take, before what was allowed begins.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The first one of a project reads everything.</summary>
    public TimeSpan FirstTime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Nested repositories whose files are covered.</summary>
    public int NestedRepositories { get; init; } = 64;

    /// <summary>How long a project's snapshots are kept.</summary>
    public TimeSpan Age { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How many a project keeps.</summary>
    public int Count { get; init; } = 500;

    /// <summary>Packs of a store from which on it is packed anew.</summary>
    public int Packs { get; init; } = 50;

    public TimeSpan PruneTime { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>A snapshot could not be taken or read; the message says why, for people.</summary>
internal sealed class SnapshotException(string message, Exception? inner = null) : Exception(message, inner);
