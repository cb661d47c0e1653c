namespace PocketCoder.Protocol;

/// <summary>What devices and people in chats ask, and the owner at the machine does not.</summary>
public static class DeviceVerbs
{
    private static ProtocolJson Json => ProtocolJson.Default;

    public static Verb<AgentContinueRequest, AgentContinueResponse> AgentContinue { get; } =
        new(MessageTypes.AgentContinue, static () => Json.AgentContinueRequest, static () => Json.AgentContinueResponse);

    public static Verb<AgentMessageRequest, AgentMessageResponse> AgentMessage { get; } =
        new(MessageTypes.AgentMessage, static () => Json.AgentMessageRequest, static () => Json.AgentMessageResponse);

    public static Verb<AgentQueueEditRequest, AgentQueueEditResponse> AgentQueueEdit { get; } =
        new(MessageTypes.AgentQueueEdit, static () => Json.AgentQueueEditRequest, static () => Json.AgentQueueEditResponse);

    public static Verb<AgentQueueMergeRequest, AgentQueueMergeResponse> AgentQueueMerge { get; } =
        new(MessageTypes.AgentQueueMerge, static () => Json.AgentQueueMergeRequest, static () => Json.AgentQueueMergeResponse);

    public static Verb<AgentQueueMoveRequest, AgentQueueMoveResponse> AgentQueueMove { get; } =
        new(MessageTypes.AgentQueueMove, static () => Json.AgentQueueMoveRequest, static () => Json.AgentQueueMoveResponse);

    public static Verb<AgentQueueRemoveRequest, AgentQueueRemoveResponse> AgentQueueRemove { get; } =
        new(MessageTypes.AgentQueueRemove, static () => Json.AgentQueueRemoveRequest, static () => Json.AgentQueueRemoveResponse);

    public static Verb<AgentSessionDeleteRequest, AgentSessionDeleteResponse> AgentSessionDelete { get; } =
        new(MessageTypes.AgentSessionDelete, static () => Json.AgentSessionDeleteRequest, static () => Json.AgentSessionDeleteResponse);

    public static Verb<AgentSessionForkRequest, AgentSessionForkResponse> AgentSessionFork { get; } =
        new(MessageTypes.AgentSessionFork, static () => Json.AgentSessionForkRequest, static () => Json.AgentSessionForkResponse);

    public static Verb<AgentSessionGetRequest, AgentSessionGetResponse> AgentSessionGet { get; } =
        new(MessageTypes.AgentSessionGet, static () => Json.AgentSessionGetRequest, static () => Json.AgentSessionGetResponse);

    public static Verb<AgentSessionNewRequest, AgentSessionNewResponse> AgentSessionNew { get; } =
        new(MessageTypes.AgentSessionNew, static () => Json.AgentSessionNewRequest, static () => Json.AgentSessionNewResponse);

    public static Verb<AgentSessionSeenRequest, AgentSessionSeenResponse> AgentSessionSeen { get; } =
        new(MessageTypes.AgentSessionSeen, static () => Json.AgentSessionSeenRequest, static () => Json.AgentSessionSeenResponse);

    public static Verb<AgentSessionWarmRequest, AgentSessionWarmResponse> AgentSessionWarm { get; } =
        new(MessageTypes.AgentSessionWarm, static () => Json.AgentSessionWarmRequest, static () => Json.AgentSessionWarmResponse);

    public static Verb<AgentSessionsSearchRequest, AgentSessionsSearchResponse> AgentSessionsSearch { get; } =
        new(MessageTypes.AgentSessionsSearch, static () => Json.AgentSessionsSearchRequest, static () => Json.AgentSessionsSearchResponse);

    public static Verb<AgentSteerRequest, AgentSteerResponse> AgentSteer { get; } =
        new(MessageTypes.AgentSteer, static () => Json.AgentSteerRequest, static () => Json.AgentSteerResponse);

    public static Verb<AgentsListRequest, AgentsListResponse> AgentsList { get; } =
        new(MessageTypes.AgentsList, static () => Json.AgentsListRequest, static () => Json.AgentsListResponse);

    public static Verb<ApprovalsListRequest, ApprovalsListResponse> ApprovalsList { get; } =
        new(MessageTypes.ApprovalsList, static () => Json.ApprovalsListRequest, static () => Json.ApprovalsListResponse);

    public static Verb<AttachmentBeginRequest, AttachmentBeginResponse> AttachmentBegin { get; } =
        new(MessageTypes.AttachmentBegin, static () => Json.AttachmentBeginRequest, static () => Json.AttachmentBeginResponse);

    public static Verb<AttachmentChunkRequest, AttachmentChunkResponse> AttachmentChunk { get; } =
        new(MessageTypes.AttachmentChunk, static () => Json.AttachmentChunkRequest, static () => Json.AttachmentChunkResponse);

    public static Verb<AttachmentDiscardRequest, AttachmentDiscardResponse> AttachmentDiscard { get; } =
        new(MessageTypes.AttachmentDiscard, static () => Json.AttachmentDiscardRequest, static () => Json.AttachmentDiscardResponse);

    public static Verb<AttachmentEndRequest, AttachmentEndResponse> AttachmentEnd { get; } =
        new(MessageTypes.AttachmentEnd, static () => Json.AttachmentEndRequest, static () => Json.AttachmentEndResponse);

    public static Verb<AttachmentReadRequest, AttachmentReadResponse> AttachmentRead { get; } =
        new(MessageTypes.AttachmentRead, static () => Json.AttachmentReadRequest, static () => Json.AttachmentReadResponse);

    public static Verb<CommandFavouritesGetRequest, CommandFavouritesGetResponse> CommandFavouritesGet { get; } =
        new(MessageTypes.CommandFavouritesGet, static () => Json.CommandFavouritesGetRequest,
            static () => Json.CommandFavouritesGetResponse);

    public static Verb<CommandFavouritesSetRequest, CommandFavouritesSetResponse> CommandFavouritesSet { get; } =
        new(MessageTypes.CommandFavouritesSet, static () => Json.CommandFavouritesSetRequest,
            static () => Json.CommandFavouritesSetResponse);

    public static Verb<CommandReadRequest, CommandReadResponse> CommandRead { get; } =
        new(MessageTypes.CommandRead, static () => Json.CommandReadRequest, static () => Json.CommandReadResponse);

    public static Verb<FilesFindRequest, FilesFindResponse> FilesFind { get; } =
        new(MessageTypes.FilesFind, static () => Json.FilesFindRequest, static () => Json.FilesFindResponse);

    public static Verb<FoldersListRequest, FoldersListResponse> FoldersList { get; } =
        new(MessageTypes.FoldersList, static () => Json.FoldersListRequest, static () => Json.FoldersListResponse);

    public static Verb<FsDeleteRequest, FsDeleteResponse> FsDelete { get; } =
        new(MessageTypes.FsDelete, static () => Json.FsDeleteRequest, static () => Json.FsDeleteResponse);

    public static Verb<FsDownloadBeginRequest, FsDownloadBeginResponse> FsDownloadBegin { get; } =
        new(MessageTypes.FsDownloadBegin, static () => Json.FsDownloadBeginRequest, static () => Json.FsDownloadBeginResponse);

    public static Verb<FsDownloadChunkRequest, FsDownloadChunkResponse> FsDownloadChunk { get; } =
        new(MessageTypes.FsDownloadChunk, static () => Json.FsDownloadChunkRequest, static () => Json.FsDownloadChunkResponse);

    public static Verb<FsDownloadEndRequest, FsDownloadEndResponse> FsDownloadEnd { get; } =
        new(MessageTypes.FsDownloadEnd, static () => Json.FsDownloadEndRequest, static () => Json.FsDownloadEndResponse);

    public static Verb<FsListRequest, FsListResponse> FsList { get; } =
        new(MessageTypes.FsList, static () => Json.FsListRequest, static () => Json.FsListResponse);

    public static Verb<FsMkdirRequest, FsMkdirResponse> FsMkdir { get; } =
        new(MessageTypes.FsMkdir, static () => Json.FsMkdirRequest, static () => Json.FsMkdirResponse);

    public static Verb<FsMoveRequest, FsMoveResponse> FsMove { get; } =
        new(MessageTypes.FsMove, static () => Json.FsMoveRequest, static () => Json.FsMoveResponse);

    public static Verb<FsReadRequest, FsReadResponse> FsRead { get; } =
        new(MessageTypes.FsRead, static () => Json.FsReadRequest, static () => Json.FsReadResponse);

    public static Verb<FsRestoreRequest, FsRestoreResponse> FsRestore { get; } =
        new(MessageTypes.FsRestore, static () => Json.FsRestoreRequest, static () => Json.FsRestoreResponse);

    public static Verb<FsSearchRequest, FsSearchResponse> FsSearch { get; } =
        new(MessageTypes.FsSearch, static () => Json.FsSearchRequest, static () => Json.FsSearchResponse);

    public static Verb<FsStatRequest, FsStatResponse> FsStat { get; } =
        new(MessageTypes.FsStat, static () => Json.FsStatRequest, static () => Json.FsStatResponse);

    public static Verb<FsTrashListRequest, FsTrashListResponse> FsTrashList { get; } =
        new(MessageTypes.FsTrashList, static () => Json.FsTrashListRequest, static () => Json.FsTrashListResponse);

    public static Verb<FsUploadBeginRequest, FsUploadBeginResponse> FsUploadBegin { get; } =
        new(MessageTypes.FsUploadBegin, static () => Json.FsUploadBeginRequest, static () => Json.FsUploadBeginResponse);

    public static Verb<FsUploadChunkRequest, FsUploadChunkResponse> FsUploadChunk { get; } =
        new(MessageTypes.FsUploadChunk, static () => Json.FsUploadChunkRequest, static () => Json.FsUploadChunkResponse);

    public static Verb<FsUploadDiscardRequest, FsUploadDiscardResponse> FsUploadDiscard { get; } =
        new(MessageTypes.FsUploadDiscard, static () => Json.FsUploadDiscardRequest, static () => Json.FsUploadDiscardResponse);

    public static Verb<FsUploadEndRequest, FsUploadEndResponse> FsUploadEnd { get; } =
        new(MessageTypes.FsUploadEnd, static () => Json.FsUploadEndRequest, static () => Json.FsUploadEndResponse);

    public static Verb<FsWriteRequest, FsWriteResponse> FsWrite { get; } =
        new(MessageTypes.FsWrite, static () => Json.FsWriteRequest, static () => Json.FsWriteResponse);

    public static Verb<GitBlameRequest, GitBlameResponse> GitBlame { get; } =
        new(MessageTypes.GitBlame, static () => Json.GitBlameRequest, static () => Json.GitBlameResponse);

    public static Verb<GitBranchCreateRequest, GitBranchCreateResponse> GitBranchCreate { get; } =
        new(MessageTypes.GitBranchCreate, static () => Json.GitBranchCreateRequest, static () => Json.GitBranchCreateResponse);

    public static Verb<GitBranchesRequest, GitBranchesResponse> GitBranches { get; } =
        new(MessageTypes.GitBranches, static () => Json.GitBranchesRequest, static () => Json.GitBranchesResponse);

    public static Verb<GitCheckoutRequest, GitCheckoutResponse> GitCheckout { get; } =
        new(MessageTypes.GitCheckout, static () => Json.GitCheckoutRequest, static () => Json.GitCheckoutResponse);

    public static Verb<GitCommitRequest, GitCommitResponse> GitCommit { get; } =
        new(MessageTypes.GitCommit, static () => Json.GitCommitRequest, static () => Json.GitCommitResponse);

    public static Verb<GitConflictRequest, GitConflictResponse> GitConflict { get; } =
        new(MessageTypes.GitConflict, static () => Json.GitConflictRequest, static () => Json.GitConflictResponse);

    public static Verb<GitConflictResolveRequest, GitConflictResolveResponse> GitConflictResolve { get; } =
        new(MessageTypes.GitConflictResolve, static () => Json.GitConflictResolveRequest, static () => Json.GitConflictResolveResponse);

    public static Verb<GitDiffRequest, GitDiffResponse> GitDiff { get; } =
        new(MessageTypes.GitDiff, static () => Json.GitDiffRequest, static () => Json.GitDiffResponse);

    public static Verb<GitDiscardRequest, GitDiscardResponse> GitDiscard { get; } =
        new(MessageTypes.GitDiscard, static () => Json.GitDiscardRequest, static () => Json.GitDiscardResponse);

    public static Verb<GitDiscardUndoRequest, GitDiscardUndoResponse> GitDiscardUndo { get; } =
        new(MessageTypes.GitDiscardUndo, static () => Json.GitDiscardUndoRequest, static () => Json.GitDiscardUndoResponse);

    public static Verb<GitFetchRequest, GitFetchResponse> GitFetch { get; } =
        new(MessageTypes.GitFetch, static () => Json.GitFetchRequest, static () => Json.GitFetchResponse);

    public static Verb<GitFileBaseRequest, GitFileBaseResponse> GitFileBase { get; } =
        new(MessageTypes.GitFileBase, static () => Json.GitFileBaseRequest, static () => Json.GitFileBaseResponse);

    public static Verb<GitLogRequest, GitLogResponse> GitLog { get; } =
        new(MessageTypes.GitLog, static () => Json.GitLogRequest, static () => Json.GitLogResponse);

    public static Verb<GitOperationRequest, GitOperationResponse> GitOperation { get; } =
        new(MessageTypes.GitOperation, static () => Json.GitOperationRequest, static () => Json.GitOperationResponse);

    public static Verb<GitPullRequest, GitPullResponse> GitPull { get; } =
        new(MessageTypes.GitPull, static () => Json.GitPullRequest, static () => Json.GitPullResponse);

    public static Verb<GitPushRequest, GitPushResponse> GitPush { get; } =
        new(MessageTypes.GitPush, static () => Json.GitPushRequest, static () => Json.GitPushResponse);

    public static Verb<GitRemoteDeleteRequest, GitRemoteDeleteResponse> GitRemoteDelete { get; } =
        new(MessageTypes.GitRemoteDelete, static () => Json.GitRemoteDeleteRequest, static () => Json.GitRemoteDeleteResponse);

    public static Verb<GitRemotesRequest, GitRemotesResponse> GitRemotes { get; } =
        new(MessageTypes.GitRemotes, static () => Json.GitRemotesRequest, static () => Json.GitRemotesResponse);

    public static Verb<GitShowRequest, GitShowResponse> GitShow { get; } =
        new(MessageTypes.GitShow, static () => Json.GitShowRequest, static () => Json.GitShowResponse);

    public static Verb<GitStageRequest, GitStageResponse> GitStage { get; } =
        new(MessageTypes.GitStage, static () => Json.GitStageRequest, static () => Json.GitStageResponse);

    public static Verb<GitStashRequest, GitStashResponse> GitStash { get; } =
        new(MessageTypes.GitStash, static () => Json.GitStashRequest, static () => Json.GitStashResponse);

    public static Verb<GitStashesRequest, GitStashesResponse> GitStashes { get; } =
        new(MessageTypes.GitStashes, static () => Json.GitStashesRequest, static () => Json.GitStashesResponse);

    public static Verb<GitStatusRequest, GitStatusResponse> GitStatus { get; } =
        new(MessageTypes.GitStatus, static () => Json.GitStatusRequest, static () => Json.GitStatusResponse);

    public static Verb<GitSubmodulesRequest, GitSubmodulesResponse> GitSubmodules { get; } =
        new(MessageTypes.GitSubmodules, static () => Json.GitSubmodulesRequest, static () => Json.GitSubmodulesResponse);

    public static Verb<GitTagCreateRequest, GitTagCreateResponse> GitTagCreate { get; } =
        new(MessageTypes.GitTagCreate, static () => Json.GitTagCreateRequest, static () => Json.GitTagCreateResponse);

    public static Verb<GitTagDeleteRequest, GitTagDeleteResponse> GitTagDelete { get; } =
        new(MessageTypes.GitTagDelete, static () => Json.GitTagDeleteRequest, static () => Json.GitTagDeleteResponse);

    public static Verb<GitTagsRequest, GitTagsResponse> GitTags { get; } =
        new(MessageTypes.GitTags, static () => Json.GitTagsRequest, static () => Json.GitTagsResponse);

    public static Verb<GitTransferCancelRequest, GitTransferCancelResponse> GitTransferCancel { get; } =
        new(MessageTypes.GitTransferCancel, static () => Json.GitTransferCancelRequest, static () => Json.GitTransferCancelResponse);

    public static Verb<GitUnstageRequest, GitUnstageResponse> GitUnstage { get; } =
        new(MessageTypes.GitUnstage, static () => Json.GitUnstageRequest, static () => Json.GitUnstageResponse);

    public static Verb<GitWorktreeCreateRequest, GitWorktreeCreateResponse> GitWorktreeCreate { get; } =
        new(MessageTypes.GitWorktreeCreate, static () => Json.GitWorktreeCreateRequest, static () => Json.GitWorktreeCreateResponse);

    public static Verb<GitWorktreeMergeRequest, GitWorktreeMergeResponse> GitWorktreeMerge { get; } =
        new(MessageTypes.GitWorktreeMerge, static () => Json.GitWorktreeMergeRequest, static () => Json.GitWorktreeMergeResponse);

    public static Verb<GitWorktreeRemoveRequest, GitWorktreeRemoveResponse> GitWorktreeRemove { get; } =
        new(MessageTypes.GitWorktreeRemove, static () => Json.GitWorktreeRemoveRequest, static () => Json.GitWorktreeRemoveResponse);

    public static Verb<LettersWithdrawRequest, LettersWithdrawResponse> LettersWithdraw { get; } =
        new(MessageTypes.LettersWithdraw, static () => Json.LettersWithdrawRequest, static () => Json.LettersWithdrawResponse);

    public static Verb<GitWorktreesRequest, GitWorktreesResponse> GitWorktrees { get; } =
        new(MessageTypes.GitWorktrees, static () => Json.GitWorktreesRequest, static () => Json.GitWorktreesResponse);

    public static Verb<MachineLogsRequest, MachineLogsResponse> MachineLogs { get; } =
        new(MessageTypes.MachineLogs, static () => Json.MachineLogsRequest, static () => Json.MachineLogsResponse);

    public static Verb<MachineStateRequest, MachineStateResponse> MachineState { get; } =
        new(MessageTypes.MachineState, static () => Json.MachineStateRequest, static () => Json.MachineStateResponse);

    public static Verb<MachineStatusRequest, MachineStatusResponse> MachineStatus { get; } =
        new(MessageTypes.MachineStatus, static () => Json.MachineStatusRequest, static () => Json.MachineStatusResponse);

    public static Verb<MachinesListRequest, MachinesListResponse> MachinesList { get; } =
        new(MessageTypes.MachinesList, static () => Json.MachinesListRequest, static () => Json.MachinesListResponse);

    public static Verb<PingRequest, PingResponse> Ping { get; } =
        new(MessageTypes.Ping, static () => Json.PingRequest, static () => Json.PingResponse);

    public static Verb<PresenceRequest, PresenceResponse> Presence { get; } =
        new(MessageTypes.Presence, static () => Json.PresenceRequest, static () => Json.PresenceResponse);

    public static Verb<ProjectCloneRequest, ProjectCloneResponse> ProjectClone { get; } =
        new(MessageTypes.ProjectClone, static () => Json.ProjectCloneRequest, static () => Json.ProjectCloneResponse);

    public static Verb<ProjectCloneCancelRequest, ProjectCloneCancelResponse> ProjectCloneCancel { get; } =
        new(MessageTypes.ProjectCloneCancel, static () => Json.ProjectCloneCancelRequest, static () => Json.ProjectCloneCancelResponse);

    public static Verb<ProjectCloneGetRequest, ProjectCloneGetResponse> ProjectCloneGet { get; } =
        new(MessageTypes.ProjectCloneGet, static () => Json.ProjectCloneGetRequest, static () => Json.ProjectCloneGetResponse);

    public static Verb<ProjectCreateRequest, ProjectCreateResponse> ProjectCreate { get; } =
        new(MessageTypes.ProjectCreate, static () => Json.ProjectCreateRequest, static () => Json.ProjectCreateResponse);

    public static Verb<ProviderKeyCheckRequest, ProviderKeyCheckResponse> ProviderKeyCheck { get; } =
        new(MessageTypes.ProviderKeyCheck, static () => Json.ProviderKeyCheckRequest, static () => Json.ProviderKeyCheckResponse);

    public static Verb<ProviderKeyRemoveRequest, ProviderKeyRemoveResponse> ProviderKeyRemove { get; } =
        new(MessageTypes.ProviderKeyRemove, static () => Json.ProviderKeyRemoveRequest, static () => Json.ProviderKeyRemoveResponse);

    public static Verb<ProviderKeySetRequest, ProviderKeySetResponse> ProviderKeySet { get; } =
        new(MessageTypes.ProviderKeySet, static () => Json.ProviderKeySetRequest, static () => Json.ProviderKeySetResponse);

    public static Verb<PushSettingsGetRequest, PushSettingsGetResponse> PushSettingsGet { get; } =
        new(MessageTypes.PushSettingsGet, static () => Json.PushSettingsGetRequest, static () => Json.PushSettingsGetResponse);

    public static Verb<PushSettingsSetRequest, PushSettingsSetResponse> PushSettingsSet { get; } =
        new(MessageTypes.PushSettingsSet, static () => Json.PushSettingsSetRequest, static () => Json.PushSettingsSetResponse);

    public static Verb<PushSubscribeRequest, PushSubscribeResponse> PushSubscribe { get; } =
        new(MessageTypes.PushSubscribe, static () => Json.PushSubscribeRequest, static () => Json.PushSubscribeResponse);

    public static Verb<PushTestRequest, PushTestResponse> PushTest { get; } =
        new(MessageTypes.PushTest, static () => Json.PushTestRequest, static () => Json.PushTestResponse);

    public static Verb<PushUnsubscribeRequest, PushUnsubscribeResponse> PushUnsubscribe { get; } =
        new(MessageTypes.PushUnsubscribe, static () => Json.PushUnsubscribeRequest, static () => Json.PushUnsubscribeResponse);

    public static Verb<SentFileRequest, SentFileResponse> SentFile { get; } =
        new(MessageTypes.SentFile, static () => Json.SentFileRequest, static () => Json.SentFileResponse);

    public static Verb<SessionWorktreeCreateRequest, SessionWorktreeCreateResponse> SessionWorktreeCreate { get; } =
        new(MessageTypes.SessionWorktreeCreate, static () => Json.SessionWorktreeCreateRequest,
            static () => Json.SessionWorktreeCreateResponse);

    public static Verb<SessionWorktreeDiscardRequest, SessionWorktreeDiscardResponse> SessionWorktreeDiscard { get; } =
        new(MessageTypes.SessionWorktreeDiscard, static () => Json.SessionWorktreeDiscardRequest,
            static () => Json.SessionWorktreeDiscardResponse);

    public static Verb<SessionWorktreeMergeRequest, SessionWorktreeMergeResponse> SessionWorktreeMerge { get; } =
        new(MessageTypes.SessionWorktreeMerge, static () => Json.SessionWorktreeMergeRequest,
            static () => Json.SessionWorktreeMergeResponse);

    public static Verb<SessionWorktreeStateRequest, SessionWorktreeStateResponse> SessionWorktreeState { get; } =
        new(MessageTypes.SessionWorktreeState, static () => Json.SessionWorktreeStateRequest,
            static () => Json.SessionWorktreeStateResponse);

    public static Verb<SubscribeRequest, SubscribeResponse> Subscribe { get; } =
        new(MessageTypes.Subscribe, static () => Json.SubscribeRequest, static () => Json.SubscribeResponse);

    public static Verb<TerminalAckRequest, TerminalAckResponse> TerminalAck { get; } =
        new(MessageTypes.TerminalAck, static () => Json.TerminalAckRequest, static () => Json.TerminalAckResponse);

    public static Verb<TerminalAttachRequest, TerminalAttachResponse> TerminalAttach { get; } =
        new(MessageTypes.TerminalAttach, static () => Json.TerminalAttachRequest, static () => Json.TerminalAttachResponse);

    public static Verb<TerminalCaptureRequest, TerminalCaptureResponse> TerminalCapture { get; } =
        new(MessageTypes.TerminalCapture, static () => Json.TerminalCaptureRequest, static () => Json.TerminalCaptureResponse);

    public static Verb<TerminalDetachRequest, TerminalDetachResponse> TerminalDetach { get; } =
        new(MessageTypes.TerminalDetach, static () => Json.TerminalDetachRequest, static () => Json.TerminalDetachResponse);

    public static Verb<TerminalInputRequest, TerminalInputResponse> TerminalInput { get; } =
        new(MessageTypes.TerminalInput, static () => Json.TerminalInputRequest, static () => Json.TerminalInputResponse);

    public static Verb<TerminalResizeRequest, TerminalResizeResponse> TerminalResize { get; } =
        new(MessageTypes.TerminalResize, static () => Json.TerminalResizeRequest, static () => Json.TerminalResizeResponse);

    public static Verb<UnsubscribeRequest, UnsubscribeResponse> Unsubscribe { get; } =
        new(MessageTypes.Unsubscribe, static () => Json.UnsubscribeRequest, static () => Json.UnsubscribeResponse);
}
