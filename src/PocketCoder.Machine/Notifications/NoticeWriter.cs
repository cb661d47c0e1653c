using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;
using PocketCoder.Push;

namespace PocketCoder.Machine.Notifications;

/// <summary>How the last turn of a session that works no more ended.</summary>
internal sealed record TurnEnd(SessionInfo Session, PushKind Kind, TimeSpan Took);

/// <summary>Writes notices with the names of machine, session and project, and the messages that carry them. Thread-safe.</summary>
/// <param name="app">Where a phone finds this machine, for receivers that open a page; null: nowhere.</param>
internal sealed class NoticeWriter(
    Store store, ProjectStore projects, Func<Guid, SessionInfo?> session, Func<string> label, string machineId, Func<Uri?> app)
{
    public PushNotice Start(PushNoticeKind kind, string tag, int waiting = 0)
        => new(1, machineId, Notices.Line(label(), PushLimits.NameLength), kind, tag, waiting, store.Now);

    public async Task<PushNotice> NamedAsync(PushNotice notice, Guid? of, Guid project, CancellationToken cancellationToken)
    {
        var all = await projects.ListAsync(cancellationToken);
        return notice with
        {
            Session = of is { } id && session(id) is { } info ? Notices.Line(info.Title, PushLimits.NameLength) : null,
            Project = all.FirstOrDefault(p => p.ProjectId == project) is { } found
                ? Notices.Line(found.Name, PushLimits.NameLength) : null,
        };
    }

    public Task<PushNotice> OfEndAsync(TurnEnd end, int waiting, CancellationToken cancellationToken)
    {
        var kind = end.Kind == PushKind.TaskError ? PushNoticeKind.TaskError : PushNoticeKind.TaskComplete;
        var notice = Start(kind, $"session/{end.Session.AgentSessionId}", waiting) with { AgentSessionId = end.Session.AgentSessionId };
        return NamedAsync(notice, end.Session.AgentSessionId, end.Session.ProjectId, cancellationToken);
    }

    /// <summary>How the last turn of a session that works no more ended; null: a person stopped it.</summary>
    public async Task<TurnEnd?> EndOfAsync(Guid id, CancellationToken cancellationToken)
    {
        var last = await store.QueryAsync(
            """
            SELECT state, started_at, finished_at FROM turns WHERE session_id = $id AND finished_at IS NOT NULL
            ORDER BY finished_at DESC LIMIT 1
            """,
            row => (State: row.GetString(0), Started: row.TimeOrNull(1), Finished: row.Time(2)), cancellationToken,
            ("$id", id.ToString()));
        return last is [var turn] && session(id) is { } info
            ? turn.State.ToUpperInvariant() switch
            {
                "COMPLETED" => new TurnEnd(info, PushKind.TaskComplete, turn.Finished - (turn.Started ?? turn.Finished)),
                "FAILED" or "INTERRUPTED" => new TurnEnd(info, PushKind.TaskError, turn.Finished - (turn.Started ?? turn.Finished)),
                _ => null,
            }
            : null;
    }

    public PushMessage MessageOf(Subscriber one, PushNotice notice, TimeSpan life, PushUrgency urgency)
        => new(Notices.Bytes(notice), life, urgency, Notices.TopicOf(machineId, notice.Tag),
            one.To is PushSubscription ? null : ReceiverWords.Of(notice, app()));
}
