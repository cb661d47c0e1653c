using Microsoft.AspNetCore.Http;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Turns;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Local;

/// <summary>A turn of a session, which the older bot calls a task.</summary>
internal sealed record KnownTask(SessionInfo Session, TurnInfo Turn);

/// <summary>Finds and tells tasks: prompts of every session that the person sees, whichever way they came. Thread-safe.</summary>
internal sealed class LocalTasks(PeopleHere people, BotNotes notes, TimeProvider time)
{
    private const string Demo = "demo";
    private const string Machine = "machine";

    /// <summary>Sessions that are looked through, the newest first.</summary>
    private const int MostSessions = 20;

    private const int MostListed = 100;
    private const int MostEvents = 200; // the last ones of a task
    private const int LongestPrompt = 1000; // characters of one in a list

    /// <summary>Keeps that a task came this way, and where it is.</summary>
    public Task AddAsync(Guid turn, Guid session, CancellationToken cancellationToken)
        => notes.SetAsync(LocalNotes.Task, Id(turn), new TaskNote(session), cancellationToken);

    /// <exception cref="LocalFailure">TURN_NOT_FOUND</exception>
    public async Task<KnownTask> FindAsync(Person person, string id, CancellationToken cancellationToken)
    {
        if (Guid.TryParse(id, out var turn))
        {
            var note = await notes.FindAsync(LocalNotes.Task, Id(turn), cancellationToken);
            var sessions = note is null ? await SessionsAsync(person, cancellationToken) : [note.Session];
            foreach (var session in sessions)
            {
                if (await InAsync(person, session, turn, cancellationToken) is { } found)
                {
                    return found;
                }
            }
        }

        throw new LocalFailure(StatusCodes.Status404NotFound, ErrorCode.TurnNotFound, "There is no such task.");
    }

    /// <summary>The newest hundred of the newest sessions, without what they said and what happened in them.</summary>
    public async Task<IReadOnlyList<TaskRow>> ListAsync(Person person, CancellationToken cancellationToken)
    {
        var ours = (await notes.ListAsync(LocalNotes.Task, cancellationToken)).Select(n => n.Key).ToHashSet(StringComparer.Ordinal);
        var paths = await PathsAsync(person, cancellationToken);
        var waiting = (await person.AskAsync(DeviceVerbs.ApprovalsList, new ApprovalsListRequest(), cancellationToken)).Approvals;
        var rows = new List<TaskRow>();
        foreach (var session in await SessionsAsync(person, cancellationToken))
        {
            var got = await person.AskAsync(DeviceVerbs.AgentSessionGet, new AgentSessionGetRequest(session), cancellationToken);
            rows.AddRange(got.Turns.Select(t => Row(
                new KnownTask(got.Session, t with { Content = SafeText.Cut(t.Content, LongestPrompt) }), paths,
                [.. waiting.Where(a => a.TurnId == t.TurnId)], ours.Contains(Id(t.TurnId)))));
        }

        return [.. rows.OrderByDescending(r => r.CreatedAt).Take(MostListed)];
    }

    /// <summary>A task with all that there is of it.</summary>
    /// <exception cref="LocalFailure">UNAVAILABLE: reading it took too long.</exception>
    public async Task<TaskRow> ReadAsync(Person person, KnownTask task, CancellationToken cancellationToken)
    {
        var (session, turn) = (task.Session.AgentSessionId, task.Turn.TurnId);
        var waiting = await PendingAsync(person, task, cancellationToken);
        var isOurs = await notes.FindAsync(LocalNotes.Task, Id(turn), cancellationToken) is not null;
        var row = Row(task, await PathsAsync(person, cancellationToken), waiting, isOurs);
        TurnFold? fold = null;
        UsageEvent? used = null;
        TurnState? state = null;
        var events = new Queue<TaskEventRow>();
        await using var visitor = await people.VisitAsync(person.Account, cancellationToken) ?? throw Slow();
        var isWhole = await TurnEvents.WalkAsync(
            visitor, session, turn,
            (happened, seq) =>
            {
                fold ??= new TurnFold(((TurnEvent)happened).Turn, seq);
                fold.Apply(happened);
                used = happened as UsageEvent ?? used;
                Keep(events, TaskWords.Event(happened, state));
                state = happened is TurnEvent e ? e.Turn.State : state;
                return !fold.IsOver;
            },
            time, cancellationToken);
        if (!isWhole)
        {
            throw Slow();
        }

        var view = fold?.View(session, new TurnFacts("", null, "", false), null, canSteer: false);
        var said = view?.Output is { Length: > 0 } output ? output : null;
        var isOver = task.Turn.FinishedAt is not null;
        return row with
        {
            LiveOutput = isOver ? null : said,
            RawResult = isOver ? said ?? task.Turn.Error : null,
            ResultSummary = isOver ? TaskWords.Summary(said ?? task.Turn.Error) : null,
            LastTokenUsage = used is null ? null : TaskWords.Tokens(used.Turn),
            TotalTokenUsage = used is null ? null : TaskWords.Tokens(used.Session),
            ActivityHint = isOver ? null : view?.Hint,
            Events = [.. events],
        };
    }

    /// <summary>What waits of a task.</summary>
    public static async Task<IReadOnlyList<ApprovalInfo>> PendingAsync(Person person, KnownTask task, CancellationToken cancellationToken)
        => [.. (await ApprovalsAsync(person, task, isPending: true, cancellationToken)).Where(a => a.State == ApprovalState.Pending)];

    /// <summary>What waits of a task, or all that did.</summary>
    public static async Task<IReadOnlyList<ApprovalInfo>> ApprovalsAsync(
        Person person, KnownTask task, bool isPending, CancellationToken cancellationToken)
    {
        var request = new ApprovalsListRequest(isPending, isPending ? null : task.Session.AgentSessionId);
        var all = (await person.AskAsync(DeviceVerbs.ApprovalsList, request, cancellationToken)).Approvals;
        return [.. all.Where(a => a.AgentSessionId == task.Session.AgentSessionId && a.TurnId == task.Turn.TurnId)];
    }

    public static string Id(Guid turn) => turn.ToString("N");

    private static TaskRow Row(
        KnownTask task, IReadOnlyDictionary<Guid, string> paths, IReadOnlyList<ApprovalInfo> waiting, bool isOurs)
    {
        var (session, turn) = (task.Session, task.Turn);
        IReadOnlyList<TaskApprovalRow> approvals = [.. waiting.Select(TaskWords.Approval)];
        return new TaskRow(
            Id(turn.TurnId), isOurs ? Demo : Machine, turn.DeviceId, turn.Content, session.Agent, session.Model,
            session.Sandbox.ToString().ToLowerInvariant(), session.ProjectId.ToString("N"), session.AgentSessionId.ToString("N"),
            paths.GetValueOrDefault(session.ProjectId), isOurs ? EntryLocalHttp.Platform : Machine, TaskWords.Status(turn.State),
            TaskWords.Reason(approvals), null, null, null, null, null, null, turn.CreatedAt,
            turn.FinishedAt ?? turn.StartedAt ?? turn.CreatedAt, [], approvals);
    }

    private static void Keep(Queue<TaskEventRow> events, TaskEventRow? one)
    {
        if (one is not null)
        {
            events.Enqueue(one);
        }

        if (events.Count > MostEvents)
        {
            events.Dequeue();
        }
    }

    private static async Task<KnownTask?> InAsync(Person person, Guid session, Guid turn, CancellationToken cancellationToken)
    {
        try
        {
            var got = await person.AskAsync(DeviceVerbs.AgentSessionGet, new AgentSessionGetRequest(session), cancellationToken);
            return got.Turns.FirstOrDefault(t => t.TurnId == turn) is { } found ? new KnownTask(got.Session, found) : null;
        }
        catch (EntryRefusal e) when (e.Error.Code == ErrorCode.SessionNotFound)
        {
            return null; // deleted since
        }
    }

    private static async Task<IReadOnlyList<Guid>> SessionsAsync(Person person, CancellationToken cancellationToken)
        => [.. (await person.AskAsync(
            Verbs.AgentSessionsList, new AgentSessionsListRequest(Limit: MostSessions), cancellationToken))
            .Sessions.Select(s => s.AgentSessionId)];

    private static async Task<IReadOnlyDictionary<Guid, string>> PathsAsync(Person person, CancellationToken cancellationToken)
        => (await person.AskAsync(Verbs.ProjectsList, new ProjectsListRequest(), cancellationToken))
            .Projects.ToDictionary(p => p.ProjectId, p => p.Path);

    private static LocalFailure Slow() => new(
        StatusCodes.Status503ServiceUnavailable, ErrorCode.Unavailable, "Reading this task took too long. Ask again.");
}
