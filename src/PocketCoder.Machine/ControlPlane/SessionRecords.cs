using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

// What the CLI says and gets about sessions.

/// <param name="AgentSessionId">Made by the client.</param>
/// <param name="PromptId">Made by the client; becomes the turn's id.</param>
/// <param name="Project">Id, the beginning of an id, name or path.</param>
/// <param name="Agent">Null: that of the project's newest session, else the first that is installed.</param>
/// <param name="Mode">Null: the project's; empty: the agent's default. The same for <paramref name="Model"/> and <paramref
/// name="Effort"/>.</param>
/// <param name="Sandbox">Null: the machine's default.</param>
/// <param name="Conversation">Begun in a terminal, to go on with: the agent's own id of it.</param>
/// <param name="Folder">Beneath the project's root; null: the root.</param>
public sealed record SessionStartRequest(
    Guid AgentSessionId, Guid PromptId, string Project, string? Agent, string Content, string? Mode, string? Model, SandboxKind? Sandbox,
    string? Conversation = null, string? Effort = null, string? Folder = null);

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
public sealed record PromptAccepted(SessionInfo Session, TurnInfo Turn, long After, IReadOnlyList<ApprovalInfo> Pending);

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
public sealed record ResumePlan(
    SessionInfo Session, bool AgentLives, string Directory, string? Program, IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment, string? Why);
