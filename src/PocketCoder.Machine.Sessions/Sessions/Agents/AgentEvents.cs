using PocketCoder.Agents;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Sessions.Live;
using PocketCoder.Machine.Sessions.Tools;
using PocketCoder.Machine.Sessions.Turns;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Agents;

/// <summary>
/// Gives each thing that the agent says to the part of the session that deals with it. On the mailbox only; holds nothing.
/// </summary>
internal sealed class AgentEvents(
    SessionContext session,
    AgentHost host,
    ToolGate gate,
    ToolCalls calls,
    TurnWatchdog watchdog,
    AgentOffers offers,
    BlockWriter blocks,
    AgentTool agentTools,
    HostCalls hostCalls,
    QuestionTool questions,
    ITurnControl turns)
{
    /// <inheritdoc cref="IAgentListener.HearAsync"/>
    public async Task HearAsync(AgentEvent said)
    {
        if (await host.HoldsBackAsync(said))
        {
            return;
        }

        watchdog.Note(said);
        if (!watchdog.HoldsBack(said))
        {
            await TakeUpAsync(said);
        }

        await watchdog.CheckRetriesAsync(said);
    }

    /// <inheritdoc cref="IAgentListener.TakeUpAsync"/>
    public async Task TakeUpOrFailAsync(AgentEvent said)
    {
        try
        {
            await TakeUpAsync(said);
        }
        catch (Exception e)
        {
            await CouldNotHearAsync(said, e);
        }
    }

    private Task TakeUpAsync(AgentEvent said) => said switch
    {
        AgentReady ready => offers.ReadyAsync(ready, host.Resumed),
        AgentBlock block => blocks.WriteAsync(block),
        AgentToolUse use => calls.BeginAsync(use),
        AgentToolResult result => ToolResultAsync(result),
        AgentApprovalAsked asked => agentTools.AskAsync(asked),
        AgentHostCall call => hostCalls.CallAsync(call),
        AgentQuestionAsked asked => questions.AskAsync(asked),
        AgentPlanProposed plan => questions.AskAsync(plan),
        AgentRequestWithdrawn withdrawn => gate.WithdrawAsync(withdrawn.RequestId),
        AgentTodos todos => TodosAsync(todos),
        AgentActivity activity => ActAsync(EventTranslator.Activity(activity)),
        AgentModeChanged mode => offers.ModeAsync(mode.Mode),
        AgentContext context => offers.ContextAsync(context),
        AgentTitled titled => offers.TitledAsync(titled),
        AgentTurnEnded ended => TurnEndedAsync(ended),
        AgentEnded ended => host.EndedAsync(ended),
        _ => Task.CompletedTask,
    };

    private async Task ToolResultAsync(AgentToolResult result) => await watchdog.CountRepeatsAsync(await calls.EndAsync(result));

    private Task TodosAsync(AgentTodos todos) => session.WriteAsync(
        new TodoEvent([.. todos.Items.Select(i => new TodoItem(i.Text, AgentTerms.State(i.State)))])
        { At = session.Store.Now, TurnId = session.Turn?.TurnId });

    private Task ActAsync(string? activity)
    {
        session.Activity = session.Turn is null ? null : activity;
        return Task.CompletedTask;
    }

    private Task TurnEndedAsync(AgentTurnEnded ended)
    {
        session.EndMark = ended.Mark;
        return session.Turn is null
            ? Task.CompletedTask
            : turns.EndAsync(
                session.Cancelling || ended.Outcome == TurnOutcome.Cancelled ? TurnState.Cancelled : ended.Outcome == TurnOutcome.Failed
                    ? TurnState.Failed : TurnState.Completed,
                ended.Outcome == TurnOutcome.Failed && !session.Cancelling ? ended.Error : null,
                ended.Usage);
    }

    /// <inheritdoc cref="IAgentListener.CouldNotHearAsync"/>
    public async Task CouldNotHearAsync(AgentEvent said, Exception error, int tries = ApprovalCloser.Tries)
    {
        if (await gate.FailAsync(said, error))
        {
            return;
        }

        SessionLog.StepFailed(session.Services.Logger, session.SessionId, error);
        if (said is AgentTurnEnded or AgentEnded && tries > 0)
        {
            // else the session would work for ever
            HearAgainAsync(said, host.Generation, tries - 1).Observed(session.Services.Logger, "the end of a turn");
        }

        if (said is AgentToolResult result)
        {
            await calls.EndUnshownAsync(result, error);
        }
    }

    private async Task HearAgainAsync(AgentEvent said, int generation, int tries)
    {
        await Task.Delay(SessionContext.RetryAfter, session.Services.Time);
        session.Mailbox.Later(async () =>
        {
            try
            {
                if (generation == host.Generation && session.Turn is not null)
                {
                    await TakeUpAsync(said);
                }
            }
            catch (Exception e)
            {
                await CouldNotHearAsync(said, e, tries);
            }
        });
    }
}
