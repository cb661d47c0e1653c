using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git.Worktrees;

/// <summary>How a worktree stands to its base. Only reads; takes no lock.</summary>
internal sealed class TreeState(GitService git, Store store)
{
    private const int MostConflicts = 100;

    /// <param name="parent">The repository, opened at the parent's folder.</param>
    /// <param name="conflicts">Whether a merge is tried, in memory.</param>
    /// <returns>What is told, and where the branch is; null: it is gone.</returns>
    public async Task<(SessionWorktreeStateResponse Shown, string? Tip)> OfAsync(
        WorktreeRecord tree, GitRepository parent, bool conflicts, CancellationToken cancellationToken)
    {
        var tip = await SessionTrees.BranchAsync(parent, tree.Branch, cancellationToken);
        var onto = await SessionTrees.BranchAsync(parent, tree.Base, cancellationToken);
        var (repo, problem) = await OpenAsync(tree.ProjectId, cancellationToken);
        RepositoryStatus? status = null;
        var changes = "";
        string? head = null;
        if (repo is not null)
        {
            status = await repo.StatusAsync(cancellationToken);
            head = await repo.HeadAsync(cancellationToken);
            changes = Convert.ToHexStringLower(SHA256.HashData(
                (await repo.ReadAsync(cancellationToken, StatusParser.Arguments)).Output.Span));
        }

        string[] ours = [.. ((string?[])[tip, head]).OfType<string>().Distinct(StringComparer.Ordinal)];
        string[] but = onto is null ? [] : [$"^{onto}"];
        var ahead = ours.Length == 0 ? 0 : await CountAsync(parent, [.. ours, .. but], cancellationToken);
        var behind = tip is null || onto is null ? 0 : await CountAsync(parent, [onto, $"^{tip}"], cancellationToken);
        var uncommitted = status is null ? 0
            : status.Staged.Concat(status.Unstaged).Concat(status.Untracked).Select(f => f.Path).Distinct(StringComparer.Ordinal).Count()
                + status.Conflicted.Count;
        var busy = await ProjectStore.IsBusyAsync(store, tree.ProjectId, cancellationToken);
        var lost = ahead > 0 || uncommitted > 0
            ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
                string.Join('\n', [tree.ProjectId.ToString(), tip ?? "", head ?? "", onto ?? "", changes]))))
            : null;
        return (
            new SessionWorktreeStateResponse(
                tree.Branch, tree.Base, problem, busy, tip, ahead, behind,
                tip is null || onto is null ? 0 : await FilesAsync(parent, onto, tip, cancellationToken),
                uncommitted,
                status is null || status.Branch == tree.Branch ? null : status.Branch ?? "HEAD",
                await parent.BranchAsync(cancellationToken) == tree.Base,
                conflicts && tip is not null && onto is not null && ahead > 0
                    ? await ConflictsAsync(parent, onto, tip, cancellationToken) : [],
                lost),
            tip);
    }

    private async Task<(GitRepository? Repo, string? Problem)> OpenAsync(Guid id, CancellationToken cancellationToken)
    {
        try
        {
            return (await git.OpenAsync(id, cancellationToken), null);
        }
        catch (RequestFailure e) when (e.Error.Code == ErrorCode.Conflict)
        {
            return (null, e.Message);
        }
    }

    private static async Task<int> CountAsync(GitRepository repo, IReadOnlyList<string> revisions, CancellationToken cancellationToken)
        => int.TryParse((await repo.ReadAsync(cancellationToken, ["rev-list", "--count", .. revisions, "--"])).Text,
            CultureInfo.InvariantCulture, out var count) ? count : 0;

    private static async Task<int> FilesAsync(GitRepository repo, string onto, string tip, CancellationToken cancellationToken)
    {
        var from = await repo.RunAsync(new GitCommand("merge-base", onto, tip) { AlsoFine = [1] }, cancellationToken);
        var id = from.Text.Trim();
        return (await repo.ReadAsync(
            cancellationToken, "diff-tree", "-r", "-z", "--name-only", "--no-renames", GitNames.IsId(id) ? id : onto, tip))
            .Output.Span.Count((byte)0);
    }

    /// <summary>
    /// Merges without a work tree. The objects that this makes go to the sandbox's own temporary folder, so that looking writes nothing;
    /// where there is no sandbox, into the repository, where nothing refers to them.
    /// </summary>
    private static async Task<IReadOnlyList<string>> ConflictsAsync(
        GitRepository repo, string onto, string tip, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        if (repo.Sandbox != SandboxKind.None)
        {
            environment["GIT_OBJECT_DIRECTORY"] = "/tmp";
            environment["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = Path.Combine(repo.Place.CommonDir, "objects");
        }

        var merged = await repo.RunAsync(
            new GitCommand("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", onto, tip)
            { AlsoFine = [1], Environment = environment }, cancellationToken);
        return merged.ExitCode == 0 ? []
            : [.. Encoding.Latin1.GetString(merged.Output.Span).Split('\0').Skip(1).Where(p => p.Length > 0)
                .Distinct(StringComparer.Ordinal).Take(MostConflicts).Select(PathText.Escape)];
    }
}
