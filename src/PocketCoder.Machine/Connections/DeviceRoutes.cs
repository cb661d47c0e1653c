using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>The devices' messages.</summary>
internal static class DeviceRoutes
{
    public static MessageTable MapDevices(this MessageTable table, DeviceStore devices, ConnectionRegistry connections) => table
        .MapShared(
            Verbs.DevicesList, Scope.View,
            (_, _, _) => Task.FromResult(
                new DevicesListResponse([.. devices.All.Select(d => d.ToInfo(connections.IsConnected(d.DeviceId)))])))
        .MapShared(
            Verbs.DeviceRevoke, Scope.Manage,
            async (caller, request, _) =>
            {
                var device = await devices.RevokeAsync(request.DeviceId, caller.Device?.DeviceId ?? "cli");
                connections.EndDevice(device.DeviceId);
                return new DeviceRevokeResponse(device.ToInfo(false));
            })
        .MapShared(
            Verbs.DeviceRename, Scope.Manage,
            async (caller, request, _) =>
            {
                var connected = connections.IsConnected(request.DeviceId);
                return new DeviceRenameResponse(
                    (await devices.RenameAsync(request.DeviceId, request.Name, connected, caller.Device)).ToInfo(connected));
            })
        .Map(
            DeviceVerbs.Presence, Scope.View,
            (caller, request, _) =>
            {
                connections.Show((ILiveConnection)caller.Connection, request.Visible);
                return Task.FromResult(new PresenceResponse(request.Visible));
            });
}
