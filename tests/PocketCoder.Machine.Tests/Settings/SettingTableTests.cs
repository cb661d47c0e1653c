using PocketCoder.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Starting;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Settings;

/// <summary>
/// Every message and every operation of the owner's either changes no setting, or stands in the table with who may weaken it and its row.
/// </summary>
public sealed class SettingTableTests
{
    /// <summary>
    /// What changes no setting that outlives it. A new message or operation must be added here or to <see cref="SettingTable"/>: what it
    /// weakens is a decision, not an accident.
    /// </summary>
    private static readonly string[] s_noSetting =
    [
        MessageTypes.Hello, MessageTypes.Ping, MessageTypes.Subscribe, MessageTypes.Unsubscribe, MessageTypes.MachinesList,
        MessageTypes.MachineState, MessageTypes.MachineStatus, MessageTypes.MachineLogs,
        MessageTypes.ProjectsList, MessageTypes.FoldersList, MessageTypes.ProjectDefaultsGet, MessageTypes.NetworkRulesList,
        MessageTypes.AgentsList,
        MessageTypes.AgentMessage, MessageTypes.AgentSessionsList, MessageTypes.AgentSessionsSearch, MessageTypes.AgentSessionGet,
        MessageTypes.AgentSessionSeen, MessageTypes.AgentSessionDelete,
        MessageTypes.AgentCancel, MessageTypes.AgentQueueEdit, MessageTypes.AgentQueueRemove, MessageTypes.AgentConversations,
        MessageTypes.AgentQueueMerge, MessageTypes.AgentQueueMove, MessageTypes.AgentSteer, MessageTypes.AgentSessionWarm,
        MessageTypes.AgentContinue, MessageTypes.ApprovalsList, MessageTypes.ExecutionOutput, MessageTypes.JobsList, MessageTypes.JobStop,
        MessageTypes.SentFile, MessageTypes.LettersWithdraw,
        MessageTypes.AttachmentBegin, MessageTypes.AttachmentChunk, MessageTypes.AttachmentEnd, MessageTypes.AttachmentDiscard,
        MessageTypes.AttachmentRead, MessageTypes.FilesFind,
        MessageTypes.SnapshotDiff, MessageTypes.SnapshotUndo, MessageTypes.DevicesList, MessageTypes.LedgerHead, MessageTypes.LedgerList,
        MessageTypes.LedgerVerify,
        MessageTypes.GitStatus, MessageTypes.GitBranches, MessageTypes.GitBranchCreate, MessageTypes.GitCheckout, MessageTypes.GitStage,
        MessageTypes.GitUnstage, MessageTypes.GitCommit, MessageTypes.GitPush,
        MessageTypes.GitRemoteDelete, MessageTypes.GitFetch, MessageTypes.GitPull, MessageTypes.GitTransferCancel, MessageTypes.GitFileBase,
        MessageTypes.GitDiff, MessageTypes.GitLog, MessageTypes.GitShow,
        MessageTypes.GitBlame, MessageTypes.GitStashes, MessageTypes.GitStash, MessageTypes.GitDiscard, MessageTypes.GitDiscardUndo,
        MessageTypes.GitTags, MessageTypes.GitTagCreate, MessageTypes.GitTagDelete,
        MessageTypes.GitRemotes, MessageTypes.GitWorktrees, MessageTypes.GitWorktreeCreate, MessageTypes.GitWorktreeRemove,
        MessageTypes.GitWorktreeMerge, MessageTypes.GitSubmodules, MessageTypes.GitConflict,
        MessageTypes.SessionWorktreeCreate, MessageTypes.SessionWorktreeState, MessageTypes.SessionWorktreeMerge,
        MessageTypes.SessionWorktreeDiscard,
        MessageTypes.GitConflictResolve, MessageTypes.GitOperation, MessageTypes.TerminalList, MessageTypes.TerminalOpen,
        MessageTypes.TerminalAttach, MessageTypes.TerminalDetach, MessageTypes.TerminalInput,
        MessageTypes.TerminalResize, MessageTypes.TerminalAck, MessageTypes.TerminalCapture, MessageTypes.TerminalClose,
        MessageTypes.FsList, MessageTypes.FsStat, MessageTypes.FsRead, MessageTypes.FsWrite,
        MessageTypes.FsMkdir, MessageTypes.FsMove, MessageTypes.FsDelete, MessageTypes.FsTrashList, MessageTypes.FsRestore,
        MessageTypes.FsSearch, MessageTypes.FsUploadBegin, MessageTypes.FsUploadChunk,
        MessageTypes.FsUploadEnd, MessageTypes.FsUploadDiscard, MessageTypes.FsDownloadBegin, MessageTypes.FsDownloadChunk,
        MessageTypes.FsDownloadEnd, MessageTypes.CommandExec, MessageTypes.CommandCancel,
        MessageTypes.CommandRead, MessageTypes.CommandRunsList, MessageTypes.CommandFavouritesGet, MessageTypes.CommandPolicyGet,
        MessageTypes.ProjectCloneGet, MessageTypes.ProjectCloneCancel,
        MessageTypes.ProviderKeyCheck, MessageTypes.UsageGet, MessageTypes.BudgetsList,
        MessageTypes.Presence, MessageTypes.PushSettingsGet, MessageTypes.PushTest,
        OwnerMachine.Status.Type, OwnerMachine.Watching.Type, OwnerMachine.Stop.Type, OwnerMachine.LabelGet.Type,
        OwnerMachine.Register.Type, OwnerProjects.FindUndo.Type, OwnerProjects.Roots.Type, OwnerTrust.PairingGet.Type,
        OwnerTrust.TwoPeopleGet.Type,
        OwnerSessions.Prompt.Type, OwnerSessions.Resume.Type, OwnerSessions.Hold.Type, OwnerSessions.Release.Type,
        OwnerSessions.FindExecution.Type, OwnerSessions.WaitForCommand.Type,
        OwnerModels.Secrets.Type, OwnerNotify.List.Type, OwnerNotify.Test.Type,
        OwnerProviders.List.Type, OwnerProviders.Test.Type,
        OwnerEntries.Status.Type, OwnerEntries.Test.Type,
    ];

    [Fact]
    public async Task Every_message_and_operation_is_in_the_table_or_known_to_change_nothing_and_never_both()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var ways = SettingTable.All.SelectMany(s => s.Ways).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(
            daemon.Daemon.Table.Routes.Select(r => r.Type).Append(MessageTypes.Hello).Append("start").Order(StringComparer.Ordinal),
            ways.Concat(s_noSetting).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_weakens_has_a_row_and_needs_more_than_a_prompting_or_a_deciding_device()
    {
        Assert.All(SettingTable.All, setting =>
        {
            Assert.True(setting.Row is null || LedgerKind.All.Contains(setting.Row), setting.Name);
            Assert.True(setting.Weakens is null || (setting.Row is not null && setting.MayWeaken >= SettingRight.SignedDecision),
                $"{setting.Name} can be weakened unseen or by too many");
            Assert.True(setting.MayWeaken >= setting.MayChange, setting.Name);
        });
        Assert.Equal(SettingTable.All.Count, SettingTable.All.Select(s => s.Name).Distinct().Count());
    }

    [Fact]
    public async Task No_message_needs_less_than_the_table_says()
    {
        await using var daemon = await TestDaemon.StartAsync();
        foreach (var (setting, way) in SettingTable.All.SelectMany(s => s.Ways.Select(w => (s, w)))
            .Where(p => MessageTypes.Requests.Contains(p.w)))
        {
            var needed = setting.MayChange switch
            {
                SettingRight.View => Scope.View,
                SettingRight.Prompt => Scope.Prompt,
                SettingRight.Decide or SettingRight.SignedDecision => Scope.Decide,
                SettingRight.Manage => Scope.Manage,
                _ => throw new InvalidOperationException($"{way} is a device's, and only the owner may change: {setting.Name}"),
            };
            Assert.True(daemon.Daemon.Table.Find(way)!.Scope >= needed, $"{way}: {setting.Name}");
        }

        var owners = SettingTable.All.SelectMany(s => s.Ways).Where(w => w != "start" && !MessageTypes.Requests.Contains(w));
        Assert.All(owners, way => Assert.Null(daemon.Daemon.Table.Find(way)!.Scope));
    }

    [Fact]
    public void Every_option_of_a_start_is_recorded_or_known_to_protect_nothing()
    {
        var options = typeof(DaemonOptions).GetProperties().Where(p => p.GetMethod is { IsPublic: true, IsStatic: false })
            .Select(p => p.Name).Where(n => n != "EqualityContract");
        var recorded = StartSettings.Of(new DaemonOptions { Home = Home.At(Path.GetTempPath()) }, null).Keys
            .Where(k => k != StartSettings.RemoteGateway);
        Assert.Equal(options.Order(StringComparer.Ordinal), recorded.Concat(StartSettings.Others).Order(StringComparer.Ordinal));
    }
}
