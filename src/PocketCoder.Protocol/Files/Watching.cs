using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

[JsonConverter(typeof(LowerSnake<FsChangeKind>))]
public enum FsChangeKind
{
    Create,
    Modify,

    /// <summary>Of a directory: with all that was in it.</summary>
    Delete,
}

public sealed record FsChange(FsChangeKind Kind, string Path);

/// <summary>
/// What changed in a project while its stream <c>files/&lt;projectId&gt;</c> is followed. 250 ms after the last change, at the latest a
/// second after the first one. <c>seq</c> counts the events of a project for good, also over restarts; after a gap, a <c>reset</c> or
/// <paramref name="ChangesTruncated"/> list anew what is shown.
/// </summary>
/// <param name="Changes">At most <see cref="FileLimits.Changes"/>, one a path. A rename is a delete and a create. Not: <c>node_modules</c>,
/// <c>.git</c>, <c>dist</c>, <c>build</c>, <c>.next</c>, and what <c>.gitignore</c> leaves out.</param>
/// <param name="ChangesTruncated">More changed than is told; left out: no.</param>
/// <param name="Warning">Something that a person should know about the watching itself (too many folders for the system, so it looks every
/// few seconds); left out: nothing.</param>
public sealed record FsChangedPayload(
    long Seq,
    IReadOnlyList<FsChange> Changes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? ChangesTruncated = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Warning = null);
