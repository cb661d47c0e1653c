namespace PocketCoder.Protocol;

/// <param name="Missing">The folder is gone or is no directory any more.</param>
public sealed record ProjectInfo(
    Guid ProjectId, string Name, string Path, DateTimeOffset CreatedAt, DateTimeOffset? LastOpenedAt, bool Missing)
{
    /// <summary>It is a worktree that the machine made for sessions; null: a folder that the owner registered.</summary>
    public WorktreeInfo? Worktree { get; init; }
}

/// <summary>A worktree as a project of its own, with the parent's defaults, rules and budgets.</summary>
/// <param name="ParentId">The project that its repository is in.</param>
/// <param name="Branch">What was made with it.</param>
/// <param name="Base">The parent's branch that it began at, and is merged into.</param>
/// <param name="Gone">It was thrown away: its sessions can be read, and nothing runs in it any more.</param>
public sealed record WorktreeInfo(Guid ParentId, string Branch, string Base, bool Gone);

public sealed record ProjectsListRequest;

public sealed record ProjectsListResponse(IReadOnlyList<ProjectInfo> Projects);
