using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Routing;

public sealed class MessageTableTests
{
    /// <summary>
    /// What each message needs. A new message must be added here too, so that its scope is a decision and not an accident.
    /// </summary>
    private static readonly Dictionary<string, Scope> s_needed = new(StringComparer.Ordinal)
    {
        [MessageTypes.Ping] = Scope.View,
        [MessageTypes.Subscribe] = Scope.View,
        [MessageTypes.Unsubscribe] = Scope.View,
        [MessageTypes.MachinesList] = Scope.View,
        [MessageTypes.MachineState] = Scope.View,
        [MessageTypes.MachineStatus] = Scope.View,
        [MessageTypes.MachineLogs] = Scope.Manage,
        [MessageTypes.ProjectsList] = Scope.View,
        [MessageTypes.AgentsList] = Scope.View,
        [MessageTypes.AgentSessionNew] = Scope.Prompt,
        [MessageTypes.AgentMessage] = Scope.Prompt,
        [MessageTypes.AgentSessionsList] = Scope.View,
        [MessageTypes.AgentSessionsSearch] = Scope.View,
        [MessageTypes.AgentSessionSeen] = Scope.Prompt,
        [MessageTypes.AgentSessionDelete] = Scope.Manage,
        [MessageTypes.AgentSessionGet] = Scope.View,
        [MessageTypes.AgentSessionSet] = Scope.Prompt,
        [MessageTypes.AgentCancel] = Scope.Prompt,
        [MessageTypes.AgentQueueEdit] = Scope.Prompt,
        [MessageTypes.AgentQueueRemove] = Scope.Prompt,
        [MessageTypes.LettersWithdraw] = Scope.Prompt,
        [MessageTypes.AgentQueueMerge] = Scope.Prompt,
        [MessageTypes.AgentQueueMove] = Scope.Prompt,
        [MessageTypes.AgentSteer] = Scope.Prompt,
        [MessageTypes.AgentSessionWarm] = Scope.Prompt,
        [MessageTypes.AgentContinue] = Scope.Prompt,
        [MessageTypes.AgentPromptResponse] = Scope.Decide,
        [MessageTypes.ApprovalsList] = Scope.View,
        [MessageTypes.ExecutionOutput] = Scope.View,
        [MessageTypes.JobsList] = Scope.View,
        [MessageTypes.JobStop] = Scope.Prompt,
        [MessageTypes.SentFile] = Scope.View,
        [MessageTypes.AttachmentBegin] = Scope.Prompt,
        [MessageTypes.AttachmentChunk] = Scope.Prompt,
        [MessageTypes.AttachmentEnd] = Scope.Prompt,
        [MessageTypes.AttachmentDiscard] = Scope.Prompt,
        [MessageTypes.AttachmentRead] = Scope.View,
        [MessageTypes.FilesFind] = Scope.View,
        [MessageTypes.AgentSessionFork] = Scope.Prompt,
        [MessageTypes.FsList] = Scope.View,
        [MessageTypes.FsStat] = Scope.View,
        [MessageTypes.FsRead] = Scope.View,
        [MessageTypes.FsTrashList] = Scope.View,
        [MessageTypes.FsSearch] = Scope.View,
        [MessageTypes.FsDownloadBegin] = Scope.View,
        [MessageTypes.FsDownloadChunk] = Scope.View,
        [MessageTypes.FsDownloadEnd] = Scope.View,
        [MessageTypes.FsWrite] = Scope.Decide,
        [MessageTypes.FsMkdir] = Scope.Decide,
        [MessageTypes.FsMove] = Scope.Decide,
        [MessageTypes.FsDelete] = Scope.Decide,
        [MessageTypes.FsRestore] = Scope.Decide,
        [MessageTypes.FsUploadBegin] = Scope.Decide,
        [MessageTypes.FsUploadChunk] = Scope.Decide,
        [MessageTypes.FsUploadEnd] = Scope.Decide,
        [MessageTypes.FsUploadDiscard] = Scope.Decide,
        [MessageTypes.GitStatus] = Scope.View,
        [MessageTypes.GitBranches] = Scope.View,
        [MessageTypes.GitBranchCreate] = Scope.Decide,
        [MessageTypes.GitCheckout] = Scope.Decide,
        [MessageTypes.GitStage] = Scope.Decide,
        [MessageTypes.GitUnstage] = Scope.Decide,
        [MessageTypes.GitCommit] = Scope.Decide,
        [MessageTypes.GitFileBase] = Scope.View,
        [MessageTypes.GitDiff] = Scope.View,
        [MessageTypes.GitLog] = Scope.View,
        [MessageTypes.GitShow] = Scope.View,
        [MessageTypes.GitBlame] = Scope.View,
        [MessageTypes.GitStashes] = Scope.View,
        [MessageTypes.GitStash] = Scope.Decide,
        [MessageTypes.GitDiscard] = Scope.Decide,
        [MessageTypes.GitDiscardUndo] = Scope.Decide,
        [MessageTypes.GitTags] = Scope.View,
        [MessageTypes.GitTagCreate] = Scope.Decide,
        [MessageTypes.GitTagDelete] = Scope.Decide,
        [MessageTypes.GitRemotes] = Scope.View,
        [MessageTypes.GitWorktrees] = Scope.View,
        [MessageTypes.GitWorktreeCreate] = Scope.Decide,
        [MessageTypes.GitWorktreeRemove] = Scope.Decide,
        [MessageTypes.GitWorktreeMerge] = Scope.Decide,
        [MessageTypes.SessionWorktreeCreate] = Scope.Decide,
        [MessageTypes.SessionWorktreeState] = Scope.View,
        [MessageTypes.SessionWorktreeMerge] = Scope.Decide,
        [MessageTypes.SessionWorktreeDiscard] = Scope.Decide,
        [MessageTypes.GitSubmodules] = Scope.View,
        [MessageTypes.GitConflict] = Scope.View,
        [MessageTypes.GitConflictResolve] = Scope.Decide,
        [MessageTypes.GitOperation] = Scope.Decide,
        [MessageTypes.GitRemoteDelete] = Scope.Prompt,
        [MessageTypes.GitPush] = Scope.Prompt,
        [MessageTypes.GitFetch] = Scope.Prompt,
        [MessageTypes.GitTransferCancel] = Scope.Prompt,
        [MessageTypes.GitPull] = Scope.Prompt,
        [MessageTypes.AgentConversations] = Scope.View,
        [MessageTypes.FoldersList] = Scope.Manage,
        [MessageTypes.ProjectAdd] = Scope.Manage,
        [MessageTypes.ProjectCreate] = Scope.Manage,
        [MessageTypes.ProjectClone] = Scope.Manage,
        [MessageTypes.ProjectCloneGet] = Scope.Manage,
        [MessageTypes.ProjectCloneCancel] = Scope.Manage,
        [MessageTypes.ProjectRename] = Scope.Manage,
        [MessageTypes.ProviderKeySet] = Scope.Manage,
        [MessageTypes.ProviderKeyRemove] = Scope.Manage,
        [MessageTypes.UsageGet] = Scope.View,
        [MessageTypes.BudgetsList] = Scope.View,
        [MessageTypes.BudgetSet] = Scope.Manage,
        [MessageTypes.BudgetRemove] = Scope.Manage,
        [MessageTypes.ProviderKeyCheck] = Scope.Manage,
        [MessageTypes.ProjectRemove] = Scope.Manage,
        [MessageTypes.ProjectDefaultsGet] = Scope.View,
        [MessageTypes.ProjectDefaultsSet] = Scope.Prompt,
        [MessageTypes.NetworkRulesList] = Scope.View,
        [MessageTypes.NetworkRuleRemove] = Scope.Decide,
        [MessageTypes.SnapshotDiff] = Scope.View,
        [MessageTypes.SnapshotUndo] = Scope.Decide,
        [MessageTypes.DevicesList] = Scope.View,
        [MessageTypes.DeviceRevoke] = Scope.Manage,
        [MessageTypes.DeviceRename] = Scope.Manage,
        [MessageTypes.ChatPairingOffer] = Scope.Manage,
        [MessageTypes.LedgerHead] = Scope.View,
        [MessageTypes.Presence] = Scope.View,
        [MessageTypes.PushSettingsGet] = Scope.View,
        [MessageTypes.PushSettingsSet] = Scope.View,
        [MessageTypes.PushSubscribe] = Scope.View,
        [MessageTypes.PushTest] = Scope.View,
        [MessageTypes.PushUnsubscribe] = Scope.View,
        [MessageTypes.LedgerList] = Scope.View,
        [MessageTypes.LedgerVerify] = Scope.View,
        [MessageTypes.TerminalList] = Scope.View,
        [MessageTypes.TerminalOpen] = Scope.Decide,
        [MessageTypes.TerminalAttach] = Scope.View,
        [MessageTypes.TerminalDetach] = Scope.View,
        [MessageTypes.TerminalInput] = Scope.Decide,
        [MessageTypes.TerminalResize] = Scope.Decide,
        [MessageTypes.TerminalAck] = Scope.View,
        [MessageTypes.TerminalCapture] = Scope.View,
        [MessageTypes.TerminalClose] = Scope.Decide,
        [MessageTypes.CommandExec] = Scope.Decide,
        [MessageTypes.CommandCancel] = Scope.Decide,
        [MessageTypes.CommandRead] = Scope.View,
        [MessageTypes.CommandRunsList] = Scope.View,
        [MessageTypes.CommandFavouritesGet] = Scope.View,
        [MessageTypes.CommandFavouritesSet] = Scope.Decide,
        [MessageTypes.CommandPolicyGet] = Scope.View,
        [MessageTypes.CommandPolicySet] = Scope.Manage,
    };

    [Fact]
    public async Task Every_message_type_has_one_row_with_the_scope_it_needs()
    {
        await using var daemon = await TestDaemon.StartAsync();

        // hello is answered by the greeting, before there is a device to have scopes.
        Assert.Equal(
            MessageTypes.Requests.Where(t => t != MessageTypes.Hello).Order(StringComparer.Ordinal),
            daemon.Daemon.Table.Routes.Where(r => r.Scope is not null).Select(r => r.Type).Order(StringComparer.Ordinal));
        Assert.All(daemon.Daemon.Table.Routes.Where(r => r.Scope is not null), r => Assert.Equal(s_needed[r.Type], r.Scope));
    }

    [Fact]
    public async Task A_device_with_too_few_scopes_is_refused_on_every_message_that_needs_more()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var guest = await daemon.PairAsync("guest", Scope.View);
        using var empty = System.Text.Json.JsonDocument.Parse("{}");
        foreach (var (type, scope) in s_needed.Where(n => n.Value != Scope.View))
        {
            var refused = await Assert.ThrowsAsync<PocketCoder.Testing.Devices.WireErrorException>(
                () => guest.AskRawAsync(type, empty.RootElement));
            Assert.True(refused.Error.Code == ErrorCode.Unauthorized, $"{type} needs {scope} and answered {refused.Error.Code}");
        }
    }
}
