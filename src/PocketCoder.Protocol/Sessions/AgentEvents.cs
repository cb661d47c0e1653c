using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>
/// A durable event of a session's transcript (stream <c>session/&lt;agentSessionId&gt;</c>, message type <c>agent_event</c>).
/// Kinds keep their names on the wire.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(TurnEvent), "turn")]
[JsonDerivedType(typeof(InitEvent), "init")]
[JsonDerivedType(typeof(TextEvent), "text")]
[JsonDerivedType(typeof(ThinkingEvent), "thinking")]
[JsonDerivedType(typeof(ToolUseEvent), "tool_use")]
[JsonDerivedType(typeof(ToolResultEvent), "tool_result")]
[JsonDerivedType(typeof(FileCreateEvent), "file_create")]
[JsonDerivedType(typeof(FileEditEvent), "file_edit")]
[JsonDerivedType(typeof(ApprovalEvent), "prompt")]
[JsonDerivedType(typeof(TodoEvent), "todo")]
[JsonDerivedType(typeof(UsageEvent), "usage")]
[JsonDerivedType(typeof(NoticeEvent), "notice")]
[JsonDerivedType(typeof(UndoEvent), "undo")]
[JsonDerivedType(typeof(DoneEvent), "done")]
[JsonDerivedType(typeof(ErrorEvent), "error")]
[JsonDerivedType(typeof(SentFileEvent), "sent_file")]
[JsonDerivedType(typeof(ForkEvent), "fork")]
[JsonDerivedType(typeof(ImportedEvent), "imported")]
[JsonDerivedType(typeof(SteerEvent), "steer")]
[JsonDerivedType(typeof(QueueOrderEvent), "queue")]
[JsonDerivedType(typeof(OffersEvent), "offers")]
public abstract record AgentEventPayload
{
    /// <summary>When, on the machine's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The turn it belongs to.</summary>
    public Guid? TurnId { get; init; }

    /// <summary>For what a sub-agent does: the tool call that started it.</summary>
    public string? ParentToolUseId { get; init; }
}

/// <summary>A turn was queued, edited, started, ended: its whole state now. The prompt's text is in it.</summary>
public sealed record TurnEvent(TurnInfo Turn) : AgentEventPayload;

/// <summary>The agent is up for this turn.</summary>
public sealed record InitEvent(string Agent, string? Version, string? Model, string? Mode, SandboxKind Sandbox, bool Resumed)
    : AgentEventPayload;

/// <summary>A finished block of the agent's text; replaces the live deltas of the same block, and an earlier event of it.</summary>
/// <param name="Cut">The agent did not finish it: this is what was seen of it when its turn was stopped, failed or broke off.</param>
public sealed record TextEvent(string BlockId, string Text, bool Cut = false) : AgentEventPayload;

/// <inheritdoc cref="TextEvent"/>
public sealed record ThinkingEvent(string BlockId, string Text, bool Cut = false) : AgentEventPayload;

[JsonConverter(typeof(LowerSnake<ToolCategory>))]
public enum ToolCategory
{
    Read,
    Search,
    Execute,
    Edit,
    Fetch,
    Think,
    Agent,
    Question,
    Plan,
    Todo,
    Other,
}

/// <param name="Title">One line. Untrusted.</param>
/// <param name="Input">The input as JSON text, whole up to 64 KiB; longer ones are cut and say so in <paramref name="InputTruncated"/> (the
/// approval has all of it).</param>
public sealed record ToolUseEvent(string ToolUseId, string Tool, ToolCategory Category, string Title, string Input, bool InputTruncated)
    : AgentEventPayload;

/// <param name="Output">Head and tail up to 64 KiB; <paramref name="OutputBytes"/> tells how much there was.</param>
public sealed record ToolResultEvent(
    string ToolUseId,
    bool Failed,
    string Output,
    long OutputBytes,
    bool OutputTruncated,
    int? ExitCode,
    long? DurationMs,
    bool Interrupted) : AgentEventPayload;

public sealed record FileCreateEvent(string ToolUseId, string Path, FileDiff? Diff) : AgentEventPayload;

public sealed record FileEditEvent(string ToolUseId, string Path, FileDiff? Diff) : AgentEventPayload;

/// <summary>Something waits for a person, or changed state: the whole approval as it is now.</summary>
public sealed record ApprovalEvent(ApprovalInfo Approval) : AgentEventPayload;

[JsonConverter(typeof(LowerSnake<TodoItemState>))]
public enum TodoItemState
{
    Pending,
    Active,
    Done,
}

public sealed record TodoItem(string Text, TodoItemState State);

public sealed record TodoEvent(IReadOnlyList<TodoItem> Items) : AgentEventPayload;

public sealed record UsageEvent(UsageInfo Turn, UsageInfo Session) : AgentEventPayload;

[JsonConverter(typeof(LowerSnake<NoticeLevel>))]
public enum NoticeLevel
{
    Info,
    Warning,
}

/// <summary>The machine tells the reader something about the session (mode changed, resumed after a restart, …).</summary>
public sealed record NoticeEvent(NoticeLevel Level, string Text) : AgentEventPayload;

/// <summary>Something that was done was undone.</summary>
public sealed record UndoEvent(UndoInfo Undo) : AgentEventPayload;

public sealed record DoneEvent(TurnState Outcome, bool Cancelled) : AgentEventPayload;

public sealed record ErrorEvent(string Message) : AgentEventPayload;

/// <summary>The agent sent a file to the person: a copy as it was at that moment, fetched with <see cref="SentFileRequest"/>.</summary>
/// <param name="Name">The file's own name, without folders. Untrusted.</param>
/// <param name="MediaType">By its name and first bytes; for choosing a preview, not for trusting it.</param>
/// <param name="Caption">The agent's words. Untrusted.</param>
public sealed record SentFileEvent(string ToolUseId, Guid AgentSessionId, Guid FileId, string Name, long Bytes, string MediaType,
    string Sha256, string? Caption) : AgentEventPayload;

[JsonConverter(typeof(LowerSnake<DeltaKind>))]
public enum DeltaKind
{
    Text,
    Thinking,

    /// <summary>What a command of ours writes while it runs; the block\'s id is the tool call\'s. Gone when the result is there.</summary>
    Output,
}

/// <summary>
/// Live text (message type <c>agent_delta</c>, no seq). <paramref name="Offset"/> is where <paramref name="Text"/> starts in the block, in
/// UTF-16 units: a client that has less than that missed something and gets the whole block with the next subscribe; one that has more
/// drops the overlap. <paramref name="Dropped"/>: take the block away, its stream broke and was retried.
/// </summary>
public sealed record AgentDeltaPayload(
    Guid? TurnId,
    string BlockId,
    DeltaKind Kind,
    int Offset,
    string Text,
    string? ParentToolUseId = null,
    bool Dropped = false);
