using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Devices;

/// <summary>The devices' messages.</summary>
internal static class DeviceRoutes
{
    public static MessageTable MapDevices(this MessageTable table, DeviceStore devices, ConnectionRegistry connections) => table
        .Map(
            MessageTypes.DevicesList,
            Scope.View,
            ProtocolJson.Default.DevicesListRequest,
            ProtocolJson.Default.DevicesListResponse,
            (_, _, _) => Task.FromResult(new DevicesListResponse([.. devices.All.Select(d => d.ToInfo(connections.IsConnected(d.DeviceId)))])))
        .Map(
            MessageTypes.DeviceRevoke,
            Scope.Manage,
            ProtocolJson.Default.DeviceRevokeRequest,
            ProtocolJson.Default.DeviceRevokeResponse,
            async (caller, request, _) =>
            {
                var device = await devices.RevokeAsync(request.DeviceId, caller.Device.DeviceId);
                connections.EndDevice(device.DeviceId);
                return new DeviceRevokeResponse(device.ToInfo(false));
            })
        .Map(
            MessageTypes.DeviceRename,
            Scope.Manage,
            ProtocolJson.Default.DeviceRenameRequest,
            ProtocolJson.Default.DeviceRenameResponse,
            async (_, request, _) =>
            {
                var name = DeviceNames.Require(request.Name);
                return new DeviceRenameResponse((await devices.RenameAsync(request.DeviceId, name, connections.IsConnected(request.DeviceId))).ToInfo(connections.IsConnected(request.DeviceId)));
            });
}

internal static class DeviceNames
{
    /// <summary>A name that a person may give a device, trimmed.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static string Require(string? name)
    {
        var trimmed = name?.Trim() ?? "";
        if (trimmed.Equals(ApprovalDesk.CommandLine, StringComparison.OrdinalIgnoreCase))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"No device can be called {trimmed}: that is the name of the machine's own command line, in its ledger and on approvals.");
        }

        return trimmed.Length is >= 1 and <= Limits.NameLength && !trimmed.Any(char.IsControl)
            ? trimmed
            : throw new RequestFailure(ErrorCode.InvalidRequest, $"A device's name has 1 to {Limits.NameLength} characters and no control characters.");
    }
}
