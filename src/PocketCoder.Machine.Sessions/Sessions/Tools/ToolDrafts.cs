using PocketCoder.Agents;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>What a session asks for when its agent wants something, and what the digest of that covers. Pure.</summary>
internal static class ToolDrafts
{
    public static ApprovalDraft Of(SessionContext session, AgentApprovalAsked asked, Guid turn, RiskSurroundings around)
        => EventTranslator.Approval(asked, session.Record, turn, session.Directory, session.WorkingDirectory, around);

    /// <summary>The same for a command, with the folder and the files that it depends on.</summary>
    public static ApprovalDraft Of(SessionContext session, AgentApprovalAsked asked, CommandPins pins, Guid turn, RiskSurroundings around)
    {
        var draft = Of(session, asked, turn, around);
        var (subject, risk) = pins.Shown((CommandSubject)draft.Subject, draft.Risk);
        return draft with
        {
            Subject = subject,
            Risk = risk,
            Exactly = Exactly(session, asked, pins),
            ReachKey = draft.ReachKey is null ? null : $"{draft.ReachKey}:{pins.MeaningDigest}",
        };
    }

    /// <summary>All that the digest covers. Computed when it is asked and again when it is about to begin.</summary>
    public static IReadOnlyDictionary<string, string> Exactly(SessionContext session, AgentApprovalAsked asked, CommandPins? pins = null)
        => ToolCallDigest.Of(session.Record.Agent, session.SessionId, session.WorkingDirectory, asked, pins);
}
