namespace PocketCoder.Agents.Acp;

/// <summary>
/// What is to be done to an agent's own files so that it can resume a conversation. Each is given the folder that is the agent's home and
/// the conversation's id.
/// </summary>
/// <param name="Before">Before its process starts, while nobody writes the conversation. Throws <see cref="AgentException"/> when it can't
/// be done and resuming would lose the conversation. False: the agent kept nothing of it, so that a new one is begun.</param>
/// <param name="After">Once the conversation is open, outside of a sandbox. Never throws.</param>
internal sealed record AcpConversationFiles(Func<string, string, bool> Before, Action<string, string> After);
