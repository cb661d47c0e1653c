namespace PocketCoder.Protocol;

/// <summary>Every message type, by its name on the wire. Names from seed 003 are kept as they are.</summary>
public static class MessageTypes
{
    /// <summary>First message of every connection; see <see cref="HelloRequest"/>.</summary>
    public const string Hello = "hello";
    public const string Ping = "ping";
    public const string Subscribe = "subscribe";
    public const string Unsubscribe = "unsubscribe";
    public const string MachinesList = "machines_list";
    public const string MachineState = "machine_state";
    public const string ProjectsList = "projects_list";
    public const string ProjectDefaultsGet = "project_defaults_get";
    public const string ProjectDefaultsSet = "project_defaults_set";
    public const string NetworkRulesList = "network_rules_list";
    public const string NetworkRuleRemove = "network_rule_remove";
    public const string AgentsList = "agents_list";
    public const string AgentSessionNew = "agent_session_new";
    public const string AgentMessage = "agent_message";
    public const string AgentSessionsList = "agent_sessions_list";
    public const string AgentSessionGet = "agent_session_get";
    public const string AgentSessionSet = "agent_session_set";
    public const string AgentCancel = "agent_cancel";
    public const string AgentQueueEdit = "agent_queue_edit";
    public const string AgentQueueRemove = "agent_queue_remove";
    public const string AgentConversations = "agent_conversations";
    public const string AgentQueueMove = "agent_queue_move";
    public const string AgentSteer = "agent_steer";
    public const string AgentSessionWarm = "agent_session_warm";
    public const string AgentContinue = "agent_continue";
    public const string AgentPromptResponse = "agent_prompt_response";
    public const string ApprovalsList = "approvals_list";
    public const string ExecutionOutput = "execution_output";
    public const string JobsList = "jobs_list";
    public const string JobStop = "job_stop";
    public const string SentFile = "sent_file";
    public const string AttachmentBegin = "attachment_begin";
    public const string AttachmentChunk = "attachment_chunk";
    public const string AttachmentEnd = "attachment_end";
    public const string AttachmentDiscard = "attachment_discard";
    public const string AttachmentRead = "attachment_read";
    public const string FilesFind = "files_find";
    public const string AgentSessionFork = "agent_session_fork";
    public const string SnapshotDiff = "snapshot_diff";
    public const string SnapshotUndo = "snapshot_undo";
    public const string DevicesList = "devices_list";
    public const string DeviceRevoke = "device_revoke";
    public const string DeviceRename = "device_rename";
    public const string LedgerHead = "ledger_head";
    public const string LedgerList = "ledger_list";
    public const string LedgerVerify = "ledger_verify";

    public const string TerminalList = "terminal_list";
    public const string TerminalOpen = "terminal_open";
    public const string TerminalAttach = "terminal_attach";
    public const string TerminalDetach = "terminal_detach";
    public const string TerminalInput = "terminal_input";
    public const string TerminalResize = "terminal_resize";
    public const string TerminalAck = "terminal_ack";
    public const string TerminalCapture = "terminal_capture";
    public const string TerminalClose = "terminal_close";

    public const string CommandExec = "command_exec";
    public const string CommandCancel = "command_cancel";
    public const string CommandRead = "command_read";
    public const string CommandRunsList = "command_runs_list";
    public const string CommandFavouritesGet = "command_favourites_get";
    public const string CommandFavouritesSet = "command_favourites_set";

    /// <summary>Machine → device: what a one-shot command writes, see <see cref="CommandOutputPayload"/>.</summary>
    public const string CommandOutput = "command_output";

    /// <summary>Machine → device: a one-shot command is over, see <see cref="CommandExitPayload"/>.</summary>
    public const string CommandExit = "command_exit";

    /// <summary>Machine → device: what a terminal writes, see <see cref="TerminalOutputPayload"/>.</summary>
    public const string TerminalOutput = "terminal_output";

    /// <summary>Machine → device: a durable event of a session's stream.</summary>
    public const string AgentEvent = "agent_event";

    /// <summary>Machine → device: live text, offset-addressed, not durable.</summary>
    public const string AgentDelta = "agent_delta";

    /// <summary>Machine → device: an event of the <c>machine</c> stream.</summary>
    public const string MachineEvent = "machine_event";

    /// <summary>Either direction: a request failed, or the peer broke the protocol.</summary>
    public const string Error = "error";

    public const string ResponseSuffix = "_response";

    /// <summary>Every request a device can make. A test holds this list against the machine's routing table.</summary>
    public static IReadOnlyList<string> Requests { get; } =
    [
        Hello, Ping, Subscribe, Unsubscribe, MachinesList, MachineState, ProjectsList, AgentsList, AgentSessionNew, AgentMessage,
        AgentSessionsList, AgentSessionGet, AgentSessionSet, AgentCancel, AgentQueueEdit, AgentQueueRemove, AgentPromptResponse,
        ApprovalsList, ExecutionOutput, JobsList, JobStop, SentFile, SnapshotDiff, SnapshotUndo, DevicesList, DeviceRevoke, DeviceRename, LedgerHead, LedgerList, LedgerVerify,
        AgentConversations, ProjectDefaultsGet, ProjectDefaultsSet,
        TerminalList, TerminalOpen, TerminalAttach, TerminalDetach, TerminalInput, TerminalResize, TerminalAck, TerminalCapture, TerminalClose,
        NetworkRulesList, NetworkRuleRemove, AgentQueueMove, AgentSteer, AgentSessionWarm, AgentContinue,
        AttachmentBegin, AttachmentChunk, AttachmentEnd, AttachmentDiscard, AttachmentRead, FilesFind, AgentSessionFork,
        CommandExec, CommandCancel, CommandRead, CommandRunsList, CommandFavouritesGet, CommandFavouritesSet,
    ];
}
