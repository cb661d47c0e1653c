// Generated from the C# records of PocketCoder.Protocol by eng/contracts.sh. Do not edit.

/** Request payload and response payload by message type. */
export interface Requests {
  hello: { request: HelloRequest; response: HelloResponse };
  ping: { request: PingRequest; response: PingResponse };
  subscribe: { request: SubscribeRequest; response: SubscribeResponse };
  unsubscribe: { request: UnsubscribeRequest; response: UnsubscribeResponse };
  machines_list: { request: MachinesListRequest; response: MachinesListResponse };
  machine_state: { request: MachineStateRequest; response: MachineStateResponse };
  machine_status: { request: MachineStatusRequest; response: MachineStatusResponse };
  machine_logs: { request: MachineLogsRequest; response: MachineLogsResponse };
  projects_list: { request: ProjectsListRequest; response: ProjectsListResponse };
  agents_list: { request: AgentsListRequest; response: AgentsListResponse };
  agent_session_new: { request: AgentSessionNewRequest; response: AgentSessionNewResponse };
  agent_message: { request: AgentMessageRequest; response: AgentMessageResponse };
  agent_sessions_list: { request: AgentSessionsListRequest; response: AgentSessionsListResponse };
  agent_sessions_search: { request: AgentSessionsSearchRequest; response: AgentSessionsSearchResponse };
  agent_session_seen: { request: AgentSessionSeenRequest; response: AgentSessionSeenResponse };
  agent_session_delete: { request: AgentSessionDeleteRequest; response: AgentSessionDeleteResponse };
  agent_session_get: { request: AgentSessionGetRequest; response: AgentSessionGetResponse };
  agent_session_set: { request: AgentSessionSetRequest; response: AgentSessionSetResponse };
  agent_cancel: { request: AgentCancelRequest; response: AgentCancelResponse };
  agent_queue_edit: { request: AgentQueueEditRequest; response: AgentQueueEditResponse };
  agent_queue_remove: { request: AgentQueueRemoveRequest; response: AgentQueueRemoveResponse };
  agent_prompt_response: { request: DecisionRequest; response: DecisionResponse };
  approvals_list: { request: ApprovalsListRequest; response: ApprovalsListResponse };
  execution_output: { request: ExecutionOutputRequest; response: ExecutionOutputResponse };
  jobs_list: { request: JobsListRequest; response: JobsListResponse };
  job_stop: { request: JobStopRequest; response: JobStopResponse };
  sent_file: { request: SentFileRequest; response: SentFileResponse };
  snapshot_diff: { request: SnapshotDiffRequest; response: SnapshotDiffResponse };
  snapshot_undo: { request: SnapshotUndoRequest; response: SnapshotUndoResponse };
  devices_list: { request: DevicesListRequest; response: DevicesListResponse };
  device_revoke: { request: DeviceRevokeRequest; response: DeviceRevokeResponse };
  device_rename: { request: DeviceRenameRequest; response: DeviceRenameResponse };
  chat_pairing_offer: { request: ChatPairingOfferRequest; response: ChatPairingOfferResponse };
  ledger_head: { request: LedgerHeadRequest; response: LedgerHeadResponse };
  ledger_list: { request: LedgerListRequest; response: LedgerListResponse };
  ledger_verify: { request: LedgerVerifyRequest; response: LedgerVerifyResponse };
  presence: { request: PresenceRequest; response: PresenceResponse };
  push_settings_get: { request: PushSettingsGetRequest; response: PushSettingsGetResponse };
  push_settings_set: { request: PushSettingsSetRequest; response: PushSettingsSetResponse };
  push_subscribe: { request: PushSubscribeRequest; response: PushSubscribeResponse };
  push_test: { request: PushTestRequest; response: PushTestResponse };
  push_unsubscribe: { request: PushUnsubscribeRequest; response: PushUnsubscribeResponse };
  agent_conversations: { request: AgentConversationsRequest; response: AgentConversationsResponse };
  project_defaults_get: { request: ProjectDefaultsGetRequest; response: ProjectDefaultsGetResponse };
  project_defaults_set: { request: ProjectDefaultsSetRequest; response: ProjectDefaultsSetResponse };
  letters_withdraw: { request: LettersWithdrawRequest; response: LettersWithdrawResponse };
  folders_list: { request: FoldersListRequest; response: FoldersListResponse };
  project_add: { request: ProjectAddRequest; response: ProjectAddResponse };
  project_create: { request: ProjectCreateRequest; response: ProjectCreateResponse };
  project_clone: { request: ProjectCloneRequest; response: ProjectCloneResponse };
  project_clone_get: { request: ProjectCloneGetRequest; response: ProjectCloneGetResponse };
  project_clone_cancel: { request: ProjectCloneCancelRequest; response: ProjectCloneCancelResponse };
  project_rename: { request: ProjectRenameRequest; response: ProjectRenameResponse };
  project_remove: { request: ProjectRemoveRequest; response: ProjectRemoveResponse };
  provider_key_set: { request: ProviderKeySetRequest; response: ProviderKeySetResponse };
  provider_key_remove: { request: ProviderKeyRemoveRequest; response: ProviderKeyRemoveResponse };
  provider_key_check: { request: ProviderKeyCheckRequest; response: ProviderKeyCheckResponse };
  usage_get: { request: UsageGetRequest; response: UsageGetResponse };
  budgets_list: { request: BudgetsListRequest; response: BudgetsListResponse };
  budget_set: { request: BudgetSetRequest; response: BudgetSetResponse };
  budget_remove: { request: BudgetRemoveRequest; response: BudgetRemoveResponse };
  terminal_list: { request: TerminalListRequest; response: TerminalListResponse };
  terminal_open: { request: TerminalOpenRequest; response: TerminalOpenResponse };
  terminal_attach: { request: TerminalAttachRequest; response: TerminalAttachResponse };
  terminal_detach: { request: TerminalDetachRequest; response: TerminalDetachResponse };
  terminal_input: { request: TerminalInputRequest; response: TerminalInputResponse };
  terminal_resize: { request: TerminalResizeRequest; response: TerminalResizeResponse };
  terminal_ack: { request: TerminalAckRequest; response: TerminalAckResponse };
  terminal_capture: { request: TerminalCaptureRequest; response: TerminalCaptureResponse };
  terminal_close: { request: TerminalCloseRequest; response: TerminalCloseResponse };
  network_rules_list: { request: NetworkRulesListRequest; response: NetworkRulesListResponse };
  network_rule_remove: { request: NetworkRuleRemoveRequest; response: NetworkRuleRemoveResponse };
  agent_queue_merge: { request: AgentQueueMergeRequest; response: AgentQueueMergeResponse };
  agent_queue_move: { request: AgentQueueMoveRequest; response: AgentQueueMoveResponse };
  agent_steer: { request: AgentSteerRequest; response: AgentSteerResponse };
  agent_session_warm: { request: AgentSessionWarmRequest; response: AgentSessionWarmResponse };
  agent_continue: { request: AgentContinueRequest; response: AgentContinueResponse };
  attachment_begin: { request: AttachmentBeginRequest; response: AttachmentBeginResponse };
  attachment_chunk: { request: AttachmentChunkRequest; response: AttachmentChunkResponse };
  attachment_end: { request: AttachmentEndRequest; response: AttachmentEndResponse };
  attachment_discard: { request: AttachmentDiscardRequest; response: AttachmentDiscardResponse };
  attachment_read: { request: AttachmentReadRequest; response: AttachmentReadResponse };
  files_find: { request: FilesFindRequest; response: FilesFindResponse };
  agent_session_fork: { request: AgentSessionForkRequest; response: AgentSessionForkResponse };
  fs_list: { request: FsListRequest; response: FsListResponse };
  fs_stat: { request: FsStatRequest; response: FsStatResponse };
  fs_read: { request: FsReadRequest; response: FsReadResponse };
  fs_write: { request: FsWriteRequest; response: FsWriteResponse };
  fs_mkdir: { request: FsMkdirRequest; response: FsMkdirResponse };
  fs_move: { request: FsMoveRequest; response: FsMoveResponse };
  fs_delete: { request: FsDeleteRequest; response: FsDeleteResponse };
  fs_trash_list: { request: FsTrashListRequest; response: FsTrashListResponse };
  fs_restore: { request: FsRestoreRequest; response: FsRestoreResponse };
  fs_search: { request: FsSearchRequest; response: FsSearchResponse };
  fs_upload_begin: { request: FsUploadBeginRequest; response: FsUploadBeginResponse };
  fs_upload_chunk: { request: FsUploadChunkRequest; response: FsUploadChunkResponse };
  fs_upload_end: { request: FsUploadEndRequest; response: FsUploadEndResponse };
  fs_upload_discard: { request: FsUploadDiscardRequest; response: FsUploadDiscardResponse };
  fs_download_begin: { request: FsDownloadBeginRequest; response: FsDownloadBeginResponse };
  fs_download_chunk: { request: FsDownloadChunkRequest; response: FsDownloadChunkResponse };
  fs_download_end: { request: FsDownloadEndRequest; response: FsDownloadEndResponse };
  git_status: { request: GitStatusRequest; response: GitStatusResponse };
  git_push: { request: GitPushRequest; response: GitPushResponse };
  git_remote_delete: { request: GitRemoteDeleteRequest; response: GitRemoteDeleteResponse };
  git_fetch: { request: GitFetchRequest; response: GitFetchResponse };
  git_pull: { request: GitPullRequest; response: GitPullResponse };
  git_transfer_cancel: { request: GitTransferCancelRequest; response: GitTransferCancelResponse };
  git_branches: { request: GitBranchesRequest; response: GitBranchesResponse };
  git_branch_create: { request: GitBranchCreateRequest; response: GitBranchCreateResponse };
  git_checkout: { request: GitCheckoutRequest; response: GitCheckoutResponse };
  git_stage: { request: GitStageRequest; response: GitStageResponse };
  git_unstage: { request: GitUnstageRequest; response: GitUnstageResponse };
  git_commit: { request: GitCommitRequest; response: GitCommitResponse };
  git_file_base: { request: GitFileBaseRequest; response: GitFileBaseResponse };
  git_diff: { request: GitDiffRequest; response: GitDiffResponse };
  git_log: { request: GitLogRequest; response: GitLogResponse };
  git_show: { request: GitShowRequest; response: GitShowResponse };
  git_blame: { request: GitBlameRequest; response: GitBlameResponse };
  git_stashes: { request: GitStashesRequest; response: GitStashesResponse };
  git_stash: { request: GitStashRequest; response: GitStashResponse };
  git_discard: { request: GitDiscardRequest; response: GitDiscardResponse };
  git_discard_undo: { request: GitDiscardUndoRequest; response: GitDiscardUndoResponse };
  git_tags: { request: GitTagsRequest; response: GitTagsResponse };
  git_tag_create: { request: GitTagCreateRequest; response: GitTagCreateResponse };
  git_tag_delete: { request: GitTagDeleteRequest; response: GitTagDeleteResponse };
  git_remotes: { request: GitRemotesRequest; response: GitRemotesResponse };
  git_worktrees: { request: GitWorktreesRequest; response: GitWorktreesResponse };
  git_worktree_create: { request: GitWorktreeCreateRequest; response: GitWorktreeCreateResponse };
  git_worktree_remove: { request: GitWorktreeRemoveRequest; response: GitWorktreeRemoveResponse };
  git_worktree_merge: { request: GitWorktreeMergeRequest; response: GitWorktreeMergeResponse };
  git_submodules: { request: GitSubmodulesRequest; response: GitSubmodulesResponse };
  git_conflict: { request: GitConflictRequest; response: GitConflictResponse };
  git_conflict_resolve: { request: GitConflictResolveRequest; response: GitConflictResolveResponse };
  git_operation: { request: GitOperationRequest; response: GitOperationResponse };
  session_worktree_create: { request: SessionWorktreeCreateRequest; response: SessionWorktreeCreateResponse };
  session_worktree_state: { request: SessionWorktreeStateRequest; response: SessionWorktreeStateResponse };
  session_worktree_merge: { request: SessionWorktreeMergeRequest; response: SessionWorktreeMergeResponse };
  session_worktree_discard: { request: SessionWorktreeDiscardRequest; response: SessionWorktreeDiscardResponse };
  command_exec: { request: CommandExecRequest; response: CommandExecResponse };
  command_cancel: { request: CommandCancelRequest; response: CommandCancelResponse };
  command_read: { request: CommandReadRequest; response: CommandReadResponse };
  command_runs_list: { request: CommandRunsListRequest; response: CommandRunsListResponse };
  command_favourites_get: { request: CommandFavouritesGetRequest; response: CommandFavouritesGetResponse };
  command_favourites_set: { request: CommandFavouritesSetRequest; response: CommandFavouritesSetResponse };
  command_policy_get: { request: CommandPolicyGetRequest; response: CommandPolicyGetResponse };
  command_policy_set: { request: CommandPolicySetRequest; response: CommandPolicySetResponse };
}

export interface AgentCancelRequest {
  agentSessionId: string;
  clearQueue?: boolean;
  turnId?: string | null;
}

export interface AgentCancelResponse {
  session: SessionInfo;
}

export interface AgentContinueRequest {
  agentSessionId: string;
  turnId: string;
  promptId: string;
}

export interface AgentContinueResponse {
  turn: TurnInfo;
}

export interface AgentConversationsRequest {
  projectId: string;
  agent?: string | null;
}

export interface AgentConversationsResponse {
  conversations: ConversationInfo[];
  missing: ConversationsMissing[];
}

export interface AgentDeltaPayload {
  turnId: string | null;
  blockId: string;
  kind: DeltaKind;
  offset: number;
  text: string;
  parentToolUseId?: string | null;
  dropped?: boolean;
}

export type AgentEventPayload =
  | TurnEvent
  | InitEvent
  | TextEvent
  | ThinkingEvent
  | ToolUseEvent
  | ToolResultEvent
  | FileCreateEvent
  | FileEditEvent
  | ApprovalEvent
  | TodoEvent
  | UsageEvent
  | NoticeEvent
  | UndoEvent
  | DoneEvent
  | ErrorEvent
  | SentFileEvent
  | ForkEvent
  | ImportedEvent
  | SteerEvent
  | QueueOrderEvent
  | OffersEvent;

export interface AgentEventsPayload {
  events: AgentEventPayload[];
}

export interface AgentInfo {
  id: string;
  name: string;
  installed: boolean;
  version: string | null;
  advice: string | null;
  modes: string[];
  models: boolean;
  questions: boolean;
  plans: boolean;
  resume: boolean;
  hostTools: boolean;
  fork?: boolean;
  steer?: boolean;
  images?: boolean;
  commands?: boolean;
  conversations?: boolean;
  usage?: boolean;
  cost?: boolean;
  efforts: string[];
  unanswered: boolean;
  rewind: boolean;
  conversationContinue: boolean;
  conversationCopy: ConversationCopy;
  knownModels: ModelInfo[];
}

export interface AgentMessageRequest {
  agentSessionId: string;
  promptId: string;
  content: string;
  attachments?: string[] | null;
}

export interface AgentMessageResponse {
  turn: TurnInfo;
}

export interface AgentQueueEditRequest {
  agentSessionId: string;
  promptId: string;
  content: string;
}

export interface AgentQueueEditResponse {
  turn: TurnInfo;
}

export interface AgentQueueMergeRequest {
  agentSessionId: string;
  promptIds: string[];
}

export interface AgentQueueMergeResponse {
  turn: TurnInfo;
}

export interface AgentQueueMoveRequest {
  agentSessionId: string;
  promptId: string;
  before?: string | null;
}

export interface AgentQueueMoveResponse {
  promptIds: string[];
}

export interface AgentQueueRemoveRequest {
  agentSessionId: string;
  promptId: string;
}

export interface AgentQueueRemoveResponse {
  turn: TurnInfo;
}

export interface AgentSessionDeleteRequest {
  agentSessionId: string;
}

export interface AgentSessionDeleteResponse {
  agentSessionId: string;
  complete: boolean;
}

export interface AgentSessionForkRequest {
  agentSessionId: string;
  newSessionId: string;
  promptId: string;
  content: string;
  fromTurnId?: string | null;
  attachments?: string[] | null;
}

export interface AgentSessionForkResponse {
  session: SessionInfo;
  turn: TurnInfo;
}

export interface AgentSessionGetRequest {
  agentSessionId: string;
}

export interface AgentSessionGetResponse {
  session: SessionInfo;
  turns: TurnInfo[];
}

export interface AgentSessionNewRequest {
  agentSessionId: string;
  promptId: string;
  projectId: string;
  agent: string;
  content: string;
  mode?: string | null;
  model?: string | null;
  sandbox?: SandboxKind | null;
  attachments?: string[] | null;
  conversationId?: string | null;
  effort?: string | null;
  folder?: string | null;
}

export interface AgentSessionNewResponse {
  agentSessionId: string;
  session: SessionInfo;
  turn: TurnInfo;
}

export interface AgentSessionSeenRequest {
  agentSessionId: string;
  seq: number;
}

export interface AgentSessionSeenResponse {
  seq: number;
}

export interface AgentSessionSetRequest {
  agentSessionId: string;
  title?: string | null;
  mode?: string | null;
  model?: string | null;
  archived?: boolean | null;
  held?: boolean | null;
  effort?: string | null;
  pinned?: boolean | null;
  labels?: string[] | null;
  snoozedUntil?: string | null;
}

export interface AgentSessionSetResponse {
  session: SessionInfo;
}

export interface AgentSessionWarmRequest {
  agentSessionId: string;
  opened?: boolean;
}

export interface AgentSessionWarmResponse {
  warm: boolean;
}

export interface AgentSessionsListRequest {
  projectId?: string | null;
  archived?: boolean;
  limit?: number | null;
  after?: string | null;
}

export interface AgentSessionsListResponse {
  sessions: SessionInfo[];
  next?: string | null;
}

export interface AgentSessionsSearchRequest {
  query: string;
  limit?: number;
}

export interface AgentSessionsSearchResponse {
  hits: SessionHit[];
  behind: boolean;
}

export interface AgentSteerRequest {
  agentSessionId: string;
  promptId: string;
  content: string;
}

export interface AgentSteerResponse {
  state: SteerState;
  turn: TurnInfo | null;
}

export type AgentsListRequest = Record<string, never>;

export interface AgentsListResponse {
  agents: AgentInfo[];
}

export interface AgreementInfo {
  decisionId: string;
  person: string;
  deviceId: string | null;
  by: string;
  at: string;
}

export interface ApprovalChanged {
  kind: "approval";
  approval: ApprovalInfo;
}

export interface ApprovalEvent {
  kind: "prompt";
  approval: ApprovalInfo;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface ApprovalInfo {
  approvalId: string;
  agentSessionId: string | null;
  turnId: string;
  projectId: string;
  agent: string;
  toolUseId: string | null;
  kind: ApprovalKind;
  state: ApprovalState;
  digest: string;
  subject: ApprovalSubject;
  reason: string | null;
  reach: string | null;
  sandbox: SandboxKind;
  requestedAt: string;
  expiresAt: string;
  decision: DecisionInfo | null;
  execution: ExecutionInfo | null;
  risk?: RiskInfo | null;
  requestedBy?: string | null;
  requestedById?: string | null;
  covers?: Record<string, string> | null;
  notDone?: string | null;
  twoPeople?: boolean;
  agreed?: AgreementInfo | null;
  subAgent: string | null;
}

export type ApprovalKind = "command" | "edit" | "tool" | "question" | "plan" | "job_input" | "network" | "prompt" | "file" | "git";

export type ApprovalState = "pending" | "allowed" | "denied" | "expired" | "withdrawn" | "running" | "finished" | "unknown";

export type ApprovalSubject =
  | CommandSubject
  | EditSubject
  | ToolSubject
  | QuestionSubject
  | PlanSubject
  | JobInputSubject
  | NetworkSubject
  | PromptSubject
  | FileSubject
  | GitSubject;

export interface ApprovalsListRequest {
  pending?: boolean;
  agentSessionId?: string | null;
  sameAs?: string | null;
}

export interface ApprovalsListResponse {
  approvals: ApprovalInfo[];
}

export interface AttachmentBeginRequest {
  attachmentId: string;
  name: string;
  bytes: number;
  sha256: string;
}

export interface AttachmentBeginResponse {
  attachmentId: string;
  offset: number;
  attachment: AttachmentInfo | null;
}

export interface AttachmentChunkRequest {
  attachmentId: string;
  offset: number;
  data: string;
}

export interface AttachmentChunkResponse {
  attachmentId: string;
  offset: number;
}

export interface AttachmentDiscardRequest {
  attachmentId: string;
}

export interface AttachmentDiscardResponse {
  discarded: boolean;
}

export interface AttachmentEndRequest {
  attachmentId: string;
}

export interface AttachmentEndResponse {
  attachment: AttachmentInfo;
}

export interface AttachmentInfo {
  attachmentId: string;
  name: string;
  mediaType: string;
  bytes: number;
}

export interface AttachmentReadRequest {
  attachmentId: string;
  offset?: number;
  limit?: number;
}

export interface AttachmentReadResponse {
  attachmentId: string;
  offset: number;
  data: string;
  bytes: number;
}

export type BudgetAction = "stop" | "ask";

export interface BudgetInfo {
  scope: BudgetScope;
  projectId: string | null;
  project: string | null;
  action: BudgetAction;
  dollars: number | null;
  tokens: number | null;
  setAt: string;
  setBy: string | null;
  use: BudgetUse | null;
}

export interface BudgetRemoveRequest {
  scope: BudgetScope;
  projectId: string | null;
}

export interface BudgetRemoveResponse {
  was: boolean;
}

export type BudgetScope = "session" | "project" | "day";

export interface BudgetSetRequest {
  scope: BudgetScope;
  projectId: string | null;
  action: BudgetAction;
  dollars: number | null;
  tokens: number | null;
}

export interface BudgetSetResponse {
  budget: BudgetInfo;
}

export interface BudgetUse {
  id: string | null;
  name: string | null;
  dollars: number;
  tokens: number;
  unpriced: number;
}

export type BudgetsListRequest = Record<string, never>;

export interface BudgetsListResponse {
  budgets: BudgetInfo[];
}

export interface ChatPairingOfferRequest {
  platform: string;
  scopes?: Scope[] | null;
  name?: string | null;
  destructive?: boolean;
}

export interface ChatPairingOfferResponse {
  code: string;
  scopes: Scope[];
  expiresAt: string;
}

export interface CloneChanged {
  kind: "clone";
  cloning: CloneInfo;
}

export interface CloneInfo {
  cloneId: string;
  path: string;
  address: string;
  state: CloneState;
  phase: ClonePhase | null;
  percent: number | null;
  project: ProjectInfo | null;
  error: WireError | null;
}

export type ClonePhase = "connecting" | "counting" | "compressing" | "receiving" | "resolving" | "checking_out";

export type CloneState = "running" | "done" | "failed" | "cancelled";

export interface CommandCancelRequest {
  targetRequestId?: string | null;
  requestId?: string | null;
}

export interface CommandCancelResponse {
  run: CommandRunInfo;
}

export interface CommandChunk {
  offset: number;
  error: boolean;
  text: string;
  base64?: string | null;
}

export interface CommandExecRequest {
  runId: string;
  projectId: string;
  command: string;
  cwd?: string | null;
  environment?: Record<string, string> | null;
  stdin?: string | null;
  timeoutSeconds?: number;
  stdinBase64?: string | null;
}

export interface CommandExecResponse {
  run: CommandRunInfo;
  started: boolean;
}

export interface CommandExitPayload {
  runId: string;
  exitCode: number | null;
  signal: string | null;
  timedOut: boolean;
  cancelled: boolean;
  truncated: boolean;
  run: CommandRunInfo;
}

export interface CommandFavourite {
  name: string;
  command: string;
  cwd?: string | null;
  timeoutSeconds?: number;
}

export interface CommandFavouritesGetRequest {
  projectId: string;
}

export interface CommandFavouritesGetResponse {
  favourites: CommandFavourite[];
}

export interface CommandFavouritesSetRequest {
  projectId: string;
  favourites: CommandFavourite[];
}

export interface CommandFavouritesSetResponse {
  favourites: CommandFavourite[];
}

export interface CommandInfo {
  name: string;
  description: string;
}

export interface CommandMark {
  kind: MarkKind;
  start: number;
  length: number;
}

export interface CommandOutputPayload {
  runId: string;
  offset: number;
  next: number;
  stdoutChunk: string | null;
  stderrChunk: string | null;
  skipped?: number;
}

export interface CommandPolicy {
  otherwise: CommandVerdict;
  rules: CommandRule[];
}

export interface CommandPolicyGetRequest {
  projectId: string;
}

export interface CommandPolicyGetResponse {
  policy: CommandPolicy;
}

export interface CommandPolicySetRequest {
  projectId: string;
  policy: CommandPolicy;
}

export interface CommandPolicySetResponse {
  policy: CommandPolicy;
}

export interface CommandReadRequest {
  runId: string;
  offset?: number;
  limit?: number;
  follow?: boolean;
}

export interface CommandReadResponse {
  run: CommandRunInfo;
  chunks: CommandChunk[];
  next: number;
  kept: number;
}

export interface CommandRule {
  verdict: CommandVerdict;
  pattern: string;
}

export interface CommandRunChanged {
  kind: "command_run";
  runId: string;
  projectId: string;
  state: CommandRunState;
  exitCode: number | null;
  by: string;
  command: string;
}

export interface CommandRunInfo {
  runId: string;
  projectId: string;
  command: string;
  cwd: string | null;
  by: string;
  sandbox: SandboxKind;
  state: CommandRunState;
  startedAt: string;
  endedAt: string | null;
  exitCode: number | null;
  signal: string | null;
  truncated: boolean;
  bytes: number;
  sha256: string | null;
  preview: string;
  timeoutSeconds: number;
  error: string | null;
}

export type CommandRunState = "running" | "exited" | "cancelled" | "timed_out" | "failed" | "interrupted";

export interface CommandRunsListRequest {
  projectId?: string | null;
  before?: string | null;
  limit?: number;
}

export interface CommandRunsListResponse {
  runs: CommandRunInfo[];
  more: boolean;
}

export interface CommandSubject {
  kind: "command";
  command: string;
  cwd: string;
  tool: string;
  input: string;
  stdin?: string | null;
  background?: boolean;
  timeLimitMs?: number | null;
  scripts?: ScriptInfo[] | null;
}

export type CommandVerdict = "allow" | "ask" | "deny";

export interface Consequence {
  kind: ConsequenceKind;
  subject: string;
  sentence: string;
}

export type ConsequenceKind = "reads_path" | "reads_secret" | "writes_path" | "deletes_path" | "changes_rights" | "reaches_host" | "privilege" | "process" | "system" | "repository" | "runs_code" | "runs_later" | "changes_meaning" | "hidden_text" | "not_undoable" | "unknown";

export interface ContextInfo {
  usedTokens: number;
  windowTokens: number | null;
}

export type ConversationCopy = "none" | "whole" | "words";

export interface ConversationInfo {
  agent: string;
  conversationId: string;
  title: string;
  directory: string;
  updatedAt: string;
  open: boolean | null;
  agentSessionId: string | null;
}

export interface ConversationsMissing {
  agent: string;
  why: string;
}

export interface DecisionInfo {
  decisionId: string;
  verdict: DecisionVerdict;
  scope: DecisionScope;
  reason: string | null;
  deviceId: string | null;
  by: string;
  at: string;
}

export interface DecisionRequest {
  approvalId: string;
  decisionId: string;
  verdict: DecisionVerdict;
  scope: DecisionScope;
  digest: string;
  signature: string;
  reason?: string | null;
  answers?: string | null;
  interrupt?: boolean;
}

export interface DecisionResponse {
  approval: ApprovalInfo;
}

export type DecisionScope = "once" | "turn" | "session" | "project";

export type DecisionVerdict = "allow" | "deny";

export type DeltaKind = "text" | "thinking" | "output";

export interface DeviceChanged {
  kind: "device";
  device: DeviceInfo;
}

export interface DeviceInfo {
  deviceId: string;
  name: string;
  app: string;
  scopes: Scope[];
  pairedAt: string;
  lastSeenAt: string | null;
  connected: boolean;
  revokedAt: string | null;
  platform?: string | null;
  person?: string | null;
  tier?: RiskTier | null;
}

export interface DeviceRenameRequest {
  deviceId: string;
  name: string;
}

export interface DeviceRenameResponse {
  device: DeviceInfo;
}

export interface DeviceRevokeRequest {
  deviceId: string;
}

export interface DeviceRevokeResponse {
  device: DeviceInfo;
}

export type DevicesListRequest = Record<string, never>;

export interface DevicesListResponse {
  devices: DeviceInfo[];
}

export interface DiffHunk {
  oldStart: number;
  oldLines: number;
  newStart: number;
  newLines: number;
  lines: DiffLine[];
}

export interface DiffLine {
  kind: DiffLineKind;
  text: string;
  noNewline?: boolean;
}

export type DiffLineKind = "context" | "add" | "remove";

export interface DoneEvent {
  kind: "done";
  outcome: TurnState;
  cancelled: boolean;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface EditSubject {
  kind: "edit";
  path: string;
  creates: boolean;
  diff: FileDiff | null;
  tool: string;
  input: string;
}

export interface Envelope {
  v: number;
  type: string;
  requestId: string | null;
  stream: string | null;
  epoch: string | null;
  seq: number | null;
  payload: unknown | null;
  error: WireError | null;
}

export type ErrorCode = "UNKNOWN_ERROR" | "INVALID_REQUEST" | "UNAUTHORIZED" | "PROJECT_NOT_FOUND" | "FILE_NOT_FOUND" | "FILE_TOO_LARGE" | "OUTSIDE_PROJECT_ROOT" | "GIT_NOT_INITIALIZED" | "COMMAND_TIMEOUT" | "DAEMON_BUSY" | "SESSION_NOT_FOUND" | "TURN_NOT_FOUND" | "APPROVAL_NOT_FOUND" | "ALREADY_DECIDED" | "DIGEST_MISMATCH" | "BAD_SIGNATURE" | "DEVICE_NOT_FOUND" | "AGENT_NOT_INSTALLED" | "AGENT_ERROR" | "TERMINAL_NOT_FOUND" | "SANDBOX_UNAVAILABLE" | "SESSION_OPEN_ELSEWHERE" | "CONFLICT" | "RATE_LIMITED" | "SNAPSHOT_NOT_FOUND" | "FILES_CHANGED" | "APPROVAL_REQUIRED" | "PERMISSION_DENIED" | "NOT_A_DIRECTORY" | "IS_A_DIRECTORY" | "FILE_EXISTS" | "BINARY_FILE" | "STORAGE_FULL" | "GIT_ERROR" | "GIT_CONFLICT" | "GIT_AUTH_REQUIRED" | "RUN_NOT_FOUND" | "VERSION_UNSUPPORTED" | "LEDGER_DISTRUSTED" | "UNAVAILABLE";

export interface ErrorEvent {
  kind: "error";
  message: string;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface ExecutionInfo {
  startedAt: string;
  finishedAt: string | null;
  exitCode: number | null;
  failed: boolean | null;
  undoable?: boolean;
  job?: string | null;
  error?: string | null;
}

export interface ExecutionOutputRequest {
  approvalId: string;
  offset?: number;
  limit?: number;
}

export interface ExecutionOutputResponse {
  approvalId: string;
  offset: number;
  data: string;
  kept: number;
  total: number;
  running: boolean;
}

export interface FileCreateEvent {
  kind: "file_create";
  toolUseId: string;
  path: string;
  diff: FileDiff | null;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface FileDiff {
  path: string;
  creates: boolean;
  added: number;
  removed: number;
  hunks: DiffHunk[];
  complete: boolean;
}

export interface FileEditEvent {
  kind: "file_edit";
  toolUseId: string;
  path: string;
  diff: FileDiff | null;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export type FileOperation = "read" | "write" | "move" | "delete";

export interface FileSubject {
  kind: "file";
  operation: FileOperation;
  path: string;
  why: string;
  to?: string | null;
  bytes?: number | null;
  sha256?: string | null;
  diffs?: FileDiff[] | null;
}

export interface FilesFindRequest {
  projectId: string;
  query: string;
  limit?: number;
}

export interface FilesFindResponse {
  paths: string[];
  partial: boolean;
}

export interface FolderEntry {
  name: string;
  path: string;
  repository: boolean;
  projectId: string | null;
}

export interface FoldersListRequest {
  path?: string | null;
}

export interface FoldersListResponse {
  path: string | null;
  parent: string | null;
  folders: FolderEntry[];
  truncated: boolean;
}

export interface ForkEvent {
  kind: "fork";
  originSessionId: string;
  originTitle: string;
  cut: boolean;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface FsDeleteRequest {
  projectId: string;
  path: string;
  expectedEtag?: string | null;
  approvalId?: string | null;
}

export interface FsDeleteResponse {
  success: boolean;
  item: FsTrashItem;
}

export interface FsDownloadBeginRequest {
  projectId: string;
  path: string;
  approvalId?: string | null;
}

export interface FsDownloadBeginResponse {
  path: string;
  name: string;
  bytes: number;
  version: string;
  mediaType: string;
  mtime: string;
}

export interface FsDownloadChunkRequest {
  projectId: string;
  path: string;
  version: string;
  offset: number;
  limit?: number;
  approvalId?: string | null;
}

export interface FsDownloadChunkResponse {
  offset: number;
  data: string;
  nextOffset: number | null;
}

export interface FsDownloadEndRequest {
  projectId: string;
  path: string;
  version: string;
  approvalId?: string | null;
}

export interface FsDownloadEndResponse {
  sha256: string;
  bytes: number;
}

export type FsEncoding = "utf8" | "base64";

export interface FsEntry {
  name: string;
  path: string;
  kind: FsKind;
  size: number;
  mtime: string;
  ignored: boolean;
  gitStatus: string | null;
  secret: boolean;
  target: FsKind | null;
}

export type FsKind = "file" | "dir" | "symlink" | "other";

export interface FsListRequest {
  projectId: string;
  path?: string;
  cursor?: string | null;
  limit?: number;
}

export interface FsListResponse {
  path: string;
  children: FsEntry[];
  truncated: boolean;
  cursor: string | null;
}

export interface FsMatch {
  path: string;
  kind: FsKind;
  line: number | null;
  text: string;
  start: number;
  length: number;
}

export interface FsMkdirRequest {
  projectId: string;
  path: string;
  parents?: boolean;
  approvalId?: string | null;
}

export interface FsMkdirResponse {
  success: boolean;
  path: string;
  created: boolean;
}

export interface FsMoveRequest {
  projectId: string;
  from: string;
  to: string;
  approvalId?: string | null;
}

export interface FsMoveResponse {
  success: boolean;
  path: string;
}

export interface FsReadRequest {
  projectId: string;
  path: string;
  encoding?: FsEncoding | null;
  offset?: number;
  limit?: number;
  expectedEtag?: string | null;
  approvalId?: string | null;
}

export interface FsReadResponse {
  path: string;
  content: string;
  encoding: FsEncoding;
  offset: number;
  nextOffset: number | null;
  bytes: number;
  etag: string;
  mtime: string;
}

export interface FsRestoreRequest {
  projectId: string;
  trashId: string;
  to?: string | null;
  approvalId?: string | null;
}

export interface FsRestoreResponse {
  success: boolean;
  path: string;
}

export type FsSearchEnd = "complete" | "limit" | "time";

export interface FsSearchRequest {
  projectId: string;
  query: string;
  target?: FsSearchTarget;
  path?: string;
  regex?: boolean;
  caseSensitive?: boolean;
  ignored?: boolean;
  limit?: number;
}

export interface FsSearchResponse {
  matches: FsMatch[];
  end: FsSearchEnd;
  files: number;
  engine: string;
}

export type FsSearchTarget = "names" | "content";

export interface FsStatRequest {
  projectId: string;
  path: string;
  etag?: boolean;
  approvalId?: string | null;
}

export interface FsStatResponse {
  entry: FsEntry;
  mode: string;
  links: number;
  linkTarget: string | null;
  etag: string | null;
}

export interface FsTrashItem {
  trashId: string;
  path: string;
  kind: FsKind;
  bytes: number;
  entries: number;
  deletedAt: string;
  by: string;
}

export interface FsTrashListRequest {
  projectId: string;
  before?: string | null;
  limit?: number;
}

export interface FsTrashListResponse {
  items: FsTrashItem[];
  truncated: boolean;
}

export interface FsUploadBeginRequest {
  projectId: string;
  uploadId: string;
  path: string;
  bytes: number;
  sha256: string;
  expectedEtag?: string | null;
  ifNoneMatch?: boolean;
  mkdirs?: boolean;
}

export interface FsUploadBeginResponse {
  uploadId: string;
  offset: number;
}

export interface FsUploadChunkRequest {
  projectId: string;
  uploadId: string;
  offset: number;
  data: string;
}

export interface FsUploadChunkResponse {
  uploadId: string;
  offset: number;
}

export interface FsUploadDiscardRequest {
  projectId: string;
  uploadId: string;
}

export interface FsUploadDiscardResponse {
  discarded: boolean;
}

export interface FsUploadEndRequest {
  projectId: string;
  uploadId: string;
  approvalId?: string | null;
}

export interface FsUploadEndResponse {
  success: boolean;
  path: string;
  etag: string;
  bytes: number;
  created: boolean;
}

export interface FsWriteRequest {
  projectId: string;
  path: string;
  content: string;
  encoding?: FsEncoding;
  expectedEtag?: string | null;
  ifNoneMatch?: boolean;
  mkdirs?: boolean;
  approvalId?: string | null;
}

export interface FsWriteResponse {
  success: boolean;
  path: string;
  etag: string;
  bytes: number;
  created: boolean;
}

export interface GitBlameCommit {
  sha: string;
  author: string;
  at: string | null;
  subject: string;
  path: string;
}

export interface GitBlameLine {
  line: number;
  originalLine: number;
  commit: number;
  text: string;
}

export interface GitBlameRequest {
  projectId: string;
  path: string;
  ref?: string | null;
  firstLine?: number;
  lines?: number;
  approvalId?: string | null;
}

export interface GitBlameResponse {
  commits: GitBlameCommit[];
  lines: GitBlameLine[];
}

export interface GitBranch {
  name: string;
  remote: boolean;
  current: boolean;
  upstream: string | null;
  upstreamGone: boolean;
  ahead: number | null;
  behind: number | null;
  commit: string;
  subject: string;
  author: string;
  at: string | null;
  worktree: string | null;
}

export interface GitBranchCreateRequest {
  projectId: string;
  name: string;
  startPoint?: string | null;
  checkout?: boolean;
}

export interface GitBranchCreateResponse {
  branch: string;
  commit: string;
  checkedOut: boolean;
}

export interface GitBranchesRequest {
  projectId: string;
}

export interface GitBranchesResponse {
  branches: GitBranch[];
  current: string | null;
  truncated: boolean;
}

export type GitChangeKind = "added" | "modified" | "deleted" | "renamed" | "copied" | "type_changed" | "untracked";

export interface GitChanged {
  kind: "git";
  projectId: string;
}

export interface GitCheckoutRequest {
  projectId: string;
  ref: string;
}

export interface GitCheckoutResponse {
  branch: string | null;
  commit: string;
  detached: boolean;
}

export interface GitCommit {
  sha: string;
  parents: string[];
  author: string;
  authorEmail: string;
  authoredAt: string | null;
  committer: string;
  committedAt: string | null;
  subject: string;
  refs: string[];
  lane: number;
  edges: GitGraphEdge[];
}

export interface GitCommitLine {
  id: string;
  subject: string;
  author: string;
  at: string;
}

export interface GitCommitRequest {
  projectId: string;
  message: string;
  amend?: boolean;
}

export interface GitCommitResponse {
  sha: string;
  branch: string | null;
  subject: string;
  hooksSkipped: string[];
  signingSkipped?: boolean;
}

export interface GitConflict {
  path: string;
  kind: GitConflictKind;
}

export type GitConflictKind = "both_modified" | "both_added" | "both_deleted" | "deleted_by_us" | "deleted_by_them" | "added_by_us" | "added_by_them";

export interface GitConflictRequest {
  projectId: string;
  path: string;
  approvalId?: string | null;
}

export interface GitConflictResolveRequest {
  projectId: string;
  path: string;
  resolution: GitResolution;
  content?: string | null;
}

export interface GitConflictResolveResponse {
  left: number;
}

export interface GitConflictResponse {
  kind: GitConflictKind;
  base: GitConflictSide;
  ours: GitConflictSide;
  theirs: GitConflictSide;
  file: GitConflictSide;
  oursName: string | null;
  theirsName: string | null;
}

export interface GitConflictSide {
  exists: boolean;
  content: string;
  encoding: string;
  size: number;
}

export interface GitDiffLine {
  kind: GitLineKind;
  old: number | null;
  new: number | null;
  text: string;
  noNewline?: boolean;
  cut?: boolean;
  words?: GitDiffWord[] | null;
}

export interface GitDiffRequest {
  projectId: string;
  scope: GitDiffScope;
  from?: string | null;
  to?: string | null;
  paths?: string[] | null;
  word?: boolean;
  context?: number;
  ignoreWhitespace?: boolean;
}

export interface GitDiffResponse {
  files: GitFileDiff[];
  truncated: boolean;
}

export type GitDiffScope = "unstaged" | "staged" | "commit" | "branch" | "range";

export interface GitDiffWord {
  kind: GitLineKind;
  text: string;
}

export interface GitDiscardRequest {
  projectId: string;
  paths?: string[] | null;
  selections?: GitSelection[] | null;
  context?: number;
}

export interface GitDiscardResponse {
  discardId: string;
  files: number;
}

export interface GitDiscardUndoRequest {
  projectId: string;
  discardId: string;
}

export interface GitDiscardUndoResponse {
  files: number;
}

export interface GitFetchRequest {
  projectId: string;
  remote?: string | null;
  prune?: boolean;
}

export interface GitFetchResponse {
  approval: ApprovalInfo;
}

export interface GitFileBaseRequest {
  projectId: string;
  path: string;
  ref?: string | null;
  approvalId?: string | null;
}

export interface GitFileBaseResponse {
  content: string;
  exists: boolean;
  encoding: string;
  size: number;
  binary: boolean;
}

export interface GitFileChange {
  path: string;
  kind: GitChangeKind;
  oldPath?: string | null;
  submodule?: GitSubmoduleState | null;
  largeFile?: boolean;
}

export interface GitFileDiff {
  path: string;
  oldPath: string | null;
  kind: GitChangeKind;
  oldMode: string | null;
  newMode: string | null;
  binary: boolean;
  submodule: boolean;
  added: number;
  removed: number;
  hunks: GitHunk[];
  truncated: boolean;
  withheld?: boolean;
  largeFile?: GitLargeFile | null;
}

export interface GitGraphEdge {
  from: number;
  to: number;
}

export interface GitHunk {
  id: string;
  oldStart: number;
  oldLines: number;
  newStart: number;
  newLines: number;
  heading: string;
  lines: GitDiffLine[];
}

export interface GitLargeFile {
  oldBytes: number | null;
  newBytes: number | null;
}

export type GitLineKind = "context" | "added" | "removed" | "changed";

export interface GitLogRequest {
  projectId: string;
  ref?: string | null;
  all?: boolean;
  path?: string | null;
  skip?: number;
  limit?: number;
}

export interface GitLogResponse {
  commits: GitCommit[];
  more: boolean;
}

export type GitOperation = "push" | "fetch" | "pull" | "delete";

export type GitOperationKind = "merge" | "rebase" | "cherry_pick" | "revert" | "bisect" | "am";

export interface GitOperationRequest {
  projectId: string;
  step: GitOperationStep;
}

export interface GitOperationResponse {
  commit: string | null;
  operation: GitOperationKind | null;
}

export type GitOperationStep = "continue" | "abort";

export interface GitProgress {
  kind: "git_progress";
  projectId: string;
  text: string;
}

export type GitPullMode = "fast_forward" | "merge" | "rebase";

export interface GitPullRequest {
  projectId: string;
  mode?: GitPullMode;
}

export interface GitPullResponse {
  approval: ApprovalInfo;
}

export interface GitPushRequest {
  projectId: string;
  branch?: string | null;
  remote?: string | null;
  setUpstream?: boolean;
  tag?: string | null;
}

export interface GitPushResponse {
  approval: ApprovalInfo;
}

export interface GitRefChange {
  name: string;
  before: string | null;
  after: string | null;
  forces?: boolean;
  deletes?: boolean;
}

export interface GitRemote {
  name: string;
  fetchUrl: string;
  pushUrl: string;
  problem: string | null;
}

export interface GitRemoteDeleteRequest {
  projectId: string;
  branch?: string | null;
  tag?: string | null;
  remote?: string | null;
}

export interface GitRemoteDeleteResponse {
  approval: ApprovalInfo;
}

export interface GitRemotesRequest {
  projectId: string;
}

export interface GitRemotesResponse {
  remotes: GitRemote[];
}

export type GitResolution = "ours" | "theirs" | "file" | "content" | "delete";

export interface GitSelection {
  path: string;
  hunkId: string;
  lines?: number[] | null;
}

export interface GitShowRequest {
  projectId: string;
  ref: string;
  context?: number;
}

export interface GitShowResponse {
  commit: GitCommit;
  message: string;
  files: GitFileDiff[];
  truncated: boolean;
}

export interface GitStageRequest {
  projectId: string;
  paths?: string[] | null;
  all?: boolean;
  selections?: GitSelection[] | null;
  context?: number;
}

export interface GitStageResponse {
  success: boolean;
}

export interface GitStash {
  index: number;
  commit: string;
  message: string;
  at: string | null;
}

export type GitStashAction = "push" | "pop" | "apply" | "drop";

export interface GitStashRequest {
  projectId: string;
  action: GitStashAction;
  commit?: string | null;
  message?: string | null;
  includeUntracked?: boolean;
}

export interface GitStashResponse {
  stashes: GitStash[];
}

export interface GitStashesRequest {
  projectId: string;
}

export interface GitStashesResponse {
  stashes: GitStash[];
}

export interface GitStatusRequest {
  projectId: string;
}

export interface GitStatusResponse {
  branch: string | null;
  head: string | null;
  detached: boolean;
  upstream: string | null;
  ahead: number | null;
  behind: number | null;
  staged: GitFileChange[];
  unstaged: GitFileChange[];
  untracked: GitFileChange[];
  conflicted: GitConflict[];
  operation: GitOperationKind | null;
  stashes: number;
  hooks: string[];
  prefix: string;
  sandboxed: boolean;
  truncated: boolean;
  filters?: string[] | null;
  marked?: string[] | null;
}

export interface GitSubject {
  kind: "git";
  operation: GitOperation;
  remote: string;
  url: string;
  refs: GitRefChange[];
  commits: GitCommitLine[];
  moreCommits?: number;
}

export interface GitSubmodule {
  path: string;
  commit: string;
  url: string | null;
}

export interface GitSubmoduleState {
  commitChanged: boolean;
  modified: boolean;
  untracked: boolean;
}

export interface GitSubmodulesRequest {
  projectId: string;
}

export interface GitSubmodulesResponse {
  submodules: GitSubmodule[];
}

export interface GitTag {
  name: string;
  commit: string;
  annotated: boolean;
  subject: string;
  at: string | null;
}

export interface GitTagCreateRequest {
  projectId: string;
  name: string;
  ref?: string | null;
  message?: string | null;
}

export interface GitTagCreateResponse {
  name: string;
  commit: string;
}

export interface GitTagDeleteRequest {
  projectId: string;
  name: string;
}

export interface GitTagDeleteResponse {
  name: string;
  commit: string;
}

export interface GitTagsRequest {
  projectId: string;
}

export interface GitTagsResponse {
  tags: GitTag[];
  truncated: boolean;
}

export interface GitTransferCancelRequest {
  approvalId: string;
}

export interface GitTransferCancelResponse {
  approval: ApprovalInfo;
}

export interface GitUnstageRequest {
  projectId: string;
  paths?: string[] | null;
  all?: boolean;
  selections?: GitSelection[] | null;
  context?: number;
}

export interface GitUnstageResponse {
  success: boolean;
}

export interface GitWorktree {
  path: string;
  branch: string | null;
  commit: string | null;
  main: boolean;
  current: boolean;
  locked: boolean;
  missing: boolean;
  reachable: boolean;
}

export interface GitWorktreeCreateRequest {
  projectId: string;
  name: string;
  branch?: string | null;
  startPoint?: string | null;
}

export interface GitWorktreeCreateResponse {
  worktree: GitWorktree;
}

export interface GitWorktreeMergeRequest {
  projectId: string;
  name: string;
}

export interface GitWorktreeMergeResponse {
  commit: string;
  alreadyMerged: boolean;
}

export interface GitWorktreeRemoveRequest {
  projectId: string;
  name: string;
  force?: boolean;
}

export interface GitWorktreeRemoveResponse {
  removed: boolean;
}

export interface GitWorktreesRequest {
  projectId: string;
}

export interface GitWorktreesResponse {
  worktrees: GitWorktree[];
}

export interface HelloRequest {
  protocol: number;
  app: string;
  deviceName?: string | null;
  signingKey?: string | null;
}

export interface HelloResponse {
  protocol: number;
  machine: MachineInfo;
  signingKey: string;
  deviceId: string;
  scopes: Scope[];
  instance: string;
  now: string;
  ledger: LedgerHead;
  tier?: RiskTier | null;
}

export interface ImportedEvent {
  kind: "imported";
  who: ImportedSpeaker;
  text: string;
  saidAt: string | null;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export type ImportedSpeaker = "person" | "agent" | "tool";

export interface InitEvent {
  kind: "init";
  agent: string;
  version: string | null;
  model: string | null;
  mode: string | null;
  sandbox: SandboxKind;
  resumed: boolean;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface JobInfo {
  agentSessionId: string;
  approvalId: string;
  job: string;
  command: string;
  cwd: string;
  startedAt: string;
  bytes: number;
}

export interface JobInputSubject {
  kind: "job_input";
  job: string;
  command: string;
  text: string;
  close: boolean;
  tool: string;
  input: string;
}

export interface JobStopRequest {
  agentSessionId: string;
  approvalId: string;
}

export interface JobStopResponse {
  stopped: boolean;
}

export interface JobsListRequest {
  agentSessionId?: string | null;
}

export interface JobsListResponse {
  jobs: JobInfo[];
}

export interface LedgerHead {
  epoch: string;
  seq: number;
  hash: string;
  signature: string;
}

export interface LedgerHeadRequest {
  atSeq?: number | null;
  remembered?: LedgerHead | null;
}

export interface LedgerHeadResponse {
  head: LedgerHead;
  hashAt: string | null;
}

export interface LedgerListRequest {
  before?: number | null;
  limit?: number;
  agentSessionId?: string | null;
  approvalId?: string | null;
}

export interface LedgerListResponse {
  rows: LedgerRowInfo[];
  more: boolean;
}

export interface LedgerMoved {
  kind: "ledger_head";
  head: LedgerHead;
}

export interface LedgerRowInfo {
  seq: number;
  hash: string;
  body: string;
}

export type LedgerVerifyRequest = Record<string, never>;

export interface LedgerVerifyResponse {
  intact: boolean;
  rows: number;
  firstBadSeq: number | null;
  problem: string | null;
  head: LedgerHead;
  signedFrom: number | null;
  accepted: number[];
  checked: string[];
  notChecked: string[];
}

export interface LettersWithdrawRequest {
  letterIds: string[];
}

export type LettersWithdrawResponse = Record<string, never>;

export interface MachineChanged {
  kind: "machine";
  machine: MachineInfo;
}

export type MachineEvent =
  | SessionChanged
  | SessionRemoved
  | ApprovalChanged
  | ProjectChanged
  | ProjectRemoved
  | DeviceChanged
  | LedgerMoved
  | MachineChanged
  | GitChanged
  | GitProgress
  | CloneChanged
  | CommandRunChanged
  | MachineStopping;

export interface MachineInfo {
  machineId: string;
  name: string;
  version: string;
  os: string;
  arch: string;
  demo: boolean;
  sandbox: SandboxKind | null;
  sandboxes: SandboxKind[];
  warnings: string[];
  sandboxFloor?: SandboxKind | null;
  chats?: string[] | null;
  twoPeople?: boolean;
  ledgerProblem: string | null;
  keys: ProviderKeyInfo[];
}

export type MachineLogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

export interface MachineLogLine {
  at: string;
  level: MachineLogLevel;
  category: string;
  event: number;
  message: string;
  error: string | null;
}

export interface MachineLogsRequest {
  lines?: number;
  level?: MachineLogLevel;
}

export interface MachineLogsResponse {
  lines: MachineLogLine[];
  more: boolean;
}

export interface MachineStateRequest {
  sessions?: number | null;
  archived?: boolean;
}

export interface MachineStateResponse {
  machine: MachineInfo;
  projects: ProjectInfo[];
  agents: AgentInfo[];
  sessions: SessionInfo[];
  approvals: ApprovalInfo[];
  cursor: StreamCursor;
  nextSessions?: string | null;
}

export type MachineStatusRequest = Record<string, never>;

export interface MachineStatusResponse {
  machine: MachineInfo;
  pid: number;
  startedAt: string;
  now: string;
  listen: string[];
  sessionsWorking: number;
  devicesConnected: number;
  devicesPaired: number;
  daemonBytes: number;
  memoryTotal: number | null;
  memoryAvailable: number | null;
  processors: number;
  load: number | null;
  diskTotal: number | null;
  diskFree: number | null;
}

export interface MachineStopping {
  kind: "stopping";
  reason: string;
}

export type MachinesListRequest = Record<string, never>;

export interface MachinesListResponse {
  machines: MachineInfo[];
}

export type MarkKind = "comment" | "text" | "keyword" | "operator" | "variable" | "redirect" | "program" | "reads" | "runs" | "writes" | "host" | "unclear" | "secret" | "deletes";

export type ModelAccess = "direct" | "key" | "own_key" | "own_login";

export interface ModelInfo {
  id: string;
  name: string;
  efforts: string[] | null;
}

export interface NamedUsage {
  id: string;
  name: string | null;
  used: UsageSum;
}

export interface NetworkRuleInfo {
  ruleId: string;
  projectId: string;
  pattern: string;
  by: string;
  createdAt: string;
  expiresAt: string | null;
}

export interface NetworkRuleRemoveRequest {
  ruleId: string;
}

export interface NetworkRuleRemoveResponse {
  rule: NetworkRuleInfo;
}

export interface NetworkRulesListRequest {
  projectId?: string | null;
}

export interface NetworkRulesListResponse {
  rules: NetworkRuleInfo[];
}

export interface NetworkSubject {
  kind: "network";
  host: string;
  port: number;
  method: string;
  commands: string[];
}

export interface NoticeEvent {
  kind: "notice";
  level: NoticeLevel;
  text: string;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export type NoticeLevel = "info" | "warning";

export interface OffersEvent {
  kind: "offers";
  commands: CommandInfo[];
  models: ModelInfo[];
  efforts: string[] | null;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export type PingRequest = Record<string, never>;

export interface PingResponse {
  now: string;
}

export interface PlanSubject {
  kind: "plan";
  plan: string;
}

export interface PresenceRequest {
  visible: boolean;
}

export interface PresenceResponse {
  visible: boolean;
}

export interface ProjectAddRequest {
  path: string;
  name?: string | null;
  force?: boolean;
}

export interface ProjectAddResponse {
  project: ProjectInfo;
  added: boolean;
}

export interface ProjectChanged {
  kind: "project";
  project: ProjectInfo;
}

export interface ProjectCloneCancelRequest {
  cloneId: string;
}

export interface ProjectCloneCancelResponse {
  cloning: CloneInfo;
}

export interface ProjectCloneGetRequest {
  cloneId?: string | null;
}

export interface ProjectCloneGetResponse {
  cloning: CloneInfo | null;
}

export interface ProjectCloneRequest {
  cloneId: string;
  parent: string;
  name: string;
  address: string;
}

export interface ProjectCloneResponse {
  cloning: CloneInfo;
}

export interface ProjectCreateRequest {
  parent: string;
  name: string;
  git: boolean;
  creationId?: string | null;
}

export interface ProjectCreateResponse {
  project: ProjectInfo;
}

export interface ProjectDefaults {
  agent?: string | null;
  mode?: string | null;
  model?: string | null;
  effort?: string | null;
  sandbox?: SandboxKind | null;
}

export interface ProjectDefaultsGetRequest {
  projectId: string;
}

export interface ProjectDefaultsGetResponse {
  defaults: ProjectDefaults;
}

export interface ProjectDefaultsSetRequest {
  projectId: string;
  defaults: ProjectDefaults;
}

export interface ProjectDefaultsSetResponse {
  defaults: ProjectDefaults;
}

export interface ProjectInfo {
  projectId: string;
  name: string;
  path: string;
  createdAt: string;
  lastOpenedAt: string | null;
  missing: boolean;
  worktree: WorktreeInfo | null;
}

export interface ProjectRemoveRequest {
  projectId: string;
}

export interface ProjectRemoveResponse {
  project: ProjectInfo;
}

export interface ProjectRemoved {
  kind: "project_removed";
  projectId: string;
}

export interface ProjectRenameRequest {
  projectId: string;
  name: string;
}

export interface ProjectRenameResponse {
  project: ProjectInfo;
}

export type ProjectsListRequest = Record<string, never>;

export interface ProjectsListResponse {
  projects: ProjectInfo[];
}

export interface PromptSubject {
  kind: "prompt";
  text: string;
  attachments?: AttachmentInfo[] | null;
}

export interface ProviderKeyCheckRequest {
  provider: string;
}

export interface ProviderKeyCheckResponse {
  verdict: ProviderKeyVerdict;
  host: string;
  status: number | null;
}

export interface ProviderKeyInfo {
  provider: string;
  setAt: string | null;
  setBy: string | null;
}

export interface ProviderKeyRemoveRequest {
  provider: string;
}

export interface ProviderKeyRemoveResponse {
  key: ProviderKeyInfo;
  was: boolean;
}

export interface ProviderKeySetRequest {
  provider: string;
  value: string;
}

export interface ProviderKeySetResponse {
  key: ProviderKeyInfo;
}

export type ProviderKeyVerdict = "works" | "refused" | "unreachable" | "unclear";

export type PushKind = "permission" | "mcp_request" | "question" | "plan" | "task_complete" | "task_error";

export interface PushNotice {
  v: number;
  machineId: string;
  machine: string;
  kind: PushNoticeKind;
  tag: string;
  waiting: number;
  at: string;
  approvalId?: string | null;
  agentSessionId?: string | null;
  digest?: string | null;
  session?: string | null;
  project?: string | null;
  tier?: RiskTier | null;
  sandbox?: SandboxKind | null;
  what?: string | null;
  whole?: boolean;
  folder?: string | null;
  denies?: boolean;
  outcome?: string | null;
  expiresAt?: string | null;
}

export type PushNoticeKind = "plan" | "question" | "mcp_request" | "permission" | "task_error" | "task_complete" | "settled" | "digest" | "test";

export interface PushReport {
  at: string;
  accepted: boolean;
  words: string;
}

export interface PushSettings {
  kinds: PushKind[];
  quiet: QuietHours | null;
  digest: boolean;
  details: boolean;
  afterSeconds: number;
}

export type PushSettingsGetRequest = Record<string, never>;

export interface PushSettingsGetResponse {
  push: PushState;
}

export interface PushSettingsSetRequest {
  settings: PushSettings;
}

export interface PushSettingsSetResponse {
  push: PushState;
}

export interface PushState {
  key: string;
  origin: string | null;
  settings: PushSettings;
  last: PushReport | null;
}

export interface PushSubscribeRequest {
  endpoint: string;
  p256dh: string;
  auth: string;
  settings?: PushSettings | null;
}

export interface PushSubscribeResponse {
  push: PushState;
}

export type PushTestRequest = Record<string, never>;

export interface PushTestResponse {
  report: PushReport;
  notice: PushNotice;
}

export type PushUnsubscribeRequest = Record<string, never>;

export interface PushUnsubscribeResponse {
  push: PushState;
}

export interface Question {
  text: string;
  header: string | null;
  options: QuestionOption[];
  multiSelect: boolean;
}

export interface QuestionOption {
  label: string;
  description: string | null;
}

export interface QuestionSubject {
  kind: "question";
  questions: Question[];
}

export interface QueueOrderEvent {
  kind: "queue";
  promptIds: string[];
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface QuietHours {
  from: string;
  to: string;
  timeZone: string;
}

export interface QuietInfo {
  kind: QuietKind;
  since: string;
  detail?: string | null;
  nextAt?: string | null;
  attempt?: number | null;
  maxAttempts?: number | null;
}

export type QuietKind = "starting" | "thinking" | "waiting" | "tool" | "retrying" | "network" | "dead" | "silent";

export interface RiskInfo {
  tier: RiskTier;
  understood: boolean;
  reversible: boolean;
  consequences: Consequence[];
  marks: CommandMark[] | null;
}

export type RiskTier = "read" | "workspace_write" | "reaches_out" | "destructive";

export type SandboxKind = "none" | "bubblewrap" | "docker" | "landlock";

export type Scope = "view" | "prompt" | "decide" | "manage";

export interface ScriptInfo {
  path: string;
  sha256: string | null;
  bytes: number | null;
}

export interface SentFileEvent {
  kind: "sent_file";
  toolUseId: string;
  agentSessionId: string;
  fileId: string;
  name: string;
  bytes: number;
  mediaType: string;
  sha256: string;
  caption: string | null;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface SentFileRequest {
  agentSessionId: string;
  fileId: string;
  offset?: number;
  limit?: number;
}

export interface SentFileResponse {
  fileId: string;
  offset: number;
  data: string;
  bytes: number;
}

export interface SessionChanged {
  kind: "session";
  session: SessionInfo;
}

export interface SessionChanges {
  files: number;
  added: number;
  removed: number;
}

export interface SessionHit {
  agentSessionId: string;
  who: SessionSpeaker;
  at: string;
  excerpt: string;
  from: number;
  length: number;
  messages: number;
}

export interface SessionInfo {
  agentSessionId: string;
  projectId: string;
  agent: string;
  title: string;
  state: SessionState;
  activity: string | null;
  mode: string | null;
  model: string | null;
  sandbox: SandboxKind;
  queued: number;
  held: boolean;
  archived: boolean;
  createdAt: string;
  updatedAt: string;
  usage: UsageInfo;
  head: number;
  models?: ModelAccess | null;
  inTerminal: boolean;
  folder: string | null;
  effort: string | null;
  context: ContextInfo | null;
  quiet: QuietInfo | null;
  activitySince: string | null;
  lastLine: string | null;
  changes: SessionChanges | null;
  pinned: boolean;
  labels: string[];
  snoozedUntil: string | null;
  unread: boolean;
}

export interface SessionRemoved {
  kind: "session_removed";
  agentSessionId: string;
}

export type SessionSpeaker = "person" | "agent";

export type SessionState = "idle" | "working" | "needs_you" | "failed";

export interface SessionWorktreeCreateRequest {
  worktreeId: string;
  projectId: string;
  branch: string;
  base?: string | null;
}

export interface SessionWorktreeCreateResponse {
  project: ProjectInfo;
}

export interface SessionWorktreeDiscardRequest {
  projectId: string;
  loss?: string | null;
}

export interface SessionWorktreeDiscardResponse {
  commit: string | null;
}

export interface SessionWorktreeMergeRequest {
  projectId: string;
  commit: string;
}

export interface SessionWorktreeMergeResponse {
  commit: string;
  alreadyMerged: boolean;
}

export interface SessionWorktreeStateRequest {
  projectId: string;
}

export interface SessionWorktreeStateResponse {
  branch: string;
  base: string;
  problem: string | null;
  working: boolean;
  commit: string | null;
  ahead: number;
  behind: number;
  files: number;
  uncommitted: number;
  checkedOut: string | null;
  baseCheckedOut: boolean;
  conflicts: string[];
  loss: string | null;
}

export interface SnapshotDiffRequest {
  target: UndoTarget;
}

export interface SnapshotDiffResponse {
  target: UndoTarget;
  takenAt: string;
  digest: string;
  total: number;
  files: UndoFile[];
  changedSince: number;
  outcomeUnknown: boolean;
  running: boolean;
  leftAlone: UndoLeftAlone[];
}

export interface SnapshotUndoRequest {
  undoId: string;
  target: UndoTarget;
  digest: string;
  signature: string;
  force?: boolean;
}

export interface SnapshotUndoResponse {
  undo: UndoInfo;
}

export interface SteerEvent {
  kind: "steer";
  promptId: string;
  content: string;
  deviceId: string | null;
  state: SteerState;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export type SteerState = "sending" | "heard" | "queued";

export interface StreamCursor {
  stream: string;
  epoch: string;
  seq: number;
}

export interface SubscribeRequest {
  stream: string;
  epoch?: string | null;
  after?: number;
  batches?: boolean;
}

export interface SubscribeResponse {
  stream: string;
  epoch: string;
  head: number;
  reset: boolean;
}

export interface TerminalAckRequest {
  agentSessionId: string;
  name: string;
  epoch: string;
  seq: number;
}

export type TerminalAckResponse = Record<string, never>;

export interface TerminalAttachRequest {
  agentSessionId: string;
  name: string;
  columns?: number;
  rows?: number;
  history?: number;
}

export interface TerminalAttachResponse {
  terminal: TerminalInfo;
  epoch: string;
  mayType: boolean;
}

export interface TerminalCaptureRequest {
  agentSessionId: string;
  name: string;
  lines?: number;
}

export interface TerminalCaptureResponse {
  text: string;
  columns: number;
  rows: number;
}

export interface TerminalCloseRequest {
  agentSessionId: string;
  name: string;
}

export type TerminalCloseResponse = Record<string, never>;

export interface TerminalDetachRequest {
  agentSessionId: string;
  name: string;
}

export type TerminalDetachResponse = Record<string, never>;

export interface TerminalInfo {
  agentSessionId: string;
  name: string;
  columns: number;
  rows: number;
  viewers: number;
  openedAt: string;
  sandbox: SandboxKind;
}

export interface TerminalInputRequest {
  agentSessionId: string;
  name: string;
  data: string;
}

export type TerminalInputResponse = Record<string, never>;

export interface TerminalListRequest {
  agentSessionId?: string | null;
}

export interface TerminalListResponse {
  terminals: TerminalInfo[];
}

export interface TerminalOpenRequest {
  agentSessionId: string;
  name: string;
  columns?: number;
  rows?: number;
  workingDirectory?: string | null;
}

export interface TerminalOpenResponse {
  terminal: TerminalInfo;
  opened: boolean;
}

export interface TerminalOutputPayload {
  agentSessionId: string;
  name: string;
  data: string;
  reset: boolean;
  skipped: boolean;
  columns: number;
  rows: number;
  ended?: string | null;
}

export interface TerminalResizeRequest {
  agentSessionId: string;
  name: string;
  columns: number;
  rows: number;
}

export interface TerminalResizeResponse {
  terminal: TerminalInfo;
}

export interface TextEvent {
  kind: "text";
  blockId: string;
  text: string;
  cut?: boolean;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface ThinkingEvent {
  kind: "thinking";
  blockId: string;
  text: string;
  cut?: boolean;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface TodoEvent {
  kind: "todo";
  items: TodoItem[];
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface TodoItem {
  text: string;
  state: TodoItemState;
}

export type TodoItemState = "pending" | "active" | "done";

export type ToolCategory = "read" | "search" | "execute" | "edit" | "fetch" | "think" | "agent" | "question" | "plan" | "todo" | "other";

export interface ToolResultEvent {
  kind: "tool_result";
  toolUseId: string;
  failed: boolean;
  output: string;
  outputBytes: number;
  outputTruncated: boolean;
  exitCode: number | null;
  durationMs: number | null;
  interrupted: boolean;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface ToolSubject {
  kind: "tool";
  tool: string;
  input: string;
}

export interface ToolUseEvent {
  kind: "tool_use";
  toolUseId: string;
  tool: string;
  category: ToolCategory;
  title: string;
  input: string;
  inputTruncated: boolean;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface TurnEvent {
  kind: "turn";
  turn: TurnInfo;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface TurnInfo {
  turnId: string;
  state: TurnState;
  content: string;
  deviceId: string | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  error: string | null;
  attachments: AttachmentInfo[];
}

export type TurnState = "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled" | "interrupted";

export type UndoChange = "create" | "write" | "delete" | "mode" | "link";

export interface UndoEvent {
  kind: "undo";
  undo: UndoInfo;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface UndoFile {
  path: string;
  change: UndoChange;
  diff: FileDiff | null;
  changedSince: boolean;
  mode: string | null;
}

export interface UndoInfo {
  undoId: string;
  target: UndoTarget;
  agentSessionId: string;
  turnId: string | null;
  by: string;
  at: string;
  files: number;
  paths: string[];
  failed: UndoLeftAlone[];
}

export type UndoKind = "approval" | "turn" | "undo";

export interface UndoLeftAlone {
  path: string;
  why: string;
}

export interface UndoTarget {
  kind: UndoKind;
  id: string;
}

export interface UnsubscribeRequest {
  stream: string;
}

export interface UnsubscribeResponse {
  stream: string;
}

export interface UsageEvent {
  kind: "usage";
  turn: UsageInfo;
  session: UsageInfo;
  at: string;
  turnId: string | null;
  parentToolUseId: string | null;
}

export interface UsageGetRequest {
  days?: number | null;
}

export interface UsageGetResponse {
  pricesAsOf: string;
  today: string;
  total: UsageSum;
  days: NamedUsage[];
  models: NamedUsage[];
  projects: NamedUsage[];
  sessions: NamedUsage[];
  modelsLeft: number;
  projectsLeft: number;
  sessionsLeft: number;
  directSessions: number;
}

export interface UsageInfo {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  costUsd: number | null;
}

export interface UsageSum {
  requests: number;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  costUsd: number | null;
  unpriced: number;
  uncounted: number;
  ownLogin: number;
}

export interface WireError {
  code: ErrorCode;
  message: string;
  details?: Record<string, string> | null;
}

export interface WorktreeInfo {
  parentId: string;
  branch: string;
  base: string;
  gone: boolean;
}

export const Limits = {
  messageBytes: 8388608,
  promptBytes: 262144,
  queuedPrompts: 50,
  reasonBytes: 4096,
  nameLength: 100,
  searchCharacters: 200,
  sessionLabels: 5,
  labelLength: 24,
  snoozeDays: 366,
  letterDays: 7,
  attachmentBytes: 10485760,
  attachmentsPerPrompt: 10,
  attachmentChunkBytes: 262144,
  attachmentNameLength: 200,
  imageBytes: 3750000,
  promptImageBytes: 15000000,
  terminalInputBytes: 16384,
  terminalWindow: 98304,
  terminalHistoryLines: 5000,
  terminalNameLength: 32,
  terminalLargestSide: 500,
  providerKeyShortest: 16,
  providerKeyLongest: 2048,
  budgetDollars: 1000000,
  budgetTokens: 1000000000000,
} as const;
