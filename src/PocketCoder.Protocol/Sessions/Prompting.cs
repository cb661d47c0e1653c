using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>What became of words that were said into a running turn.</summary>
[JsonConverter(typeof(LowerSnake<SteerState>))]
public enum SteerState
{
    /// <summary>Written down and handed over; whether the agent took them is not known yet.</summary>
    Sending,

    /// <summary>The agent took them into the turn.</summary>
    Heard,

    /// <summary>The turn was over before: they wait in the queue, as a prompt with the same id.</summary>
    Queued,
}

/// <summary>Says something into the turn that runs. Only for an agent with <see cref="AgentInfo.Steer"/>.</summary>
/// <param name="PromptId">Client-made UUIDv7: the same one again says nothing twice. When the turn is over by then, it becomes the id of a
/// queued prompt.</param>
public sealed record AgentSteerRequest(Guid AgentSessionId, Guid PromptId, string Content);

/// <param name="State"><see cref="SteerState.Heard"/> or <see cref="SteerState.Queued"/>.</param>
/// <param name="Turn">The prompt that it became; null when it was heard.</param>
public sealed record AgentSteerResponse(SteerState State, TurnInfo? Turn);

/// <summary>A person said something into a running turn; the newest event of a prompt's id counts.</summary>
/// <param name="DeviceId">Null: the owner at the machine's command line.</param>
public sealed record SteerEvent(Guid PromptId, string Content, string? DeviceId, SteerState State) : AgentEventPayload;

/// <summary>Puts a waiting prompt before another one. Doing it again changes nothing.</summary>
/// <param name="Before">The prompt that it goes before; null: to the end.</param>
public sealed record AgentQueueMoveRequest(Guid AgentSessionId, Guid PromptId, Guid? Before = null);

/// <param name="PromptIds">All that wait, in the order in which they will run.</param>
public sealed record AgentQueueMoveResponse(IReadOnlyList<Guid> PromptIds);

/// <summary>
/// Makes one prompt of several that wait: their texts in the order in which they would run, with an empty line between, and all that went
/// with them. It takes the place and the id of the first; the others are cancelled.
/// </summary>
/// <param name="PromptIds">Two or more, each once. Only those: what came meanwhile stays as it is.</param>
public sealed record AgentQueueMergeRequest(Guid AgentSessionId, IReadOnlyList<Guid> PromptIds);

/// <param name="Turn">The prompt that they became.</param>
public sealed record AgentQueueMergeResponse(TurnInfo Turn);

/// <summary>The queue has another order now.</summary>
/// <param name="PromptIds">All that wait, in the order in which they will run.</param>
public sealed record QueueOrderEvent(IReadOnlyList<Guid> PromptIds) : AgentEventPayload;

/// <summary>
/// Goes on after a turn that failed or was interrupted, when nothing ran since: the same prompt again when nothing came of it, else a
/// prompt that tells the agent that it was cut off. It runs before the queue, which is let go. One press is one turn: asked again, also
/// under another id, the same turn is the answer.
/// </summary>
/// <param name="PromptId">Client-made UUIDv7; becomes the new turn's id.</param>
public sealed record AgentContinueRequest(Guid AgentSessionId, Guid TurnId, Guid PromptId);

public sealed record AgentContinueResponse(TurnInfo Turn);

/// <summary>A slash command of the agent's. Untrusted text, one line each.</summary>
/// <param name="Name">Without the slash; no blanks, at most 64 characters.</param>
/// <param name="Description">At most 200 characters; may be empty.</param>
public sealed record CommandInfo(string Name, string Description);

/// <summary>A model that the agent says it can use. Untrusted text.</summary>
/// <param name="Id">What <see cref="AgentSessionSetRequest.Model"/> takes.</param>
/// <param name="Efforts">Those it knows, the least first; null: the agent did not say.</param>
public sealed record ModelInfo(string Id, string Name, IReadOnlyList<string>? Efforts);

/// <summary>What the agent offers in this session, whole: at most 200 commands and 200 models. The newest event counts.</summary>
public sealed record OffersEvent(IReadOnlyList<CommandInfo> Commands, IReadOnlyList<ModelInfo> Models) : AgentEventPayload
{
    /// <summary>
    /// The efforts that can be chosen now, the least first; null: those of <see cref="AgentInfo.Efforts"/>, as the model knows them.
    /// </summary>
    public IReadOnlyList<string>? Efforts { get; init; }
}

/// <summary>How full the agent's conversation is, by its last request to the model.</summary>
/// <param name="WindowTokens">The most that go in; null when nobody told.</param>
public sealed record ContextInfo(long UsedTokens, long? WindowTokens);
