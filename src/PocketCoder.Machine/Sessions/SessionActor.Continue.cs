using System.Text.Json;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that goes on after a turn that was cut off.</summary>
internal sealed partial class SessionActor
{
    /// <summary>Events looked at in one go, and at most: a turn with more than that behind it was certainly heard.</summary>
    private const int PageOfEvents = 500;
    private const int MostPages = 20;

    /// <summary>Begins the turn that goes on with one that failed or was interrupted, once.</summary>
    /// <exception cref="RequestFailure">TURN_NOT_FOUND, CONFLICT (it was not cut off, or something ran since), DAEMON_BUSY</exception>
    public async Task<TurnInfo> ContinueAsync(Guid turnId, Guid promptId, string? deviceId, CancellationToken cancellationToken)
    {
        var answered = await WasAnsweredAsync(turnId, cancellationToken); // what is over does not change
        return await AskAsync(async () =>
        {
            var record = _record;
            var (turn, added) = await Store.WriteAsync(change =>
            {
                if (SessionRows.FindTurn(change, turnId) is not { } cut || cut.Session != _record.SessionId)
                {
                    throw new RequestFailure(ErrorCode.TurnNotFound, "There is no such turn in this session.");
                }

                if (Continuations.Find(change, turnId) is { } earlier && (earlier.StartedAt is not null || earlier.State != TurnState.Cancelled))
                {
                    return (earlier, false);
                }

                if (cut.Turn.State is not (TurnState.Failed or TurnState.Interrupted) || !Continuations.IsLast(change, _record.SessionId, turnId))
                {
                    throw new RequestFailure(ErrorCode.Conflict, "There is nothing to go on with: the turn was not cut off, or something ran since.");
                }

                if (SessionRows.FindTurn(change, promptId) is not null)
                {
                    throw new RequestFailure(ErrorCode.Conflict, "This prompt id is in use.");
                }

                RequireRoomInQueue();
                var content = answered ? Continuations.Words(cut.Turn.Error) : cut.Turn.Content;
                var fresh = SessionRows.Enqueue(change, _record.SessionId, promptId, content, deviceId, answered ? [] : cut.Turn.Attachments);
                Continuations.Remember(change, turnId, promptId);
                if (SessionRows.Queued(change, _record.SessionId) is [var first, ..] && first.TurnId != promptId)
                {
                    QueueOrder.Move(change, _record.SessionId, promptId, first.TurnId);
                }

                record = SessionRows.Update(change, _record with { Held = false, Archived = false });
                return (fresh, true);
            });
            if (added)
            {
                _record = record;
                _queued++;
                Later(StartNextAsync);
            }

            return turn;
        });
    }

    /// <summary>Whether anything of the agent's came of a turn. Where nothing did, its prompt can be sent again as it was.</summary>
    private async Task<bool> WasAnsweredAsync(Guid turnId, CancellationToken cancellationToken)
    {
        var stream = StreamHub.NameOf(_record.SessionId);
        for (var (before, pages) = (_stream.Head, 0); before > 0; before -= PageOfEvents)
        {
            if (pages++ == MostPages)
            {
                return true;
            }

            var page = await Store.EventsAsync(stream, Math.Max(0, before - PageOfEvents), (int)Math.Min(before, PageOfEvents), cancellationToken);
            foreach (var kept in page.Events.Reverse())
            {
                var said = JsonSerializer.Deserialize(kept.Utf8Body.Span, ProtocolJson.Default.AgentEventPayload);
                if (said?.TurnId == turnId && said is TextEvent or ThinkingEvent or ToolUseEvent or ToolResultEvent or PromptEvent { Approval.Kind: not ApprovalKind.Prompt } or TodoEvent or SteerEvent { State: SteerState.Heard })
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
