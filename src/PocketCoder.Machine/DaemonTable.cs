using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Runs;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Connections.Letters;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Conversations;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Files;
using PocketCoder.Machine.Git;
using PocketCoder.Machine.Git.Clones;
using PocketCoder.Machine.Git.Worktrees;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Network;
using PocketCoder.Machine.Notifications;
using PocketCoder.Machine.Overview;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Sessions.Deleting;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Sessions.Search;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Machine.Status;
using PocketCoder.Machine.Terminals;
using PocketCoder.Machine.Usage;

namespace PocketCoder.Machine;

/// <summary>Every operation of the machine: the rows of each feature, put together.</summary>
internal static class DaemonTable
{
    public static MessageTable Of(DaemonParts p) => new MessageTable()
        .MapOverview(p.Report.Info, p.Projects, p.Sessions, p.Approvals, p.Agents, p.Hub.Machine)
        .MapStatus(p.Report.Status, p.Logs)
        .MapSubscriptions(p.Hub, p.Sessions, p.FileStreams)
        .MapSessions(p.Sessions, p.Agents)
        .MapSearch(p.Search)
        .MapDeletion(p.Deletion)
        .MapAttachments(p.Attachments)
        .MapFiles(p.Finder)
        .MapFileService(p.Files)
        .MapGit(p.Git, p.Store, p.Asks, p.TransferSettings)
        .MapSessionTrees(p.SessionTrees, id => CloseAsync(p, id), () => p.Sessions.ReloadAsync(CancellationToken.None))
        .MapConversations(p.Conversations, p.Projects)
        .MapProjects(p.Defaults, p.Projects, p.Setup, id => CloseAsync(p, id), () => p.Sessions.ReloadAsync(CancellationToken.None))
        .MapClones(p.Clones, () => p.Sessions.ReloadAsync(CancellationToken.None))
        .MapPrompting(p.Sessions)
        .MapWarming(p.Sessions)
        .MapApprovals(p.Approvals)
        .MapExecutions(p.Executions)
        .MapCommands(p.Runs, p.RunAdmission, p.Policies)
        .MapSnapshots(p.Undo)
        .MapNetwork(p.Rules)
        .MapProviderKeys(p.Providers.Keys)
        .MapUsage(p.Usage.Reports, p.Usage.Budgets)
        .MapDevices(p.Devices, p.Connections)
        .MapNotifications(p.Notifications.Service)
        .MapLedger(p.Ledger, p.Head)
        .MapTerminals(p.Terminals)
        .MapLetters(p.Store)
        .MapOwnerMachine(
            p.Status.OfAsync, reason => p.StopRequest.TrySetResult(reason), p.Identity.Id, p.Label, p.Store, p.Sessions, p.FileStreams,
            p.Report.Info)
        .MapOwnerNotify(p.Notifications.Receivers)
        .MapOwnerProviders(p.Providers.Own)
        .MapOwnerLink(p.Identity.Id, p.Link, p.Dialer, p.Store)
        .MapOwnerLogin(p.Identity.Id, p.Link, p.Dialer, p.Store)
        .MapOwnerProjects(p.Roots, p.Rules, p.Undo)
        .MapOwnerTrust(p.Identity.Id, () => p.Link.WithGateway(p.Addresses.Listening), p.Pairing, p.Devices, p.Connections, p.Ledger)
        .MapOwnerSessions(p.Sessions, p.OwnerStarter, p.Approvals, p.Locks, p.Resumption, p.Executions, p.Runs)
        .MapChats(p.Entries.Platforms, p.Entries.Pairing)
        .MapOwnerEntries(p.Entries)
        .MapOwnerModels(p.Secrets);

    /// <summary>Ends all that runs in a project, before its folder goes.</summary>
    private static async Task CloseAsync(DaemonParts p, Guid project)
    {
        await p.Sessions.CloseProjectAsync(project);
        await p.Runs.EndProjectAsync(project);
        await p.FileStreams.EndProjectAsync(project);
        await p.Terminals.CloseOrphansAsync();
    }
}
