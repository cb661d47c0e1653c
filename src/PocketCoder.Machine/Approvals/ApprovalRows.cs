using System.Text.Json;
using Microsoft.Data.Sqlite;
using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>The approvals table.</summary>
internal static class ApprovalRows
{
    public static ApprovalInfo Map(SqliteDataReader row) => JsonSerializer.Deserialize(row.GetString(0), ProtocolJson.Default.ApprovalInfo)!;

    public static void Insert(Change change, ApprovalInfo approval, string? reachKey) => change.Execute(
        "INSERT INTO approvals (approval_id, session_id, project_id, turn_id, state, reach_key, requested_at, body) VALUES ($id, $session, $project, $turn, $state, $key, $at, $body)",
        ("$id", approval.ApprovalId.ToString()),
        ("$session", approval.AgentSessionId?.ToString()),
        ("$project", approval.ProjectId.ToString()),
        ("$turn", approval.TurnId.ToString()),
        ("$state", approval.State.ToString()),
        ("$key", reachKey),
        ("$at", Instant.Text(approval.RequestedAt)),
        ("$body", Body(approval)));

    public static void Update(Change change, ApprovalInfo approval) => change.Execute(
        "UPDATE approvals SET state = $state, decision_id = $decision, body = $body WHERE approval_id = $id",
        ("$id", approval.ApprovalId.ToString()),
        ("$state", approval.State.ToString()),
        ("$decision", approval.Decision?.DecisionId.ToString()),
        ("$body", Body(approval)));

    public static ApprovalInfo? Find(Change change, Guid approvalId)
        => change.Find("SELECT body FROM approvals WHERE approval_id = $id", Map, ("$id", approvalId.ToString()));

    /// <summary>Those that are not over: pending, allowed, running.</summary>
    public static IReadOnlyList<ApprovalInfo> Open(Change change, Guid? sessionId, Guid? turnId) => change.Query(
        "SELECT body FROM approvals WHERE state IN ('Pending','Allowed','Running') AND ($session IS NULL OR session_id = $session) AND ($turn IS NULL OR turn_id = $turn) ORDER BY requested_at",
        Map,
        ("$session", sessionId?.ToString()),
        ("$turn", turnId?.ToString()));

    /// <summary>What a person asked for in a project and nobody has decided on yet, for exactly this thing.</summary>
    public static ApprovalInfo? Waiting(Change change, Guid projectId, string digest) => change.Query(
        "SELECT body FROM approvals WHERE state = 'Pending' AND session_id IS NULL AND project_id = $project",
        Map,
        ("$project", projectId.ToString())).FirstOrDefault(a => a.Digest == digest);

    /// <summary>How many wait that persons asked for.</summary>
    public static int CountWaiting(Change change)
        => change.Query("SELECT count(*) FROM approvals WHERE state = 'Pending' AND session_id IS NULL", row => row.GetInt32(0))[0];

    /// <summary>The newest jobs of a session that ended after its last turn, oldest first.</summary>
    public static IReadOnlyList<ApprovalInfo> EndedJobs(LedgerReader reader, Guid session, int limit)
    {
        var lastTurn = reader.Query(
            "SELECT finished_at FROM turns WHERE session_id = $session AND finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1",
            row => Instant.Parse(row.GetString(0)),
            ("$session", session.ToString())).Cast<DateTimeOffset?>().FirstOrDefault();
        return [.. List(
            reader,
            "session_id = $session AND state IN ('Finished','Unknown') AND json_extract(body, '$.execution.job') IS NOT NULL",
            limit,
            ("$session", session.ToString())).Where(a => lastTurn is null || a.Execution?.FinishedAt >= lastTurn).Reverse()];
    }

    /// <summary>How many jobs a session has had.</summary>
    public static int CountJobs(Change change, Guid session) => change.Query(
        "SELECT count(*) FROM approvals WHERE session_id = $session AND json_extract(body, '$.execution.job') IS NOT NULL",
        row => row.GetInt32(0),
        ("$session", session.ToString()))[0];

    public static IReadOnlyList<ApprovalInfo> List(LedgerReader reader, string where, int limit, params ReadOnlySpan<(string Name, object? Value)> parameters)
        => reader.Query($"SELECT body FROM approvals WHERE {where} ORDER BY requested_at DESC LIMIT {limit}", Map, parameters);

    private static string Body(ApprovalInfo approval) => JsonSerializer.Serialize(approval, ProtocolJson.Default.ApprovalInfo);
}
