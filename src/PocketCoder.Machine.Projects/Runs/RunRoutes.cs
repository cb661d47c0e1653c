using PocketCoder.Machine.Runs.Rules;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Terminals;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Runs;

/// <summary>
/// The commands' messages. Looking needs <c>view</c>, as a transcript does; running is what an allowed command is, so it needs
/// <c>decide</c>.
/// </summary>
public static class RunRoutes
{
    /// <summary>The owner's command and its input of the largest size, every character escaped as JSON may (six bytes).</summary>
    private const int LongestBody = ((CommandLimits.CommandBytes + CommandLimits.StdinBytes + CommandLimits.EnvironmentBytes) * 6) + 8192;

    public static MessageTable MapCommands(this MessageTable table, RunService runs, RunAdmission admission, CommandPolicies policies)
        => table
        .MapShared(
            Verbs.CommandExec, Scope.Decide,
            async (caller, request, cancellationToken) =>
            {
                var taken = caller.Device is { } device ? await admission.ExecAsync(request, device, cancellationToken)
                    : await admission.ExecAsync(request, cancellationToken);
                Follow(runs, caller, taken.Live, 0);
                return new CommandExecResponse(taken.Run, taken.Started);
            },
            concurrent: true, // may make a sandbox
            ownerBytes: LongestBody)
        .MapShared(
            Verbs.CommandCancel, Scope.Decide,
            async (_, request, cancellationToken) => new CommandCancelResponse(await runs.CancelAsync(
                request.TargetRequestId ?? request.RequestId ?? throw CommandRules.Invalid("targetRequestId must name a run."),
                cancellationToken)),
            concurrent: true) // waits for its end
        .Map(
            DeviceVerbs.CommandRead, Scope.View,
            async (caller, request, cancellationToken) =>
            {
                var live = request.Follow ? await runs.LiveAsync(request.RunId) : null; // before the look, so that its end is not missed
                var read = await runs.ReadAsync(request.RunId, request.Offset, request.Limit, TimeSpan.Zero, cancellationToken);
                Follow(runs, caller, live, read.Next);

                return read;
            })
        .MapShared(
            Verbs.CommandRunsList, Scope.View,
            (_, request, cancellationToken) => runs.ListAsync(request, cancellationToken))
        .Map(
            DeviceVerbs.CommandFavouritesGet, Scope.View,
            async (_, request, cancellationToken) => new CommandFavouritesGetResponse(
                await runs.FavouritesAsync(request.ProjectId, cancellationToken)))
        .Map(
            DeviceVerbs.CommandFavouritesSet, Scope.Decide,
            async (_, request, cancellationToken) => new CommandFavouritesSetResponse(
                await runs.SetFavouritesAsync(request, cancellationToken)))
        .MapShared(
            Verbs.CommandPolicyGet, Scope.View,
            async (_, request, cancellationToken) => new CommandPolicyGetResponse(
                await policies.GetAsync(request.ProjectId, cancellationToken)))
        .MapShared(
            Verbs.CommandPolicySet, Scope.Manage,
            async (caller, request, cancellationToken) => new CommandPolicySetResponse(
                await policies.SetAsync(request.ProjectId, request.Policy, Typist.Of(caller), cancellationToken)));

    private static void Follow(RunService runs, Caller caller, LiveRun? run, long offset)
    {
        if (run is not null && caller is DeviceCaller { Connection: var connection })
        {
            runs.Follow(run, offset, connection.ConnectionId, connection.PushAsync, connection.Over);
        }
    }
}
