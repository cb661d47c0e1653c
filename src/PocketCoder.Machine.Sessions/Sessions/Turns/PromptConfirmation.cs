using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Sessions.Tools;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Turns;

/// <summary>Holds a prompt back until a person says yes to it: <see cref="ConfirmedPrompt"/>. On the mailbox only.</summary>
internal sealed class PromptConfirmation(SessionContext session, ToolGate gate, ITurnControl turns)
{
    /// <summary>The turn whose prompt the agent has not seen.</summary>
    private Guid? _unconfirmed;

    /// <summary>The machine waits for a person; no agent does.</summary>
    private sealed record Request(PromptConfirmation Confirmation, string RequestId) : MachineRequest(RequestId)
    {
        public override Task SettledAsync(ApprovalInfo approval, DecisionRequest? decision) => Confirmation.SettledAsync(approval);

        public override Task FailedAsync(string why) => Confirmation.FailedAsync(why);
    }

    /// <summary>Whether the agent has not seen the running turn's prompt.</summary>
    public bool IsOpen => _unconfirmed is not null;

    public bool IsOpenFor(Guid turn) => _unconfirmed == turn;

    /// <summary>The turn is over.</summary>
    public void EndTurn() => _unconfirmed = null;

    /// <summary>True when somebody has to say yes first: then nothing begins, and no agent is started for it.</summary>
    public async Task<bool> AskAsync()
    {
        if (session.Turn is not { } turn || !ConfirmedPrompt.IsWanted(turn.Content))
        {
            return false;
        }

        _unconfirmed = turn.TurnId;
        session.Activity = null;
        var text = ConfirmedPrompt.TextOf(turn.Content);
        try
        {
            await gate.AskAsync(new Request(this, $"prompt {turn.TurnId:N}"), (id, _) => new ApprovalDraft(
                session.SessionId,
                id,
                session.Record.ProjectId,
                session.Record.Agent,
                null,
                ApprovalKind.Prompt,
                new PromptSubject(text, turn.Attachments),
                ApprovalDigest.OfPrompt(text, turn.Attachments),
                null,
                null,
                null,
                session.Record.Sandbox));
        }
        catch (LedgerException e) when (SessionContext.Passes(e))
        {
            session.TryAgain(() => _unconfirmed == turn.TurnId ? AskAsync() : Task.CompletedTask, e);
        }
        catch (Exception e)
        {
            session.LogUnlessForeseen(e);
            await turns.EndAsync(TurnState.Failed, $"This prompt was not sent to the agent: {session.Words(e)}.", null);
        }

        return true;
    }

    private async Task SettledAsync(ApprovalInfo approval)
    {
        _unconfirmed = null;
        if (approval.Decision is { Verdict: DecisionVerdict.Allow })
        {
            await gate.ShowAsync(TurnState.Running);
            session.Activity = "starting";
            await turns.BeginAsync();
            return;
        }

        var why = approval.State == ApprovalState.Expired ? "not confirmed in time" : approval.Decision?.Reason is { Length: > 0 } said
            ? $"you denied it: {said}" : "you said no";
        // A person said no to this one, not to what waits behind it; when nobody was there, that waits too.
        await turns.EndAsync(TurnState.Cancelled, $"This prompt was not sent to the agent: {why}.", null,
            queueGoesOn: approval.State != ApprovalState.Expired);
    }

    private Task FailedAsync(string why)
        => session.Turn is null ? Task.CompletedTask : turns.EndAsync(TurnState.Failed, $"This prompt was not sent to the agent. {why}");
}
