using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>The approvals' messages.</summary>
public static class ApprovalRoutes
{
    public static MessageTable MapApprovals(this MessageTable table, ApprovalService service) => table
        .MapShared(
            Verbs.AgentPromptResponse, Scope.Decide,
            async (caller, request, _) => new DecisionResponse(await service.DecideAsync(caller.Device, request)))
        .Map(
            DeviceVerbs.ApprovalsList, Scope.View,
            async (_, request, cancellationToken) => new ApprovalsListResponse(await service.ListAsync(request, cancellationToken)));
}
