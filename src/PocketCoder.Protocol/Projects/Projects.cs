namespace PocketCoder.Protocol;

/// <param name="Missing">The folder is gone or is no directory any more.</param>
public sealed record ProjectInfo(Guid ProjectId, string Name, string Path, DateTimeOffset CreatedAt, DateTimeOffset? LastOpenedAt, bool Missing);

public sealed record ProjectsListRequest;

public sealed record ProjectsListResponse(IReadOnlyList<ProjectInfo> Projects);
