namespace PocketCoder.Agents.Claude;

/// <summary>The part of the driver that knows what was begun in a terminal.</summary>
public sealed partial class ClaudeDriver
{
    private ClaudeConversations Conversations => new(ClaudeEnvironment.ConfigDirectory(environment));

    public Task<IReadOnlyList<AgentConversation>> ListConversationsAsync(string directory, int most, CancellationToken cancellationToken)
        => Task.Run(() => Conversations.List(directory, most, cancellationToken), cancellationToken);

    public Task<IReadOnlyList<AgentConversationPart>> ReadConversationAsync(string conversation, string directory, CancellationToken cancellationToken)
        => Task.Run(() => Conversations.Read(conversation, directory), cancellationToken);
}
