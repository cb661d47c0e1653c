using System.Globalization;
using System.Runtime.CompilerServices;
using PocketCoder.Machine.Linking;
using PocketCoder.Machine.Notifications;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// The owner's client of a home's daemon, one method a verb. What a person calls by a name or the beginning of an id is found here; the
/// daemon is asked by id, in the table
/// that devices use. Failures: <see cref="DaemonNotRunning"/>, <see cref="DaemonNotAnswering"/> (each step of each request has a limit, see
/// <see cref="ControlLimits"/>), and <see cref="ControlException"/> with what the daemon said. Thread-safe.
/// </summary>
public sealed class ControlClient : IDisposable
{
    private readonly IControlTransport _transport;
    private readonly ControlConnection? _connection;

    public ControlClient(Home home)
        : this(home, ControlLimits.Default)
    {
    }

    internal ControlClient(Home home, ControlLimits limits)
        : this(new ControlConnection(home, limits))
    {
    }

    /// <summary>Over another transport than the socket; what is followed needs the socket.</summary>
    internal ControlClient(IControlTransport transport) => (_transport, _connection) = (transport, transport as ControlConnection);

    private ControlConnection Socket => _connection ?? throw new NotSupportedException("This needs the control socket.");

    /// <summary>Whether a daemon answers.</summary>
    /// <exception cref="DaemonNotAnswering">Something took the question and gave no answer.</exception>
    public Task<bool> IsHealthyAsync(CancellationToken ct) => Socket.IsHealthyAsync(ct);

    public Task<ControlStatus> StatusAsync(CancellationToken ct)
        => AskAsync(OwnerMachine.Status, new OwnerStatusRequest(), ct);

    /// <summary>Asks the daemon to stop; it goes on for a moment after the answer.</summary>
    public async Task StopAsync(string reason, CancellationToken ct)
    {
        try
        {
            await AskAsync(OwnerMachine.Stop, new MachineStopRequest(reason), ct);
        }
        catch (ControlException e) when (e.Code == ErrorCode.VersionUnsupported && _connection is not null)
        {
            // So that a daemon of another version can be stopped, as the error of every other verb says.
            await _connection.StopOldAsync(reason, ct);
        }
    }

    public async Task<IReadOnlyList<ProjectInfo>> ListProjectsAsync(CancellationToken ct)
        => (await AskAsync(Verbs.ProjectsList, new ProjectsListRequest(), ct)).Projects;

    /// <param name="path">Absolute.</param>
    public Task<ProjectAddResponse> AddProjectAsync(string path, string? name, bool force, CancellationToken ct)
        => AskAsync(Verbs.ProjectAdd, new ProjectAddRequest(path, name, force), ct);

    /// <param name="project">Id, the beginning of one (4 characters or more), name, or absolute path.</param>
    public async Task<ProjectInfo> RemoveProjectAsync(string project, CancellationToken ct)
    {
        var request = new ProjectRemoveRequest(await ProjectAsync(project, ct));
        return (await AskAsync(Verbs.ProjectRemove, request, ct)).Project;
    }

    /// <param name="project">As for <see cref="RemoveProjectAsync"/>.</param>
    public async Task<ProjectInfo> RenameProjectAsync(string project, string name, CancellationToken ct)
        => (await AskAsync(Verbs.ProjectRename, new ProjectRenameRequest(await ProjectAsync(project, ct), name), ct)).Project;

    /// <summary>The folders beneath which devices may register projects.</summary>
    public async Task<IReadOnlyList<string>> ListRootsAsync(CancellationToken ct)
        => (await AskAsync(OwnerProjects.Roots, new ProjectRootsListRequest(), ct)).Roots;

    /// <param name="path">Absolute.</param>
    /// <returns>Its real path.</returns>
    public async Task<string> AddRootAsync(string path, CancellationToken ct)
        => (await AskAsync(OwnerProjects.AddRoot, new ProjectRootRequest(path), ct)).Path;

    /// <inheritdoc cref="AddRootAsync"/>
    public async Task<string> RemoveRootAsync(string path, CancellationToken ct)
        => (await AskAsync(OwnerProjects.RemoveRoot, new ProjectRootRequest(path), ct)).Path;

    /// <param name="project">As for <see cref="RemoveProjectAsync"/>.</param>
    public async Task<IReadOnlyList<NetworkRuleInfo>> ListNetworkRulesAsync(string project, CancellationToken ct)
        => await RulesAsync(await ProjectAsync(project, ct), ct);

    public async Task<NetworkRuleInfo> AddNetworkRuleAsync(NetworkAllowRequest request, CancellationToken ct)
    {
        var rule = new NetworkRuleAddRequest(await ProjectAsync(request.Project, ct), request.Host, request.Days);
        return (await AskAsync(OwnerProjects.AllowHost, rule, ct)).Rule;
    }

    /// <param name="rule">Id, or the beginning of one (4 characters or more).</param>
    public async Task<NetworkRuleInfo> RemoveNetworkRuleAsync(string rule, CancellationToken ct)
    {
        var request = new NetworkRuleRemoveRequest(Selection.Rule(await RulesAsync(null, ct), rule).RuleId);
        return (await AskAsync(Verbs.NetworkRuleRemove, request, ct)).Rule;
    }

    /// <summary>What undoing would do, now.</summary>
    /// <param name="target">Id of an approval, a turn or an undo, or its first 8 characters or more.</param>
    public async Task<SnapshotDiffResponse> PreviewUndoAsync(string target, CancellationToken ct)
    {
        var found = await AskAsync(OwnerProjects.FindUndo, new UndoFindRequest(target), ct);
        return await AskAsync(Verbs.SnapshotDiff, new SnapshotDiffRequest(found.Target), ct);
    }

    /// <summary>Undoes what was previewed, as the owner at the machine. Once begun it is not cancelled.</summary>
    public async Task<UndoInfo> UndoAsync(UndoRequest request, CancellationToken ct)
    {
        var undo = new SnapshotUndoRequest(Guid.CreateVersion7(), request.Target, request.Digest, "", request.Force);
        return (await AskAsync(Verbs.SnapshotUndo, undo, ct)).Undo;
    }

    public Task<PairingOffer> PairAsync(PairingRequest request, CancellationToken ct)
        => AskAsync(OwnerTrust.Pair, request, ct);

    /// <summary>Makes a code by which a person of a chat platform comes in.</summary>
    public Task<ChatPairingOfferResponse> OfferChatAsync(ChatPairingOfferRequest request, CancellationToken ct)
        => AskAsync(Verbs.ChatPairingOffer, request, ct);

    /// <summary>How a chat platform's bot stands, and what is set for it.</summary>
    public Task<EntryReport> EntryAsync(string platform, CancellationToken ct)
        => AskAsync(OwnerEntries.Status, new EntryStatusRequest(platform), ct);

    /// <summary>Sets a chat platform's app up, from the daemon's next start on.</summary>
    public Task<EntryReport> SetEntryAsync(EntrySetRequest request, CancellationToken ct) => AskAsync(OwnerEntries.Set, request, ct);

    /// <summary>Asks a chat platform whether it takes what was set. Takes up to 25 s.</summary>
    /// <returns>What was found, each in a sentence.</returns>
    public async Task<IReadOnlyList<string>> TestEntryAsync(string platform, CancellationToken ct)
        => (await AskAsync(OwnerEntries.Test, new EntryTestRequest(platform), ct)).Found;

    /// <summary>Revokes a person of a chat platform for good; devices and people of others are not found.</summary>
    /// <param name="person">Id, the beginning of one (4 characters or more), or name.</param>
    public async Task<DeviceInfo> RevokePersonAsync(string platform, string person, CancellationToken ct)
    {
        var request = new DeviceRevokeRequest(Selection.Person(await ListPeopleAsync(platform, ct), platform, person).DeviceId);
        return (await AskAsync(Verbs.DeviceRevoke, request, ct)).Device;
    }

    /// <summary>Who is paired in the chats of a platform.</summary>
    public async Task<IReadOnlyList<DeviceInfo>> ListPeopleAsync(string platform, CancellationToken ct)
        => [.. (await ListDevicesAsync(ct)).Where(d => d.Platform == platform && d.RevokedAt is null)];

    public Task<PairingProgress> PairingAsync(string pairingId, CancellationToken ct)
        => AskAsync(OwnerTrust.PairingGet, new PairingGetRequest(pairingId), ct);

    public async Task<IReadOnlyList<DeviceInfo>> ListDevicesAsync(CancellationToken ct)
        => (await AskAsync(Verbs.DevicesList, new DevicesListRequest(), ct)).Devices;

    /// <summary>Revokes a device for good; its live connections end at once.</summary>
    /// <param name="device">Id, the beginning of one (4 characters or more), or name.</param>
    public async Task<DeviceInfo> RevokeDeviceAsync(string device, CancellationToken ct)
    {
        var request = new DeviceRevokeRequest(await DeviceAsync(device, ct));
        return (await AskAsync(Verbs.DeviceRevoke, request, ct)).Device;
    }

    /// <inheritdoc cref="RevokeDeviceAsync"/>
    public async Task<DeviceInfo> RenameDeviceAsync(string device, string name, CancellationToken ct)
    {
        var given = DeviceName(name);
        var request = new DeviceRenameRequest(await DeviceAsync(device, ct), given);
        return (await AskAsync(Verbs.DeviceRename, request, ct)).Device;
    }

    /// <summary>Says whose a device is and what it may allow at most; what is null stays.</summary>
    /// <param name="device">Id, the beginning of one (4 characters or more), or name.</param>
    /// <param name="person">Empty: nobody's.</param>
    /// <param name="anyTier">It may allow any tier.</param>
    public async Task<DeviceInfo> LimitDeviceAsync(string device, string? person, RiskTier? tier, bool anyTier, CancellationToken ct)
    {
        var request = new DeviceLimitRequest(await DeviceAsync(device, ct), person, tier, anyTier);
        return (await AskAsync(OwnerTrust.Limit, request, ct)).Device;
    }

    /// <summary>Whether two people must allow what may destroy something.</summary>
    /// <param name="on">Sets it; null: as it is.</param>
    public async Task<bool> TwoPeopleAsync(bool? on, CancellationToken ct) => (on is { } wanted
        ? await AskAsync(OwnerTrust.TwoPeopleSet, new TwoPersonBody(wanted), ct)
        : await AskAsync(OwnerTrust.TwoPeopleGet, new TwoPersonRequest(), ct)).On;

    public async Task<string> GetLabelAsync(CancellationToken ct)
        => (await AskAsync(OwnerMachine.LabelGet, new MachineLabelRequest(), ct)).Label;

    public async Task<string> SetLabelAsync(string label, CancellationToken ct)
        => (await AskAsync(OwnerMachine.LabelSet, new LabelBody(label), ct)).Label;

    /// <summary>Connects the machine to a remote gateway, and keeps it connected from now on. Takes up to 30 s.</summary>
    /// <param name="code">From <c>pocketcoder gateway invite</c>; null: the gateway knows this machine.</param>
    public Task<LinkStatus> LinkAsync(string gateway, string? code, CancellationToken ct)
        => AskAsync(OwnerLink.Set, new LinkSetRequest(gateway, code), ct);

    /// <summary>Asks a gateway with accounts to let this machine in, or whether somebody has decided.</summary>
    /// <param name="wait">It was asked before.</param>
    public Task<LoginStep> LoginAsync(string gateway, bool wait, CancellationToken ct)
        => AskAsync(OwnerLogin.Login, new LinkLoginRequest(gateway, wait), ct);

    /// <summary>Leaves the gateway, which forgets this machine if it can be reached.</summary>
    public Task<LogoutStep> LogoutAsync(CancellationToken ct) => AskAsync(OwnerLogin.Logout, new LinkLogoutRequest(), ct);

    /// <summary>Ends the connection to the remote gateway for good; gives its address, or null if none was set.</summary>
    public async Task<string?> UnlinkAsync(CancellationToken ct)
        => (await AskAsync(OwnerLink.Remove, new LinkRemoveRequest(), ct)).Gateway;

    /// <summary>Where the owner wants notifications besides devices.</summary>
    public async Task<IReadOnlyList<NotifyReceiver>> ListReceiversAsync(CancellationToken ct)
        => (await AskAsync(OwnerNotify.List, new NotifyListRequest(), ct)).Receivers;

    /// <summary>Sets a receiver, or replaces the one of its name.</summary>
    public Task<NotifySetResponse> SetReceiverAsync(NotifySetRequest receiver, CancellationToken ct)
        => AskAsync(OwnerNotify.Set, receiver, ct);

    public async Task<NotifyReceiver> RemoveReceiverAsync(string name, CancellationToken ct)
        => (await AskAsync(OwnerNotify.Remove, new NotifyRemoveRequest(name), ct)).Receiver;

    /// <summary>Sends a notification at once. Takes up to 10 s.</summary>
    public async Task<PushReport> TestReceiverAsync(string name, CancellationToken ct)
        => (await AskAsync(OwnerNotify.Test, new NotifyTestRequest(name), ct)).Report;

    /// <summary>The owner's own providers of models.</summary>
    public async Task<IReadOnlyList<ProviderShown>> ListProvidersAsync(CancellationToken ct)
        => (await AskAsync(OwnerProviders.List, new ProvidersListRequest(), ct)).Providers;

    /// <summary>Sets a provider, or replaces all of the one of its name.</summary>
    public async Task<ProviderShown> SetProviderAsync(ProviderSetRequest provider, CancellationToken ct)
        => (await AskAsync(OwnerProviders.Set, provider, ct)).Provider;

    /// <summary>Removes a provider and its key.</summary>
    public async Task<ProviderShown> RemoveProviderAsync(string name, CancellationToken ct)
        => (await AskAsync(OwnerProviders.Remove, new ProviderRemoveRequest(name), ct)).Provider;

    /// <summary>Asks a provider for its models. Takes up to 10 s.</summary>
    public Task<ProviderTestResponse> TestProviderAsync(string name, CancellationToken ct)
        => AskAsync(OwnerProviders.Test, new ProviderTestRequest(name), ct);

    public async Task<LedgerHead> LedgerHeadAsync(CancellationToken ct)
        => (await AskAsync(Verbs.LedgerHead, new LedgerHeadRequest(), ct)).Head;

    public Task<LedgerVerifyResponse> VerifyLedgerAsync(CancellationToken ct)
        => AskAsync(Verbs.LedgerVerify, new LedgerVerifyRequest(), ct);

    /// <summary>Goes on with a ledger that is not the one this machine signed, as the owner at the machine wants it.</summary>
    /// <param name="row">The row that tells the difference.</param>
    public Task<LedgerAccepted> AcceptLedgerAsync(long row, CancellationToken ct)
        => AskAsync(OwnerTrust.AcceptLedger, new LedgerAcceptRequest(row), ct);

    public Task<LedgerListResponse> ListLedgerAsync(LedgerListRequest request, CancellationToken ct)
        => AskAsync(Verbs.LedgerList, request, ct);

    /// <summary>
    /// Copies every row as JSON lines, oldest first; the last line is the signed head, without which it was cut off (docs/ledger.md).
    /// </summary>
    public async Task ExportLedgerAsync(Stream destination, CancellationToken ct)
    {
        using var rows = await Socket.OpenAsync("ledger/export", null, ct);
        var buffer = new byte[64 * 1024];
        while (await rows.ReadAsync(buffer, ct) is > 0 and var count)
        {
            await destination.WriteAsync(buffer.AsMemory(0, count), ct);
        }
    }

    public Task<IReadOnlyList<SessionInfo>> ListSessionsAsync(CancellationToken ct) => SessionsAsync(archived: false, ct);

    /// <summary>Also the archived ones, the newest first.</summary>
    public Task<IReadOnlyList<SessionInfo>> ListAllSessionsAsync(CancellationToken ct) => SessionsAsync(archived: true, ct);

    public async Task<PromptAccepted> StartSessionAsync(SessionStartRequest request, CancellationToken ct)
    {
        var start = new OwnerStartRequest(await ProjectAsync(request.Project, ct), request);
        return await AskAsync(OwnerSessions.Start, start, ct);
    }

    public async Task<PromptAccepted> PromptAsync(SessionPromptRequest request, CancellationToken ct)
    {
        var prompt = new OwnerPromptRequest(await SessionAsync(request.Session, ct), request.PromptId, request.Content);
        return await AskAsync(OwnerSessions.Prompt, prompt, ct);
    }

    public async Task<SessionInfo> CancelAsync(AgentCancelRequest request, CancellationToken ct)
        => (await AskAsync(Verbs.AgentCancel, request, ct)).Session;

    /// <summary>Tells what a session's agent is told, after changing what is given.</summary>
    public async Task<SessionInfo> SessionSettingsAsync(SessionSettingsRequest request, CancellationToken ct)
    {
        var session = await SessionAsync(request.Session, ct);
        var set = new AgentSessionSetRequest(session, Mode: request.Mode, Model: request.Model, Effort: request.Effort);
        return (await AskAsync(Verbs.AgentSessionSet, set, ct)).Session;
    }

    /// <param name="decision">Its signature is not looked at: the socket is the owner's.</param>
    public async Task<ApprovalInfo> DecideAsync(DecisionRequest decision, CancellationToken ct)
        => (await AskAsync(Verbs.AgentPromptResponse, decision, ct)).Approval;

    /// <summary>How to go on in a terminal.</summary>
    public async Task<ResumePlan> ResumeAsync(ResumeRequest request, CancellationToken ct)
    {
        var resume = new OwnerResumeRequest(await SessionAsync(request.Session, ct), request.End);
        return await AskAsync(OwnerSessions.Resume, resume, ct);
    }

    /// <summary>This terminal goes on with the conversation, as long as the process lives.</summary>
    public async Task<SessionInfo> HoldAsync(HoldRequest request, CancellationToken ct)
    {
        var hold = new OwnerLockRequest(await SessionAsync(request.Session, ct), request.Pid, request.Beside, request.End);
        return (await AskAsync(OwnerSessions.Hold, hold, ct)).Session;
    }

    public async Task<SessionInfo> ReleaseAsync(ReleaseRequest request, CancellationToken ct)
    {
        var release = new OwnerReleaseRequest(await SessionAsync(request.Session, ct), request.Pid);
        return (await AskAsync(OwnerSessions.Release, release, ct)).Session;
    }

    public async Task<AgentConversationsResponse> ListConversationsAsync(ConversationsRequest request, CancellationToken ct)
    {
        var asked = new AgentConversationsRequest(await ProjectAsync(request.Project, ct), request.Agent);
        return await AskAsync(Verbs.AgentConversations, asked, ct);
    }

    /// <summary>Tells what new sessions of a project begin with, or sets it first.</summary>
    public async Task<ProjectDefaults> ProjectDefaultsAsync(ProjectDefaultsRequest request, CancellationToken ct)
    {
        var project = await ProjectAsync(request.Project, ct);
        if (request.Set is not { } defaults)
        {
            var get = new ProjectDefaultsGetRequest(project);
            return (await AskAsync(Verbs.ProjectDefaultsGet, get, ct)).Defaults;
        }

        var set = new ProjectDefaultsSetRequest(project, defaults);
        return (await AskAsync(Verbs.ProjectDefaultsSet, set, ct)).Defaults;
    }

    /// <summary>The session's messages as lines of JSON (<see cref="Envelope"/>). Ends when the daemon stops.</summary>
    /// <param name="after">The last seq that is known.</param>
    public async IAsyncEnumerable<string> FollowAsync(Guid session, long after, [EnumeratorCancellation] CancellationToken ct)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"sessions/follow?session={session}&after={after}");
        using var lines = await Socket.OpenAsync(path, Timeout.InfiniteTimeSpan, ct);
        while (await lines.ReadLineAsync(ct) is { } line)
        {
            yield return line;
        }
    }

    public async Task<IReadOnlyList<JobInfo>> ListJobsAsync(CancellationToken ct)
        => (await AskAsync(Verbs.JobsList, new JobsListRequest(), ct)).Jobs;

    /// <summary>Ends a job; returns when it is over.</summary>
    /// <param name="job">Name, approval's id, or the beginning of it (4 characters or more).</param>
    public async Task<JobInfo> StopJobAsync(string job, CancellationToken ct)
    {
        var found = Selection.Job(await ListJobsAsync(ct), job);
        var request = new JobStopRequest(found.AgentSessionId, found.ApprovalId);
        await AskAsync(Verbs.JobStop, request, ct);
        return found;
    }

    /// <summary>Reads what a command wrote.</summary>
    /// <param name="approval">Id, or the beginning of it (8 characters or more).</param>
    public async Task<ExecutionOutputResponse> OutputAsync(string approval, long offset, int limit, CancellationToken ct)
    {
        var found = await AskAsync(OwnerSessions.FindExecution, new ExecutionFindRequest(approval), ct);
        var request = new ExecutionOutputRequest(found.ApprovalId, offset, limit);
        return await AskAsync(Verbs.ExecutionOutput, request, ct);
    }

    public async Task<IReadOnlyList<TerminalInfo>> ListTerminalsAsync(CancellationToken ct)
        => (await AskAsync(Verbs.TerminalList, new TerminalListRequest(), ct)).Terminals;

    /// <summary>Opens a terminal in the session's sandbox, or gives the one of that name.</summary>
    /// <param name="session">Id, the beginning of one (4 characters or more), or title.</param>
    public async Task<TerminalInfo> OpenTerminalAsync(string session, string name, int columns, int rows, CancellationToken ct)
    {
        var request = new TerminalOpenRequest(await OpenSessionAsync(session, ct), name, columns, rows);
        return (await AskAsync(Verbs.TerminalOpen, request, ct)).Terminal;
    }

    /// <inheritdoc cref="OpenTerminalAsync"/>
    public async Task CloseTerminalAsync(string session, string name, CancellationToken ct)
    {
        var request = new TerminalCloseRequest(await OpenSessionAsync(session, ct), name);
        await AskAsync(Verbs.TerminalClose, request, ct);
    }

    /// <summary>Looks at an open terminal.</summary>
    public Task<TerminalLink> AttachTerminalAsync(Guid session, string name, int columns, int rows, CancellationToken ct)
    {
        var asked = string.Create(
            CultureInfo.InvariantCulture, $"session={session}&name={Uri.EscapeDataString(name)}&columns={columns}&rows={rows}");
        return Socket.LinkAsync($"terminals/attach?{asked}", ct);
    }

    /// <param name="project">Id, the beginning of one (4 characters or more), name, or absolute path.</param>
    /// <param name="request">Its project is filled in. A rule of the project may want a person's decision first, so it takes as long as the
    /// daemon lives.</param>
    public async Task<CommandRunInfo> ExecCommandAsync(string project, CommandExecRequest request, CancellationToken ct)
    {
        var exec = request with { ProjectId = await ProjectAsync(project, ct) };
        return (await _transport.AskAsync(Verbs.CommandExec, exec, Timeout.InfiniteTimeSpan, ct)).Run;
    }

    /// <param name="wait">How long the daemon waits for more when there is none yet; at most 30 s.</param>
    public Task<CommandReadResponse> ReadCommandAsync(Guid run, long offset, int limit, TimeSpan wait, CancellationToken ct)
        => AskAsync(OwnerSessions.WaitForCommand, new CommandWaitRequest(run, offset, limit, (int)wait.TotalMilliseconds), ct);

    /// <summary>Ends it; returns when it is over.</summary>
    public async Task<CommandRunInfo> CancelCommandAsync(Guid run, CancellationToken ct)
        => (await AskAsync(Verbs.CommandCancel, new CommandCancelRequest(run), ct)).Run;

    /// <param name="project">Null: of all projects.</param>
    public async Task<CommandRunsListResponse> ListCommandsAsync(string? project, int limit, CancellationToken ct)
    {
        var request = new CommandRunsListRequest(project is null ? null : await ProjectAsync(project, ct), null, limit);
        return await AskAsync(Verbs.CommandRunsList, request, ct);
    }

    /// <param name="policy">Null: only show it.</param>
    public async Task<CommandPolicy> CommandPolicyAsync(string project, CommandPolicy? policy, CancellationToken ct)
    {
        var found = await ProjectAsync(project, ct);
        if (policy is null)
        {
            var get = new CommandPolicyGetRequest(found);
            return (await AskAsync(Verbs.CommandPolicyGet, get, ct)).Policy;
        }

        var set = new CommandPolicySetRequest(found, policy);
        return (await AskAsync(Verbs.CommandPolicySet, set, ct)).Policy;
    }

    public async Task<IReadOnlyList<SecretName>> ListSecretsAsync(CancellationToken ct)
        => (await AskAsync(OwnerModels.Secrets, new SecretsListRequest(), ct)).Secrets;

    /// <param name="name">1 to 64 letters, digits, <c>_ - .</c>.</param>
    public Task SetSecretAsync(string name, string value, CancellationToken ct)
        => AskAsync(OwnerModels.SetSecret, new SecretSetRequest(name, value), ct);

    /// <returns>False when there was none of that name.</returns>
    public async Task<bool> RemoveSecretAsync(string name, CancellationToken ct)
        => (await AskAsync(OwnerModels.RemoveSecret, new SecretRemoveRequest(name), ct)).Was;

    public Task<UsageGetResponse> UsageAsync(CancellationToken ct) => AskAsync(Verbs.UsageGet, new UsageGetRequest(), ct);

    public async Task<IReadOnlyList<BudgetInfo>> ListBudgetsAsync(CancellationToken ct)
        => (await AskAsync(Verbs.BudgetsList, new BudgetsListRequest(), ct)).Budgets;

    /// <param name="project">Its id, name or path; null: for every one.</param>
    public async Task<BudgetInfo> SetBudgetAsync(
        BudgetScope scope, string? project, BudgetAction action, decimal? dollars, long? tokens, CancellationToken ct)
    {
        var request = new BudgetSetRequest(scope, await BudgetProjectAsync(scope, project, ct), action, dollars, tokens);
        return (await AskAsync(Verbs.BudgetSet, request, ct)).Budget;
    }

    /// <param name="project">As for setting it.</param>
    /// <returns>False when there was none.</returns>
    public async Task<bool> RemoveBudgetAsync(BudgetScope scope, string? project, CancellationToken ct)
        => (await AskAsync(Verbs.BudgetRemove, new BudgetRemoveRequest(scope, await BudgetProjectAsync(scope, project, ct)), ct)).Was;

    public void Dispose() => _transport.Dispose();

    private async Task<Guid> ProjectAsync(string text, CancellationToken ct)
        => Selection.Project(await ListProjectsAsync(ct), text).ProjectId;

    /// <summary>What is wrong with the scope is said by the daemon, before any project is looked for.</summary>
    private async Task<Guid?> BudgetProjectAsync(BudgetScope scope, string? project, CancellationToken ct)
        => project is null ? null : scope == BudgetScope.Day ? Guid.Empty : await ProjectAsync(project, ct);

    private async Task<Guid> SessionAsync(string text, CancellationToken ct)
        => Selection.Session(await ListAllSessionsAsync(ct), text).AgentSessionId;

    /// <summary>Of those that are not archived.</summary>
    private async Task<Guid> OpenSessionAsync(string text, CancellationToken ct)
        => Selection.Session(await ListSessionsAsync(ct), text).AgentSessionId;

    private static string DeviceName(string name)
    {
        try
        {
            return OwnerText.Require(name, 100, "A device's name");
        }
        catch (RequestFailure e)
        {
            throw new ControlException(e.Error.Code, e.Error.Message, e);
        }
    }

    private async Task<string> DeviceAsync(string text, CancellationToken ct)
        => Selection.Device(await ListDevicesAsync(ct), text).DeviceId;

    private async Task<IReadOnlyList<SessionInfo>> SessionsAsync(bool archived, CancellationToken ct)
    {
        var request = new AgentSessionsListRequest(Archived: archived); // without a limit: all of them
        return (await AskAsync(Verbs.AgentSessionsList, request, ct)).Sessions;
    }

    private async Task<IReadOnlyList<NetworkRuleInfo>> RulesAsync(Guid? project, CancellationToken ct)
        => (await AskAsync(Verbs.NetworkRulesList, new NetworkRulesListRequest(project), ct)).Rules;

    private Task<TOut> AskAsync<TIn, TOut>(Verb<TIn, TOut> operation, TIn request, CancellationToken ct)
        => _transport.AskAsync(operation, request, null, ct);
}
