using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Snapshots.Undo;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Snapshots;

/// <summary>The snapshots' messages.</summary>
public static class SnapshotRoutes
{
    public static MessageTable MapSnapshots(this MessageTable table, UndoService service) => table
        .MapShared(
            Verbs.SnapshotDiff, Scope.View,
            (_, request, cancellationToken) => service.LookAsync(request.Target, cancellationToken),
            concurrent: true)
        .MapShared(
            Verbs.SnapshotUndo, Scope.Decide,
            async (caller, request, _) => new SnapshotUndoResponse(await service.UndoAsync(caller.Device, request)),
            concurrent: true);
}
