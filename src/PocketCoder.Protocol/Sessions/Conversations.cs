using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>What a copy of a conversation that was begun in a terminal holds.</summary>
[JsonConverter(typeof(LowerSnake<ConversationCopy>))]
public enum ConversationCopy
{
    /// <summary>This agent's can't be copied.</summary>
    None,

    /// <summary>All of it.</summary>
    Whole,

    /// <summary>What the person and the agent said last, not what its tools gave.</summary>
    Words,
}

/// <summary>A conversation that an agent keeps on the machine, begun in a terminal most likely.</summary>
/// <param name="Title">One line. Untrusted.</param>
/// <param name="Directory">Where it works. One that works elsewhere than in the project's own folder can't go on in the project.</param>
/// <param name="Open">Whether another process has it open; null: nobody can tell.</param>
/// <param name="AgentSessionId">The session that has it already: go on there.</param>
public sealed record ConversationInfo(
    string Agent, string ConversationId, string Title, string Directory, DateTimeOffset UpdatedAt, bool? Open, Guid? AgentSessionId);

/// <summary>Lists what agents keep of a project, the newest 50 of each agent.</summary>
/// <param name="Agent">Null: of all agents that can tell.</param>
public sealed record AgentConversationsRequest(Guid ProjectId, string? Agent = null);

/// <param name="Missing">Agents that could not tell this time.</param>
public sealed record AgentConversationsResponse(IReadOnlyList<ConversationInfo> Conversations, IReadOnlyList<ConversationsMissing> Missing);

public sealed record ConversationsMissing(string Agent, string Why);

[JsonConverter(typeof(LowerSnake<ImportedSpeaker>))]
public enum ImportedSpeaker
{
    Person,
    Agent,

    /// <summary>What the agent called, in one line; not what came of it.</summary>
    Tool,
}

/// <summary>
/// Something that was said before the session began, in the terminal: what the agent wrote down, not what this machine saw. Untrusted.
/// </summary>
/// <param name="SaidAt">When, as the agent wrote it down.</param>
public sealed record ImportedEvent(ImportedSpeaker Who, string Text, DateTimeOffset? SaidAt) : AgentEventPayload;
