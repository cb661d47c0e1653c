using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>
/// The steps of an approval after its decision, each as a part of a change: its row, its ledger entry and its event. No state of its own.
/// </summary>
public static class ApprovalSteps
{
    /// <summary>The reason of an approval that was allowed in time and could not begin in time.</summary>
    public const string LateStart = "time-out before it began";

    /// <summary>Records that an allowed thing begins. Null, and nothing recorded, when it is not allowed (any more).</summary>
    /// <param name="isOver">Whether its time is over: then it is closed instead.</param>
    /// <param name="snapshot">The snapshot that was taken before, by its commit.</param>
    /// <param name="job">Its name when it is a job.</param>
    public static ApprovalInfo? Start(
        Change change, Guid approvalId, Func<ApprovalInfo, bool> isOver, string? snapshot, Func<ApprovalInfo, string?> job)
    {
        if (ApprovalRows.Find(change, approvalId) is not { State: ApprovalState.Allowed } allowed)
        {
            return null;
        }

        if (isOver(allowed))
        {
            // It was allowed in time and could not begin in time: the machine slept meanwhile, or what had to be done before took too long.
            Close(change, allowed, ApprovalState.Expired, LateStart);
            return null;
        }

        var execution = new ExecutionInfo(change.Now, null, null, null, snapshot is not null, job(allowed));
        var running = allowed with { State = ApprovalState.Running, Execution = execution };
        change.Ledger(Entry(LedgerKind.ExecutionStarted, running) with
        {
            Data = new StartedData(SubjectText.Of(running), (running.Subject as CommandSubject)?.Cwd, snapshot).ToJson(),
        });
        ApprovalRows.Update(change, running);
        Tell(change, running);
        return running;
    }

    /// <summary>Records how it ended, as a part of the change that tells the result. Does nothing when it is not running.</summary>
    /// <param name="error">For people: why what the machine did itself failed.</param>
    public static void Finish(Change change, Guid approvalId, FinishedData finished, string? error = null)
    {
        if (ApprovalRows.Find(change, approvalId) is { State: ApprovalState.Running } running)
        {
            var done = running with
            {
                State = ApprovalState.Finished,
                Execution = running.Execution! with
                { FinishedAt = change.Now, ExitCode = finished.ExitCode, Failed = finished.Failed, Error = error },
            };
            change.Ledger(Entry(LedgerKind.ExecutionFinished, done) with { Data = finished.ToJson() });
            ApprovalRows.Update(change, done);
            Tell(change, done);
        }
    }

    /// <summary>The same for a job, whose sandbox may have died under it: then its outcome is unknown.</summary>
    public static void FinishJob(Change change, Guid approvalId, FinishedData finished, bool lost)
    {
        if (!lost)
        {
            Finish(change, approvalId, finished);
        }
        else if (ApprovalRows.Find(change, approvalId) is { State: ApprovalState.Running } running)
        {
            Close(change, running, ApprovalState.Unknown, "its sandbox was lost");
        }
    }

    /// <summary>
    /// Closes what a turn left open, as a part of a larger change; after its commit, <see cref="ApprovalService.Forget"/> what it gives.
    /// </summary>
    /// <param name="goesOn">Jobs: they are not the turn's.</param>
    public static IReadOnlyList<ApprovalInfo> CloseTurn(
        Change change, Guid sessionId, Guid turnId, string reason, bool alsoRunning, Func<Guid, bool>? goesOn = null)
        => CloseOpen(change, sessionId, turnId, ApprovalState.Withdrawn, reason, alsoRunning, goesOn);

    /// <summary>After a restart nobody waits for an answer any more: pending ones expire, running ones can't be known.</summary>
    public static List<ApprovalInfo> Recover(Change change)
        => CloseOpen(change, null, null, ApprovalState.Expired, "restart", alsoRunning: true);

    /// <summary>Closes one that is not over: its row, the entry that its state asks for, and its event.</summary>
    public static ApprovalInfo Close(Change change, ApprovalInfo open, ApprovalState state, string reason)
    {
        var closed = open with
        {
            State = state,
            NotDone = open.State == ApprovalState.Allowed ? NotDoneBecause(reason) : null,
            Execution = open.Execution is null ? null : open.Execution with { FinishedAt = change.Now },
            Decision = open.Decision
                ?? new DecisionInfo(Guid.CreateVersion7(), DecisionVerdict.Deny, DecisionScope.Once, reason, null, reason, change.Now),
        };
        change.Ledger(open.State switch
        {
            ApprovalState.Running => Entry(LedgerKind.ExecutionUnknown, closed) with { Data = new UnknownData(reason).ToJson() },
            ApprovalState.Allowed => Entry(LedgerKind.ExecutionRefused, closed) with { Data = new NotRunData(reason).ToJson() },
            _ => Entry(LedgerKind.ApprovalExpired, closed) with { Data = new ExpiredData(reason).ToJson() },
        });
        ApprovalRows.Update(change, closed);
        Tell(change, closed);
        return closed;
    }

    /// <summary>Tells its session and everyone who follows the machine how it is now.</summary>
    public static void Tell(Change change, ApprovalInfo approval)
    {
        if (approval.AgentSessionId is { } session)
        {
            change.Event(session, new ApprovalEvent(approval) { At = change.Now, TurnId = approval.TurnId });
        }

        change.Publish(new ApprovalChanged(approval));
    }

    /// <summary>A ledger entry about this approval, without its data.</summary>
    public static LedgerEntry Entry(string kind, ApprovalInfo approval) => new(kind)
    {
        SessionId = approval.AgentSessionId?.ToString(),
        TurnId = approval.AgentSessionId is null ? null : approval.TurnId.ToString(),
        ApprovalId = approval.ApprovalId.ToString(),
        Digest = approval.Digest,
        Sandbox = SandboxName.Of(approval.Sandbox),
        DeviceId = approval.Decision?.DeviceId,
    };

    private static List<ApprovalInfo> CloseOpen(Change change, Guid? sessionId, Guid? turnId, ApprovalState pendingBecomes, string reason,
        bool alsoRunning, Func<Guid, bool>? goesOn = null)
    {
        var closed = new List<ApprovalInfo>();
        foreach (var open in ApprovalRows.Open(change, sessionId, turnId)
            .Where(a => a.State != ApprovalState.Running || (alsoRunning && goesOn?.Invoke(a.ApprovalId) != true)))
        {
            // Allowed and not begun did not run: the agent is told only after "started" is in the ledger.
            var becomes = open.State switch
            {
                ApprovalState.Running => ApprovalState.Unknown,
                ApprovalState.Allowed => ApprovalState.Withdrawn,
                _ => pendingBecomes
            };
            closed.Add(Close(change, open, becomes, reason));
        }

        return closed;
    }

    /// <summary>The reason of a row as a clause for people and agents.</summary>
    private static string NotDoneBecause(string reason) => reason switch
    {
        "restart" => "the machine restarted before it began",
        "turn ended" => "the turn ended before it began",
        "stopped" => "the turn was stopped before it began",
        LateStart => "its time was over before it began",
        _ => reason,
    };
}
