using PocketCoder.Channels;
using PocketCoder.Ledger;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Commands;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Terminals;
using PocketCoder.Protocol;
using PairingOffer = PocketCoder.Machine.ControlPlane.PairingOffer;
using static PocketCoder.Machine.ControlPlane.ControlFailures;

namespace PocketCoder.Machine;

/// <summary>What the owner may ask of the daemon from the same machine.</summary>
public sealed partial class Daemon : IControlTarget
{
    async Task<ControlStatus> IControlTarget.StatusAsync(CancellationToken ct)
    {
        var sessions = _sessions.List();
        return new ControlStatus(
            DaemonOptions.ProductVersion,
            _identity.Id,
            _label.Text,
            Environment.ProcessId,
            _startedAt,
            Urls,
            _options.Demo,
            _hands.Default,
            sessions.Count(s => s.State is SessionState.Working or SessionState.NeedsYou),
            _connections.Devices,
            _devices.All.Count(d => d.RevokedAt is null),
            _agents.Known,
            Warnings(),
            await _projects.ListAsync(ct),
            ControlUrl);
    }

    async Task<IReadOnlyDictionary<Guid, ProjectWatching>> IControlTarget.WatchingAsync(CancellationToken ct)
        => (await _fileStreams.StatesAsync(ct)).ToDictionary(s => s.Key, s => new ProjectWatching(s.Value.Watching, s.Value.Seq));

    /// <summary>Where the HTTP control plane is, once there is one.</summary>
    internal string? ControlUrl { get; set; }

    async Task IControlTarget.ReRegisterAsync(CancellationToken ct)
    {
        await _sessions.ReloadAsync(ct);
        _store.Announce(new MachineChanged(Info()));
    }

    void IControlTarget.RequestStop(string reason) => _stopRequested.TrySetResult(reason);

    Task<IReadOnlyList<ProjectInfo>> IControlTarget.ListProjectsAsync(CancellationToken ct) => _projects.ListAsync(ct);

    Task<ProjectAdded> IControlTarget.AddProjectAsync(string path, string name, CancellationToken ct) => NamedAsync(async () =>
    {
        var known = (await _projects.ListAsync(ct)).Any(p => p.Path == path);
        var project = await _projects.AddAsync(path, name);
        await _sessions.ReloadAsync(ct);
        return new ProjectAdded(project, !known);
    });

    Task<ProjectInfo> IControlTarget.RemoveProjectAsync(Guid projectId, CancellationToken ct) => NamedAsync(async () =>
    {
        var project = await _projects.RemoveAsync(projectId);
        await _sessions.CloseProjectAsync(projectId);
        await _commands.EndProjectAsync(projectId);
        await _fileStreams.EndProjectAsync(projectId);
        await _terminals.CloseOrphansAsync();
        return project;
    });

    Task<IReadOnlyList<NetworkRuleInfo>> IControlTarget.ListNetworkRulesAsync(Guid? projectId, CancellationToken ct) => _rules.ListAsync(projectId, ct);

    Task<NetworkRuleInfo> IControlTarget.AddNetworkRuleAsync(Guid projectId, string host, int? days, CancellationToken ct) => NamedAsync(() => _rules.AddAsync(projectId, host, days, "cli"));

    Task<NetworkRuleInfo> IControlTarget.RemoveNetworkRuleAsync(Guid ruleId, CancellationToken ct) => NamedAsync(() => _rules.RemoveAsync(ruleId, "cli", null));

    Task<SnapshotDiffResponse> IControlTarget.PreviewUndoAsync(string target, CancellationToken ct) => NamedAsync(async () => await _undo.LookAsync(await _undo.FindAsync(target, ct), ct));

    Task<UndoInfo> IControlTarget.UndoAsync(UndoRequest request) => NamedAsync(
        () => _undo.UndoAsync(null, new SnapshotUndoRequest(Guid.CreateVersion7(), request.Target, request.Digest, "", request.Force)));

    Task<PairingOffer> IControlTarget.PairAsync(PairingRequest request, CancellationToken ct) => NamedAsync(async () =>
    {
        // Whoever can decide must see what about: view goes with every pairing.
        var scopes = request.Scopes.Append(Scope.View).Distinct().Order().ToList();
        var (id, link, expiresAt) = await _pairing.OfferAsync(scopes, request.Name);
        return new PairingOffer(id, _identity.Id, [.. Urls.Select(u => link.ToUrl(new Uri(u)))], scopes, expiresAt);
    });

    Task<PairingProgress?> IControlTarget.PairingAsync(string pairingId, CancellationToken ct)
    {
        PairingProgress? progress = _pairing.Progress(pairingId) is not { } made ? null : new PairingProgress(
            made.State switch
            {
                OfferState.Open => PairingState.Waiting,
                OfferState.Used => made.DeviceId is null ? PairingState.Waiting : PairingState.Paired,
                OfferState.Expired => PairingState.Expired,
                _ => PairingState.Burnt,
            },
            made.DeviceId is { } id ? _devices.Find(id)?.ToInfo(_connections.IsConnected(id)) : null);
        return Task.FromResult(progress);
    }

    Task<IReadOnlyList<DeviceInfo>> IControlTarget.ListDevicesAsync(CancellationToken ct)
        => Task.FromResult<IReadOnlyList<DeviceInfo>>([.. _devices.All.Select(d => d.ToInfo(_connections.IsConnected(d.DeviceId)))]);

    Task<DeviceInfo> IControlTarget.RevokeDeviceAsync(string deviceId, CancellationToken ct) => NamedAsync(async () =>
    {
        var device = await _devices.RevokeAsync(deviceId, "cli");
        _connections.EndDevice(deviceId);
        return device.ToInfo(false);
    });

    Task<DeviceInfo> IControlTarget.RenameDeviceAsync(string deviceId, string name, CancellationToken ct) => NamedAsync(async () =>
    {
        var connected = _connections.IsConnected(deviceId);
        return (await _devices.RenameAsync(deviceId, name, connected)).ToInfo(connected);
    });

    Task<string> IControlTarget.GetLabelAsync(CancellationToken ct) => Task.FromResult(_label.Text);

    Task IControlTarget.SetLabelAsync(string label, CancellationToken ct)
    {
        _label.Set(label);
        return Task.CompletedTask;
    }

    Task<Protocol.LedgerHead> IControlTarget.LedgerHeadAsync(CancellationToken ct) => Task.FromResult(_head.Current);

    Task<LedgerListResponse> IControlTarget.ListLedgerAsync(LedgerListRequest request, CancellationToken ct)
        => NamedAsync(() => LedgerRoutes.ListAsync(_ledger, request, ct));

    Task<LedgerVerifyResponse> IControlTarget.VerifyLedgerAsync(CancellationToken ct) => LedgerRoutes.VerifyAsync(_ledger, _head, ct);

    Task IControlTarget.ExportLedgerAsync(Stream output, CancellationToken ct) => _ledger.ExportAsync(output, _signer, ct);

    Task<IReadOnlyList<SessionInfo>> IControlTarget.ListSessionsAsync(CancellationToken ct) => Task.FromResult(_sessions.List());

    IControlSessions IControlTarget.Sessions => new OwnerSessions(_sessions, _projects, _agents, _approvals, _store, _options.Home, _holds, _conversations, _defaults);

    IControlCommands IControlTarget.Commands => new OwnerCommands(_commands, _door, _policies);

    IControlTerminals IControlTarget.Terminals => new OwnerTerminals(_terminals);

    Task<IReadOnlyList<JobInfo>> IControlTarget.ListJobsAsync(CancellationToken ct) => Task.FromResult(_executions.Jobs(null));

    Task IControlTarget.StopJobAsync(JobInfo job, CancellationToken ct)
        => NamedAsync(() => _executions.StopJobAsync(new JobStopRequest(job.AgentSessionId, job.ApprovalId), "the command line"));

    Task<ExecutionOutputResponse> IControlTarget.OutputAsync(string approval, long offset, int limit, CancellationToken ct)
        => NamedAsync(async () => await _executions.OutputAsync(new ExecutionOutputRequest(await _executions.FindAsync(approval, ct), offset, limit), ct));
}
