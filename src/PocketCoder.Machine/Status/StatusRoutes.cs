using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Status;

/// <summary>How the machine is doing, and what it wrote into its log.</summary>
internal static class StatusRoutes
{
    public static MessageTable MapStatus(this MessageTable table, Func<MachineStatusResponse> status, LogTail logs) => table
        .Map(DeviceVerbs.MachineStatus, Scope.View, (_, _, _) => Task.FromResult(status()))
        .Map(
            DeviceVerbs.MachineLogs,
            Scope.Manage, // a log tells paths, names and errors of all projects
            (_, request, cancellationToken) => Task.Run(() => logs.Read(request), cancellationToken),
            concurrent: true);
}
