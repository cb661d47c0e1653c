using System.Collections.Frozen;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Entries;

/// <summary>
/// What a person may ask from a chat, whatever their scopes: to look, prompt, decide and set projects up. All that runs or changes
/// something without an approval of its own (terminals, one-shot commands, files, git) and all that guards the machine (keys, devices,
/// budgets, rules) stays with the app, whose device proves who asks. A verb that is not here is refused.
/// </summary>
internal static class ChatVerbs
{
    public static FrozenSet<string> All { get; } = new[]
    {
        MessageTypes.Ping, MessageTypes.MachinesList, MessageTypes.MachineState, MessageTypes.MachineStatus, MessageTypes.Subscribe,
        MessageTypes.Unsubscribe, MessageTypes.DevicesList, MessageTypes.UsageGet, MessageTypes.LedgerHead, MessageTypes.LedgerList,
        MessageTypes.LedgerVerify,
        MessageTypes.ProjectsList, MessageTypes.ProjectDefaultsGet, MessageTypes.FoldersList, MessageTypes.ProjectAdd,
        MessageTypes.ProjectCreate, MessageTypes.ProjectRename, MessageTypes.ProjectRemove, MessageTypes.ProjectClone,
        MessageTypes.ProjectCloneGet, MessageTypes.ProjectCloneCancel,
        MessageTypes.AgentsList, MessageTypes.AgentSessionsList, MessageTypes.AgentSessionsSearch, MessageTypes.AgentSessionGet,
        MessageTypes.AgentSessionNew,
        MessageTypes.AgentSessionSet, MessageTypes.AgentSessionSeen, MessageTypes.AgentSessionFork, MessageTypes.AgentSessionDelete,
        MessageTypes.AgentMessage, MessageTypes.AgentSteer, MessageTypes.AgentContinue, MessageTypes.AgentCancel,
        MessageTypes.AgentQueueEdit, MessageTypes.AgentQueueMerge, MessageTypes.AgentQueueMove, MessageTypes.AgentQueueRemove,
        MessageTypes.ExecutionOutput, MessageTypes.JobsList, MessageTypes.JobStop, MessageTypes.SentFile,
        MessageTypes.AttachmentBegin, MessageTypes.AttachmentChunk, MessageTypes.AttachmentEnd, MessageTypes.AttachmentDiscard,
        MessageTypes.ApprovalsList, MessageTypes.AgentPromptResponse, MessageTypes.SnapshotDiff,
    }.ToFrozenSet(StringComparer.Ordinal);
}
