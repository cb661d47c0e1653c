namespace PocketCoder.Protocol;

/// <summary>Every message type, by its name on the wire. Names on the wire never change.</summary>
public static class MessageTypes
{
    /// <summary>First message of every connection; see <see cref="HelloRequest"/>.</summary>
    public const string Hello = "hello";
    public const string Ping = "ping";
    public const string Subscribe = "subscribe";
    public const string Unsubscribe = "unsubscribe";
    public const string MachinesList = "machines_list";
    public const string MachineState = "machine_state";
    public const string MachineStatus = "machine_status";
    public const string MachineLogs = "machine_logs";
    public const string ProjectsList = "projects_list";
    public const string ProjectDefaultsGet = "project_defaults_get";
    public const string ProjectDefaultsSet = "project_defaults_set";
    public const string FoldersList = "folders_list";
    public const string ProjectAdd = "project_add";
    public const string ProjectCreate = "project_create";
    public const string ProjectClone = "project_clone";
    public const string ProjectCloneGet = "project_clone_get";
    public const string ProjectCloneCancel = "project_clone_cancel";
    public const string ProjectRename = "project_rename";
    public const string ProjectRemove = "project_remove";
    public const string ProviderKeySet = "provider_key_set";
    public const string ProviderKeyRemove = "provider_key_remove";
    public const string ProviderKeyCheck = "provider_key_check";
    public const string UsageGet = "usage_get";
    public const string BudgetsList = "budgets_list";
    public const string BudgetSet = "budget_set";
    public const string BudgetRemove = "budget_remove";
    public const string NetworkRulesList = "network_rules_list";
    public const string NetworkRuleRemove = "network_rule_remove";
    public const string AgentsList = "agents_list";
    public const string AgentSessionNew = "agent_session_new";
    public const string AgentMessage = "agent_message";
    public const string AgentSessionsList = "agent_sessions_list";
    public const string AgentSessionsSearch = "agent_sessions_search";
    public const string AgentSessionGet = "agent_session_get";
    public const string AgentSessionSet = "agent_session_set";
    public const string AgentSessionSeen = "agent_session_seen";
    public const string AgentSessionDelete = "agent_session_delete";
    public const string AgentCancel = "agent_cancel";
    public const string AgentQueueEdit = "agent_queue_edit";
    public const string AgentQueueRemove = "agent_queue_remove";
    public const string AgentConversations = "agent_conversations";
    public const string AgentQueueMerge = "agent_queue_merge";
    public const string AgentQueueMove = "agent_queue_move";
    public const string AgentSteer = "agent_steer";
    public const string LettersWithdraw = "letters_withdraw";
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
    public const string ChatPairingOffer = "chat_pairing_offer";
    public const string Presence = "presence";
    public const string PushSettingsGet = "push_settings_get";
    public const string PushSettingsSet = "push_settings_set";
    public const string PushSubscribe = "push_subscribe";
    public const string PushTest = "push_test";
    public const string PushUnsubscribe = "push_unsubscribe";
    public const string LedgerHead = "ledger_head";
    public const string LedgerList = "ledger_list";
    public const string LedgerVerify = "ledger_verify";

    public const string GitStatus = "git_status";
    public const string GitBranches = "git_branches";
    public const string GitBranchCreate = "git_branch_create";
    public const string GitCheckout = "git_checkout";
    public const string GitStage = "git_stage";
    public const string GitUnstage = "git_unstage";
    public const string GitCommit = "git_commit";
    public const string GitPush = "git_push";
    public const string GitRemoteDelete = "git_remote_delete";
    public const string GitFetch = "git_fetch";
    public const string GitPull = "git_pull";
    public const string GitTransferCancel = "git_transfer_cancel";
    public const string GitFileBase = "git_file_base";
    public const string GitDiff = "git_diff";
    public const string GitLog = "git_log";
    public const string GitShow = "git_show";
    public const string GitBlame = "git_blame";
    public const string GitStashes = "git_stashes";
    public const string GitStash = "git_stash";
    public const string GitDiscard = "git_discard";
    public const string GitDiscardUndo = "git_discard_undo";
    public const string GitTags = "git_tags";
    public const string GitTagCreate = "git_tag_create";
    public const string GitTagDelete = "git_tag_delete";
    public const string GitRemotes = "git_remotes";
    public const string GitWorktrees = "git_worktrees";
    public const string GitWorktreeCreate = "git_worktree_create";
    public const string GitWorktreeRemove = "git_worktree_remove";
    public const string GitWorktreeMerge = "git_worktree_merge";
    public const string SessionWorktreeCreate = "session_worktree_create";
    public const string SessionWorktreeState = "session_worktree_state";
    public const string SessionWorktreeMerge = "session_worktree_merge";
    public const string SessionWorktreeDiscard = "session_worktree_discard";
    public const string GitSubmodules = "git_submodules";
    public const string GitConflict = "git_conflict";
    public const string GitConflictResolve = "git_conflict_resolve";
    public const string GitOperation = "git_operation";

    public const string TerminalList = "terminal_list";
    public const string TerminalOpen = "terminal_open";
    public const string TerminalAttach = "terminal_attach";
    public const string TerminalDetach = "terminal_detach";
    public const string TerminalInput = "terminal_input";
    public const string TerminalResize = "terminal_resize";
    public const string TerminalAck = "terminal_ack";
    public const string TerminalCapture = "terminal_capture";
    public const string TerminalClose = "terminal_close";

    public const string FsList = "fs_list";
    public const string FsStat = "fs_stat";
    public const string FsRead = "fs_read";
    public const string FsWrite = "fs_write";
    public const string FsMkdir = "fs_mkdir";
    public const string FsMove = "fs_move";
    public const string FsDelete = "fs_delete";
    public const string FsTrashList = "fs_trash_list";
    public const string FsRestore = "fs_restore";
    public const string FsSearch = "fs_search";
    public const string FsUploadBegin = "fs_upload_begin";
    public const string FsUploadChunk = "fs_upload_chunk";
    public const string FsUploadEnd = "fs_upload_end";
    public const string FsUploadDiscard = "fs_upload_discard";
    public const string FsDownloadBegin = "fs_download_begin";
    public const string FsDownloadChunk = "fs_download_chunk";
    public const string FsDownloadEnd = "fs_download_end";

    /// <summary>Machine → device: what changed in a project, see <see cref="FsChangedPayload"/>.</summary>
    public const string FsChanged = "fs_changed";

    public const string CommandExec = "command_exec";
    public const string CommandCancel = "command_cancel";
    public const string CommandRead = "command_read";
    public const string CommandRunsList = "command_runs_list";
    public const string CommandFavouritesGet = "command_favourites_get";
    public const string CommandFavouritesSet = "command_favourites_set";
    public const string CommandPolicyGet = "command_policy_get";
    public const string CommandPolicySet = "command_policy_set";

    /// <summary>Machine → device: what a one-shot command writes, see <see cref="CommandOutputPayload"/>.</summary>
    public const string CommandOutput = "command_output";

    /// <summary>Machine → device: a one-shot command is over, see <see cref="CommandExitPayload"/>.</summary>
    public const string CommandExit = "command_exit";

    /// <summary>Machine → device: what a terminal writes, see <see cref="TerminalOutputPayload"/>.</summary>
    public const string TerminalOutput = "terminal_output";

    /// <summary>Machine → device: a durable event of a session's stream.</summary>
    public const string AgentEvent = "agent_event";

    /// <summary>Machine → device: several durable events of a session that follow one another; only when the device asked for it.</summary>
    public const string AgentEvents = "agent_events";

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
        Hello, Ping, Subscribe, Unsubscribe, MachinesList, MachineState, MachineStatus, MachineLogs, ProjectsList, AgentsList,
        AgentSessionNew, AgentMessage,
        AgentSessionsList, AgentSessionsSearch, AgentSessionSeen, AgentSessionDelete,
        AgentSessionGet, AgentSessionSet, AgentCancel, AgentQueueEdit, AgentQueueRemove, AgentPromptResponse,
        ApprovalsList, ExecutionOutput, JobsList, JobStop, SentFile, SnapshotDiff, SnapshotUndo, DevicesList, DeviceRevoke, DeviceRename,
        ChatPairingOffer,
        LedgerHead, LedgerList, LedgerVerify,
        Presence, PushSettingsGet, PushSettingsSet, PushSubscribe, PushTest, PushUnsubscribe,
        AgentConversations, ProjectDefaultsGet, ProjectDefaultsSet, LettersWithdraw,
        FoldersList, ProjectAdd, ProjectCreate, ProjectClone, ProjectCloneGet, ProjectCloneCancel, ProjectRename, ProjectRemove,
        ProviderKeySet, ProviderKeyRemove, ProviderKeyCheck,
        UsageGet, BudgetsList, BudgetSet, BudgetRemove,
        TerminalList, TerminalOpen, TerminalAttach, TerminalDetach, TerminalInput, TerminalResize, TerminalAck, TerminalCapture,
        TerminalClose,
        NetworkRulesList, NetworkRuleRemove, AgentQueueMerge, AgentQueueMove, AgentSteer, AgentSessionWarm, AgentContinue,
        AttachmentBegin, AttachmentChunk, AttachmentEnd, AttachmentDiscard, AttachmentRead, FilesFind, AgentSessionFork,
        FsList, FsStat, FsRead, FsWrite, FsMkdir, FsMove, FsDelete, FsTrashList, FsRestore,
        FsSearch, FsUploadBegin, FsUploadChunk, FsUploadEnd, FsUploadDiscard, FsDownloadBegin, FsDownloadChunk, FsDownloadEnd,
        GitStatus, GitPush, GitRemoteDelete, GitFetch, GitPull, GitTransferCancel, GitBranches, GitBranchCreate, GitCheckout, GitStage,
        GitUnstage, GitCommit, GitFileBase, GitDiff, GitLog,
        GitShow, GitBlame, GitStashes, GitStash, GitDiscard, GitDiscardUndo, GitTags, GitTagCreate, GitTagDelete, GitRemotes,
        GitWorktrees, GitWorktreeCreate, GitWorktreeRemove, GitWorktreeMerge, GitSubmodules, GitConflict, GitConflictResolve, GitOperation,
        SessionWorktreeCreate, SessionWorktreeState, SessionWorktreeMerge, SessionWorktreeDiscard,
        CommandExec, CommandCancel, CommandRead, CommandRunsList, CommandFavouritesGet, CommandFavouritesSet, CommandPolicyGet,
        CommandPolicySet,
    ];
}
