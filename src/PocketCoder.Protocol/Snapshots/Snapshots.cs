using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

[JsonConverter(typeof(LowerSnake<UndoKind>))]
public enum UndoKind
{
    /// <summary>One command, edit or tool call that was allowed.</summary>
    Approval,

    /// <summary>Everything that was allowed in a turn.</summary>
    Turn,

    /// <summary>An earlier undo.</summary>
    Undo,
}

/// <summary>What is to be undone.</summary>
public sealed record UndoTarget(UndoKind Kind, Guid Id);

[JsonConverter(typeof(LowerSnake<UndoChange>))]
public enum UndoChange
{
    /// <summary>A file or link that is gone comes back.</summary>
    Create,

    /// <summary>Its content changes.</summary>
    Write,

    /// <summary>It is removed.</summary>
    Delete,

    /// <summary>Only its permissions change.</summary>
    Mode,

    /// <summary>A symbolic link (or what stands in its place) changes.</summary>
    Link,
}

/// <summary>A file that undoing would change.</summary>
/// <param name="Path">Relative to the project; bytes that are no UTF-8 as <c>\x{ff}</c>. Untrusted.</param>
/// <param name="Diff">From the file as it is to the file as it would be; null for what is no text, too large, or beyond the bounds of the
/// answer.</param>
/// <param name="ChangedSince">Somebody else changed it after what is to be undone: undoing loses that too.</param>
/// <param name="Mode">Permissions it would get, octal; null where it is removed or a link.</param>
public sealed record UndoFile(string Path, UndoChange Change, FileDiff? Diff, bool ChangedSince, string? Mode);

/// <summary>A path that undoing leaves as it is, and why.</summary>
public sealed record UndoLeftAlone(string Path, string Why);

/// <summary>Asks what an undo would do, now. Takes a snapshot of the project as it is.</summary>
public sealed record SnapshotDiffRequest(UndoTarget Target);

/// <param name="TakenAt">When the state to go back to was taken.</param>
/// <param name="Digest">SHA-256 (hex) of exactly what would be done to exactly what is there; the undo must name it.</param>
/// <param name="Total">How many files would change; <paramref name="Files"/> has the first 200 of them.</param>
/// <param name="OutcomeUnknown">Nobody saw how it ended, so changes of others since can't be told from its own: needs <c>force</c>.</param>
/// <param name="Running">Something that was allowed in this project runs right now: needs <c>force</c>.</param>
/// <param name="LeftAlone">At most 50.</param>
public sealed record SnapshotDiffResponse(
    UndoTarget Target,
    DateTimeOffset TakenAt,
    string Digest,
    int Total,
    IReadOnlyList<UndoFile> Files,
    int ChangedSince,
    bool OutcomeUnknown,
    bool Running,
    IReadOnlyList<UndoLeftAlone> LeftAlone);

/// <summary>
/// Undoes. Refused with FILES_CHANGED when something changed since by somebody else, its outcome is unknown or something runs, unless
/// <paramref name="Force"/>. The device signs <c>pocketcoder-undo-v1\n{machineId}\n{undoId}\n{target kind}\n{target id}\n{digest}\n{force:
/// true|false}</c>. The same undo again gets the same answer.
/// </summary>
/// <param name="UndoId">Client-made UUIDv7. The undo can itself be undone by it.</param>
/// <param name="Digest">Of the diff that was looked at; another state by now is DIGEST_MISMATCH.</param>
public sealed record SnapshotUndoRequest(Guid UndoId, UndoTarget Target, string Digest, string Signature, bool Force = false);

public sealed record SnapshotUndoResponse(UndoInfo Undo);

/// <summary>An undo that was done.</summary>
/// <param name="By">Device name, or <c>cli</c>.</param>
/// <param name="Files">How many files changed.</param>
/// <param name="Paths">The first 20 of them. Untrusted.</param>
/// <param name="Failed">What could not be brought back, and why; at most 50.</param>
public sealed record UndoInfo(
    Guid UndoId,
    UndoTarget Target,
    Guid AgentSessionId,
    Guid? TurnId,
    string By,
    DateTimeOffset At,
    int Files,
    IReadOnlyList<string> Paths,
    IReadOnlyList<UndoLeftAlone> Failed);
