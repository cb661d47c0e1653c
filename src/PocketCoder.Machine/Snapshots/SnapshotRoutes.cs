using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Snapshots.Undo;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Snapshots;

/// <summary>The snapshots' messages.</summary>
internal static class SnapshotRoutes
{
    public static MessageTable MapSnapshots(this MessageTable table, UndoDesk desk) => table
        .Map(
            MessageTypes.SnapshotDiff,
            Scope.View,
            ProtocolJson.Default.SnapshotDiffRequest,
            ProtocolJson.Default.SnapshotDiffResponse,
            (_, request, cancellationToken) => desk.LookAsync(request.Target, cancellationToken),
            concurrent: true)
        .Map(
            MessageTypes.SnapshotUndo,
            Scope.Decide,
            ProtocolJson.Default.SnapshotUndoRequest,
            ProtocolJson.Default.SnapshotUndoResponse,
            async (caller, request, _) => new SnapshotUndoResponse(await desk.UndoAsync(caller.Device, request)),
            concurrent: true);
}
