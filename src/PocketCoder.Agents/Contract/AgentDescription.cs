namespace PocketCoder.Agents;

/// <summary>An agent's name and capabilities, as data: the app offers only what stands here.</summary>
/// <param name="Id">Stable short id used on the wire and in tables: <c>claude</c>, <c>stub</c>.</param>
/// <param name="Name">What people call it: <c>Claude Code</c>.</param>
public sealed record AgentDescription(string Id, string Name)
{
    /// <summary>Modes the agent can be started in or switched to, the default first. Empty: it has none.</summary>
    public IReadOnlyList<string> Modes { get; init; } = [];

    /// <summary>Whether the model can be chosen.</summary>
    public bool Models { get; init; }

    /// <summary>Every model it has, when that is known without running it. Empty: it tells when it runs, and may take others too.</summary>
    public IReadOnlyList<string> FixedModels { get; init; } = [];

    /// <summary>Whether it asks questions with choices.</summary>
    public bool Questions { get; init; }

    /// <summary>Whether it proposes plans for approval.</summary>
    public bool Plans { get; init; }

    /// <summary>Whether a conversation can go on after its process ended.</summary>
    public bool Resume { get; init; }

    /// <summary>Whether a conversation can be copied and go on as another one (<see cref="AgentStart.Fork"/>).</summary>
    public bool Fork { get; init; }

    /// <summary>Whether such a copy can begin at the end of an earlier turn (<see cref="AgentStart.ForkAt"/>).</summary>
    public bool Rewind { get; init; }

    /// <summary>Whether words can be added to a turn that runs (<see cref="IAgentProcess.SteerAsync"/>).</summary>
    public bool Steer { get; init; }

    /// <summary>How much it may think, the least first (<see cref="AgentStart.Effort"/>). Empty: it can't be chosen.</summary>
    public IReadOnlyList<string> Efforts { get; init; } = [];

    /// <summary>
    /// Whether it tells only when it runs which efforts there are (<see cref="AgentReady.Efforts"/>); until then any name is taken, and one
    /// that it lacks is passed over.
    /// </summary>
    public bool EffortsTold { get; init; }

    /// <summary>Whether pictures can go with a prompt (<see cref="AgentPrompt.Attachments"/>); other files always can.</summary>
    public bool Images { get; init; }

    /// <summary>Whether it tells slash commands (<see cref="AgentReady.Commands"/>).</summary>
    public bool Commands { get; init; }

    /// <summary>Whether its conversations on this machine can be listed (<see cref="IAgentDriver.ListConversationsAsync"/>).</summary>
    public bool Conversations { get; init; }

    /// <summary>Whether a conversation that was begun in a terminal can itself go on here, in a session without a sandbox.</summary>
    public bool Continues { get; init; }

    /// <summary>
    /// Whether such a conversation can go on as a copy, in any session that the agent can have (<see cref="AgentStart.BegunElsewhere"/>);
    /// the original stays as it is.
    /// </summary>
    public ConversationCopies Copies { get; init; }

    /// <summary>Whether it reports tokens.</summary>
    public bool Usage { get; init; }

    /// <summary>Whether it reports what a turn cost.</summary>
    public bool Cost { get; init; }

    /// <summary>Whether its own shell can be switched off and ours offered instead (<see cref="AgentStart.HostTools"/>).</summary>
    public bool HostTools { get; init; }

    /// <summary>The versions of its program that the tests ran against, oldest first. Empty: none was, or it has none.</summary>
    public IReadOnlyList<string> TestedVersions { get; init; } = [];

    /// <summary>Whether its program can run in a sandbox of its own (<see cref="AgentStart.Sandbox"/>).</summary>
    public bool RunsInSandbox { get; init; }

    /// <summary>What it does with settings that a project holds for agents: hooks, MCP servers, plugins, skills, permissions.</summary>
    public RepositorySettings RepositorySettings { get; init; }
}

/// <summary>What an agent does with a project's settings for agents. Instructions that are given to it as text are no settings.</summary>
public enum RepositorySettings
{
    /// <summary>Nobody knows, or it uses them.</summary>
    Unknown,

    /// <summary>Left off when it is held to our tools (<see cref="AgentStart.HostTools"/>); else its own matter.</summary>
    LeftOffWhenHeld,

    /// <summary>Left off in every session, or it is not started.</summary>
    LeftOff,
}

/// <summary>What a copy of a conversation that was begun in a terminal holds.</summary>
public enum ConversationCopies
{
    /// <summary>There are no copies.</summary>
    None,

    /// <summary>All of it.</summary>
    Whole,

    /// <summary>What the person and the agent said last, not what its tools gave.</summary>
    Words,
}

/// <summary>What a look for the agent's program found.</summary>
/// <param name="Installed">Whether it can be started.</param>
/// <param name="Version">Its version, when it told.</param>
/// <param name="Path">Where it is.</param>
/// <param name="Advice">When not installed or not tested with: what to do, in one sentence.</param>
public sealed record AgentProbe(bool Installed, string? Version = null, string? Path = null, string? Advice = null)
{
    /// <summary>
    /// The program is there and did not tell its version, in time or at all: nothing is known of it yet, and it is worth asking again.
    /// </summary>
    public bool Unanswered { get; init; }
}

/// <summary>How to start an agent for a session.</summary>
public sealed record AgentStart
{
    /// <summary>Our session id. A new conversation takes it as its own id where the agent allows.</summary>
    public required Guid SessionId { get; init; }

    /// <summary>The agent's own id of the conversation to resume; null starts a new one.</summary>
    public string? ResumeId { get; init; }

    /// <summary>Where it begins: the project's directory or one beneath it, absolute, existing.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>
    /// The project's directory, absolute: what lies in it is read unasked, edited when allowed, and seen in the sandbox. Null: the working
    /// directory is the project's.
    /// </summary>
    public string? ProjectDirectory { get; init; }

    /// <summary>The project's directory.</summary>
    public string Project => ProjectDirectory ?? WorkingDirectory;

    public string? Mode { get; init; }

    public string? Model { get; init; }

    /// <summary>
    /// Absolute: what goes with prompts lies there (<see cref="AgentAttachment.Path"/>) and may be read unasked. In a sandbox it is seen at
    /// the same path.
    /// </summary>
    public string? AttachmentsDirectory { get; init; }

    /// <summary>
    /// Folders that no tool of an agent reads, asked or not: PocketCoder's own. What else of this start lies in them is not meant (project,
    /// attachments, the sandbox's state).
    /// </summary>
    public IReadOnlyList<string> ClosedFolders { get; init; } = [];

    /// <summary>
    /// Whether a file holds keys or passwords by its name (an absolute path): a new one that a driver writes gets mode 0600.
    /// </summary>
    public Func<string, bool> HoldsSecrets { get; init; } = static _ => false;

    /// <summary>One of <see cref="AgentDescription.Efforts"/>; null: the agent's default.</summary>
    public string? Effort { get; init; }

    /// <summary>
    /// With <see cref="ResumeId"/>: a copy of that conversation goes on, under an id of its own; the original stays as it is.
    /// </summary>
    public bool Fork { get; init; }

    /// <summary>With <see cref="Fork"/>: the last turn of the copy, by its <see cref="AgentTurnEnded.Mark"/>; null: all.</summary>
    public string? ForkAt { get; init; }

    /// <summary>
    /// With <see cref="Fork"/>: the conversation is not one of this machine's sessions but the person's own, begun in a terminal; it lies
    /// where the agent keeps its own files outside of any sandbox. Only if there are <see cref="AgentDescription.Copies"/>.
    /// </summary>
    public bool BegunElsewhere { get; init; }

    /// <summary>
    /// The mark (<see cref="PocketCoder.Processes.OwnedProcess.MarkVariable"/>) that every process of the agent must bear: the machine has
    /// written it down before, so that whatever outlives a killed daemon is found. Null: nobody looks for them.
    /// </summary>
    public string? Mark { get; init; }

    /// <summary>
    /// Tools that the machine runs for the agent. With any of them the agent's own shell is off: gated. Only if the description says so.
    /// </summary>
    public IReadOnlyList<HostTool> HostTools { get; init; } = [];

    /// <summary>
    /// Where its program runs; null: as a child of the daemon. Only for an agent whose description says
    /// <see cref="AgentDescription.RunsInSandbox"/>.
    /// </summary>
    public IAgentSandbox? Sandbox { get; init; }

    /// <summary>The machine's own way to the models; null: the agent finds its own. Never null in a sandbox.</summary>
    public AgentModelAccess? ModelAccess { get; init; }

    /// <summary>
    /// Whose models <see cref="ModelAccess"/> leads to, when that is a provider of the owner's own; <see cref="Model"/> is one of them
    /// then, named as <see cref="IAgentDriver.NamesProviders"/> says. Only with a dialect of <see cref="IAgentDriver.Providers"/> and in a
    /// sandbox.
    /// </summary>
    public AgentProvider? Provider { get; init; }
}

/// <summary>A tool that the machine runs for the agent.</summary>
/// <param name="Name">Lower-case letters: what the model calls it.</param>
/// <param name="Description">For the model.</param>
/// <param name="InputSchemaJson">JSON Schema of its input. Agents do not hold the model to it: the machine checks the input itself.</param>
public sealed record HostTool(string Name, string Description, string InputSchemaJson);

/// <summary>A prompt for one turn.</summary>
/// <param name="TurnId">Our id of the turn.</param>
/// <param name="Text">What the person wrote, unchanged.</param>
public sealed record AgentPrompt(Guid TurnId, string Text)
{
    /// <summary>
    /// What the machine lets the agent know before it goes on (jobs that ended); not the person's words. Drivers put it before the text,
    /// marked as such.
    /// </summary>
    public string? Note { get; init; }

    /// <summary>What goes with it, in the order in which the person chose it.</summary>
    public IReadOnlyList<AgentAttachment> Attachments { get; init; } = [];

    /// <summary>
    /// What drivers send, each as a piece of its own: the note, marked as what no person said in the way that agents know (it can't be
    /// ended from within), then the text.
    /// </summary>
    internal IReadOnlyList<string> Pieces => Note is { } note
        ? [$"<system-reminder>\n{note.Replace("<", "&lt;", StringComparison.Ordinal)}\n</system-reminder>", Text] : [Text];
}

/// <summary>
/// A file that goes with a prompt. It lies outside of the project, written by the machine, and stays until the session is deleted.
/// </summary>
/// <param name="Path">Absolute, the same for the machine, in a sandbox and for commands. The name at its end is the machine's, harmless
/// everywhere.</param>
/// <param name="Name">The person's name for it: one component, no control characters. Untrusted.</param>
/// <param name="MediaType">As the machine found by its bytes: <c>image/png</c>, <c>text/plain</c>, <c>application/octet-stream</c>
/// …</param>
public sealed record AgentAttachment(string Path, string Name, string MediaType);

/// <summary>A conversation of the agent's own on this machine, begun by whomever.</summary>
/// <param name="Id">The agent's own id of it: what <see cref="AgentStart.ResumeId"/> takes.</param>
/// <param name="Title">The agent's title, or the beginning of its first prompt. Untrusted text, one line.</param>
/// <param name="Directory">Where it works, absolute.</param>
/// <param name="Open">Whether another process has it open right now (a terminal, most likely); null when that can't be known.</param>
public sealed record AgentConversation(string Id, string Title, string Directory, DateTimeOffset UpdatedAt, bool? Open);

/// <summary>The answer to something the agent asked.</summary>
public abstract record AgentAnswer
{
    private AgentAnswer()
    {
    }

    /// <summary>
    /// Do exactly what was asked: <paramref name="InputJson"/> is the input whose digest was approved, given back unchanged.
    /// </summary>
    public sealed record Allow(string InputJson) : AgentAnswer;

    /// <summary>Don't. The agent reads <paramref name="Message"/>; <paramref name="Interrupt"/> also ends the turn.</summary>
    public sealed record Deny(string Message, bool Interrupt = false) : AgentAnswer;

    /// <summary>Answers to questions: question text → chosen label, or several joined by ", ", or free text.</summary>
    public sealed record Reply(IReadOnlyDictionary<string, string> Answers) : AgentAnswer;

    /// <summary>What a tool of ours gave (<see cref="AgentHostCall"/>); the agent reads <paramref name="Text"/>.</summary>
    public sealed record HostResult(string Text, bool IsError) : AgentAnswer;

    /// <summary>The plan is accepted; go on in <paramref name="Mode"/> (null: the agent's default mode).</summary>
    public sealed record AcceptPlan(string? Mode = null) : AgentAnswer;
}
