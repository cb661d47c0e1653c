using System.Globalization;
using Microsoft.Data.Sqlite;
using PocketCoder.Ledger;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Sessions.Marks;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>A session as it stands in its table.</summary>
internal sealed record SessionRecord : IAgentSession
{
    public required Guid SessionId { get; init; }

    public required Guid ProjectId { get; init; }

    public required string Agent { get; init; }

    public required string Title { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The agent's own id of the conversation, once it told.</summary>
    public string? NativeId { get; init; }

    /// <summary>Where its commands run; chosen once.</summary>
    public SandboxKind Sandbox { get; init; }

    /// <summary>Where it works beneath its project's root, as <see cref="SessionFolder"/> has it; chosen once. Null: the root.</summary>
    public string? Folder { get; init; }

    public string? Mode { get; init; }

    public string? Model { get; init; }

    /// <summary>The queue waits for a person: the last turn was stopped, failed or was cut off.</summary>
    public bool Held { get; init; }

    public bool Archived { get; init; }

    /// <summary>The last turn failed or was interrupted.</summary>
    public bool Failed { get; init; }

    public UsageInfo Usage { get; init; } = new(0, 0, 0, 0, null);

    /// <summary>Read when the session comes to life; saved with the rest.</summary>
    public PromptingRecord Prompting { get; init; } = PromptingRecord.None;

    /// <summary>Read when the session comes to life; saved by themselves.</summary>
    public SessionMarks Marks { get; init; } = SessionMarks.None;
}

/// <summary>The sessions and turns tables. Pure SQL; no state.</summary>
internal static class SessionRows
{
    private const string SessionColumns =
        "SELECT session_id, project_id, agent, native_id, title, mode, model, held, archived, failed, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, created_at, updated_at, sandbox, folder FROM sessions";

    private const string TurnColumns =
        "SELECT turn_id, state, content, device_id, created_at, started_at, finished_at, error, attachments FROM turns";

    public static SessionRecord? Find(Change change, Guid session)
        => change.Find($"{SessionColumns} WHERE session_id = $id", MapSession, ("$id", session.ToString()));

    /// <summary>Sessions of registered projects, without those that are being deleted.</summary>
    public static IReadOnlyList<SessionRecord> List(LedgerReader reader) => reader.Query(
        $"{SessionColumns} WHERE project_id IN (SELECT project_id FROM projects WHERE removed_at IS NULL) AND session_id NOT IN (SELECT session_id FROM session_deletions)",
        MapSession);

    public static void Insert(Change change, SessionRecord session)
    {
        change.Execute(
            """
            INSERT INTO sessions (session_id, project_id, agent, native_id, title, mode, model, sandbox, folder, created_at, updated_at)
            VALUES ($id, $project, $agent, $native, $title, $mode, $model, $sandbox, $folder, $created, $created)
            """,
            ("$id", session.SessionId.ToString()),
            ("$project", session.ProjectId.ToString()),
            ("$agent", session.Agent),
            ("$native", session.NativeId),
            ("$title", session.Title),
            ("$mode", session.Mode),
            ("$model", session.Model),
            ("$sandbox", SandboxName.Of(session.Sandbox)),
            ("$folder", session.Folder),
            ("$created", Instant.Text(session.CreatedAt)));
        PromptingRows.Save(change, session.SessionId, session.Prompting);
    }

    public static SessionRecord Update(Change change, SessionRecord session)
    {
        session = session with { UpdatedAt = change.Now };
        change.Execute(
            """
            UPDATE sessions SET native_id = $native, title = $title, mode = $mode, model = $model, held = $held, archived = $archived, failed = $failed,
                input_tokens = $in, output_tokens = $out, cache_read_tokens = $cr, cache_write_tokens = $cw, cost_usd = $cost, updated_at = $at
            WHERE session_id = $id
            """,
            ("$id", session.SessionId.ToString()),
            ("$native", session.NativeId),
            ("$title", session.Title),
            ("$mode", session.Mode),
            ("$model", session.Model),
            ("$held", session.Held),
            ("$archived", session.Archived),
            ("$failed", session.Failed),
            ("$in", session.Usage.InputTokens),
            ("$out", session.Usage.OutputTokens),
            ("$cr", session.Usage.CacheReadTokens),
            ("$cw", session.Usage.CacheWriteTokens),
            ("$cost", session.Usage.CostUsd?.ToString(CultureInfo.InvariantCulture)),
            ("$at", Instant.Text(change.Now)));
        PromptingRows.Save(change, session.SessionId, session.Prompting);
        return session;
    }

    public static (Guid Session, TurnInfo Turn)? FindTurn(Change change, Guid turn)
    {
        var found = change.Query(
            "SELECT turn_id, state, content, device_id, created_at, started_at, finished_at, error, attachments, session_id FROM turns WHERE turn_id = $id",
            row => (Session: row.Id(9), Turn: MapTurn(row)),
            ("$id", turn.ToString()));
        return found.Count == 0 ? null : found[0];
    }

    /// <summary>Adds a prompt to the end of the queue and tells the session's stream.</summary>
    public static TurnInfo Enqueue(
        Change change, Guid session, Guid prompt, string content, string? device, IReadOnlyList<AttachmentInfo> attachments)
    {
        var turn = new TurnInfo(prompt, TurnState.Queued, content, device, change.Now, null, null, null) { Attachments = attachments };
        change.Execute(
            """
            INSERT INTO turns (turn_id, session_id, ordinal, state, content, device_id, created_at, attachments)
            VALUES ($id, $session, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM turns WHERE session_id = $session), $state, $content, $device, $at, $attachments)
            """,
            ("$id", prompt.ToString()),
            ("$session", session.ToString()),
            ("$state", Word(turn.State)),
            ("$content", content),
            ("$device", device),
            ("$at", Instant.Text(change.Now)),
            ("$attachments", AttachmentRows.ToColumn(attachments)));
        change.Event(session, new TurnEvent(turn) { At = change.Now, TurnId = prompt });
        return turn;
    }

    /// <summary>Writes the turn's row and tells the session's stream.</summary>
    public static TurnInfo UpdateTurn(Change change, Guid session, TurnInfo turn)
    {
        change.Execute(
            """
            UPDATE turns SET state = $state, content = $content, error = $error, started_at = $started, finished_at = $finished, attachments = $attachments
            WHERE turn_id = $id
            """,
            ("$id", turn.TurnId.ToString()),
            ("$state", Word(turn.State)),
            ("$content", turn.Content),
            ("$error", turn.Error),
            ("$started", Instant.Text(turn.StartedAt)),
            ("$finished", Instant.Text(turn.FinishedAt)),
            ("$attachments", AttachmentRows.ToColumn(turn.Attachments)));
        change.Event(session, new TurnEvent(turn) { At = change.Now, TurnId = turn.TurnId });
        return turn;
    }

    public static IReadOnlyList<TurnInfo> Queued(Change change, Guid session)
        => change.Query($"{TurnColumns} WHERE session_id = $id AND state = 'queued' ORDER BY ordinal", MapTurn,
            ("$id", session.ToString()));

    /// <summary>Turns that a daemon left running when it died.</summary>
    public static IReadOnlyList<(Guid Session, TurnInfo Turn)> Unfinished(Change change) => change.Query(
        "SELECT turn_id, state, content, device_id, created_at, started_at, finished_at, error, attachments, session_id FROM turns WHERE state IN ('running','waiting')",
        row => (row.Id(9), MapTurn(row)));

    public static IReadOnlyList<(Guid Session, int Count)> QueueLengths(LedgerReader reader)
        => reader.Query("SELECT session_id, COUNT(*) FROM turns WHERE state = 'queued' GROUP BY session_id",
            row => (row.Id(0), row.GetInt32(1)));

    /// <summary>The newest turns, oldest first.</summary>
    public static IReadOnlyList<TurnInfo> Recent(LedgerReader reader, Guid session, int limit)
    {
        var turns = reader.Query($"{TurnColumns} WHERE session_id = $id ORDER BY ordinal DESC LIMIT $limit", MapTurn,
            ("$id", session.ToString()), ("$limit", limit));
        return [.. turns.Reverse()];
    }

    private static SessionRecord MapSession(SqliteDataReader row) => new()
    {
        SessionId = row.Id(0),
        ProjectId = row.Id(1),
        Agent = row.GetString(2),
        Sandbox = SandboxName.Parse(row.GetString(17)),
        Folder = row.TextOrNull(18),
        NativeId = row.TextOrNull(3),
        Title = row.GetString(4),
        Mode = row.TextOrNull(5),
        Model = row.TextOrNull(6),
        Held = row.Flag(7),
        Archived = row.Flag(8),
        Failed = row.Flag(9),
        Usage = new UsageInfo(row.GetInt64(10), row.GetInt64(11), row.GetInt64(12), row.GetInt64(13),
            row.IsDBNull(14) ? null : decimal.Parse(row.GetString(14), CultureInfo.InvariantCulture)),
        CreatedAt = row.Time(15),
        UpdatedAt = row.Time(16),
    };

    private static TurnInfo MapTurn(SqliteDataReader row) => new(
        row.Id(0),
        Enum.Parse<TurnState>(row.GetString(1), ignoreCase: true),
        row.GetString(2),
        row.TextOrNull(3),
        row.Time(4),
        row.TimeOrNull(5),
        row.TimeOrNull(6),
        row.TextOrNull(7))
    {
        Attachments = AttachmentRows.FromColumn(row.TextOrNull(8)),
    };

    private static string Word(TurnState state) => state.ToString().ToLowerInvariant();
}
