namespace PocketCoder.Agents.Acp;

/// <summary>The part of the driver that knows what was begun in a terminal.</summary>
public sealed partial class AcpDriver
{
    public Task<IReadOnlyList<AgentConversation>> ListConversationsAsync(string directory, int most, CancellationToken cancellationToken)
        => agent.Conversations && program.Find(environment) is { } path
            ? AcpConversations.ListAsync(agent, path, environment, time, directory, most, cancellationToken)
            : Task.FromResult<IReadOnlyList<AgentConversation>>([]);
}
