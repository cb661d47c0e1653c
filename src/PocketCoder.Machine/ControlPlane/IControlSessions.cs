using System.Text.Json.Serialization;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Sessions for the owner at the command line. Expected failures are <see cref="ControlException"/>. Called from many threads.</summary>
public interface IControlSessions
{
    /// <summary>Also the archived ones, the newest first.</summary>
    IReadOnlyList<SessionInfo> ListAll();

    /// <summary>Starts a session with its first prompt, once: the same ids again give what is there.</summary>
    /// <param name="project">Of the projects that are registered.</param>
    Task<PromptTaken> StartAsync(SessionStartRequest request, Guid project, CancellationToken ct);

    /// <summary>Adds a prompt to a session's queue, once.</summary>
    Task<PromptTaken> PromptAsync(Guid session, Guid promptId, string content, CancellationToken ct);

    /// <summary>Gives the session's messages after <paramref name="after"/> and then what happens, as a device would get them (docs/protocol.md), until cancelled.</summary>
    /// <param name="sink">Gets one message as JSON; while it waits, nothing is lost.</param>
    Task FollowAsync(Guid session, long after, Func<byte[], CancellationToken, ValueTask> sink, CancellationToken ct);

    Task<SessionInfo> CancelAsync(AgentCancelRequest request);

    /// <summary>Changes what the agent is told from the next prompt on.</summary>
    /// <exception cref="ControlException"><see cref="ErrorCode.InvalidRequest"/>: the agent has no such mode, model or effort.</exception>
    Task<SessionInfo> SetAsync(AgentSessionSetRequest request);

    /// <summary>The owner's decision: recorded as a device's, but without a device and a signature, since none made it.</summary>
    /// <exception cref="ControlException"><see cref="ErrorCode.ApprovalNotFound"/>, <see cref="ErrorCode.DigestMismatch"/>, <see cref="ErrorCode.AlreadyDecided"/>, <see cref="ErrorCode.InvalidRequest"/></exception>
    Task<ApprovalInfo> DecideAsync(AgentPromptResponseRequest decision);

    /// <summary>How to go on in a terminal.</summary>
    /// <param name="end">End the agent's process first, when it is idle.</param>
    /// <exception cref="ControlException"><see cref="ErrorCode.Conflict"/>: a turn runs or waits.</exception>
    Task<ResumeWay> ResumeAsync(Guid session, bool end);

    /// <summary>A terminal goes on with the conversation as long as the process lives: until then nothing is started here that would write it too.</summary>
    /// <exception cref="ControlException"><see cref="ErrorCode.Conflict"/>: a turn runs or waits, or the agent's process lives. <see cref="ErrorCode.SessionOpenElsewhere"/>: another terminal has it.</exception>
    Task<SessionInfo> HoldAsync(Guid session, HoldRequest request);

    /// <summary>The process leaves it.</summary>
    Task<SessionInfo> ReleaseAsync(Guid session, int pid);

    /// <summary>What agents keep of a project, begun in a terminal.</summary>
    Task<AgentConversationsResponse> ConversationsAsync(Guid project, string? agent, CancellationToken ct);

    /// <summary>What new sessions of a project begin with.</summary>
    Task<ProjectDefaults> DefaultsAsync(Guid project, CancellationToken ct);

    /// <exception cref="ControlException"><see cref="ErrorCode.InvalidRequest"/>: no session could begin so.</exception>
    Task<ProjectDefaults> SetDefaultsAsync(Guid project, ProjectDefaults set, CancellationToken ct);
}

/// <param name="AgentSessionId">Made by the client.</param>
/// <param name="PromptId">Made by the client; becomes the turn's id.</param>
/// <param name="Project">Id, the beginning of an id, name or path.</param>
/// <param name="Agent">Null: that of the project's newest session, else the first that is installed.</param>
/// <param name="Mode">Null: the project's; empty: the agent's default. The same for <paramref name="Model"/> and <paramref name="Effort"/>.</param>
/// <param name="Sandbox">Null: the machine's default.</param>
/// <param name="Conversation">Begun in a terminal, to go on with: the agent's own id of it.</param>
public sealed record SessionStartRequest(
    Guid AgentSessionId, Guid PromptId, string Project, string? Agent, string Content, string? Mode, string? Model, SandboxKind? Sandbox, string? Conversation = null, string? Effort = null);

/// <param name="Project">Id, the beginning of an id, name or path.</param>
public sealed record ConversationsRequest(string Project, string? Agent);

/// <param name="Session">Id, the beginning of an id (4 characters or more), or title.</param>
public sealed record SessionPromptRequest(string Session, Guid PromptId, string Content);

/// <param name="Session">Id, the beginning of an id (4 characters or more), or title.</param>
/// <param name="Mode">Null: as it is.</param>
/// <param name="Model">Null: as it is; empty: the agent's default. The same for <paramref name="Effort"/>.</param>
public sealed record SessionSettingsRequest(string Session, string? Mode, string? Model, string? Effort);

/// <param name="After">The session's last seq before this prompt: what is followed from there has all of it.</param>
/// <param name="Pending">What waits for a decision in this session already.</param>
public sealed record PromptTaken(SessionInfo Session, TurnInfo Turn, long After, IReadOnlyList<ApprovalInfo> Pending);

/// <param name="Session">Id, the beginning of an id (4 characters or more), or title.</param>
public sealed record ResumeRequest(string Session, bool End);

/// <param name="Session">Id, the beginning of an id (4 characters or more), or title.</param>
/// <param name="Pid">The process that has it from now on.</param>
/// <param name="Beside">Another process that has it already, and started this one.</param>
/// <param name="End">End the agent's process first, when it is idle.</param>
public sealed record HoldRequest(string Session, int Pid, int? Beside, bool End);

public sealed record ReleaseRequest(string Session, int Pid);

/// <param name="Project">Id, the beginning of an id, name or path.</param>
/// <param name="Set">Null: only tell them.</param>
public sealed record ProjectDefaultsRequest(string Project, ProjectDefaults? Set);

/// <param name="AgentLives">Its process still runs, idle: two must not write one conversation.</param>
/// <param name="Program">Null: it can't go on in a terminal; <paramref name="Why"/> says why.</param>
public sealed record ResumeWay(
    SessionInfo Session, bool AgentLives, string Directory, string? Program, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment, string? Why);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowOutOfOrderMetadataProperties = true,
    MaxDepth = 32)]
[JsonSerializable(typeof(IReadOnlyList<SessionInfo>))]
[JsonSerializable(typeof(SessionStartRequest))]
[JsonSerializable(typeof(SessionPromptRequest))]
[JsonSerializable(typeof(SessionSettingsRequest))]
[JsonSerializable(typeof(PromptTaken))]
[JsonSerializable(typeof(AgentCancelRequest))]
[JsonSerializable(typeof(SessionInfo))]
[JsonSerializable(typeof(AgentPromptResponseRequest))]
[JsonSerializable(typeof(ApprovalInfo))]
[JsonSerializable(typeof(ResumeRequest))]
[JsonSerializable(typeof(ResumeWay))]
[JsonSerializable(typeof(HoldRequest))]
[JsonSerializable(typeof(ReleaseRequest))]
[JsonSerializable(typeof(ProjectDefaultsRequest))]
[JsonSerializable(typeof(ProjectDefaults))]
[JsonSerializable(typeof(ConversationsRequest))]
[JsonSerializable(typeof(AgentConversationsResponse))]
internal sealed partial class SessionControlJson : JsonSerializerContext;
