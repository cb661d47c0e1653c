using Microsoft.Data.Sqlite;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Projects;

/// <summary>A folder that a device had made.</summary>
/// <param name="Folder">Device and inode of what was made; null: it was not, or that could not be recorded any more.</param>
/// <param name="ProjectId">Null: it was begun, and nobody knows how far it came.</param>
internal sealed record Creation(Guid CreationId, string Path, bool Git, string? Folder = null, Guid? ProjectId = null);

/// <summary>The table of them: what a request that is sent again finds.</summary>
internal static class CreationRows
{
    private static readonly TimeSpan s_kept = TimeSpan.FromDays(7);

    public static async Task<Creation?> FindAsync(Store store, Guid id, CancellationToken cancellationToken)
        => await store.QueryAsync(
            "SELECT creation_id, path, git, folder, project_id FROM project_creations WHERE creation_id = $id", Map, cancellationToken,
            ("$id", id.ToString())) is [var found]
            ? found
            : null;

    /// <summary>Before anything is made. Old ones go.</summary>
    public static void Begin(Change change, Creation creation)
    {
        change.Execute("DELETE FROM project_creations WHERE begun_at < $before", ("$before", Instant.Text(change.Now - s_kept)));
        change.Execute(
            "INSERT INTO project_creations (creation_id, path, git, begun_at) VALUES ($id, $path, $git, $at)",
            ("$id", creation.CreationId.ToString()),
            ("$path", creation.Path),
            ("$git", creation.Git ? 1 : 0),
            ("$at", Instant.Text(change.Now)));
    }

    /// <summary>Right after its folder was made.</summary>
    public static void Made(Change change, Guid id, string folder) => change.Execute(
        "UPDATE project_creations SET folder = $folder WHERE creation_id = $id", ("$id", id.ToString()), ("$folder", folder));

    /// <summary>With the project's own row.</summary>
    public static void Finish(Change change, Guid id, Guid project) => change.Execute(
        "UPDATE project_creations SET project_id = $project WHERE creation_id = $id", ("$id", id.ToString()),
        ("$project", project.ToString()));

    /// <summary>Nothing of it is left.</summary>
    public static void Forget(Change change, Guid id)
        => change.Execute("DELETE FROM project_creations WHERE creation_id = $id", ("$id", id.ToString()));

    private static Creation Map(SqliteDataReader row) => new(
        row.Id(0),
        row.GetString(1),
        row.GetInt64(2) != 0,
        row.TextOrNull(3), row.TextOrNull(4) is { } project ? Guid.Parse(project) : null);
}
