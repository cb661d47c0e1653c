using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// What the daemon lets its owner do from the same machine. The control plane has checked and canonicalised what it passes on
/// (paths, names, ids); expected failures are <see cref="ControlException"/>. Called from many threads.
/// </summary>
public interface IControlTarget : IBrokerControl
{
    Task<ControlStatus> StatusAsync(CancellationToken ct);

    /// <summary>Which projects' files are being watched, and the number of each one's last <c>fs_changed</c>. A project that never was watched is not in it.</summary>
    Task<IReadOnlyDictionary<Guid, ProjectWatching>> WatchingAsync(CancellationToken ct);

    /// <summary>Begins an orderly stop and returns at once.</summary>
    void RequestStop(string reason);

    Task<IReadOnlyList<ProjectInfo>> ListProjectsAsync(CancellationToken ct);

    /// <summary>Registers a folder, or gives the project that is registered for this path already (then the name is left as it is).</summary>
    /// <param name="path">Absolute, without symbolic links, existing, a directory.</param>
    /// <param name="name">1–100 characters without control characters.</param>
    Task<ProjectAdded> AddProjectAsync(string path, string name, CancellationToken ct);

    /// <summary>Forgets a project; its files stay.</summary>
    /// <exception cref="ControlException"><see cref="ErrorCode.ProjectNotFound"/>, or <see cref="ErrorCode.Conflict"/> while a session works in it.</exception>
    Task<ProjectInfo> RemoveProjectAsync(Guid projectId, CancellationToken ct);

    /// <param name="projectId">Null: of all projects.</param>
    Task<IReadOnlyList<NetworkRuleInfo>> ListNetworkRulesAsync(Guid? projectId, CancellationToken ct);

    /// <exception cref="ControlException"><see cref="ErrorCode.InvalidRequest"/>: that is no host, or no such time.</exception>
    Task<NetworkRuleInfo> AddNetworkRuleAsync(Guid projectId, string host, int? days, CancellationToken ct);

    /// <exception cref="ControlException"><see cref="ErrorCode.InvalidRequest"/>: there is no such rule any more.</exception>
    Task<NetworkRuleInfo> RemoveNetworkRuleAsync(Guid ruleId, CancellationToken ct);

    /// <summary>What undoing would do, now.</summary>
    /// <param name="target">Id of an approval, a turn or an undo, or the beginning of one.</param>
    /// <exception cref="ControlException"><see cref="ErrorCode.SnapshotNotFound"/>, <see cref="ErrorCode.InvalidRequest"/></exception>
    Task<SnapshotDiffResponse> PreviewUndoAsync(string target, CancellationToken ct);

    /// <summary>Undoes what was previewed, as the owner at the machine. Once begun it is not cancelled.</summary>
    /// <exception cref="ControlException"><see cref="ErrorCode.FilesChanged"/>, <see cref="ErrorCode.DigestMismatch"/>, <see cref="ErrorCode.SnapshotNotFound"/>, <see cref="ErrorCode.Conflict"/></exception>
    Task<UndoInfo> UndoAsync(UndoRequest request);

    /// <summary>Makes a one-time pairing link.</summary>
    Task<PairingOffer> PairAsync(PairingRequest request, CancellationToken ct);

    /// <summary>What became of a pairing link; null when there is no such one (any more).</summary>
    Task<PairingProgress?> PairingAsync(string pairingId, CancellationToken ct);

    Task<IReadOnlyList<DeviceInfo>> ListDevicesAsync(CancellationToken ct);

    /// <summary>Revokes a device for good; its live connections end at once.</summary>
    Task<DeviceInfo> RevokeDeviceAsync(string deviceId, CancellationToken ct);

    /// <param name="name">1–100 characters without control characters.</param>
    Task<DeviceInfo> RenameDeviceAsync(string deviceId, string name, CancellationToken ct);

    Task<string> GetLabelAsync(CancellationToken ct);

    /// <param name="label">1–64 characters, trimmed, without control characters.</param>
    Task SetLabelAsync(string label, CancellationToken ct);

    Task<LedgerHead> LedgerHeadAsync(CancellationToken ct);

    /// <summary>Rows newest first; <see cref="LedgerListRequest.Limit"/> is 1–200 here.</summary>
    Task<LedgerListResponse> ListLedgerAsync(LedgerListRequest request, CancellationToken ct);

    Task<LedgerVerifyResponse> VerifyLedgerAsync(CancellationToken ct);

    /// <summary>Writes every row up to the present head, and that head signed, in the format of docs/ledger.md.</summary>
    Task ExportLedgerAsync(Stream output, CancellationToken ct);

    Task<IReadOnlyList<SessionInfo>> ListSessionsAsync(CancellationToken ct);

    IControlTerminals Terminals { get; }

    IControlSessions Sessions { get; }

    IControlCommands Commands { get; }

    /// <summary>Reads the projects anew and tells all devices what this machine is now.</summary>
    Task ReRegisterAsync(CancellationToken ct);

    /// <summary>The jobs that run, oldest first.</summary>
    Task<IReadOnlyList<JobInfo>> ListJobsAsync(CancellationToken ct);

    /// <summary>Ends a job; returns when it is over.</summary>
    Task StopJobAsync(JobInfo job, CancellationToken ct);

    /// <summary>Reads what a command wrote.</summary>
    /// <param name="approval">Its approval's id, or the beginning of it (8 characters or more).</param>
    /// <exception cref="ControlException"><see cref="ErrorCode.ApprovalNotFound"/>, <see cref="ErrorCode.FileNotFound"/>, <see cref="ErrorCode.InvalidRequest"/></exception>
    Task<ExecutionOutputResponse> OutputAsync(string approval, long offset, int limit, CancellationToken ct);
}

/// <param name="Running">Somebody follows the project's files, or did so a moment ago.</param>
/// <param name="LastSeq">Of the last <c>fs_changed</c>.</param>
public readonly record struct ProjectWatching(bool Running, long LastSeq);

/// <summary>An expected failure of a control operation; it reaches the CLI as code and message.</summary>
public sealed class ControlException(ErrorCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    public ErrorCode Code { get; } = code;
}
