using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Turns;

/// <summary>
/// Says something into a running turn. Written down before the agent is told; what the agent did not hear becomes a prompt in the queue.
/// </summary>
internal sealed class Steering(
    SessionContext session, TurnQueue queue, AgentHost host, PromptConfirmation confirmation, SentSecrets secrets)
{
    /// <summary>By prompt id: what is being said. Only touched on the mailbox.</summary>
    private readonly Dictionary<Guid, Task<AgentSteerResponse>> _steering = [];

    /// <summary>Says something into the running turn, once: the same id again returns what became of it.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST (this agent can't), CONFLICT, DAEMON_BUSY</exception>
    public async Task<AgentSteerResponse> SteerAsync(Guid promptId, string content, string? deviceId)
        // the mailbox does not wait for the agent
        => await await session.Mailbox.AskAsync(() => BeginSteerAsync(promptId, content, deviceId));

    private async Task<Task<AgentSteerResponse>> BeginSteerAsync(Guid promptId, string content, string? deviceId)
    {
        if (_steering.TryGetValue(promptId, out var underWay))
        {
            return underWay;
        }

        if (!session.Driver.Description.Steer)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest,
                $"{session.Driver.Description.Name} can't hear anything while it works. The prompt can wait in the queue.");
        }

        var id = session.SessionId;
        // What must wait for a yes is no word in between: it becomes a prompt, which does.
        var canHear = !session.Cancelling && !session.Stopping && !confirmation.IsOpen && !ConfirmedPrompt.IsWanted(content);
        var (agent, turn) = host.Agent is { } process && session.Turn is { } running
            && canHear ? ((IAgentProcess)process, running) : (null, null);
        var (steer, fresh, queued) = await session.Store.WriteAsync<(SteerRecord?, bool, TurnInfo?)>(change =>
        {
            var prompt = SessionRows.FindTurn(change, promptId);
            var known = SteerRows.Find(change, promptId);
            if ((prompt?.Session ?? known?.SessionId ?? id) != id)
            {
                throw new RequestFailure(ErrorCode.Conflict, "This prompt id belongs to another session.");
            }

            return prompt is not null ? (null, false, prompt.Value.Turn)
                : known is not null || turn is null ? (known, false, null)
                : (SteerRows.Insert(change, new SteerRecord(promptId, id, turn.TurnId, content, deviceId, SteerState.Sending)), true, null);
        });
        if (queued is not null)
        {
            return Task.FromResult(new AgentSteerResponse(SteerState.Queued, queued));
        }

        if (steer is { State: SteerState.Heard })
        {
            return Task.FromResult(new AgentSteerResponse(SteerState.Heard, null));
        }

        if (steer is null)
        {
            return Task.FromResult(await QueueInsteadAsync(null, promptId, content, deviceId));
        }

        return _steering[promptId] = SayAsync(fresh ? agent : null, steer);
    }

    /// <summary>Beside the mailbox: the agent may need that for its answer.</summary>
    /// <param name="agent">Null: it was being said before, by whom nobody knows any more. It is not said twice.</param>
    private async Task<AgentSteerResponse> SayAsync(IAgentProcess? agent, SteerRecord steer)
    {
        await Task.Yield();
        var heard = agent is null ? null : await TellAsync(agent, steer);
        while (true)
        {
            try
            {
                return await session.Mailbox.AskAsync(async () =>
                {
                    var answer = heard == true ? await RecordHeardAsync(steer)
                        : await QueueInsteadAsync(steer, steer.PromptId, steer.Content, steer.DeviceId, isUnknown: heard is null);
                    await secrets.NoteAsync(heard == false ? "" : steer.Content);
                    _steering.Remove(steer.PromptId);
                    return answer;
                });
            }
            catch (LedgerException e) when (SessionContext.Passes(e))
            {
                // what the agent heard can't be unheard: written down as soon as that works
                SessionLog.CannotRecord(session.Services.Logger, session.SessionId, e.Message);
                await Task.Delay(SessionContext.RetryAfter, session.Services.Time);
            }
        }
    }

    /// <summary>Whether it heard; null: nobody knows.</summary>
    private static async Task<bool?> TellAsync(IAgentProcess agent, SteerRecord steer)
    {
        try
        {
            return await agent.SteerAsync(new AgentPrompt(steer.TurnId, steer.Content), CancellationToken.None);
        }
        catch (AgentException e) when (e.Error == AgentError.TimedOut)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or AgentException or InvalidOperationException or OperationCanceledException)
        {
            return false; // the process is gone, and with it the turn: the words wait for the next one
        }
    }

    private async Task<AgentSteerResponse> RecordHeardAsync(SteerRecord steer)
    {
        await session.Store.WriteAsync(change => SteerRows.Update(change, steer with { State = SteerState.Heard }));
        return new AgentSteerResponse(SteerState.Heard, null);
    }

    /// <summary>
    /// The turn was over before: the words become a prompt. After a turn that was stopped or failed they wait for the person, as the rest
    /// of the queue does, and also when they may have been heard.
    /// </summary>
    private async Task<AgentSteerResponse> QueueInsteadAsync(
        SteerRecord? steer, Guid promptId, string content, string? deviceId, bool isUnknown = false)
    {
        var record = session.Record;
        var turn = await session.Store.WriteAsync(change =>
        {
            if (steer is not null)
            {
                SteerRows.Update(change, steer with { State = SteerState.Queued });
                if (isUnknown)
                {
                    change.Event(session.SessionId, new NoticeEvent(NoticeLevel.Warning, SteerRows.MayHaveBeenHeard(
                        "The agent did not answer when this was said to it"))
                    { At = change.Now, TurnId = steer.TurnId });
                }
            }
            else
            {
                queue.RequireRoom();
            }

            var over = steer is null ? null : SessionRows.FindTurn(change, steer.TurnId)?.Turn;
            var hold = isUnknown || over is { State: TurnState.Cancelled or TurnState.Failed or TurnState.Interrupted };
            record = SessionRows.Update(
                change, session.Record with { Held = hold || (session.Record.Held && steer is not null), Archived = false });
            return SessionRows.Enqueue(change, session.SessionId, promptId, content, deviceId, []);
        });
        queue.Added(record);
        return new AgentSteerResponse(SteerState.Queued, turn);
    }
}
