using PocketCoder.Ledger;
using PocketCoder.Machine.Logging;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// Closes approvals whose path failed where nobody foresaw it, so that none stays open. On the mailbox only; holds nothing.
/// </summary>
internal sealed class ApprovalCloser(SessionContext session)
{
    /// <summary>
    /// How often it is tried again when the ledger refuses it for a reason that does not pass by itself. The turn's end closes it at last.
    /// </summary>
    public const int Tries = 5;

    /// <summary>
    /// Closes an approval that is not over; when that fails it is tried again, beside what goes on. Returns whether it had begun; null:
    /// that is not known.
    /// </summary>
    public async Task<bool?> CloseAsync(Guid approvalId, string why, int tries = Tries)
    {
        try
        {
            return await session.Services.Approvals.AbandonAsync(approvalId, why);
        }
        catch (Exception e)
        {
            SessionLog.NotClosed(session.Services.Logger, session.SessionId, approvalId, e);
            if (!session.Stopping && (tries > 0 || (e is LedgerException passing && SessionContext.Passes(passing))))
            {
                AgainAsync().Observed(session.Services.Logger, "closing an approval");
            }

            return null;
        }

        async Task AgainAsync()
        {
            await Task.Delay(SessionContext.RetryAfter, session.Services.Time);
            session.Mailbox.Later(() => CloseAsync(approvalId, why, tries - 1));
        }
    }

    /// <summary>
    /// How it ended can't be recorded for a reason that does not pass: then the ledger says that it is not known. What to tell of that.
    /// </summary>
    public async Task<string> CloseUnrecordedAsync(Guid approvalId, Exception error)
    {
        SessionLog.DecisionFailed(session.Services.Logger, session.SessionId, "the end of a command", approvalId, error);
        await CloseAsync(approvalId, $"the outcome could not be recorded: {session.Words(error)}");
        return $"The outcome could not be recorded because of {session.Words(error)}. Tell the user.";
    }
}
