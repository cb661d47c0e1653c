using System.Text.Json.Serialization.Metadata;

namespace PocketCoder.Protocol;

/// <summary>An operation as both ends know it: its type on the wire and the records of its two payloads.</summary>
/// <param name="Request">Asked when it is first needed: making the descriptions of all records at once takes as long as the rest of a
/// start.</param>
/// <param name="Response">As <paramref name="Request"/>.</param>
public sealed record Verb<TRequest, TResponse>(
    string Type, Func<JsonTypeInfo<TRequest>> Request, Func<JsonTypeInfo<TResponse>> Response);

/// <summary>What devices ask and the owner may ask too, over the control socket.</summary>
public static class Verbs
{
    private static ProtocolJson Json => ProtocolJson.Default;

    public static Verb<AgentCancelRequest, AgentCancelResponse> AgentCancel { get; } =
        new(MessageTypes.AgentCancel, static () => Json.AgentCancelRequest, static () => Json.AgentCancelResponse);

    public static Verb<AgentConversationsRequest, AgentConversationsResponse> AgentConversations { get; } =
        new(MessageTypes.AgentConversations, static () => Json.AgentConversationsRequest, static () => Json.AgentConversationsResponse);

    public static Verb<DecisionRequest, DecisionResponse> AgentPromptResponse { get; } =
        new(MessageTypes.AgentPromptResponse, static () => Json.DecisionRequest, static () => Json.DecisionResponse);

    public static Verb<AgentSessionSetRequest, AgentSessionSetResponse> AgentSessionSet { get; } =
        new(MessageTypes.AgentSessionSet, static () => Json.AgentSessionSetRequest, static () => Json.AgentSessionSetResponse);

    public static Verb<AgentSessionsListRequest, AgentSessionsListResponse> AgentSessionsList { get; } =
        new(MessageTypes.AgentSessionsList, static () => Json.AgentSessionsListRequest, static () => Json.AgentSessionsListResponse);

    public static Verb<BudgetRemoveRequest, BudgetRemoveResponse> BudgetRemove { get; } =
        new(MessageTypes.BudgetRemove, static () => Json.BudgetRemoveRequest, static () => Json.BudgetRemoveResponse);

    public static Verb<BudgetSetRequest, BudgetSetResponse> BudgetSet { get; } =
        new(MessageTypes.BudgetSet, static () => Json.BudgetSetRequest, static () => Json.BudgetSetResponse);

    public static Verb<BudgetsListRequest, BudgetsListResponse> BudgetsList { get; } =
        new(MessageTypes.BudgetsList, static () => Json.BudgetsListRequest, static () => Json.BudgetsListResponse);

    public static Verb<CommandCancelRequest, CommandCancelResponse> CommandCancel { get; } =
        new(MessageTypes.CommandCancel, static () => Json.CommandCancelRequest, static () => Json.CommandCancelResponse);

    public static Verb<CommandExecRequest, CommandExecResponse> CommandExec { get; } =
        new(MessageTypes.CommandExec, static () => Json.CommandExecRequest, static () => Json.CommandExecResponse);

    public static Verb<CommandPolicyGetRequest, CommandPolicyGetResponse> CommandPolicyGet { get; } =
        new(MessageTypes.CommandPolicyGet, static () => Json.CommandPolicyGetRequest, static () => Json.CommandPolicyGetResponse);

    public static Verb<CommandPolicySetRequest, CommandPolicySetResponse> CommandPolicySet { get; } =
        new(MessageTypes.CommandPolicySet, static () => Json.CommandPolicySetRequest, static () => Json.CommandPolicySetResponse);

    public static Verb<CommandRunsListRequest, CommandRunsListResponse> CommandRunsList { get; } =
        new(MessageTypes.CommandRunsList, static () => Json.CommandRunsListRequest, static () => Json.CommandRunsListResponse);

    public static Verb<ChatPairingOfferRequest, ChatPairingOfferResponse> ChatPairingOffer { get; } =
        new(MessageTypes.ChatPairingOffer, static () => Json.ChatPairingOfferRequest, static () => Json.ChatPairingOfferResponse);

    public static Verb<DeviceRenameRequest, DeviceRenameResponse> DeviceRename { get; } =
        new(MessageTypes.DeviceRename, static () => Json.DeviceRenameRequest, static () => Json.DeviceRenameResponse);

    public static Verb<DeviceRevokeRequest, DeviceRevokeResponse> DeviceRevoke { get; } =
        new(MessageTypes.DeviceRevoke, static () => Json.DeviceRevokeRequest, static () => Json.DeviceRevokeResponse);

    public static Verb<DevicesListRequest, DevicesListResponse> DevicesList { get; } =
        new(MessageTypes.DevicesList, static () => Json.DevicesListRequest, static () => Json.DevicesListResponse);

    public static Verb<ExecutionOutputRequest, ExecutionOutputResponse> ExecutionOutput { get; } =
        new(MessageTypes.ExecutionOutput, static () => Json.ExecutionOutputRequest, static () => Json.ExecutionOutputResponse);

    public static Verb<JobStopRequest, JobStopResponse> JobStop { get; } =
        new(MessageTypes.JobStop, static () => Json.JobStopRequest, static () => Json.JobStopResponse);

    public static Verb<JobsListRequest, JobsListResponse> JobsList { get; } =
        new(MessageTypes.JobsList, static () => Json.JobsListRequest, static () => Json.JobsListResponse);

    public static Verb<LedgerHeadRequest, LedgerHeadResponse> LedgerHead { get; } =
        new(MessageTypes.LedgerHead, static () => Json.LedgerHeadRequest, static () => Json.LedgerHeadResponse);

    public static Verb<LedgerListRequest, LedgerListResponse> LedgerList { get; } =
        new(MessageTypes.LedgerList, static () => Json.LedgerListRequest, static () => Json.LedgerListResponse);

    public static Verb<LedgerVerifyRequest, LedgerVerifyResponse> LedgerVerify { get; } =
        new(MessageTypes.LedgerVerify, static () => Json.LedgerVerifyRequest, static () => Json.LedgerVerifyResponse);

    public static Verb<NetworkRuleRemoveRequest, NetworkRuleRemoveResponse> NetworkRuleRemove { get; } =
        new(MessageTypes.NetworkRuleRemove, static () => Json.NetworkRuleRemoveRequest, static () => Json.NetworkRuleRemoveResponse);

    public static Verb<NetworkRulesListRequest, NetworkRulesListResponse> NetworkRulesList { get; } =
        new(MessageTypes.NetworkRulesList, static () => Json.NetworkRulesListRequest, static () => Json.NetworkRulesListResponse);

    public static Verb<ProjectAddRequest, ProjectAddResponse> ProjectAdd { get; } =
        new(MessageTypes.ProjectAdd, static () => Json.ProjectAddRequest, static () => Json.ProjectAddResponse);

    public static Verb<ProjectDefaultsGetRequest, ProjectDefaultsGetResponse> ProjectDefaultsGet { get; } =
        new(MessageTypes.ProjectDefaultsGet, static () => Json.ProjectDefaultsGetRequest, static () => Json.ProjectDefaultsGetResponse);

    public static Verb<ProjectDefaultsSetRequest, ProjectDefaultsSetResponse> ProjectDefaultsSet { get; } =
        new(MessageTypes.ProjectDefaultsSet, static () => Json.ProjectDefaultsSetRequest, static () => Json.ProjectDefaultsSetResponse);

    public static Verb<ProjectRemoveRequest, ProjectRemoveResponse> ProjectRemove { get; } =
        new(MessageTypes.ProjectRemove, static () => Json.ProjectRemoveRequest, static () => Json.ProjectRemoveResponse);

    public static Verb<ProjectRenameRequest, ProjectRenameResponse> ProjectRename { get; } =
        new(MessageTypes.ProjectRename, static () => Json.ProjectRenameRequest, static () => Json.ProjectRenameResponse);

    public static Verb<ProjectsListRequest, ProjectsListResponse> ProjectsList { get; } =
        new(MessageTypes.ProjectsList, static () => Json.ProjectsListRequest, static () => Json.ProjectsListResponse);

    public static Verb<SnapshotDiffRequest, SnapshotDiffResponse> SnapshotDiff { get; } =
        new(MessageTypes.SnapshotDiff, static () => Json.SnapshotDiffRequest, static () => Json.SnapshotDiffResponse);

    public static Verb<SnapshotUndoRequest, SnapshotUndoResponse> SnapshotUndo { get; } =
        new(MessageTypes.SnapshotUndo, static () => Json.SnapshotUndoRequest, static () => Json.SnapshotUndoResponse);

    public static Verb<TerminalCloseRequest, TerminalCloseResponse> TerminalClose { get; } =
        new(MessageTypes.TerminalClose, static () => Json.TerminalCloseRequest, static () => Json.TerminalCloseResponse);

    public static Verb<TerminalListRequest, TerminalListResponse> TerminalList { get; } =
        new(MessageTypes.TerminalList, static () => Json.TerminalListRequest, static () => Json.TerminalListResponse);

    public static Verb<TerminalOpenRequest, TerminalOpenResponse> TerminalOpen { get; } =
        new(MessageTypes.TerminalOpen, static () => Json.TerminalOpenRequest, static () => Json.TerminalOpenResponse);

    public static Verb<UsageGetRequest, UsageGetResponse> UsageGet { get; } =
        new(MessageTypes.UsageGet, static () => Json.UsageGetRequest, static () => Json.UsageGetResponse);
}
