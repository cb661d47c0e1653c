using System.Text.Json;
using Microsoft.Data.Sqlite;
using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Snapshots;

/// <summary>The snapshots of one action, as they stand in the table.</summary>
/// <param name="ActionId">The approval, or the undo.</param>
internal sealed record SnapshotRow(
    Guid ActionId, UndoKind Kind, Guid ProjectId, Guid SessionId, Guid? TurnId, DateTimeOffset TakenAt, string Before, string? After,
    UndoInfo? Done);

/// <summary>The snapshots table.</summary>
internal static class SnapshotRows
{
    private const string Columns = "SELECT action_id, kind, project_id, session_id, turn_id, taken_at, before, after, body FROM snapshots";

    public static void Insert(Change change, SnapshotRow row) => change.Execute(
        "INSERT INTO snapshots (action_id, kind, project_id, session_id, turn_id, taken_at, before) VALUES ($id, $kind, $project, $session, $turn, $at, $before) ON CONFLICT DO NOTHING",
        ("$id", row.ActionId.ToString()),
        ("$kind", row.Kind == UndoKind.Undo ? "undo" : "approval"),
        ("$project", row.ProjectId.ToString()),
        ("$session", row.SessionId.ToString()),
        ("$turn", row.TurnId?.ToString()),
        ("$at", Instant.Text(row.TakenAt)),
        ("$before", row.Before));

    public static void SetAfter(Change change, Guid actionId, string after)
        => change.Execute("UPDATE snapshots SET after = $after WHERE action_id = $id AND after IS NULL", ("$id", actionId.ToString()),
            ("$after", after));

    public static void SetDone(Change change, UndoInfo undo) => change.Execute(
        "UPDATE snapshots SET body = $body WHERE action_id = $id",
        ("$id", undo.UndoId.ToString()),
        ("$body", JsonSerializer.Serialize(undo, ProtocolJson.Default.UndoInfo)));

    public static void Delete(Change change, Guid actionId)
        => change.Execute("DELETE FROM snapshots WHERE action_id = $id", ("$id", actionId.ToString()));

    /// <summary>What belongs to the target, oldest first.</summary>
    public static IReadOnlyList<SnapshotRow> Of(LedgerReader reader, UndoTarget target) => target.Kind == UndoKind.Turn
        ? reader.Query($"{Columns} WHERE turn_id = $id AND kind = 'approval' ORDER BY taken_at, rowid", Map, ("$id", target.Id.ToString()))
        : reader.Query($"{Columns} WHERE action_id = $id AND kind = $kind", Map, ("$id", target.Id.ToString()),
            ("$kind", target.Kind == UndoKind.Undo ? "undo" : "approval"));

    /// <summary>Targets whose id begins so: for people who type.</summary>
    public static IReadOnlyList<UndoTarget> Beginning(LedgerReader reader, string prefix) =>
    [
        .. reader.Query("SELECT DISTINCT turn_id FROM snapshots WHERE kind = 'approval' AND turn_id LIKE $prefix LIMIT 3",
            row => new UndoTarget(UndoKind.Turn, row.Id(0)), ("$prefix", prefix + "%")),
        .. reader.Query("SELECT action_id FROM snapshots WHERE kind = 'approval' AND action_id LIKE $prefix LIMIT 3",
            row => new UndoTarget(UndoKind.Approval, row.Id(0)), ("$prefix", prefix + "%")),
        .. reader.Query("SELECT action_id FROM snapshots WHERE kind = 'undo' AND action_id LIKE $prefix LIMIT 3",
            row => new UndoTarget(UndoKind.Undo, row.Id(0)), ("$prefix", prefix + "%")),
    ];

    /// <summary>Whether an approval still runs, or is about to.</summary>
    public static bool IsOpen(LedgerReader reader, Guid approvalId)
        => reader.Query("SELECT 1 FROM approvals WHERE approval_id = $id AND state IN ('Allowed','Running')", _ => true,
            ("$id", approvalId.ToString())).Count > 0;

    /// <summary>Whether something that was allowed runs in the project now.</summary>
    public static bool IsRunning(LedgerReader reader, Guid projectId) => reader.Query(
        "SELECT 1 FROM approvals WHERE state = 'Running' AND project_id = $id LIMIT 1", _ => true, ("$id", projectId.ToString())).Count > 0;

    /// <summary>Forgets what is too old or too much, and tells which commits are still needed.</summary>
    public static IReadOnlySet<string> Prune(Change change, Guid projectId, DateTimeOffset before, int keep)
    {
        change.Execute(
            "DELETE FROM snapshots WHERE project_id = $id AND (taken_at < $before OR action_id NOT IN (SELECT action_id FROM snapshots WHERE project_id = $id ORDER BY taken_at DESC LIMIT $keep))",
            ("$id", projectId.ToString()),
            ("$before", Instant.Text(before)),
            ("$keep", keep));
        return change
            .Query("SELECT before, after FROM snapshots WHERE project_id = $id", row => (row.GetString(0), row.TextOrNull(1)),
                ("$id", projectId.ToString()))
            .SelectMany(r => (string?[])[r.Item1, r.Item2])
            .OfType<string>()
            .ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Whether a session has any, and which commits of its project are needed without them.</summary>
    public static (bool Any, IReadOnlySet<string> Keep) Without(LedgerReader reader, Guid projectId, Guid session)
    {
        var rows = reader.Query(
            "SELECT session_id, before, after FROM snapshots WHERE project_id = $id",
            row => (Session: row.Id(0), Before: row.GetString(1), After: row.TextOrNull(2)), ("$id", projectId.ToString()));
        return (
            rows.Any(r => r.Session == session),
            rows.Where(r => r.Session != session).SelectMany(r => (string?[])[r.Before, r.After]).OfType<string>()
                .ToHashSet(StringComparer.Ordinal));
    }

    public static void DeleteOf(Change change, Guid session)
        => change.Execute("DELETE FROM snapshots WHERE session_id = $id", ("$id", session.ToString()));

    private static SnapshotRow Map(SqliteDataReader row) => new(
        row.Id(0),
        row.GetString(1) == "undo" ? UndoKind.Undo : UndoKind.Approval,
        row.Id(2),
        row.Id(3),
        row.IsDBNull(4) ? null : row.Id(4),
        row.Time(5),
        row.GetString(6),
        row.TextOrNull(7),
        row.TextOrNull(8) is { } body ? JsonSerializer.Deserialize(body, ProtocolJson.Default.UndoInfo) : null);
}
