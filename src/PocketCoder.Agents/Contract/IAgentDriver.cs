namespace PocketCoder.Agents;

/// <summary>
/// One kind of agent (Claude Code, the stub, …): what it can do, whether it is installed, and how to start it.
/// Thread-safe. The machine knows agents only through this contract; no agent-specific branch exists outside the agent's own folder.
/// </summary>
public interface IAgentDriver
{
    /// <summary>Who the agent is and what it can do. Constant for the life of the daemon.</summary>
    AgentDescription Description { get; }

    /// <summary>The models it asks, when the machine can stand in between; null when it can't.</summary>
    AgentModels? Models => null;

    /// <summary>
    /// What a provider of the owner's own may speak for this agent to ask its models, as <c>NAME/MODEL</c>, from a sandbox of its own
    /// (<see cref="AgentStart.Provider"/>). Empty: it asks none. Constant.
    /// </summary>
    IReadOnlyList<ProviderDialect> Providers => [];

    /// <summary>
    /// Whether the agent itself names models with their provider, as <c>NAME/MODEL</c>. One that does not is told the models of a provider
    /// of the owner's own by the provider's names for them, and says those. Constant.
    /// </summary>
    bool NamesProviders => false;

    /// <summary>
    /// How a person goes on with a conversation in a terminal, by the agent's own program; null when it has no way for that.
    /// </summary>
    /// <param name="conversation">The agent's own id of it.</param>
    /// <param name="stateDirectory">The session's own folder, when the agent ran in a sandbox; else null.</param>
    AgentTerminalCommand? InTerminal(string conversation, string? stateDirectory) => null;

    /// <summary>
    /// The newest conversations of this agent in a directory, newest first. Only if the description says so; what can't be read is left
    /// out. At most 20 s.
    /// </summary>
    /// <param name="directory">Absolute: only those that work there or beneath.</param>
    /// <param name="most">So many at most.</param>
    Task<IReadOnlyList<AgentConversation>> ListConversationsAsync(string directory, int most, CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<AgentConversation>>([]);

    /// <summary>
    /// What was said in a conversation, oldest first, the last of it within the bounds of <see cref="AgentConversationPart"/>. Empty:
    /// nothing is known. At most 20 s.
    /// </summary>
    /// <param name="conversation">The agent's own id of it.</param>
    /// <param name="directory">Where it works, as <see cref="ListConversationsAsync"/> told.</param>
    Task<IReadOnlyList<AgentConversationPart>> ReadConversationAsync(string conversation, string directory,
        CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<AgentConversationPart>>([]);

    /// <summary>
    /// Looks for the agent's program on this machine. Never throws for a missing program: that is an answer. At most 10 s.
    /// </summary>
    Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Starts (or resumes) the agent for one session. The process has its own process group and an environment built from an allow-list.
    /// </summary>
    /// <exception cref="AgentException">Typed reason: not installed, session open elsewhere, refused to start …</exception>
    Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken);
}

/// <summary>A running agent, owned by one session actor: members are called by one caller at a time.</summary>
public interface IAgentProcess : IAsyncDisposable
{
    /// <summary>
    /// The operating-system process, or null for an agent that lives inside the daemon. Kept on disk so that a restarted daemon can end
    /// what a killed one left behind.
    /// </summary>
    PocketCoder.Processes.ProcessIdentity? Process { get; }

    /// <summary>
    /// Values that this process was given and that open something (a password, a token): the machine keeps them out of all that is shown.
    /// </summary>
    IReadOnlyList<string> Secrets => [];

    /// <summary>
    /// Everything the agent says, in order. Bounded: while nobody reads, the agent's own output pipe fills and it waits.
    /// The last event is always <see cref="AgentEnded"/>, after which the reader completes.
    /// </summary>
    System.Threading.Channels.ChannelReader<AgentEvent> Events { get; }

    /// <summary>Begins a turn. Only when no turn runs: queueing is the machine's, never the agent's.</summary>
    ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken);

    /// <summary>
    /// Asks the agent to stop the running turn. The turn's end still comes as <see cref="AgentTurnEnded"/>; if it does not come in time,
    /// dispose.
    /// </summary>
    ValueTask InterruptAsync(CancellationToken cancellationToken);

    /// <summary>Answers an approval, question or plan. An answer to a withdrawn or unknown request is ignored and returns false.</summary>
    ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken);

    /// <summary>Changes mode for the following turns. Only if the description lists modes.</summary>
    ValueTask SetModeAsync(string mode, CancellationToken cancellationToken);

    /// <summary>Changes the model for the following turns. Only if the description says models can change.</summary>
    /// <param name="model">Null: back to the agent's default.</param>
    ValueTask SetModelAsync(string? model, CancellationToken cancellationToken);

    /// <summary>
    /// Changes the effort for the following turns. Only if the description lists efforts, or the agent told some
    /// (<see cref="AgentReady.Efforts"/>).
    /// </summary>
    /// <param name="effort">Null: back to the agent's default.</param>
    ValueTask SetEffortAsync(string? effort, CancellationToken cancellationToken)
        => throw new AgentException(AgentError.Refused, "This agent's effort can't be chosen.");

    /// <summary>
    /// Adds words to the turn that runs. Only if the description says so. False: the turn was over before it could hear them; then they
    /// were not said.
    /// </summary>
    ValueTask<bool> SteerAsync(AgentPrompt prompt, CancellationToken cancellationToken)
        => throw new AgentException(AgentError.Refused, "This agent can't be steered; the prompt can wait in the queue.");
}
