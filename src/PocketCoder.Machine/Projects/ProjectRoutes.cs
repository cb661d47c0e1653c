using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Projects;

/// <summary>The messages about what a project's sessions begin with.</summary>
internal static class ProjectRoutes
{
    /// <remarks>Setting needs what beginning such a session needs, also for "no sandbox": it starts nothing, and whoever starts one sees what is chosen.</remarks>
    public static MessageTable MapProjects(this MessageTable table, ProjectDefaultsStore defaults) => table
        .Map(
            MessageTypes.ProjectDefaultsGet,
            Scope.View,
            ProtocolJson.Default.ProjectDefaultsGetRequest,
            ProtocolJson.Default.ProjectDefaultsGetResponse,
            async (_, request, cancellationToken) => new ProjectDefaultsGetResponse(await defaults.GetAsync(request.ProjectId, cancellationToken)))
        .Map(
            MessageTypes.ProjectDefaultsSet,
            Scope.Prompt,
            ProtocolJson.Default.ProjectDefaultsSetRequest,
            ProtocolJson.Default.ProjectDefaultsSetResponse,
            async (_, request, cancellationToken) => new ProjectDefaultsSetResponse(await defaults.SetAsync(request.ProjectId, request.Defaults, cancellationToken)));
}
