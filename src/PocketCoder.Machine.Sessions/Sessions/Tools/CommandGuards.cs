using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// Looks at what a command left by which other programs run something, before anybody is told how it went. On the mailbox only.
/// </summary>
internal sealed class CommandGuards(SessionContext session)
{
    /// <summary>By approval: what the agent itself runs.</summary>
    private readonly Dictionary<Guid, GuardedRun> _guarded = [];

    /// <summary>What is allowed is about to run: from now on it is looked at what it leaves.</summary>
    /// <exception cref="IOException">The project can't be looked at.</exception>
    public Task<GuardedRun?> BeginAsync(ApprovalInfo approval, Action? planted = null)
        => session.Services.Guard.BeginAsync(
            session.Directory, Protection.Touches(approval.Subject, approval.Risk, session.Directory), planted);

    /// <summary>Begins to look at what the agent runs by itself. Why it must not run, when that can't be done.</summary>
    public async Task<string?> BeginForAgentAsync(ApprovalInfo approval)
    {
        try
        {
            if (await BeginAsync(approval) is { } guard)
            {
                _guarded[approval.ApprovalId] = guard;
            }

            return null;
        }
        catch (IOException e)
        {
            return $"the project can't be read: {e.Message}";
        }
    }

    /// <summary>Records what it left, as a part of the change that records its end.</summary>
    public void Record(Change change, Guid approvalId, GuardReport report) => RepositoryGuard.Record(
        change,
        report,
        new LedgerEntry(LedgerKind.AlarmRaised)
        {
            SessionId = session.SessionId.ToString(),
            TurnId = session.Turn?.TurnId.ToString(),
            ApprovalId = approvalId.ToString(),
            Sandbox = SandboxName.Of(session.Record.Sandbox)
        },
        session.SessionId,
        session.Turn?.TurnId);

    /// <summary>What an agent runs by itself ended: what did it leave?</summary>
    public async Task<GuardReport> EndAsync(Guid? approvalId)
        => approvalId is { } id && _guarded.Remove(id, out var guard) ? await guard.EndAsync() : GuardReport.Nothing;

    /// <summary>The turn is over: what was not seen to end has ended.</summary>
    public void EndTurn(Guid turnId)
    {
        foreach (var guard in _guarded.Values)
        {
            RecordLateAsync(guard, turnId).Observed(session.Services.Logger, "looking at what a turn left");
        }

        _guarded.Clear();
    }

    /// <summary>Nobody said how it ended: what it left is told all the same.</summary>
    private async Task RecordLateAsync(GuardedRun guard, Guid turnId)
    {
        try
        {
            var report = await guard.EndAsync();
            await session.Store.WriteAsync(change => RepositoryGuard.Record(
                change, report, new LedgerEntry(LedgerKind.AlarmRaised)
                {
                    SessionId = session.SessionId.ToString(),
                    TurnId = turnId.ToString(),
                    Sandbox = SandboxName.Of(session.Record.Sandbox)
                }, session.SessionId, turnId));
        }
        catch (LedgerException e)
        {
            SessionLog.CannotRecord(session.Services.Logger, session.SessionId, e.Message);
        }
    }
}
