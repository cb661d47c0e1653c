using System.Text.Json;
using Microsoft.Data.Sqlite;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Projects;

/// <summary>A clone that a device asked for, as it is recorded.</summary>
/// <param name="Parent">Absolute.</param>
/// <param name="Name">Of the folder in it that becomes the project.</param>
/// <param name="Staging">Of the hidden folder in it that is worked in.</param>
/// <param name="Folder">Device and inode of that; null: it was not made, or that could not be recorded.</param>
/// <param name="State">One of <see cref="CloneRows"/>' words.</param>
internal sealed record CloneRecord(
    Guid CloneId, string Parent, string Name, string Address, string Staging, string DeviceId, string State, string? Folder = null,
    WireError? Error = null, Guid? ProjectId = null)
{
    public string Path => FolderBrowser.Join(Parent, Name);

    public string StagingPath => FolderBrowser.Join(Parent, Staging);
}

/// <summary>The table of them.</summary>
internal static class CloneRows
{
    public const string Running = "running";

    /// <summary>All is there; its folder gets its name and becomes a project.</summary>
    public const string Placing = "placing";

    public const string Done = "done";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";

    private const string Columns =
        "SELECT clone_id, parent, name, address, staging, device_id, state, folder, error, project_id FROM project_clones";

    private static readonly TimeSpan s_kept = TimeSpan.FromDays(7);

    public static async Task<CloneRecord?> FindAsync(Store store, Guid id, CancellationToken cancellationToken)
        => await store.QueryAsync($"{Columns} WHERE clone_id = $id", Map, cancellationToken, ("$id", id.ToString())) is [var found]
            ? found : null;

    /// <summary>What a crash cut off.</summary>
    public static Task<IReadOnlyList<CloneRecord>> OpenAsync(Store store, CancellationToken cancellationToken)
        => store.QueryAsync($"{Columns} WHERE state IN ('{Running}', '{Placing}') ORDER BY begun_at", Map, cancellationToken);

    /// <summary>Before anything is made. Old ones that are over go.</summary>
    public static void Begin(Change change, CloneRecord clone)
    {
        change.Execute(
            $"DELETE FROM project_clones WHERE begun_at < $before AND state NOT IN ('{Running}', '{Placing}')",
            ("$before", Instant.Text(change.Now - s_kept)));
        change.Execute(
            "INSERT INTO project_clones (clone_id, parent, name, address, staging, device_id, state, begun_at) VALUES ($id, $parent, $name, $address, $staging, $device, $state, $at)",
            ("$id", clone.CloneId.ToString()),
            ("$parent", clone.Parent),
            ("$name", clone.Name),
            ("$address", clone.Address),
            ("$staging", clone.Staging),
            ("$device", clone.DeviceId),
            ("$state", clone.State),
            ("$at", Instant.Text(change.Now)));
    }

    /// <summary>Right after its folder was made.</summary>
    public static void Made(Change change, Guid id, string folder) => change.Execute(
        "UPDATE project_clones SET folder = $folder WHERE clone_id = $id", ("$id", id.ToString()), ("$folder", folder));

    public static void Set(Change change, Guid id, string state, WireError? error = null, Guid? project = null) => change.Execute(
        "UPDATE project_clones SET state = $state, error = $error, project_id = $project WHERE clone_id = $id",
        ("$id", id.ToString()),
        ("$state", state),
        ("$error", error is null ? null : JsonSerializer.Serialize(error, ProtocolJson.Default.WireError)),
        ("$project", project?.ToString()));

    private static CloneRecord Map(SqliteDataReader row) => new(
        row.Id(0),
        row.GetString(1),
        row.GetString(2),
        row.GetString(3),
        row.GetString(4),
        row.GetString(5),
        row.GetString(6),
        row.TextOrNull(7),
        row.TextOrNull(8) is { } error ? JsonSerializer.Deserialize(error, ProtocolJson.Default.WireError) : null,
        row.TextOrNull(9) is { } project ? Guid.Parse(project) : null);
}
