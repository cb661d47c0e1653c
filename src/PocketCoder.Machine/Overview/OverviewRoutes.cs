using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Overview;

/// <summary>What the home screen asks for: the machine, its projects, and everything at once with a cursor to follow from.</summary>
internal static class OverviewRoutes
{
    public static MessageTable MapOverview(
        this MessageTable table, Func<MachineInfo> machine, ProjectStore projects, SessionDirectory sessions, ApprovalService approvals,
        AgentCatalog agents, MachineStream stream) => table
        .Map(
            DeviceVerbs.Ping, Scope.View,
            (caller, _, _) => Task.FromResult(new PingResponse(caller.Connection.Now)))
        .Map(
            DeviceVerbs.MachinesList, Scope.View,
            (_, _, _) => Task.FromResult(new MachinesListResponse([machine()])))
        .MapShared(
            Verbs.ProjectsList, Scope.View,
            async (_, _, cancellationToken) => new ProjectsListResponse(await projects.ListAsync(cancellationToken)))
        .Map(
            DeviceVerbs.MachineState, Scope.View,
            async (_, request, cancellationToken) =>
            {
                // The cursor is taken first: what changes while the snapshot is read comes again as an event, which is harmless.
                var cursor = new StreamCursor(MachineStream.Name, stream.Epoch, stream.Head);
                var (page, next) = sessions.Page(request.Sessions, null, request.Archived);
                return new MachineStateResponse(
                    machine(),
                    await projects.ListAsync(cancellationToken),
                    agents.Known,
                    page,
                    await approvals.PendingAsync(cancellationToken),
                    cursor,
                    next);
            });
}
