using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>How commands are isolated on this machine. Shown everywhere.</summary>
[JsonConverter(typeof(LowerSnake<SandboxKind>))]
public enum SandboxKind
{
    /// <summary>Commands run as the daemon's own user, with all its rights.</summary>
    None,

    /// <summary>Linux namespaces in two rings with a system call filter.</summary>
    Bubblewrap,

    /// <summary>A container of an engine that speaks Docker's API.</summary>
    Docker,

    /// <summary>File and signal rules of the kernel only: the same processes and network as the daemon. Reduced.</summary>
    Landlock,
}

/// <param name="Sandbox">What a session gets that does not choose. Null: the machine has not looked yet, or none works and a session must
/// choose.</param>
/// <param name="Sandboxes">What a session may choose, as far as this machine has looked.</param>
/// <param name="SandboxFloor">What the owner started the machine with: no device may choose anything weaker. Null: nothing; then a weaker
/// one than usual needs <see cref="Scope.Manage"/>.</param>
/// <param name="Chats">The chat platforms through which people can come in (<c>feishu</c>); null: none.</param>
/// <param name="TwoPeople">
/// Two people must allow what may destroy something; then devices run and change nothing without an approval.
/// </param>
public sealed record MachineInfo(
    string MachineId,
    string Name,
    string Version,
    string Os,
    string Arch,
    bool Demo,
    SandboxKind? Sandbox,
    IReadOnlyList<SandboxKind> Sandboxes,
    IReadOnlyList<string> Warnings,
    SandboxKind? SandboxFloor = null,
    IReadOnlyList<string>? Chats = null,
    bool TwoPeople = false)
{
    /// <summary>
    /// Why nothing is decided or started on this machine: its ledger is not the one it signed. Null: it is. For people; to be shown on
    /// every screen.
    /// </summary>
    public string? LedgerProblem { get; init; }

    /// <summary>Every model provider that a key can be stored for, and who set it last: so that no device misses that it changed.</summary>
    public IReadOnlyList<ProviderKeyInfo> Keys { get; init; } = [];
}

public sealed record MachinesListRequest;

public sealed record MachinesListResponse(IReadOnlyList<MachineInfo> Machines);

/// <summary>Asks for everything the home screen shows, with the cursor from which to follow changes.</summary>
/// <param name="Sessions">
/// So many sessions at most (1 to <see cref="Limits.SessionsPage"/>), those that changed last. The others: <c>agent_sessions_list</c> after
/// <see cref="MachineStateResponse.NextSessions"/>. Null: all of them.
/// </param>
/// <param name="Archived">Archived sessions too.</param>
public sealed record MachineStateRequest(int? Sessions = null, bool Archived = false);

/// <param name="Sessions">Without archived ones, unless they were asked for; the one that changed last first.</param>
/// <param name="NextSessions">More sessions follow: the <c>after</c> to ask for them with. Null: these are all.</param>
public sealed record MachineStateResponse(
    MachineInfo Machine,
    IReadOnlyList<ProjectInfo> Projects,
    IReadOnlyList<AgentInfo> Agents,
    IReadOnlyList<SessionInfo> Sessions,
    IReadOnlyList<ApprovalInfo> Approvals,
    StreamCursor Cursor,
    string? NextSessions = null);

/// <summary>A change of the machine's state. The <c>machine</c> stream is kept in memory only: its truth is <c>machine_state</c>.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(SessionChanged), "session")]
[JsonDerivedType(typeof(SessionRemoved), "session_removed")]
[JsonDerivedType(typeof(ApprovalChanged), "approval")]
[JsonDerivedType(typeof(ProjectChanged), "project")]
[JsonDerivedType(typeof(ProjectRemoved), "project_removed")]
[JsonDerivedType(typeof(DeviceChanged), "device")]
[JsonDerivedType(typeof(LedgerMoved), "ledger_head")]
[JsonDerivedType(typeof(MachineChanged), "machine")]
[JsonDerivedType(typeof(GitChanged), "git")]
[JsonDerivedType(typeof(GitProgress), "git_progress")]
[JsonDerivedType(typeof(CloneChanged), "clone")]
[JsonDerivedType(typeof(CommandRunChanged), "command_run")]
[JsonDerivedType(typeof(MachineStopping), "stopping")]
public abstract record MachineEvent;

public sealed record SessionChanged(SessionInfo Session) : MachineEvent;

public sealed record SessionRemoved(Guid AgentSessionId) : MachineEvent;

public sealed record ApprovalChanged(ApprovalInfo Approval) : MachineEvent;

public sealed record ProjectChanged(ProjectInfo Project) : MachineEvent;

public sealed record ProjectRemoved(Guid ProjectId) : MachineEvent;

public sealed record DeviceChanged(DeviceInfo Device) : MachineEvent;

/// <summary>A newer signed head; devices remember the highest they saw.</summary>
public sealed record LedgerMoved(LedgerHead Head) : MachineEvent;

/// <summary>What the machine says of itself, anew.</summary>
public sealed record MachineChanged(MachineInfo Machine) : MachineEvent;

/// <summary>
/// Something changed in a project's repository: ask for its status again. By a device's word always; by others (a terminal, an agent) while
/// somebody follows the project's files, and only when the project is the top of its repository.
/// </summary>
public sealed record GitChanged(Guid ProjectId) : MachineEvent;

/// <summary>How far a push, fetch or pull is, in git's own words.</summary>
/// <param name="Text">One line. Untrusted.</param>
public sealed record GitProgress(Guid ProjectId, string Text) : MachineEvent;

/// <summary>A clone went on, or is over. At most four a second.</summary>
public sealed record CloneChanged(CloneInfo Cloning) : MachineEvent;

/// <summary>
/// A one-shot command began, or is over. All of it: <c>command_runs_list</c>; what it writes: <c>command_read</c> with <c>follow</c>.
/// </summary>
/// <param name="By">Who runs it. Untrusted.</param>
/// <param name="Command">The first <see cref="CommandLimits.ShownCharacters"/> characters of it. Untrusted.</param>
public sealed record CommandRunChanged(Guid RunId, Guid ProjectId, CommandRunState State, int? ExitCode, string By, string Command)
    : MachineEvent;

/// <summary>The daemon is stopping, and why.</summary>
public sealed record MachineStopping(string Reason) : MachineEvent;
