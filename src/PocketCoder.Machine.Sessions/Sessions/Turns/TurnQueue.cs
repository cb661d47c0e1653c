using System.Text.Json;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Turns;

/// <summary>
/// The prompts that wait in a session, and how many. Each is taken once, whatever its device sends again. Methods that return a task queue
/// in the mailbox and may be called from any thread, but for <see cref="TakeNextAsync"/> and <see cref="ClearAsync"/>.
/// </summary>
/// <param name="count">Of those that wait when the session comes to life.</param>
internal sealed class TurnQueue(SessionContext session, ITurnControl turns, int count)
{
    /// <summary>Events looked at in one go, and at most: a turn with more than that behind it was certainly heard.</summary>
    private const int PageOfEvents = 500;
    private const int MostPages = 20;

    private int _count = count;

    /// <summary>Prompts that wait.</summary>
    public int Count => _count;

    /// <summary>Takes a prompt into the queue, once: the same id again returns the same turn.</summary>
    /// <exception cref="RequestFailure">DAEMON_BUSY, CONFLICT; for attachments FILE_NOT_FOUND, FILE_TOO_LARGE, INVALID_REQUEST</exception>
    public Task<TurnInfo> EnqueueAsync(Guid promptId, string content, string? deviceId, IReadOnlyList<Guid>? attachments = null)
        => session.Mailbox.AskAsync(async () =>
    {
        var record = session.Record;
        var (turn, added) = await session.Store.WriteAsync(change =>
        {
            if (SessionRows.FindTurn(change, promptId) is { } known)
            {
                return known.Session == session.SessionId
                    ? (known.Turn, false)
                    : throw new RequestFailure(ErrorCode.Conflict, "This prompt id belongs to another session.");
            }

            RequireRoom();
            var queued = SessionRows.Enqueue(change, session.SessionId, promptId, content, deviceId,
                AttachmentRows.Claim(change, session.SessionId, attachments, deviceId, session.Driver.Description.Images));
            record = SessionRows.Update(change, session.Record with { Held = false, Archived = false });
            return (queued, true);
        });
        if (added)
        {
            Added(record);
        }

        return turn;
    });

    /// <exception cref="RequestFailure">TURN_NOT_FOUND when it is not queued any more</exception>
    public Task<TurnInfo> EditAsync(Guid promptId, string content) => ChangeAsync(promptId, turn => turn with { Content = content });

    /// <exception cref="RequestFailure">TURN_NOT_FOUND when it is not queued any more</exception>
    public Task<TurnInfo> RemoveAsync(Guid promptId)
        => ChangeAsync(promptId, turn => turn with { State = TurnState.Cancelled, FinishedAt = session.Store.Now });

    /// <summary>Puts a waiting prompt before another one; null: last. Returns all that wait, in order.</summary>
    /// <exception cref="RequestFailure">TURN_NOT_FOUND when one of them does not wait any more</exception>
    public Task<IReadOnlyList<Guid>> MoveAsync(Guid promptId, Guid? before)
        => session.Mailbox.AskAsync(() => session.Store.WriteAsync(change => QueueOrder.Move(change, session.SessionId, promptId, before)));

    /// <summary>Makes one prompt of several that wait, in the place of the first.</summary>
    /// <exception cref="RequestFailure">TURN_NOT_FOUND when one of them does not wait any more; INVALID_REQUEST, FILE_TOO_LARGE when they
    /// can't be one</exception>
    public Task<TurnInfo> MergeAsync(IReadOnlyList<Guid> promptIds) => session.Mailbox.AskAsync(async () =>
    {
        var merged = await session.Store.WriteAsync(
            change => QueueMerge.Merge(change, session.SessionId, promptIds, session.Driver.Description.Images));
        _count -= promptIds.Count - 1;
        return merged;
    });

    /// <summary>Begins the turn that goes on with one that failed or was interrupted, once.</summary>
    /// <exception cref="RequestFailure">TURN_NOT_FOUND, CONFLICT (it was not cut off, or something ran since), DAEMON_BUSY</exception>
    public async Task<TurnInfo> ContinueAsync(Guid turnId, Guid promptId, string? deviceId, CancellationToken cancellationToken)
    {
        var answered = await WasAnsweredAsync(turnId, cancellationToken); // what is over does not change
        return await session.Mailbox.AskAsync(async () =>
        {
            var record = session.Record;
            var (turn, added) = await session.Store.WriteAsync(change =>
            {
                if (SessionRows.FindTurn(change, turnId) is not { } cut || cut.Session != session.SessionId)
                {
                    throw new RequestFailure(ErrorCode.TurnNotFound, "There is no such turn in this session.");
                }

                if (Continuations.Find(change, turnId) is { } earlier
                    && (earlier.StartedAt is not null || earlier.State != TurnState.Cancelled))
                {
                    return (earlier, false);
                }

                if (cut.Turn.State is not (TurnState.Failed or TurnState.Interrupted)
                    || !Continuations.IsLast(change, session.SessionId, turnId))
                {
                    throw new RequestFailure(
                        ErrorCode.Conflict, "There is nothing to continue: the turn was not cut off, or another one ran since.");
                }

                if (SessionRows.FindTurn(change, promptId) is not null)
                {
                    throw new RequestFailure(ErrorCode.Conflict, "This prompt id is in use.");
                }

                RequireRoom();
                var content = answered ? Continuations.Words(cut.Turn.Error) : cut.Turn.Content;
                var fresh = SessionRows.Enqueue(
                    change, session.SessionId, promptId, content, deviceId, answered ? [] : cut.Turn.Attachments);
                Continuations.Remember(change, turnId, promptId);
                if (SessionRows.Queued(change, session.SessionId) is [var first, ..] && first.TurnId != promptId)
                {
                    QueueOrder.Move(change, session.SessionId, promptId, first.TurnId);
                }

                record = SessionRows.Update(change, session.Record with { Held = false, Archived = false });
                return (fresh, true);
            });
            if (added)
            {
                Added(record);
            }

            return turn;
        });
    }

    /// <summary>The first that waits becomes the running turn in the tables; null: none waits. On the mailbox only.</summary>
    public async Task<(TurnInfo Turn, SessionRecord Record)?> TakeNextAsync()
    {
        var record = session.Record;
        var next = await session.Store.WriteAsync(change =>
        {
            if (SessionRows.Queued(change, session.SessionId) is not [var first, ..])
            {
                return null;
            }

            record = SessionRows.Update(change, session.Record with { Failed = false });
            return SessionRows.UpdateTurn(change, session.SessionId, first with { State = TurnState.Running, StartedAt = change.Now });
        });
        if (next is null)
        {
            return null;
        }

        _count--;
        return (next, record);
    }

    /// <summary>Nothing waits any more. On the mailbox only.</summary>
    public async Task ClearAsync()
    {
        await session.Store.WriteAsync(change =>
        {
            foreach (var turn in SessionRows.Queued(change, session.SessionId))
            {
                SessionRows.UpdateTurn(change, session.SessionId, turn with { State = TurnState.Cancelled, FinishedAt = change.Now });
            }
        });
        _count = 0;
    }

    /// <summary>One more waits, as its change recorded it. On the mailbox only.</summary>
    public void Added(SessionRecord record)
    {
        session.Replace(record);
        _count++;
        turns.StartNextSoon();
    }

    /// <exception cref="RequestFailure">DAEMON_BUSY</exception>
    public void RequireRoom()
    {
        if (_count >= Limits.QueuedPrompts)
        {
            throw new RequestFailure(
                ErrorCode.DaemonBusy, $"{Limits.QueuedPrompts} prompts wait in this session already. Cancel one, or wait.");
        }
    }

    private Task<TurnInfo> ChangeAsync(Guid promptId, Func<TurnInfo, TurnInfo> edit) => session.Mailbox.AskAsync(async () =>
    {
        var turn = await session.Store.WriteAsync(change =>
            SessionRows.FindTurn(change, promptId) is { } found && found.Session == session.SessionId
                && found.Turn.State == TurnState.Queued
                ? SessionRows.UpdateTurn(change, session.SessionId, edit(found.Turn))
                : throw new RequestFailure(ErrorCode.TurnNotFound, "This prompt is no longer in the queue."));
        _count -= turn.State == TurnState.Queued ? 0 : 1;
        return turn;
    });

    /// <summary>Whether anything of the agent's came of a turn. Where nothing did, its prompt can be sent again as it was.</summary>
    private async Task<bool> WasAnsweredAsync(Guid turnId, CancellationToken cancellationToken)
    {
        var stream = StreamHub.NameOf(session.SessionId);
        for (var (before, pages) = (session.Stream.Head, 0); before > 0; before -= PageOfEvents)
        {
            if (pages++ == MostPages)
            {
                return true;
            }

            var page = await session.Store.EventsAsync(
                stream, Math.Max(0, before - PageOfEvents), (int)Math.Min(before, PageOfEvents), cancellationToken);
            foreach (var kept in page.Events.Reverse())
            {
                var said = JsonSerializer.Deserialize(kept.Utf8Body.Span, ProtocolJson.Default.AgentEventPayload);
                if (said?.TurnId == turnId && said is TextEvent or ThinkingEvent or ToolUseEvent or ToolResultEvent
                    or ApprovalEvent { Approval.Kind: not ApprovalKind.Prompt } or TodoEvent or SteerEvent { State: SteerState.Heard })
                {
                    return true;
                }

                if (said is TurnEvent { Turn: { State: TurnState.Running } begun } && begun.TurnId == turnId)
                {
                    return false;
                }
            }
        }

        return false;
    }
}
