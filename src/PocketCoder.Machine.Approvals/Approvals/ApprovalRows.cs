using System.Text.Json;
using Microsoft.Data.Sqlite;
using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>The approvals table.</summary>
public static class ApprovalRows
{
    public static ApprovalInfo Map(SqliteDataReader row)
        => JsonSerializer.Deserialize(row.GetString(0), ProtocolJson.Default.ApprovalInfo)!;

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

    /// <summary>What a device asked for in projects and nobody has decided on yet, oldest first.</summary>
    public static IReadOnlyList<ApprovalInfo> WaitingOf(Change change, string deviceId) =>
    [
        .. change.Query("SELECT body FROM approvals WHERE state = 'Pending' AND session_id IS NULL ORDER BY requested_at, approval_id", Map)
            .Where(a => a.RequestedById == deviceId),
    ];

    /// <summary>How often a device asked for something in projects since then.</summary>
    public static int CountAsked(Change change, string deviceId, DateTimeOffset since) => change.Query(
        "SELECT count(*) FROM approvals WHERE session_id IS NULL AND requested_at > $since AND json_extract(body, '$.requestedById') = $device",
        row => row.GetInt32(0),
        ("$since", Instant.Text(since)),
        ("$device", deviceId))[0];

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

    /// <summary>
    /// What a person decided on exactly the same thing in the same project, newest first. An earlier allowance that covered it was no
    /// decision of its own.
    /// </summary>
    public static IReadOnlyList<ApprovalInfo> DecidedOnTheSame(LedgerReader reader, Guid approval, int limit) => List(
        reader,
        "reach_key = (SELECT reach_key FROM approvals WHERE approval_id = $id) AND project_id = (SELECT project_id FROM approvals WHERE approval_id = $id) "
            + "AND approval_id <> $id AND (json_extract(body, '$.decision.deviceId') IS NOT NULL OR json_extract(body, '$.decision.by') = $owner)",
        limit,
        ("$id", approval.ToString()),
        ("$owner", ApprovalService.CommandLine));

    public static IReadOnlyList<ApprovalInfo> List(
        LedgerReader reader, string where, int limit, params ReadOnlySpan<(string Name, object? Value)> parameters)
        => reader.Query($"SELECT body FROM approvals WHERE {where} ORDER BY requested_at DESC LIMIT {limit}", Map, parameters);

    private static string Body(ApprovalInfo approval) => JsonSerializer.Serialize(approval, ProtocolJson.Default.ApprovalInfo);
}
