using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Machine.Sessions.Turns;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// Everything in a session that waits for a decision. A request goes one way: asked (<see cref="AskAsync"/>), decided
/// (<see cref="Settle"/>), covered by a snapshot, begun by its tool (<see cref="AgentRequest.BeginAsync"/>), answered. Whatever fails on
/// that way, the agent is answered and the approval closed (<see cref="FailAsync"/>). On the mailbox only, but for <see cref="Settle"/>.
/// </summary>
internal sealed class ToolGate(
    SessionContext session, AgentHost host, CallEnds ends, SnapshotCover cover, ToolCalls calls, ApprovalCloser closer, ITurnControl turns,
    IRunningWork work)
{
    /// <summary>By request: what waits, with its approval.</summary>
    private readonly Dictionary<string, Asked> _asked = new(StringComparer.Ordinal);

    private sealed record Asked(PendingRequest Request, ApprovalInfo Approval);

    /// <summary>Whether a person has something to decide.</summary>
    public bool WaitsForPerson => _asked.Values.Any(a => a.Approval.State == ApprovalState.Pending);

    public bool IsEmpty => _asked.Count == 0;

    /// <summary>How many requests of this kind wait.</summary>
    public int Count<T>()
        where T : PendingRequest
        => _asked.Values.Count(a => a.Request is T);

    /// <summary>Asks for a decision in the running turn. What an earlier decision covers is allowed at once.</summary>
    /// <param name="draft">What is asked, for this turn and these surroundings.</param>
    public async Task AskAsync(PendingRequest request, Func<Guid, RiskSurroundings, ApprovalDraft> draft)
    {
        if (session.Turn is null || session.Cancelling)
        {
            // Nobody may decide for a turn that is over.
            await host.TellAsync(request.RequestId, new AgentAnswer.Deny("The turn was stopped."));
            return;
        }

        session.Seam("ask");
        var around = await Surroundings.LookAsync(session);
        var wanted = cover.WithUndo(draft(session.Turn.TurnId, around));
        var approval = await session.Services.Approvals.RequestAsync(
            wanted with { SubAgent = session.SubAgents.Of(wanted.ToolUseId), Exactly = session.Here(wanted.Exactly) });
        _asked[request.RequestId] = new Asked(request, approval);
        if (approval.State == ApprovalState.Allowed)
        {
            Settle(approval, null);
            return;
        }

        await ShowAsync(TurnState.Waiting);
    }

    /// <summary>Keeps a request whose approval is recorded already.</summary>
    public Task AddAsync(PendingRequest request, ApprovalInfo approval)
    {
        _asked[request.RequestId] = new Asked(request, approval);
        return ShowAsync(TurnState.Waiting);
    }

    /// <summary>A person or the clock settled an approval of this session. From any thread; returns at once.</summary>
    public void Settle(ApprovalInfo approval, DecisionRequest? decision)
        => CoverAndAnswerAsync(approval, decision).Observed(session.Services.Logger, "answering an agent");

    /// <summary>Takes the snapshot, beside the mailbox so that Stop is heard meanwhile, and then answers.</summary>
    private async Task CoverAndAnswerAsync(ApprovalInfo approval, DecisionRequest? decision)
    {
        var coverage = Coverage.NotNeeded;
        Exception? failed = null;
        try
        {
            if (approval.State == ApprovalState.Allowed)
            {
                session.Seam("snapshot");
                coverage = await cover.TakeAsync(approval);
            }
        }
        catch (Exception e)
        {
            failed = e;
        }

        await session.Mailbox.PostAsync(async () =>
        {
            if (failed is not null)
            {
                await FailSettledAsync(approval, failed);
                return;
            }

            cover.Add(approval.ApprovalId, coverage);
            await AnswerAsync(approval, decision);
            cover.DropUnlessBegun(approval.ApprovalId, coverage);
        });
    }

    /// <summary>Passes a settled approval on: to the agent, or to whoever of the machine asked.</summary>
    private async Task AnswerAsync(ApprovalInfo approval, DecisionRequest? decision)
    {
        if (_asked.Values.FirstOrDefault(a => a.Approval.ApprovalId == approval.ApprovalId)?.Request is not { } request
            || (session.Turn is null && request is not MachineRequest { OutlivesTurn: true }))
        {
            return;
        }

        _asked.Remove(request.RequestId);
        try
        {
            session.Seam("answer");
            switch (request)
            {
                case MachineRequest ours:
                    await ours.SettledAsync(approval, decision);
                    break;
                case AgentRequest agents:
                    await AnswerAgentAsync(agents, approval, decision);
                    break;
                default:
                    throw new InvalidOperationException($"no answer is known for {NameOf(request)}");
            }
        }
        catch (Exception e)
        {
            await FailAsync(request, approval.ApprovalId, e);
        }
    }

    private async Task AnswerAgentAsync(AgentRequest request, ApprovalInfo approval, DecisionRequest? decision)
    {
        AgentAnswer? answer;
        try
        {
            answer = approval.Decision is { Verdict: DecisionVerdict.Allow }
                ? await request.BeginAsync(approval, decision)
                : Denial(request, approval, decision);
        }
        catch (LedgerException e) when (SessionContext.Passes(e))
        {
            // Allowed, but its beginning can't be recorded: then it does not begin. What stays allowed is closed as not run when the turn
            // ends.
            SessionLog.CannotRecord(session.Services.Logger, session.SessionId, e.Message);
            answer = new AgentAnswer.Deny($"Not done: the machine can't write its ledger: {e.Message}. Tell the user.");
        }

        if (answer is not null)
        {
            calls.Refuse(approval.ToolUseId, answer);
            if (await host.TellAsync(request.RequestId, answer) && request.IsOurTool && answer is AgentAnswer.Deny { Interrupt: true }
                && session.Turn is { } turn)
            {
                await turns.InterruptAsync(turn.TurnId); // a tool's result can't end a turn by itself
            }
        }

        await ShowAsync(TurnState.Running);
    }

    private static AgentAnswer.Deny Denial(AgentRequest request, ApprovalInfo approval, DecisionRequest? decision)
    {
        var reason = approval.State == ApprovalState.Expired
            ? "Nobody decided in time, so this was denied. Do not retry it unless asked; tell the user what you wanted to do."
            : approval.Decision?.Reason is { Length: > 0 } said ? said : "The user denied this.";
        return new AgentAnswer.Deny(request.IsOurTool ? $"The user denied this: {reason}" : reason, decision?.Interrupt ?? false);
    }

    /// <summary>
    /// Whether nobody waits for this call any more, also by what was not dealt with yet: it stands in the mailbox behind the step that
    /// asks.
    /// </summary>
    public bool IsVoid(string requestId)
        => session.Turn is null || session.Cancelling || host.Agent is null || ends.HasEnded(requestId, host.Generation);

    /// <summary>It was allowed, and did not begin: what differed, or why it is no longer allowed.</summary>
    /// <param name="hint">For the agent, when something differed.</param>
    public async Task<AgentAnswer.Deny> NotBegunAsync(
        ApprovalInfo approval, Beginning beginning, string hint = " Look at the current state and ask again.")
        => beginning.Difference is { } difference ? new AgentAnswer.Deny($"Not done: {difference}.{hint}")
            : await NoLongerAllowedAsync(approval);

    /// <summary>It was allowed, and must not begin any more: why, as its row says.</summary>
    private async Task<AgentAnswer.Deny> NoLongerAllowedAsync(ApprovalInfo approval)
    {
        var why = (await session.Services.Approvals.FindAsync(approval.ApprovalId))?.NotDone
            ?? (session.Turn is null || session.Cancelling ? "the turn was stopped" : "it is no longer allowed");
        return new AgentAnswer.Deny($"Not done: {why}. Ask again if it is still needed.");
    }

    /// <summary>The agent, or whoever asked, no longer waits: what waits is withdrawn, what runs for it ends.</summary>
    public async Task WithdrawAsync(string requestId)
    {
        await work.StopAsync(requestId);
        if (_asked.Remove(requestId, out var asked))
        {
            await closer.CloseAsync(asked.Approval.ApprovalId, "the agent no longer waits");
            await ShowAsync(TurnState.Running);
        }
    }

    /// <summary>Nobody is told anything any more for a turn that is over; a connection that waited in it is refused.</summary>
    public void Drop(Guid turn)
    {
        foreach (var asked in _asked.Values.Where(a => a.Approval.TurnId == turn).ToList())
        {
            (asked.Request as MachineRequest)?.Drop();
            _asked.Remove(asked.Request.RequestId);
        }
    }

    /// <summary>Shows the turn as running or waiting, as the open requests say.</summary>
    public async Task ShowAsync(TurnState state)
    {
        var actual = _asked.Count > 0 ? TurnState.Waiting : state;
        if (session.Turn is { } turn && turn.State != actual)
        {
            // Only how it looks; the next step sets it right. What came before stands and must not be done again.
            await session.UnlessFailedAsync(() => UpdateAsync(turn with { State = actual }));
        }

        async Task UpdateAsync(TurnInfo changed)
            => session.Replace(await session.Store.WriteAsync(change => SessionRows.UpdateTurn(change, session.SessionId, changed)));
    }

    /// <summary>Something that the agent said could not be dealt with. False: it was no request, so nothing was done.</summary>
    public async Task<bool> FailAsync(AgentEvent said, Exception error)
    {
        if (PendingRequest.Of(said) is not { } request)
        {
            return false;
        }

        await FailAsync(request, _asked.GetValueOrDefault(request.RequestId)?.Approval.ApprovalId, error);
        return true;
    }

    /// <summary>The request can't be carried through: logged, closed, and answered with the reason. Never throws.</summary>
    public async Task FailAsync(PendingRequest request, Guid? approvalId, Exception error)
    {
        SessionLog.DecisionFailed(session.Services.Logger, session.SessionId, NameOf(request), approvalId, error);
        _asked.Remove(request.RequestId);
        var why = session.Words(error);
        await work.StopAsync(request.RequestId);
        var begun = false;
        if (approvalId is { } id)
        {
            work.StopJobOf(id);
            begun = await closer.CloseAsync(id, why) ?? true;
        }

        var told = begun
            ? $"It may have started before {why} stopped it, so its outcome is unknown. Check the current state before you act on it, and tell the user."
            : $"Not done because of {why}. Do not retry it unless asked; tell the user.";
        calls.Refuse(request.ToolUseId, new AgentAnswer.Deny(told));
        await session.UnlessFailedAsync(
            () => request is MachineRequest ours ? ours.FailedAsync(told) : host.TellAsync(request.RequestId, new AgentAnswer.Deny(told)));
        await ShowAsync(TurnState.Running);
    }

    /// <summary>The same for an approval that was decided; when nobody waits for it any more it is closed only.</summary>
    private async Task FailSettledAsync(ApprovalInfo approval, Exception error)
    {
        if (_asked.Values.FirstOrDefault(a => a.Approval.ApprovalId == approval.ApprovalId) is { } asked)
        {
            await FailAsync(asked.Request, approval.ApprovalId, error);
        }
        else
        {
            SessionLog.DecisionFailed(session.Services.Logger, session.SessionId, "a request that is over", approval.ApprovalId, error);
            await closer.CloseAsync(approval.ApprovalId, session.Words(error));
        }
    }

    /// <summary>For the log: the tool that asked.</summary>
    private static string NameOf(PendingRequest request)
        => request.GetType() is { DeclaringType: { } tool } ? tool.Name : request.GetType().Name;

    /// <summary>Does something for a call beside the mailbox; whatever fails, the call is answered.</summary>
    public void Beside(AgentHostCall call, Guid? approvalId, Func<Task> step)
    {
        DoAsync().Observed(session.Services.Logger, "a tool's work");

        async Task DoAsync()
        {
            try
            {
                session.Seam("beside");
                await step();
            }
            catch (Exception e)
            {
                session.Mailbox.Later(() => FailAsync(PendingRequest.Of(call), approvalId, e));
            }
        }
    }

    /// <summary>The same on the mailbox, after the current step.</summary>
    public void LaterFor(AgentHostCall call, Guid? approvalId, Func<Task> step)
    {
        session.Mailbox.Later(DoAsync);

        async Task DoAsync()
        {
            try
            {
                await step();
            }
            catch (LedgerException e) when (SessionContext.Passes(e))
            {
                session.TryAgain(DoAsync, e);
            }
            catch (Exception e)
            {
                await FailAsync(PendingRequest.Of(call), approvalId, e);
            }
        }
    }

    /// <summary>Answers a call of a tool of ours with an error, without asking anybody.</summary>
    public Task<bool> RefuseCallAsync(AgentHostCall call, string why)
        => host.TellAsync(call.RequestId, new AgentAnswer.HostResult(why, IsError: true));
}
