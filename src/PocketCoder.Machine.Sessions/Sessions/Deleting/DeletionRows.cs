using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Deleting;

/// <summary>Which sessions were deleted, and the rows of one that are deleted with it. SQL only; no state.</summary>
internal static class DeletionRows
{
    /// <summary>Rows and events in one change: decisions must not wait long for the one writer.</summary>
    private const int Batch = 500;

    /// <summary>What refers to another comes before it.</summary>
    private static readonly string[] s_large = ["grants", "approvals", "live_text"];

    private static readonly string[] s_small =
        ["steers", "session_forks", "session_copies", "terminal_holds", "agent_processes", "session_prompting", "session_marks",
        "session_edits"];

    /// <exception cref="RequestFailure">CONFLICT: it does not rest, and why.</exception>
    public static void RequireRest(bool works, bool queued, bool jobs, bool terminal)
    {
        var why = works ? "is working. Stop it first"
            : queued ? "has prompts that wait. Remove them first"
            : jobs ? "has commands that run in the background. End them first"
            : terminal ? "is open in a terminal. Leave it there first"
            : null;
        if (why is not null)
        {
            throw new RequestFailure(ErrorCode.Conflict, $"The session {why}.");
        }
    }

    /// <exception cref="RequestFailure">CONFLICT: a session of this id was deleted.</exception>
    public static void RequireNot(Change change, Guid session)
    {
        if (change.Query("SELECT 1 FROM session_deletions WHERE session_id = $id", static _ => true, ("$id", session.ToString())).Count > 0)
        {
            throw new RequestFailure(ErrorCode.Conflict, "This session was deleted.");
        }
    }

    /// <summary>Null: it was not deleted. Else whether all of it is.</summary>
    public static bool? IsDone(LedgerReader reader, Guid session)
    {
        var found = reader.Query(
            "SELECT done_at IS NOT NULL FROM session_deletions WHERE session_id = $id", row => row.Flag(0), ("$id", session.ToString()));
        return found.Count == 0 ? null : found[0];
    }

    public static IReadOnlyList<(Guid Session, Guid Project)> Unfinished(LedgerReader reader) => reader.Query(
        "SELECT session_id, project_id FROM session_deletions WHERE done_at IS NULL", row => (row.Id(0), row.Id(1)));

    /// <summary>From here on it is gone, whatever happens to the machine.</summary>
    /// <param name="path">The project's folder.</param>
    /// <param name="by">The device's name.</param>
    /// <exception cref="RequestFailure">CONFLICT: a copy of it did not start yet.</exception>
    public static void Begin(Change change, IAgentSession session, string path, string by, string? deviceId)
    {
        var id = session.SessionId.ToString();
        if (change.Query(
            "SELECT 1 FROM session_forks f JOIN sessions s USING (session_id) WHERE f.origin_id = $id AND s.native_id IS NULL",
            static _ => true, ("$id", id)).Count > 0)
        {
            throw new RequestFailure(ErrorCode.Conflict, "A copy of this session has not started yet, and begins with its conversation.");
        }

        change.Execute(
            "INSERT INTO session_deletions (session_id, project_id, begun_at) VALUES ($id, $project, $at)",
            ("$id", id), ("$project", session.ProjectId.ToString()), ("$at", Instant.Text(change.Now)));
        change.Ledger(new LedgerEntry(LedgerKind.SessionDeleted)
        {
            SessionId = id,
            DeviceId = deviceId,
            Actor = deviceId is null ? ApprovalService.CommandLine : null,
            Sandbox = SandboxName.Of(session.Sandbox),
            Data = new SessionDeletedData(
                session.Agent, session.ProjectId, path, by,
                Count(change, "SELECT count(*) FROM turns WHERE session_id = $id", id),
                Count(change, "SELECT coalesce(max(last_seq), 0) FROM streams WHERE name = 'session/' || $id", id)).ToJson(),
        });
    }

    /// <summary>Deletes the transcript and every row of the session, some at a time. Again does nothing.</summary>
    public static async Task DeleteAsync(Store store, Guid session)
    {
        var id = session.ToString();
        var last = (await store.QueryAsync(
            "SELECT coalesce(max(last_seq), 0) FROM streams WHERE name = 'session/' || $id", row => row.GetInt64(0), CancellationToken.None,
            ("$id", id)))[0];
        for (var through = 0L; through < last; through += Batch)
        {
            var upTo = Math.Min(through + Batch, last);
            await store.WriteAsync(change => change.TrimEvents(session, upTo));
        }

        foreach (var table in s_large)
        {
            while (await store.WriteAsync(change => change.Execute(
                $"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE session_id = $id LIMIT {Batch})", ("$id", id))) > 0)
            {
                // until none is left
            }
        }

        await store.WriteAsync(change =>
        {
            change.DeleteStream(session);
            foreach (var table in s_small)
            {
                change.Execute($"DELETE FROM {table} WHERE session_id = $id", ("$id", id));
            }

            change.Execute("DELETE FROM continuations WHERE turn_id IN (SELECT turn_id FROM turns WHERE session_id = $id)", ("$id", id));
            change.Execute("DELETE FROM turns WHERE session_id = $id", ("$id", id));
            change.Execute("DELETE FROM sessions WHERE session_id = $id", ("$id", id));
        });
    }

    /// <summary>A session that shows what was sent in this one: a copy of it. Null: none does.</summary>
    public static Guid? Heir(LedgerReader reader, Guid session)
    {
        var found = reader.Query(
            "SELECT session_id FROM session_forks WHERE origin_id = $id AND session_id NOT IN (SELECT session_id FROM session_deletions) LIMIT 1",
            row => row.Id(0), ("$id", session.ToString()));
        return found.Count == 0 ? null : found[0];
    }

    public static string? Folder(LedgerReader reader, Guid project)
        => reader.QueryFirst("SELECT path FROM projects WHERE project_id = $id", row => row.GetString(0), ("$id", project.ToString()));

    public static void End(Change change, Guid session) => change.Execute(
        "UPDATE session_deletions SET done_at = $at WHERE session_id = $id",
        ("$at", Instant.Text(change.Now)),
        ("$id", session.ToString()));

    private static long Count(Change change, string sql, string id) => change.Query(sql, row => row.GetInt64(0), ("$id", id))[0];
}
