namespace PocketCoder.Agents.OpenCode;

/// <summary>The part of the driver that knows what was begun in a terminal.</summary>
public sealed partial class OpenCodeDriver
{
    private OpenCodeConversations? Kept => program.Find(environment) is { } path ? new(path, environment, time) : null;

    public Task<IReadOnlyList<AgentConversation>> ListConversationsAsync(string directory, int most, CancellationToken cancellationToken)
        => Kept?.ListAsync(directory, most, cancellationToken) ?? Task.FromResult<IReadOnlyList<AgentConversation>>([]);

    public Task<IReadOnlyList<AgentConversationPart>> ReadConversationAsync(string conversation, string directory, CancellationToken cancellationToken)
        => OpenCodeIds.Session().IsMatch(conversation) && Kept is { } kept ? kept.ReadAsync(conversation, cancellationToken) : Task.FromResult<IReadOnlyList<AgentConversationPart>>([]);
}
