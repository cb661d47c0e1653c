using System.Diagnostics.CodeAnalysis;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Linking;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests;

/// <summary>The owner of a daemon of this process: asks the table as the control socket does, without a socket.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A client without a connection holds nothing that must be disposed.")]
internal sealed class TestOwner(Daemon daemon)
{
    private readonly ControlClient _client = new(new InProcessTransport(daemon.Owner));

    public OwnersSessions Sessions => new(daemon, _client);

    public OwnersCommands Commands => new(_client);

    public OwnersTerminals Terminals => new(_client);

    public Task<ChatPairingOfferResponse> OfferChatAsync(ChatPairingOfferRequest request, CancellationToken ct)
        => _client.OfferChatAsync(request, ct);

    public Task<ControlStatus> StatusAsync(CancellationToken ct) => _client.StatusAsync(ct);

    public Task<IReadOnlyList<ProjectInfo>> ListProjectsAsync(CancellationToken ct) => _client.ListProjectsAsync(ct);

    /// <summary>As with <c>--force</c>.</summary>
    public Task<ProjectAddResponse> AddProjectAsync(string path, string name, CancellationToken ct)
        => _client.AddProjectAsync(path, name, force: true, ct);

    public Task<IReadOnlyList<string>> ListRootsAsync() => _client.ListRootsAsync(CancellationToken.None);

    public Task<string> AddRootAsync(string path) => _client.AddRootAsync(path, CancellationToken.None);

    public Task<string> RemoveRootAsync(string path) => _client.RemoveRootAsync(path, CancellationToken.None);

    public Task<ProjectInfo> RemoveProjectAsync(Guid project, CancellationToken ct) => _client.RemoveProjectAsync(project.ToString(), ct);

    public Task<NetworkRuleInfo> AddNetworkRuleAsync(Guid project, string host, int? days, CancellationToken ct)
        => _client.AddNetworkRuleAsync(new NetworkAllowRequest(project.ToString(), host, days), ct);

    public Task<NetworkRuleInfo> RemoveNetworkRuleAsync(Guid rule, CancellationToken ct)
        => _client.RemoveNetworkRuleAsync(rule.ToString(), ct);

    public Task<IReadOnlyList<NetworkRuleInfo>> ListNetworkRulesAsync(Guid project, CancellationToken ct)
        => _client.ListNetworkRulesAsync(project.ToString(), ct);

    public async Task<IReadOnlyDictionary<Guid, ProjectWatching>> WatchingAsync(CancellationToken ct)
    {
        var answer = await new InProcessTransport(daemon.Owner).AskAsync(OwnerMachine.Watching, new OwnerWatchingRequest(), null, ct);
        return answer.Projects;
    }

    public Task<SnapshotDiffResponse> PreviewUndoAsync(string target, CancellationToken ct) => _client.PreviewUndoAsync(target, ct);

    public Task<UndoInfo> UndoAsync(UndoRequest request) => _client.UndoAsync(request, CancellationToken.None);

    public Task<PairingOffer> PairAsync(PairingRequest request, CancellationToken ct) => _client.PairAsync(request, ct);

    public Task<IReadOnlyList<DeviceInfo>> ListDevicesAsync(CancellationToken ct) => _client.ListDevicesAsync(ct);

    public Task<DeviceInfo> RevokeDeviceAsync(string device, CancellationToken ct) => _client.RevokeDeviceAsync(device, ct);

    public Task<DeviceInfo> RenameDeviceAsync(string device, string name, CancellationToken ct)
        => _client.RenameDeviceAsync(device, name, ct);

    public Task<DeviceInfo> LimitDeviceAsync(string device, string? person = null, RiskTier? tier = null, bool anyTier = false)
        => _client.LimitDeviceAsync(device, person, tier, anyTier, CancellationToken.None);

    /// <summary>Turns the two-person rule on or off.</summary>
    public Task<bool> TwoPeopleAsync(bool? on) => _client.TwoPeopleAsync(on, CancellationToken.None);

    public Task SetLabelAsync(string label, CancellationToken ct) => _client.SetLabelAsync(label, ct);

    public Task<LinkStatus> LinkAsync(string gateway, string code, CancellationToken ct) => _client.LinkAsync(gateway, code, ct);

    public Task<LoginStep> LoginAsync(string gateway, bool wait, CancellationToken ct) => _client.LoginAsync(gateway, wait, ct);

    public Task<LedgerListResponse> ListLedgerAsync(LedgerListRequest request, CancellationToken ct)
        => _client.ListLedgerAsync(request, ct);

    public Task<LedgerVerifyResponse> VerifyLedgerAsync(CancellationToken ct) => _client.VerifyLedgerAsync(ct);

    public Task<LedgerAccepted> AcceptLedgerAsync(long row, CancellationToken ct) => _client.AcceptLedgerAsync(row, ct);

    public Task ExportLedgerAsync(Stream output, CancellationToken ct) => daemon.OwnerStreams.ExportLedgerAsync(output, ct);

    public Task<IReadOnlyList<SessionInfo>> ListSessionsAsync(CancellationToken ct) => _client.ListSessionsAsync(ct);

    public Task<IReadOnlyList<JobInfo>> ListJobsAsync(CancellationToken ct) => _client.ListJobsAsync(ct);

    public Task<ExecutionOutputResponse> OutputAsync(string approval, long offset, int limit, CancellationToken ct)
        => _client.OutputAsync(approval, offset, limit, ct);

    public Task<IReadOnlyList<SecretName>> ListSecretsAsync(CancellationToken ct) => _client.ListSecretsAsync(ct);

    public Task SetSecretAsync(string name, string value, CancellationToken ct) => _client.SetSecretAsync(name, value, ct);

    public Task<bool> RemoveSecretAsync(string name, CancellationToken ct) => _client.RemoveSecretAsync(name, ct);

    public Task<UsageGetResponse> UsageAsync(CancellationToken ct) => _client.UsageAsync(ct);

    public Task<IReadOnlyList<BudgetInfo>> ListBudgetsAsync(CancellationToken ct) => _client.ListBudgetsAsync(ct);

    public Task<BudgetInfo> SetBudgetAsync(BudgetSetRequest request, CancellationToken ct) => _client.SetBudgetAsync(
        request.Scope, request.ProjectId?.ToString(), request.Action, request.Dollars, request.Tokens, ct);

    public Task<bool> RemoveBudgetAsync(BudgetRemoveRequest request, CancellationToken ct)
        => _client.RemoveBudgetAsync(request.Scope, request.ProjectId?.ToString(), ct);
}

/// <summary>Sessions, as their owner.</summary>
internal sealed class OwnersSessions(Daemon daemon, ControlClient client)
{
    public IReadOnlyList<SessionInfo> ListAll() => daemon.SessionDirectory.List(archived: true);

    public Task<PromptAccepted> StartAsync(SessionStartRequest request, Guid project, CancellationToken ct)
        => client.StartSessionAsync(request with { Project = project.ToString() }, ct);

    public Task<PromptAccepted> PromptAsync(Guid session, Guid promptId, string content, CancellationToken ct)
        => client.PromptAsync(new SessionPromptRequest(session.ToString(), promptId, content), ct);

    public Task<SessionInfo> CancelAsync(AgentCancelRequest request) => client.CancelAsync(request, CancellationToken.None);

    public Task<SessionInfo> SetAsync(AgentSessionSetRequest request)
        => client.SessionSettingsAsync(new SessionSettingsRequest(
            request.AgentSessionId.ToString(), request.Mode, request.Model, request.Effort), CancellationToken.None);

    public Task<ApprovalInfo> DecideAsync(DecisionRequest decision) => client.DecideAsync(decision, CancellationToken.None);

    public Task<ResumePlan> ResumeAsync(Guid session, bool end)
        => client.ResumeAsync(new ResumeRequest(session.ToString(), end), CancellationToken.None);

    public Task<SessionInfo> HoldAsync(Guid session, HoldRequest request)
        => client.HoldAsync(request with { Session = session.ToString() }, CancellationToken.None);

    public Task<SessionInfo> ReleaseAsync(Guid session, int pid)
        => client.ReleaseAsync(new ReleaseRequest(session.ToString(), pid), CancellationToken.None);

    public Task<AgentConversationsResponse> ConversationsAsync(Guid project, string? agent, CancellationToken ct)
        => client.ListConversationsAsync(new ConversationsRequest(project.ToString(), agent), ct);

    public Task<ProjectDefaults> DefaultsAsync(Guid project, CancellationToken ct)
        => client.ProjectDefaultsAsync(new ProjectDefaultsRequest(project.ToString(), null), ct);

    public Task<ProjectDefaults> SetDefaultsAsync(Guid project, ProjectDefaults set, CancellationToken ct)
        => client.ProjectDefaultsAsync(new ProjectDefaultsRequest(project.ToString(), set), ct);
}

/// <summary>One-shot commands, as their owner.</summary>
internal sealed class OwnersCommands(ControlClient client)
{
    public Task<CommandRunInfo> ExecAsync(CommandExecRequest request, CancellationToken ct)
        => client.ExecCommandAsync(request.ProjectId.ToString(), request, ct);

    public Task<CommandReadResponse> ReadAsync(Guid run, long offset, int limit, TimeSpan wait, CancellationToken ct)
        => client.ReadCommandAsync(run, offset, limit, wait, ct);

    public Task<CommandRunInfo> CancelAsync(Guid run, CancellationToken ct) => client.CancelCommandAsync(run, ct);

    public Task<CommandPolicy> PolicyAsync(Guid project, CancellationToken ct) => client.CommandPolicyAsync(project.ToString(), null, ct);

    public Task<CommandPolicy> SetPolicyAsync(Guid project, CommandPolicy policy, CancellationToken ct)
        => client.CommandPolicyAsync(project.ToString(), policy, ct);
}

/// <summary>Terminals of sessions, as their owner.</summary>
internal sealed class OwnersTerminals(ControlClient client)
{
    public async Task<IReadOnlyList<TerminalInfo>> ListTerminalsAsync(Guid? session, CancellationToken ct)
        => [.. (await client.ListTerminalsAsync(ct)).Where(t => session is null || t.AgentSessionId == session)];
}

internal static class TestOwners
{
    public static TestOwner AsOwner(this Daemon daemon) => new(daemon);
}
