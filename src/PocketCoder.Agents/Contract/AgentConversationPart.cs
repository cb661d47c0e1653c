namespace PocketCoder.Agents;

/// <summary>Who said a part of an earlier conversation.</summary>
public enum AgentConversationSpeaker
{
    Person,
    Agent,

    /// <summary>What the agent called, in one line; not what came of it.</summary>
    Tool,
}

/// <summary>
/// Something said in a conversation that began elsewhere. Untrusted text, at most <see cref="LongestText"/> characters; what is cut says
/// so.
/// </summary>
/// <param name="At">When, if the agent wrote it down.</param>
public sealed record AgentConversationPart(AgentConversationSpeaker Who, string Text, DateTimeOffset? At)
{
    /// <summary>Parts that are read of one conversation: the last ones.</summary>
    public const int Most = 500;

    /// <summary>Characters of all of them together.</summary>
    public const int MostCharacters = 1024 * 1024;

    public const int LongestText = 64 * 1024;
}
