using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that keeps what was allowed undoable, and looks whether what was written is what was allowed.</summary>
internal sealed partial class SessionActor
{
    /// <summary>By approval: the snapshot before it. Only touched on the mailbox.</summary>
    private readonly Dictionary<Guid, Coverage> _covered = [];

    /// <summary>Approvals that began with a snapshot, until whoever answered for them looks. Only touched on the mailbox.</summary>
    private readonly HashSet<Guid> _undoable = [];

    /// <summary>Takes the snapshot, beside the mailbox so that Stop is heard meanwhile, and then answers.</summary>
    private async Task CoverAndAnswerAsync(ApprovalInfo approval, AgentPromptResponseRequest? decision)
    {
        var coverage = approval.State == ApprovalState.Allowed ? await _services.Snapshots.BeforeAsync(approval, _directory) : Coverage.NotNeeded;
        await AskAsync(async () =>
        {
            if (coverage != Coverage.NotNeeded)
            {
                _covered[approval.ApprovalId] = coverage;
            }

            await AnswerAsync(approval, decision);
            if (coverage.Commit is not null && !_undoable.Remove(approval.ApprovalId))
            {
                _covered.Remove(approval.ApprovalId);
                _services.Snapshots.Forget(approval.ApprovalId); // refused at the last look, or the turn ended meanwhile
            }

            return true;
        });
    }

    /// <summary>A project of which no snapshot can be taken says so with the request, so that allowing it means that too.</summary>
    private ApprovalDraft WithUndo(ApprovalDraft draft)
    {
        if (draft.Risk is not { Tier: not RiskTier.Read } risk)
        {
            return draft;
        }

        if (_services.Snapshots.WhyNot(_record.ProjectId) is not { } why)
        {
            _services.Snapshots.Warm(_record.ProjectId, _directory);
            return draft;
        }

        var told = new Consequence(ConsequenceKind.NotUndoable, "snapshot", $"It can't be undone: no snapshot of the project can be taken ({EventTranslator.OneLine(why)}).");
        return draft with { Risk = risk with { Reversible = false, Consequences = [.. risk.Consequences, told] } };
    }

    private string? WhyUncovered(ApprovalInfo approval)
        => _covered.GetValueOrDefault(approval.ApprovalId) is { MustNotRun: true, Problem: var why } ? $"it destroys, and no snapshot could be taken before: {why}" : null;

    /// <summary>The row that it begins, with its snapshot. False: it must not.</summary>
    /// <param name="start">Writes the row, when it is not the usual one.</param>
    private async Task<bool> BeginAsync(ApprovalInfo approval, Func<string?, Task<bool>>? start = null)
    {
        var coverage = _covered.GetValueOrDefault(approval.ApprovalId) ?? Coverage.NotNeeded;
        if (!await (start?.Invoke(coverage.Commit) ?? _services.Approvals.StartAsync(approval.ApprovalId, coverage.Commit)))
        {
            return false;
        }

        if (coverage.Commit is not null)
        {
            _undoable.Add(approval.ApprovalId);
        }

        if (coverage.Problem is { } why)
        {
            await UnlessFullAsync(NoteAsync(NoticeLevel.Warning, $"This can't be undone: no snapshot of the project could be taken before ({why})."));
        }

        return true;
    }

    /// <summary>It ended.</summary>
    private void Covered(Guid? approvalId)
    {
        if (approvalId is { } id && _covered.Remove(id))
        {
            _services.Snapshots.After(id);
        }
    }

    /// <summary>The turn ended, and with it everything of it.</summary>
    private void Uncover(Guid turnId)
    {
        _covered.Clear();
        _services.Snapshots.TurnEnded(turnId);
    }

    /// <summary>What is wrong with a file that an approved edit left; null: it is as approved, or that can't be known beforehand.</summary>
    private static async Task<string?> StrangeAsync(RunningTool? tool, AgentToolResult result)
    {
        if (tool is not { Kind: ToolKind.Edit, ApprovalId: not null, Change: { After: not null } change } || await FileText.IsAsync(change.Path, change.After))
        {
            return null;
        }

        if (result.IsError || result.Interrupted)
        {
            return await FileText.IsAsync(change.Path, change.Before)
                ? null
                : $"{change.Path} was to be changed and that failed, but it is neither what it was nor what was approved";
        }

        return $"{change.Path} is not what was approved: the agent, or something else, wrote it differently";
    }

    private void RaiseStrange(Change change, RunningTool? tool, string? strange)
    {
        if (strange is not null)
        {
            change.Ledger(new LedgerEntry(LedgerKind.AlarmRaised)
            {
                SessionId = _record.SessionId.ToString(),
                TurnId = _turn?.TurnId.ToString(),
                ApprovalId = tool!.ApprovalId.ToString(),
                Sandbox = SandboxName.Of(_record.Sandbox),
                Data = new AlarmData(strange).ToJson(),
            });
            change.Event(_record.SessionId, new NoticeEvent(NoticeLevel.Warning, $"{strange}. Look at it; undo brings back what was before.") { At = change.Now, TurnId = _turn?.TurnId });
        }
    }
}
