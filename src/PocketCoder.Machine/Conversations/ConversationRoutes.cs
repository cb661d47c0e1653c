using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Conversations;

/// <summary>The messages about conversations that were begun in a terminal.</summary>
internal static class ConversationRoutes
{
    public static MessageTable MapConversations(this MessageTable table, ConversationDesk conversations, ProjectStore projects) => table.Map(
        MessageTypes.AgentConversations,
        Scope.View,
        ProtocolJson.Default.AgentConversationsRequest,
        ProtocolJson.Default.AgentConversationsResponse,
        async (_, request, cancellationToken) => await conversations.ListAsync(await projects.GetAsync(request.ProjectId, cancellationToken), request.Agent, cancellationToken),
        concurrent: true);
}
