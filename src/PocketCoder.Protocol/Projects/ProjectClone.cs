using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>
/// Clones a repository into a new folder, which becomes a project when all of it is there. Answered at once; how it goes on is told by
/// <see cref="CloneChanged"/> and <see cref="ProjectCloneGetRequest"/>. Errors, before anything is done: <c>INVALID_REQUEST</c> (id, name,
/// address), <c>PERMISSION_DENIED</c>, <c>FILE_NOT_FOUND</c> (the parent), <c>FILE_EXISTS</c> (the name), <c>STORAGE_FULL</c>,
/// <c>SANDBOX_UNAVAILABLE</c>, <c>CONFLICT</c>: the id is another clone's, or with <c>details.cloneId</c> that one runs.
/// </summary>
/// <param name="CloneId">Client-made UUIDv7, known for seven days: sent again it clones nothing twice and tells how the first one
/// stands.</param>
/// <param name="Parent">As <see cref="FoldersListRequest.Path"/>; a root too.</param>
/// <param name="Name">As <see cref="ProjectCreateRequest.Name"/>.</param>
/// <param name="Address"><c>https://host/path</c>, <c>ssh://user@host/path</c> or <c>user@host:path</c>, without a password.</param>
public sealed record ProjectCloneRequest(Guid CloneId, string Parent, string Name, string Address);

public sealed record ProjectCloneResponse(CloneInfo Cloning);

/// <param name="CloneId">Null: the one that runs.</param>
public sealed record ProjectCloneGetRequest(Guid? CloneId = null);

/// <param name="Cloning">Null: there is none.</param>
public sealed record ProjectCloneGetResponse(CloneInfo? Cloning);

/// <summary>
/// Ends a clone and takes away what is there of it. Answered when it is over; one that was over stays as it ended. Errors:
/// <c>PROJECT_NOT_FOUND</c>: there is no such clone.
/// </summary>
public sealed record ProjectCloneCancelRequest(Guid CloneId);

public sealed record ProjectCloneCancelResponse(CloneInfo Cloning);

/// <param name="Path">Of the folder that becomes the project; absolute.</param>
/// <param name="Address">As it was given. Untrusted.</param>
/// <param name="Phase">Null: it is over.</param>
/// <param name="Percent">Of the phase, 0 to 100; null: not known.</param>
/// <param name="Project">Of one that is done, while it is registered.</param>
/// <param name="Error">Why it failed: <c>GIT_AUTH_REQUIRED</c>, <c>GIT_ERROR</c> with <c>details.reason</c> (<c>not_found</c>,
/// <c>unreachable</c>), <c>PERMISSION_DENIED</c> (the host is not allowed), <c>FILE_TOO_LARGE</c>, <c>STORAGE_FULL</c>,
/// <c>COMMAND_TIMEOUT</c>, <c>FILE_EXISTS</c>, <c>UNAVAILABLE</c> (the machine stopped).</param>
public sealed record CloneInfo(
    Guid CloneId, string Path, string Address, CloneState State, ClonePhase? Phase, int? Percent, ProjectInfo? Project, WireError? Error);

[JsonConverter(typeof(LowerSnake<CloneState>))]
public enum CloneState
{
    Running,
    Done,

    /// <summary>Nothing of it is left.</summary>
    Failed,

    /// <summary>A person ended it; nothing of it is left.</summary>
    Cancelled,
}

[JsonConverter(typeof(LowerSnake<ClonePhase>))]
public enum ClonePhase
{
    Connecting,

    /// <summary>The other side looks what there is.</summary>
    Counting,

    /// <summary>The other side packs it.</summary>
    Compressing,

    Receiving,
    Resolving,

    /// <summary>The files are written.</summary>
    CheckingOut,
}
