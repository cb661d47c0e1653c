using System.Collections.Frozen;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Routing;

/// <summary>
/// What is left to a device that does nothing without an approval (<see cref="Device.OnlyApprovals"/>): to look, to prompt agents, to
/// decide, to end things, what is done only once somebody allowed it, and what the scope manage is for. What runs or changes something on
/// its own word is not here (terminals, one-shot commands, files, git, undo). A new verb is refused until somebody puts it here.
/// </summary>
internal static class ApprovedVerbs
{
    private static readonly FrozenSet<string> s_types = new[]
    {
        MessageTypes.AgentSessionNew, MessageTypes.AgentSessionSet, MessageTypes.AgentSessionSeen, MessageTypes.AgentSessionFork,
        MessageTypes.AgentSessionWarm, MessageTypes.AgentMessage, MessageTypes.AgentSteer, MessageTypes.AgentContinue,
        MessageTypes.AgentCancel, MessageTypes.AgentQueueEdit, MessageTypes.AgentQueueMerge, MessageTypes.AgentQueueMove,
        MessageTypes.AgentQueueRemove, MessageTypes.AttachmentBegin, MessageTypes.AttachmentChunk, MessageTypes.AttachmentEnd,
        MessageTypes.AttachmentDiscard, MessageTypes.AgentPromptResponse, MessageTypes.NetworkRuleRemove, MessageTypes.JobStop,
        MessageTypes.CommandCancel, MessageTypes.TerminalClose, MessageTypes.GitFetch, MessageTypes.GitPull, MessageTypes.GitPush,
        MessageTypes.GitRemoteDelete, MessageTypes.GitTransferCancel, MessageTypes.LettersWithdraw,
    }.ToFrozenSet(StringComparer.Ordinal);

    public static bool Fit(Route route) => route.Scope is Scope.View or Scope.Manage || s_types.Contains(route.Type);
}
