using PocketCoder.Machine.Paths;
using PocketCoder.Risks.Paths;
using PocketCoder.Sandboxes;

namespace PocketCoder.Machine.Guard;

/// <summary>
/// What a command in a worktree has of the repository that it shares with its parent project: everything to read; to write only new
/// objects, branches with their logs, and what git keeps of this very worktree. Never settings, hooks, the parent's own index and HEAD, or
/// other worktrees, also not for a command that was allowed to change protected configuration (docs/sandbox.md, <em>Worktrees</em>).
/// </summary>
public static class SharedRepository
{
    private static readonly string[] s_written = ["objects", "refs/heads", "logs/refs/heads"];

    public static SideFolder Side(WorktreeLink link) => new(
        link.CommonDir, [.. s_written.Select(n => Path.Combine(link.CommonDir, n)).Where(Directory.Exists), link.GitDir]);

    /// <summary>What in those parts is read-only: what of it is there now.</summary>
    public static IReadOnlyList<ReadOnlyBind> ReadOnly(WorktreeLink link) =>
    [
        .. ProtectedPaths.InGit.Append(WorktreeLink.Lock).Select(n => Path.Combine(link.GitDir, n))
            .Append(Path.Combine(link.CommonDir, "objects", "info"))
            .Where(p => Path.Exists(p) && new FileInfo(p).LinkTarget is null).Select(p => new ReadOnlyBind(p)),
    ];
}
