using Microsoft.Data.Sqlite;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Projects;

/// <summary>A worktree of sessions, as it is recorded.</summary>
/// <param name="State">One of <see cref="WorktreeRows"/>' words.</param>
/// <param name="BaseCommit">Where it began.</param>
/// <param name="LastCommit">Where its branch was when it was thrown away.</param>
public sealed record WorktreeRecord(
    Guid ProjectId, Guid ParentId, string Path, string GitDir, string CommonDir, string Branch, string Base, string BaseCommit,
    string State, string? LastCommit)
{
    /// <param name="parentFolder">The parent's.</param>
    public WorktreeLink Link(string parentFolder) => new(ProjectId, ParentId, Path, parentFolder, GitDir, CommonDir);
}

/// <summary>The table of worktrees.</summary>
public static class WorktreeRows
{
    public const string Making = "making";
    public const string Ready = "ready";
    public const string Removing = "removing";
    public const string Gone = "gone";

    private const string Columns =
        "SELECT project_id, parent_id, path, git_dir, common_dir, branch, base, base_commit, state, last_commit FROM worktrees";

    public static async Task<IReadOnlyList<WorktreeRecord>> ListAsync(Store store, CancellationToken cancellationToken)
        => await store.QueryAsync($"{Columns} ORDER BY created_at", Map, cancellationToken);

    public static async Task<WorktreeRecord?> FindAsync(Store store, Guid id, CancellationToken cancellationToken)
        => await store.QueryAsync($"{Columns} WHERE project_id = $id", Map, cancellationToken, ("$id", id.ToString())) is [var found]
            ? found : null;

    public static WorktreeRecord? Find(Change change, Guid id)
        => change.Find($"{Columns} WHERE project_id = $id", Map, ("$id", id.ToString()));

    public static void Insert(Change change, WorktreeRecord made) => change.Execute(
        "INSERT INTO worktrees (project_id, parent_id, path, git_dir, common_dir, branch, base, base_commit, state, created_at) VALUES ($id, $parent, $path, $git, $common, $branch, $base, $commit, $state, $at)",
        ("$id", made.ProjectId.ToString()),
        ("$parent", made.ParentId.ToString()),
        ("$path", made.Path),
        ("$git", made.GitDir),
        ("$common", made.CommonDir),
        ("$branch", made.Branch),
        ("$base", made.Base),
        ("$commit", made.BaseCommit),
        ("$state", made.State),
        ("$at", Instant.Text(change.Now)));

    public static void Set(Change change, Guid id, string state, string? lastCommit = null) => change.Execute(
        "UPDATE worktrees SET state = $state, last_commit = coalesce($commit, last_commit) WHERE project_id = $id",
        ("$id", id.ToString()), ("$state", state), ("$commit", lastCommit));

    public static void Delete(Change change, Guid id)
        => change.Execute("DELETE FROM worktrees WHERE project_id = $id", ("$id", id.ToString()));

    private static WorktreeRecord Map(SqliteDataReader row) => new(
        row.Id(0), row.Id(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetString(6), row.GetString(7),
        row.GetString(8), row.TextOrNull(9));
}
