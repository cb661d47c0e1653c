using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>The network rules' messages. Rules are made by decisions and by the owner's CLI only.</summary>
public static class NetworkRoutes
{
    public static MessageTable MapNetwork(this MessageTable table, NetworkRules rules) => table
        .MapShared(
            Verbs.NetworkRulesList, Scope.View,
            async (_, request, cancellationToken) => new NetworkRulesListResponse(
                await rules.ListAsync(request.ProjectId, cancellationToken)))
        .MapShared(
            Verbs.NetworkRuleRemove, Scope.Decide,
            async (caller, request, _) => new NetworkRuleRemoveResponse(
                await rules.RemoveAsync(request.RuleId, caller.Device?.Name ?? "cli", caller.Device?.DeviceId)));
}
