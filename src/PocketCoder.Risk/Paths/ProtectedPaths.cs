namespace PocketCoder.Risks.Paths;

/// <summary>
/// Files by which an agent could widen its own rights, or have something run outside of any decision: git's own folder, agents' settings,
/// what shells and editors run when somebody enters the folder. Writing them is decided each time. Instructions (<c>CLAUDE.md</c>,
/// <c>AGENTS.md</c>) are not rights and not among them. Pure, thread-safe.
/// </summary>
public static class ProtectedPaths
{
    /// <summary>Of a project, by name, at any depth.</summary>
    private static readonly string[] s_names =
    [
        ".git", ".claude", ".claude.json", ".codex", ".gemini", ".opencode", "opencode.json", "opencode.jsonc", ".cursor", ".mcp.json",
        ".envrc", ".vscode", ".idea", ".husky",
    ];

    /// <summary>What stands at a project's root and can be bound read-only as it is. Not <c>.git</c>: a commit writes there.</summary>
    public static IReadOnlyList<string> AtRoot { get; } = [.. s_names.Where(n => n != ".git")];

    /// <summary>
    /// Within <c>.git</c>, and within each repository there: folders by which git runs something or finds other repositories.
    /// </summary>
    public static IReadOnlyList<string> FoldersInGit { get; } = ["hooks", "modules", "worktrees"];

    /// <summary>Within <c>.git</c>: what makes git run something, or look elsewhere.</summary>
    public static IReadOnlyList<string> InGit { get; } =
        [.. FoldersInGit, "config", "config.worktree", "commondir", "gitdir", "info/attributes", "objects/info/alternates"];

    /// <summary>Whether a path leads to such a file or folder.</summary>
    /// <param name="path">Relative to the project, or absolute when it lies outside. Compared without case: some file systems don't know
    /// it.</param>
    public static bool Covers(string path)
        => path.Split('/').Any(part => Array.Exists(s_names, name => name.Equals(part, StringComparison.OrdinalIgnoreCase)));
}
