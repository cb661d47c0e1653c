using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

[JsonConverter(typeof(LowerSnake<TurnState>))]
public enum TurnState
{
    Queued,
    Running,

    /// <summary>Running, and something waits for a person.</summary>
    Waiting,
    Completed,
    Failed,
    Cancelled,

    /// <summary>The daemon or the agent died in the middle; the session can go on.</summary>
    Interrupted,
}

[JsonConverter(typeof(LowerSnake<SessionState>))]
public enum SessionState
{
    Idle,
    Working,

    /// <summary>Something waits for a person.</summary>
    NeedsYou,

    /// <summary>The last turn failed or was interrupted.</summary>
    Failed,
}

/// <summary>Whose credential an agent's models are asked with.</summary>
[JsonConverter(typeof(LowerSnake<ModelAccess>))]
public enum ModelAccess
{
    /// <summary>By the agent itself, past the machine's broker: nothing is counted or limited.</summary>
    Direct,

    /// <summary>A key among the machine's secrets. The agent never has it.</summary>
    Key,

    /// <summary>A key of the daemon's environment. The agent never has it.</summary>
    OwnKey,

    /// <summary>The agent's own login, which the agent holds itself.</summary>
    OwnLogin,
}

/// <param name="Agent">The agent's id, see <see cref="AgentInfo"/>.</param>
/// <param name="Activity">In words, what it is doing now; null when idle.</param>
/// <param name="Held">Queued prompts wait for a person: the last turn was stopped, failed or was cut off. A new prompt, or <c>held:
/// false</c>, lets them go on.</param>
/// <param name="Head">The last seq of the session's stream.</param>
/// <param name="Models">Whose credential its models are asked with; null until the agent was started.</param>
public sealed record SessionInfo(
    Guid AgentSessionId,
    Guid ProjectId,
    string Agent,
    string Title,
    SessionState State,
    string? Activity,
    string? Mode,
    string? Model,
    SandboxKind Sandbox,
    int Queued,
    bool Held,
    bool Archived,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    UsageInfo Usage,
    long Head,
    ModelAccess? Models = null)
{
    /// <summary>
    /// A terminal on the machine goes on with the conversation (<c>pocketcoder resume --exec</c>): prompts wait until it is left there.
    /// </summary>
    public bool InTerminal { get; init; }

    /// <summary>
    /// The folder beneath the project's root that it works in, from its beginning on; null: the root. Untrusted.
    /// </summary>
    public string? Folder { get; init; }

    /// <summary>How much the agent thinks; null: its default.</summary>
    public string? Effort { get; init; }

    /// <summary>Null until the agent told.</summary>
    public ContextInfo? Context { get; init; }

    /// <summary>Why the turn that runs shows nothing new; null when none runs.</summary>
    public QuietInfo? Quiet { get; init; }

    /// <summary>Since when it does what <see cref="Activity"/> says; null when idle.</summary>
    public DateTimeOffset? ActivitySince { get; init; }

    /// <summary>
    /// The end of what the agent said last, at most <see cref="Limits.LastLineLength"/> characters; null: nothing since the machine
    /// started. Untrusted.
    /// </summary>
    public string? LastLine { get; init; }

    /// <summary>What the agent's edits changed in all, not what its commands did; null: nothing.</summary>
    public SessionChanges? Changes { get; init; }

    /// <summary>A person wants it on top of the list.</summary>
    public bool Pinned { get; init; }

    /// <summary>A person's own words for it: at most <see cref="Limits.SessionLabels"/>, in their order, each once.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>
    /// A person does not want to see it before this time; null, or a time that is past: it is not snoozed. Null from the moment when it
    /// needs a person or fails.
    /// </summary>
    public DateTimeOffset? SnoozedUntil { get; init; }

    /// <summary>Something was said in it after what the person saw last (<see cref="AgentSessionSeenRequest"/>).</summary>
    public bool Unread { get; init; }
}

/// <summary>Edits of a session added up: a line that is changed twice counts twice.</summary>
/// <param name="Files">Different files, of at most 2,000.</param>
public sealed record SessionChanges(int Files, long Added, long Removed);

public sealed record UsageInfo(long InputTokens, long OutputTokens, long CacheReadTokens, long CacheWriteTokens, decimal? CostUsd);

/// <summary>An agent of this machine and what it can do: only that is offered.</summary>
/// <param name="HostTools">Whether it can work with the machine's tools alone, sandboxed.</param>
/// <param name="Conversations">Whether what was begun in a terminal can be listed.</param>
public sealed record AgentInfo(
    string Id,
    string Name,
    bool Installed,
    string? Version,
    string? Advice,
    IReadOnlyList<string> Modes,
    bool Models,
    bool Questions,
    bool Plans,
    bool Resume,
    bool HostTools,
    bool Fork = false,
    bool Steer = false,
    bool Images = false,
    bool Commands = false,
    bool Conversations = false,
    bool Usage = false,
    bool Cost = false)
{
    /// <summary>How much it may think, the least first. Empty: it can't be chosen.</summary>
    public IReadOnlyList<string> Efforts { get; init; } = [];

    /// <summary>Its program is there and has not told its version yet: it is asked again, and can be used.</summary>
    public bool Unanswered { get; init; }

    /// <summary>Whether a fork can begin at an earlier turn than the last one.</summary>
    public bool Rewind { get; init; }

    /// <summary>
    /// Whether a conversation that was begun in a terminal can itself go on in a session without a sandbox
    /// (<see cref="AgentSessionNewRequest.ConversationId"/>).
    /// </summary>
    public bool ConversationContinue { get; init; }

    /// <summary>Whether and how it can go on as a copy, in any session.</summary>
    public ConversationCopy ConversationCopy { get; init; }

    /// <summary>The models that it told in a session since the machine started; empty: nobody knows, any name can be tried.</summary>
    public IReadOnlyList<ModelInfo> KnownModels { get; init; } = [];
}

public sealed record AgentsListRequest;

public sealed record AgentsListResponse(IReadOnlyList<AgentInfo> Agents);

/// <summary>Starts a session with its first prompt. Both ids are client-made UUIDv7, so that sending again makes nothing twice.</summary>
/// <param name="Attachments">Files that this device uploaded whole (<see cref="AttachmentEndRequest"/>), at most
/// <see cref="AttachmentLimits.PerPrompt"/>.</param>
/// <param name="Sandbox">Where its commands run, for the session's whole life; null: none. One of <see cref="MachineInfo.Sandboxes"/>, and
/// only for an agent with <see cref="AgentInfo.HostTools"/>.</param>
/// <param name="ConversationId">
/// Goes on with a conversation that was begun in a terminal (<see cref="ConversationInfo"/>): itself without a sandbox, where the agent can
/// (<see cref="AgentInfo.ConversationContinue"/>), else a copy (<see cref="AgentInfo.ConversationCopy"/>).
/// </param>
/// <param name="Folder">
/// The folder beneath the project's root that agent, commands and terminals begin in, for the session's whole life: names with slashes
/// between, none hidden and none a link (<c>OUTSIDE_PROJECT_ROOT</c>, <c>PERMISSION_DENIED</c>, <c>FILE_NOT_FOUND</c>,
/// <c>NOT_A_DIRECTORY</c>). Null or empty: the root. The sandbox stays the project's.
/// </param>
public sealed record AgentSessionNewRequest(
    Guid AgentSessionId,
    Guid PromptId,
    Guid ProjectId,
    string Agent,
    string Content,
    string? Mode = null,
    string? Model = null,
    SandboxKind? Sandbox = null,
    IReadOnlyList<Guid>? Attachments = null,
    string? ConversationId = null,
    string? Effort = null,
    string? Folder = null);

public sealed record AgentSessionNewResponse(Guid AgentSessionId, SessionInfo Session, TurnInfo Turn);

/// <summary>Adds a prompt to the session's queue; it runs when its turn comes.</summary>
/// <param name="PromptId">Client-made UUIDv7; becomes the turn's id.</param>
/// <param name="Attachments">Files that this device uploaded whole. One that is not there: <c>FILE_NOT_FOUND</c>, and nothing is
/// queued.</param>
public sealed record AgentMessageRequest(Guid AgentSessionId, Guid PromptId, string Content, IReadOnlyList<Guid>? Attachments = null);

public sealed record AgentMessageResponse(TurnInfo Turn);

/// <param name="Limit">So many sessions at most, 1 to <see cref="Limits.SessionsPage"/>. Null: all that follow.</param>
/// <param name="After">
/// Where the last page ended, as the machine gave it (<see cref="AgentSessionsListResponse.Next"/>,
/// <see cref="MachineStateResponse.NextSessions"/>). A session that changes during a walk may not come in it any more: it comes as an event
/// of the <c>machine</c> stream, and what an event said since a page was asked for counts before what the page says.
/// </param>
public sealed record AgentSessionsListRequest(Guid? ProjectId = null, bool Archived = false, int? Limit = null, string? After = null);

/// <param name="Sessions">The one that changed last first.</param>
/// <param name="Next">More follow: the <c>after</c> of the next page. Null: these were the last.</param>
public sealed record AgentSessionsListResponse(IReadOnlyList<SessionInfo> Sessions, string? Next = null);

public sealed record AgentSessionGetRequest(Guid AgentSessionId);

/// <param name="Turns">The last 200 turns, oldest first, the queued ones included.</param>
public sealed record AgentSessionGetResponse(SessionInfo Session, IReadOnlyList<TurnInfo> Turns);

/// <summary>Changes what is given, leaves the rest.</summary>
/// <param name="Model">Empty: back to the agent's default; the same for <paramref name="Effort"/>.</param>
/// <param name="Labels">All of them; empty: none. Each has 1 to <see cref="Limits.LabelLength"/> characters.</param>
/// <param name="SnoozedUntil">
/// At most <see cref="Limits.SnoozeDays"/> days from now; a time that is past: not snoozed any more. <c>CONFLICT</c>: it waits for a
/// person.
/// </param>
public sealed record AgentSessionSetRequest(Guid AgentSessionId, string? Title = null, string? Mode = null, string? Model = null,
    bool? Archived = null, bool? Held = null, string? Effort = null, bool? Pinned = null, IReadOnlyList<string>? Labels = null,
    DateTimeOffset? SnoozedUntil = null);

public sealed record AgentSessionSetResponse(SessionInfo Session);

/// <summary>The person saw the session up to an event. An earlier one than is known changes nothing.</summary>
/// <param name="Seq">Of the session's stream; later than its last one counts as that.</param>
[MessageType(MessageTypes.AgentSessionSeen)]
public sealed record AgentSessionSeenRequest(Guid AgentSessionId, long Seq);

/// <param name="Seq">What is known as seen now.</param>
public sealed record AgentSessionSeenResponse(long Seq);

/// <summary>
/// Deletes what was said and done in a session that rests, for good. Its rows in the ledger stay. The same session again: the same answer.
/// </summary>
[MessageType(MessageTypes.AgentSessionDelete)]
public sealed record AgentSessionDeleteRequest(Guid AgentSessionId);

/// <param name="Complete">False: it is gone from every list, and the rest of its files goes when the machine starts next.</param>
public sealed record AgentSessionDeleteResponse(Guid AgentSessionId, bool Complete);

/// <summary>Stops the running turn.</summary>
/// <param name="ClearQueue">Also cancels every queued prompt.</param>
/// <param name="TurnId">The turn that is meant. When another one runs by now, that one goes on: a stop that arrives late must not hit the
/// next turn. Null: whichever runs.</param>
public sealed record AgentCancelRequest(Guid AgentSessionId, bool ClearQueue = false, Guid? TurnId = null);

public sealed record AgentCancelResponse(SessionInfo Session);

public sealed record AgentQueueEditRequest(Guid AgentSessionId, Guid PromptId, string Content);

public sealed record AgentQueueEditResponse(TurnInfo Turn);

public sealed record AgentQueueRemoveRequest(Guid AgentSessionId, Guid PromptId);

public sealed record AgentQueueRemoveResponse(TurnInfo Turn);

/// <summary>
/// Letters of this device that were taken back: whoever still has one delivers it in vain. What one asked that was taken before is done.
/// </summary>
/// <param name="LetterIds">1 to <see cref="Limits.LettersAtOnce"/>.</param>
public sealed record LettersWithdrawRequest(IReadOnlyList<string> LetterIds);

public sealed record LettersWithdrawResponse;

/// <summary>One prompt and what became of it.</summary>
public sealed record TurnInfo(
    Guid TurnId,
    TurnState State,
    string Content,
    string? DeviceId,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt,
    string? Error)
{
    /// <summary>What went with the prompt.</summary>
    public IReadOnlyList<AttachmentInfo> Attachments { get; init; } = [];
}
