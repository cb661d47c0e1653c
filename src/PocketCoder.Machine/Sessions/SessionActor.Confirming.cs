using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that holds a prompt back until a person says yes to it: <see cref="ConfirmedPrompt"/>.</summary>
internal sealed partial class SessionActor
{
    /// <summary>The turn whose prompt the agent has not seen.</summary>
    private Guid? _unconfirmed;

    /// <summary>The machine waits for a person; no agent does.</summary>
    private sealed record PromptAsked : AgentEvent;

    /// <summary>True when somebody has to say yes first: then nothing begins, and no agent is started for it.</summary>
    private async Task<bool> AskFirstAsync()
    {
        if (_turn is not { } turn || !ConfirmedPrompt.IsWanted(turn.Content))
        {
            return false;
        }

        _unconfirmed = turn.TurnId;
        _activity = null;
        var text = ConfirmedPrompt.TextOf(turn.Content);
        try
        {
            await AskAsync($"prompt {turn.TurnId:N}", new PromptAsked(), id => new ApprovalDraft(
                _record.SessionId, id, _record.ProjectId, _record.Agent, null, ApprovalKind.Prompt, new PromptSubject(text, turn.Attachments), ApprovalDigest.OfPrompt(_record.Agent, _record.SessionId, text, turn.Attachments), null, null, null, _record.Sandbox));
        }
        catch (LedgerException e) when (Passes(e))
        {
            TryAgain(() => _unconfirmed == turn.TurnId ? AskFirstAsync() : Task.CompletedTask, e);
        }

        return true;
    }

    private async Task PromptSettledAsync(ApprovalInfo approval)
    {
        _unconfirmed = null;
        if (approval.Decision is { Verdict: DecisionVerdict.Allow })
        {
            await TurnStateAsync(TurnState.Running);
            _activity = "starting";
            await BeginTurnAsync();
            return;
        }

        var why = approval.State == ApprovalState.Expired ? "nobody said yes in time" : approval.Decision?.Reason is { Length: > 0 } said ? $"you said no: {said}" : "you said no";
        // A person said no to this one, not to what waits behind it; when nobody was there, that waits too.
        await EndTurnAsync(TurnState.Cancelled, $"The agent did not see this prompt: {why}.", null, queueGoesOn: approval.State != ApprovalState.Expired);
    }
}
