using PocketCoder.Machine.Commands.Rules;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Terminals;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Commands;

/// <summary>The commands' messages. Looking needs <c>view</c>, as a transcript does; running is what an allowed command is, so it needs <c>decide</c>.</summary>
internal static class CommandRoutes
{
    public static MessageTable MapCommands(this MessageTable table, CommandDesk desk, CommandDoor door, CommandPolicies policies) => table
        .Map(
            MessageTypes.CommandExec,
            Scope.Decide,
            ProtocolJson.Default.CommandExecRequest,
            ProtocolJson.Default.CommandExecResponse,
            async (caller, request, cancellationToken) =>
            {
                var taken = await door.ExecAsync(request, caller.Device, cancellationToken);
                Follow(desk, caller, taken.Live, 0);
                return new CommandExecResponse(taken.Run, taken.Started);
            },
            concurrent: true) // may make a sandbox
        .Map(
            MessageTypes.CommandCancel,
            Scope.Decide,
            ProtocolJson.Default.CommandCancelRequest,
            ProtocolJson.Default.CommandCancelResponse,
            async (_, request, cancellationToken) => new CommandCancelResponse(await desk.CancelAsync(
                request.TargetRequestId ?? request.RequestId ?? throw CommandRules.Invalid("targetRequestId must name a run."), cancellationToken)),
            concurrent: true) // waits for its end
        .Map(
            MessageTypes.CommandRead,
            Scope.View,
            ProtocolJson.Default.CommandReadRequest,
            ProtocolJson.Default.CommandReadResponse,
            async (caller, request, cancellationToken) =>
            {
                var live = request.Follow ? await desk.LiveAsync(request.RunId) : null; // before the look, so that its end is not missed
                var read = await desk.ReadAsync(request.RunId, request.Offset, request.Limit, TimeSpan.Zero, cancellationToken);
                Follow(desk, caller, live, read.Next);

                return read;
            })
        .Map(
            MessageTypes.CommandRunsList,
            Scope.View,
            ProtocolJson.Default.CommandRunsListRequest,
            ProtocolJson.Default.CommandRunsListResponse,
            (_, request, cancellationToken) => desk.ListAsync(request, cancellationToken))
        .Map(
            MessageTypes.CommandFavouritesGet,
            Scope.View,
            ProtocolJson.Default.CommandFavouritesGetRequest,
            ProtocolJson.Default.CommandFavouritesGetResponse,
            async (_, request, cancellationToken) => new CommandFavouritesGetResponse(await desk.FavouritesAsync(request.ProjectId, cancellationToken)))
        .Map(
            MessageTypes.CommandFavouritesSet,
            Scope.Decide,
            ProtocolJson.Default.CommandFavouritesSetRequest,
            ProtocolJson.Default.CommandFavouritesSetResponse,
            async (_, request, cancellationToken) => new CommandFavouritesSetResponse(await desk.SetFavouritesAsync(request, cancellationToken)))
        .Map(
            MessageTypes.CommandPolicyGet,
            Scope.View,
            ProtocolJson.Default.CommandPolicyGetRequest,
            ProtocolJson.Default.CommandPolicyGetResponse,
            async (_, request, cancellationToken) => new CommandPolicyGetResponse(await policies.GetAsync(request.ProjectId, cancellationToken)))
        .Map(
            MessageTypes.CommandPolicySet,
            Scope.Manage,
            ProtocolJson.Default.CommandPolicySetRequest,
            ProtocolJson.Default.CommandPolicySetResponse,
            async (caller, request, cancellationToken) => new CommandPolicySetResponse(
                await policies.SetAsync(request.ProjectId, request.Policy, new Typist(caller.Device.DeviceId, caller.Device.Name), cancellationToken)));

    private static void Follow(CommandDesk desk, Caller caller, LiveRun? run, long offset)
    {
        if (run is not null)
        {
            desk.Follow(run, offset, caller.Connection.ConnectionId, caller.Connection.PushAsync, caller.Connection.Over);
        }
    }
}
