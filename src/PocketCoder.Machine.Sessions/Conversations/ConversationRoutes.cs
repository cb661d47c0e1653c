using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Conversations;

/// <summary>The messages about conversations that were begun in a terminal.</summary>
public static class ConversationRoutes
{
    public static MessageTable MapConversations(this MessageTable table, ConversationService conversations, ProjectStore projects)
        => table.MapShared(
        Verbs.AgentConversations, Scope.View,
        async (_, request, cancellationToken) => await conversations.ListAsync(
            await projects.GetAsync(request.ProjectId, cancellationToken), request.Agent, cancellationToken),
        concurrent: true);
}
