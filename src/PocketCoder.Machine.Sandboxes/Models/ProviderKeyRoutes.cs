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
            DeviceVerbs.ProviderKeySet, Scope.Manage, (caller, request, _) => keys.SetAsync(caller.Device, request))
        .Map(
            DeviceVerbs.ProviderKeyRemove, Scope.Manage, (caller, request, _) => keys.RemoveAsync(caller.Device, request))
        .Map(
            DeviceVerbs.ProviderKeyCheck, Scope.Manage,
            (_, request, cancellationToken) => keys.CheckAsync(request, cancellationToken), concurrent: true);
}
