using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Network;

/// <summary>The network rules' messages. Rules are made by decisions and by the owner's CLI only.</summary>
internal static class NetworkRoutes
{
    public static MessageTable MapNetwork(this MessageTable table, NetworkRules rules) => table
        .Map(
            MessageTypes.NetworkRulesList,
            Scope.View,
            ProtocolJson.Default.NetworkRulesListRequest,
            ProtocolJson.Default.NetworkRulesListResponse,
            async (_, request, cancellationToken) => new NetworkRulesListResponse(await rules.ListAsync(request.ProjectId, cancellationToken)))
        .Map(
            MessageTypes.NetworkRuleRemove,
            Scope.Decide,
            ProtocolJson.Default.NetworkRuleRemoveRequest,
            ProtocolJson.Default.NetworkRuleRemoveResponse,
            async (caller, request, _) => new NetworkRuleRemoveResponse(await rules.RemoveAsync(request.RuleId, caller.Device.Name, caller.Device.DeviceId)));
}
