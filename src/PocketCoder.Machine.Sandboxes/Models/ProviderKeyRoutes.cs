using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Models;

/// <summary>
/// The messages about the keys of model providers. Whose account pays, and may read along, needs <see cref="Scope.Manage"/>.
/// </summary>
public static class ProviderKeyRoutes
{
    public static MessageTable MapProviderKeys(this MessageTable table, ProviderKeys keys) => table
        .Map(
            MessageTypes.ProviderKeySet, Scope.Manage, static () => ProtocolJson.Default.ProviderKeySetRequest,
            static () => ProtocolJson.Default.ProviderKeySetResponse, (caller, request, _) => keys.SetAsync(caller.Device, request))
        .Map(
            MessageTypes.ProviderKeyRemove, Scope.Manage, static () => ProtocolJson.Default.ProviderKeyRemoveRequest,
            static () => ProtocolJson.Default.ProviderKeyRemoveResponse, (caller, request, _) => keys.RemoveAsync(caller.Device, request))
        .Map(
            MessageTypes.ProviderKeyCheck, Scope.Manage, static () => ProtocolJson.Default.ProviderKeyCheckRequest,
            static () => ProtocolJson.Default.ProviderKeyCheckResponse,
            (_, request, cancellationToken) => keys.CheckAsync(request, cancellationToken), concurrent: true);
}
