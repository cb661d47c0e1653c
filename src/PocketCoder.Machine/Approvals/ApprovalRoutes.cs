using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>The approvals' messages.</summary>
internal static class ApprovalRoutes
{
    public static MessageTable MapApprovals(this MessageTable table, ApprovalDesk desk) => table
        .Map(
            MessageTypes.AgentPromptResponse,
            Scope.Decide,
            ProtocolJson.Default.AgentPromptResponseRequest,
            ProtocolJson.Default.AgentPromptResponseResponse,
            async (caller, request, _) => new AgentPromptResponseResponse(await desk.DecideAsync(caller.Device, request)))
        .Map(
            MessageTypes.ApprovalsList,
            Scope.View,
            ProtocolJson.Default.ApprovalsListRequest,
            ProtocolJson.Default.ApprovalsListResponse,
            async (_, request, cancellationToken) => new ApprovalsListResponse(await desk.ListAsync(request, cancellationToken)));
}
