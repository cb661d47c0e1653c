using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// The snapshots before what was allowed, from the decision until its end is seen. On the mailbox only, but for <see cref="TakeAsync"/>.
/// </summary>
internal sealed class SnapshotCover(SessionContext session)
{
    /// <summary>By approval: the snapshot before it.</summary>
    private readonly Dictionary<Guid, Coverage> _covered = [];

    /// <summary>Approvals that began with a snapshot, until whoever answered for them looks.</summary>
    private readonly HashSet<Guid> _begun = [];

    /// <summary>Takes the snapshot that an approval needs. From any thread.</summary>
    public Task<Coverage> TakeAsync(ApprovalInfo approval) => session.Services.Snapshots.BeforeAsync(approval, session.Directory);

    /// <summary>Keeps a snapshot for what is about to begin.</summary>
    public void Add(Guid approvalId, Coverage coverage)
    {
        if (coverage != Coverage.NotNeeded)
        {
            _covered[approvalId] = coverage;
        }
    }

    /// <summary>
    /// It was answered for: a snapshot of what did not begin (refused at the last look, or the turn ended meanwhile) is dropped.
    /// </summary>
    public void DropUnlessBegun(Guid approvalId, Coverage coverage)
    {
        if (coverage.Commit is not null && !_begun.Remove(approvalId))
        {
            _covered.Remove(approvalId);
            session.Services.Snapshots.Forget(approvalId);
        }
    }

    /// <summary>A project of which no snapshot can be taken says so with the request, so that allowing it means that too.</summary>
    public ApprovalDraft WithUndo(ApprovalDraft draft)
    {
        if (draft.Risk is not { Tier: not RiskTier.Read } risk)
        {
            return draft;
        }

        if (session.Services.Snapshots.WhyNot(session.Record.ProjectId) is not { } why)
        {
            session.Services.Snapshots.Warm(session.Record.ProjectId, session.Directory);
            return draft;
        }

        var told = new Consequence(ConsequenceKind.NotUndoable, "snapshot",
            $"It can't be undone: no snapshot of the project can be taken ({ShortText.OneLine(why)}).");
        return draft with { Risk = risk with { Reversible = false, Consequences = [.. risk.Consequences, told] } };
    }

    /// <summary>Why it must not begin without a snapshot; null when it may.</summary>
    public string? WhyUncovered(ApprovalInfo approval)
        => _covered.GetValueOrDefault(approval.ApprovalId) is { MustNotRun: true, Problem: var why }
            ? $"it destroys, and no snapshot could be taken before: {why}" : null;

    /// <summary>The row that it begins, with its snapshot. False: it must not.</summary>
    /// <param name="start">Writes the row, when it is not the usual one.</param>
    public async Task<bool> BeginAsync(ApprovalInfo approval, Func<string?, Task<bool>>? start = null)
    {
        var coverage = _covered.GetValueOrDefault(approval.ApprovalId) ?? Coverage.NotNeeded;
        if (!await (start?.Invoke(coverage.Commit) ?? session.Services.Approvals.StartAsync(approval.ApprovalId, coverage.Commit)))
        {
            return false;
        }

        session.Activity = ToolCalls.ActivityOf(approval) ?? session.Activity;
        if (coverage.Commit is not null)
        {
            _begun.Add(approval.ApprovalId);
        }

        if (coverage.Problem is { } why)
        {
            await session.UnlessFailedAsync(() => session.NoteAsync(
                NoticeLevel.Warning, $"This can't be undone: no snapshot of the project could be taken before ({why})."));
        }

        return true;
    }

    /// <summary>It ended: the snapshot after it is taken.</summary>
    /// <param name="guard">What was told of it already.</param>
    public void End(Guid? approvalId, GuardReport guard)
    {
        if (approvalId is { } id && _covered.Remove(id))
        {
            session.Services.Snapshots.After(id, guard.Alarmed);
        }
    }

    /// <summary>How it ended can't be told: the end of the turn takes the snapshot after it.</summary>
    public void LeaveToTurn(Guid approvalId) => _covered.Remove(approvalId);

    /// <summary>The turn ended, and with it everything of it.</summary>
    public void EndTurn(Guid turnId)
    {
        _covered.Clear();
        session.Services.Snapshots.TurnEnded(turnId);
    }
}
