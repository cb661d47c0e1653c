namespace PocketCoder.Agents;

/// <summary>Something an agent said or did. A closed set; drivers translate their agent's protocol into it.</summary>
public abstract record AgentEvent;

/// <summary>The agent is up, or began a turn with changed settings.</summary>
/// <param name="NativeId">The agent's own id of the conversation; may change in mid-life (Claude's <c>/clear</c>): always take the
/// newest.</param>
public sealed record AgentReady(string NativeId) : AgentEvent
{
    public string? Model { get; init; }

    public string? Mode { get; init; }

    public string? Version { get; init; }

    public IReadOnlyList<string> Tools { get; init; } = [];

    public IReadOnlyList<AgentCommand> Commands { get; init; } = [];

    /// <summary>The models it says it can use; empty: it does not say.</summary>
    public IReadOnlyList<AgentModel> Models { get; init; } = [];

    /// <summary>
    /// <see cref="Models"/> are those of a provider of the owner's own, which this conversation asks: they say nothing of what else the
    /// agent has. Set by the machine, never by a driver.
    /// </summary>
    public bool OfOwnProvider { get; init; }

    /// <summary>What of <see cref="AgentStart.Effort"/> can be chosen now, the least first; null: what the description says.</summary>
    public IReadOnlyList<string>? Efforts { get; init; }
}

/// <summary>A slash command the agent offers. Untrusted text.</summary>
/// <param name="Name">Without the slash.</param>
public sealed record AgentCommand(string Name, string Description);

/// <summary>A model the agent says it can use. Untrusted text.</summary>
/// <param name="Id">What <see cref="AgentStart.Model"/> takes.</param>
public sealed record AgentModel(string Id, string Name)
{
    /// <summary>Those of <see cref="AgentDescription.Efforts"/> that it knows, the least first; null: the agent does not say.</summary>
    public IReadOnlyList<string>? Efforts { get; init; }
}

/// <summary>The agent named the conversation. Untrusted text.</summary>
public sealed record AgentTitled(string Title) : AgentEvent;

/// <summary>What a streamed block is.</summary>
public enum BlockKind
{
    Text,
    Thinking,
}

/// <summary>
/// A piece of a block as it is produced. Live only: the whole block follows as <see cref="AgentBlock"/>, or is superseded by it when a
/// broken stream was retried.
/// </summary>
/// <param name="BlockId">Unique within the session; the finished block carries the same id.</param>
/// <param name="ParentToolUseId">Set when a sub-agent speaks: the tool call that started it.</param>
public sealed record AgentDelta(string BlockId, BlockKind Kind, string Text, string? ParentToolUseId = null) : AgentEvent;

/// <summary>
/// A finished block, whole. Replaces all deltas of the same id. Without a text: it is over, and what was shown of it stands.
/// </summary>
public sealed record AgentBlock(string BlockId, BlockKind Kind, string Text, string? ParentToolUseId = null) : AgentEvent
{
    /// <summary>The agent did not finish it: the turn was stopped or broke off.</summary>
    public bool Cut { get; init; }
}

/// <summary>
/// Deltas of this block were shown, and the agent does not finish it: its stream broke (and a later block of the same kind may say it
/// anew), or the turn is over. What was shown stays with whoever reads the events, until it was said anew.
/// </summary>
public sealed record AgentBlockDropped(string BlockId) : AgentEvent;

/// <summary>What a tool does, for icons, grouping and the gate.</summary>
public enum ToolKind
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

/// <summary>The agent called a tool (its input is complete; it has not run yet when it needs approval).</summary>
/// <param name="Title">One line for people: the command, the path, the pattern. Untrusted text.</param>
public sealed record AgentToolUse(string ToolUseId, string Name, ToolKind Kind, string Title, string InputJson) : AgentEvent
{
    /// <summary>The file concerned, absolute, where there is one.</summary>
    public string? Path { get; init; }

    /// <summary>For edits that are known beforehand.</summary>
    public FileChange? Change { get; init; }

    public string? ParentToolUseId { get; init; }
}

/// <summary>A tool call ended.</summary>
/// <param name="Output">What the agent got, whole as the agent reported it.</param>
public sealed record AgentToolResult(string ToolUseId, bool IsError, string Output) : AgentEvent
{
    /// <summary>Exit code of a command, when the agent told it.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The tool was cut off by an interrupt.</summary>
    public bool Interrupted { get; init; }

    public string? ParentToolUseId { get; init; }
}

/// <summary>
/// The whole text of a file before and after a change. Null before: the file is new. Null after: it can't be known beforehand.
/// </summary>
public sealed record FileChange(string Path, string? Before, string? After);

/// <summary>What an agent wants to do, exactly.</summary>
public abstract record AgentSubject
{
    private AgentSubject()
    {
    }

    /// <summary>Run a command line by the agent's (or the stub's) shell.</summary>
    public sealed record Command(string CommandLine, string WorkingDirectory) : AgentSubject;

    /// <summary>Change a file.</summary>
    public sealed record Edit(FileChange Change) : AgentSubject;

    /// <summary>Anything else: a tool by name with its input.</summary>
    public sealed record Tool(string Name) : AgentSubject;
}

/// <summary>The agent waits for a decision.</summary>
/// <param name="InputJson">The tool's exact input. What is approved is this text, and this text is given back on
/// <see cref="AgentAnswer.Allow"/>.</param>
public sealed record AgentApprovalAsked(string RequestId, string ToolUseId, string ToolName, AgentSubject Subject, string InputJson)
    : AgentEvent
{
    /// <summary>The agent's own words on why. Untrusted.</summary>
    public string? Reason { get; init; }

    /// <summary>
    /// For a reading: where its path leads now, absolute, links followed. A part of what is approved. Null: it is no reading, or nobody
    /// knows of what.
    /// </summary>
    public string? Reads { get; init; }

    /// <summary>With <see cref="Reads"/>: all that lies beneath is read too, as by a search.</summary>
    public bool ReadsTree { get; init; }
}

/// <summary>
/// The agent called a tool of ours and waits for <see cref="AgentAnswer.HostResult"/>. When it is withdrawn, nothing may begin for it any
/// more and what runs must end.
/// </summary>
/// <param name="InputJson">Exactly what the model gave; not checked against the schema by the agent.</param>
public sealed record AgentHostCall(string RequestId, string ToolUseId, string ToolName, string InputJson) : AgentEvent;

/// <summary>The agent asks the human.</summary>
public sealed record AgentQuestionAsked(string RequestId, string ToolUseId, IReadOnlyList<AgentQuestion> Questions) : AgentEvent;

/// <summary>One question with its choices; free text is always possible as well.</summary>
public sealed record AgentQuestion(string Text, string? Header, IReadOnlyList<AgentOption> Options, bool MultiSelect);

public sealed record AgentOption(string Label, string? Description);

/// <summary>The agent proposes a plan (markdown) and waits.</summary>
public sealed record AgentPlanProposed(string RequestId, string ToolUseId, string Plan) : AgentEvent;

/// <summary>The agent no longer waits for this request (interrupted, timed out): close its card.</summary>
public sealed record AgentRequestWithdrawn(string RequestId) : AgentEvent;

public enum TodoState
{
    Pending,
    Active,
    Done,
}

public sealed record AgentTodo(string Text, TodoState State);

/// <summary>The agent's todo list, whole.</summary>
public sealed record AgentTodos(IReadOnlyList<AgentTodo> Items) : AgentEvent;

public enum ActivityKind
{
    Requesting,
    Compacting,
    Retrying,
}

/// <summary>What the agent is doing while silent. Live only.</summary>
public sealed record AgentActivity(ActivityKind Kind) : AgentEvent
{
    /// <summary>For <see cref="ActivityKind.Retrying"/>: which attempt, of how many, in how long, and why.</summary>
    public int? Attempt { get; init; }

    public int? MaxAttempts { get; init; }

    public TimeSpan? Delay { get; init; }

    public string? Detail { get; init; }
}

/// <summary>The agent changed its own mode (after a plan was accepted, say).</summary>
public sealed record AgentModeChanged(string Mode) : AgentEvent;

/// <summary>How full the conversation is, as the agent tells it or as its last request to the model showed. Live.</summary>
/// <param name="UsedTokens">In the model's context now.</param>
/// <param name="WindowTokens">The most that go in; null when nobody told.</param>
public sealed record AgentContext(long UsedTokens, long? WindowTokens) : AgentEvent;

public enum TurnOutcome
{
    Completed,
    Failed,
    Cancelled,
}

/// <summary>Tokens and cost of one turn (already subtracted where the agent counts cumulatively).</summary>
public sealed record AgentUsage(long InputTokens, long OutputTokens, long CacheReadTokens, long CacheWriteTokens, decimal? CostUsd);

/// <summary>The running turn is over; the process lives on.</summary>
public sealed record AgentTurnEnded(TurnOutcome Outcome) : AgentEvent
{
    /// <summary>Why it failed, for people: cause first, then the next step where one is known.</summary>
    public string? Error { get; init; }

    public AgentUsage? Usage { get; init; }

    /// <summary>The agent's own name for this moment of the conversation: <see cref="AgentStart.ForkAt"/> takes it. Null: none.</summary>
    public string? Mark { get; init; }
}

/// <summary>The process is gone; nothing follows. If a turn was running it is interrupted.</summary>
public sealed record AgentEnded(int? ExitCode, string Reason) : AgentEvent;
