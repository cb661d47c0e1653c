namespace PocketCoder.Risks;

/// <summary>Another folder that is registered on this machine.</summary>
/// <param name="Path">Absolute.</param>
public sealed record NeighbourProject(string Name, string Path);

/// <summary>What lies around the project. Without it nothing but the project counts as the project's.</summary>
/// <param name="Projects">The other registered projects: what is theirs is never this one's, wherever it lies.</param>
/// <param name="OwnTemporary">
/// Absolute paths of folders that the sandbox keeps for itself, like <c>/tmp</c> of bubblewrap. Every other temporary folder is shared with
/// the rest of the machine, so it is outside of the project.
/// </param>
public sealed record RiskSurroundings(IReadOnlyList<NeighbourProject> Projects, IReadOnlyList<string> OwnTemporary)
{
    /// <summary>Of a worktree: the folder of the project that its repository is in. Null: the repository is the project's own.</summary>
    public string? Repository { get; init; }

    public static RiskSurroundings None { get; } = new([], []);
}
