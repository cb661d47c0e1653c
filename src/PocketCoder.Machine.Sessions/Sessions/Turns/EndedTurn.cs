using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Sessions.Forks;
using PocketCoder.Machine.Sessions.Marks;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Turns;

/// <summary>How a turn ended.</summary>
/// <param name="QueueGoesOn">Whatever the outcome: a person said so.</param>
/// <param name="Queued">Prompts that wait.</param>
internal sealed record EndedTurn(TurnInfo Turn, TurnState Outcome, string? Error, AgentUsage? Usage, bool QueueGoesOn, int Queued)
{
    /// <summary>Everything that the end of a turn is, as one change.</summary>
    /// <param name="goesOn">Approvals of jobs: they are not the turn's.</param>
    public (SessionRecord Record, IReadOnlyList<ApprovalInfo> Closed) Record(Change change, SessionContext session, Func<Guid, bool> goesOn)
    {
        var closed = ApprovalSteps.CloseTurn(
            change, session.SessionId, Turn.TurnId, Outcome == TurnState.Cancelled ? "stopped" : "turn ended", alsoRunning: true, goesOn);
        session.Live.Seal(change); // what was written of an unfinished answer is kept
        var record = session.Record with
        {
            Failed = Outcome is TurnState.Failed or TurnState.Interrupted,
            Held = (session.Record.Held || (Outcome != TurnState.Completed && !QueueGoesOn)) && Queued > 0
        };
        if (record.Failed)
        {
            MarkRows.Wake(change, session.SessionId);
            record = record with { Marks = record.Marks with { SnoozedUntil = null } };
        }

        if (Usage is not null)
        {
            var own = EventTranslator.Usage(Usage);
            record = record with { Usage = UsageRows.Add(record.Usage, own) };
            change.Event(session.SessionId, new UsageEvent(own, record.Usage) { At = change.Now, TurnId = Turn.TurnId });
        }

        if (Outcome == TurnState.Failed)
        {
            change.Event(session.SessionId,
                new ErrorEvent(Error ?? "The agent failed and did not say why.") { At = change.Now, TurnId = Turn.TurnId });
        }

        if (Outcome == TurnState.Interrupted)
        {
            change.Ledger(new LedgerEntry(LedgerKind.TurnInterrupted)
            {
                SessionId = session.SessionId.ToString(),
                TurnId = Turn.TurnId.ToString(),
                Data = new InterruptedData(Error ?? "interrupted").ToJson(),
            });
        }

        change.Execute("DELETE FROM grants WHERE turn_id = $turn", ("$turn", Turn.TurnId.ToString()));
        ForkRows.SetMark(change, Turn.TurnId, session.EndMark);
        SessionRows.UpdateTurn(change, session.SessionId, Turn with { State = Outcome, Error = Error, FinishedAt = change.Now });
        change.Event(session.SessionId, new DoneEvent(Outcome, Outcome == TurnState.Cancelled) { At = change.Now, TurnId = Turn.TurnId });
        return (SessionRows.Update(change, record), closed);
    }
}
