namespace PocketCoder.Agents.Codex;

/// <summary>The part of the driver that knows what was begun in a terminal.</summary>
public sealed partial class CodexDriver
{
    private CodexConversations? Conversations => program.Find(environment) is { } path ? new(path, environment, time) : null;

    public Task<IReadOnlyList<AgentConversation>> ListConversationsAsync(string directory, int most, CancellationToken cancellationToken)
        => Conversations?.ListAsync(directory, most, cancellationToken) ?? Task.FromResult<IReadOnlyList<AgentConversation>>([]);

    public Task<IReadOnlyList<AgentConversationPart>> ReadConversationAsync(string conversation, string directory, CancellationToken cancellationToken)
        => IsThreadId(conversation) && Conversations is { } kept ? kept.ReadAsync(conversation, directory, cancellationToken) : Task.FromResult<IReadOnlyList<AgentConversationPart>>([]);

    internal static bool IsThreadId(string text) => ThreadId().IsMatch(text);
}
