using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>The control plane's table: method and path → operation. Checks what comes in, then asks the daemon.</summary>
internal sealed class ControlOperations(Home home, IControlTarget target)
{
    private static readonly ControlJson s_json = ControlJson.Default;

    /// <summary>Every operation there is, as method and path.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "GET /health", "GET /status", "POST /stop", "GET /projects", "POST /projects", "POST /projects/remove", "POST /network/rules", "POST /network/allow", "POST /network/remove", "POST /undo/preview", "POST /undo", "POST /pairings", "GET /pairings/{id}",
        "GET /devices", "POST /devices/revoke", "POST /devices/rename", "GET /machine-label", "POST /machine-label",
        "GET /ledger/head", "GET /ledger/verify", "POST /ledger/rows", "GET /ledger/export", "GET /sessions",
        "GET /jobs", "POST /jobs/stop", "POST /executions/output",
        "GET /terminals", "POST /terminals/open", "POST /terminals/close", "GET /terminals/attach", .. BrokerOperations.All, .. SessionOperations.All, .. CommandOperations.All,
    ];

    public Task RunAsync(HttpContext context)
    {
        var ct = context.RequestAborted;
        var path = context.Request.Path.Value ?? "";
        return (context.Request.Method, path) switch
        {
            ("GET", "/health") => Task.CompletedTask,
            ("GET", "/status") => GiveAsync(context, target.StatusAsync(ct), s_json.ControlStatus),
            ("POST", "/stop") => StopAsync(context),
            ("GET", "/projects") => GiveAsync(context, target.ListProjectsAsync(ct), s_json.IReadOnlyListProjectInfo),
            ("POST", "/projects") => TakeAsync(context, s_json.ProjectAddRequest, AddProjectAsync, s_json.ProjectAdded),
            ("POST", "/projects/remove") => TakeAsync(context, s_json.ProjectSelection, RemoveProjectAsync, s_json.ProjectInfo),
            ("POST", "/network/rules") => TakeAsync(context, s_json.ProjectSelection, RulesAsync, s_json.IReadOnlyListNetworkRuleInfo),
            ("POST", "/network/allow") => TakeAsync(context, s_json.NetworkAllowRequest, AllowAsync, s_json.NetworkRuleInfo),
            ("POST", "/network/remove") => TakeAsync(context, s_json.NetworkRuleSelection, EndRuleAsync, s_json.NetworkRuleInfo),
            ("POST", "/undo/preview") => TakeAsync(context, s_json.UndoSelection, (request, token) => target.PreviewUndoAsync(request.Target, token), s_json.SnapshotDiffResponse),
            ("POST", "/undo") => TakeAsync(context, s_json.UndoRequest, (request, _) => target.UndoAsync(request), s_json.UndoInfo),
            ("POST", "/pairings") => TakeAsync(context, s_json.PairingRequest, PairAsync, s_json.PairingOffer),
            ("GET", _) when path.StartsWith("/pairings/", StringComparison.Ordinal) => GiveAsync(context, PairingAsync(path["/pairings/".Length..], ct), s_json.PairingProgress),
            ("GET", "/devices") => GiveAsync(context, target.ListDevicesAsync(ct), s_json.IReadOnlyListDeviceInfo),
            ("POST", "/devices/revoke") => TakeAsync(context, s_json.DeviceSelection, RevokeAsync, s_json.DeviceInfo),
            ("POST", "/devices/rename") => TakeAsync(context, s_json.DeviceSelection, RenameAsync, s_json.DeviceInfo),
            ("GET", "/machine-label") => GiveAsync(context, LabelAsync(ct), s_json.LabelBody),
            ("POST", "/machine-label") => TakeAsync(context, s_json.LabelBody, SetLabelAsync, s_json.LabelBody),
            ("GET", "/ledger/head") => GiveAsync(context, target.LedgerHeadAsync(ct), s_json.LedgerHead),
            ("GET", "/ledger/verify") => GiveAsync(context, target.VerifyLedgerAsync(ct), s_json.LedgerVerifyResponse),
            ("POST", "/ledger/rows") => TakeAsync(context, s_json.LedgerListRequest, RowsAsync, s_json.LedgerListResponse),
            ("GET", "/ledger/export") => ExportAsync(context),
            ("GET", "/jobs") => GiveAsync(context, target.ListJobsAsync(ct), s_json.IReadOnlyListJobInfo),
            ("POST", "/jobs/stop") => TakeAsync(context, s_json.JobSelection, StopJobAsync, s_json.JobInfo),
            ("POST", "/executions/output") => TakeAsync(context, s_json.OutputSelection, (o, token) => target.OutputAsync(o.Approval, o.Offset, o.Limit, token), s_json.ExecutionOutputResponse),
            ("GET", "/sessions") => GiveAsync(context, target.ListSessionsAsync(ct), s_json.IReadOnlyListSessionInfo),
            ("GET", "/terminals") => GiveAsync(context, target.Terminals.ListTerminalsAsync(null, ct), s_json.IReadOnlyListTerminalInfo),
            ("POST", "/terminals/open") => TakeAsync(context, s_json.TerminalOpenBody, OpenTerminalAsync, s_json.TerminalInfo),
            ("POST", "/terminals/close") => TakeAsync(context, s_json.TerminalSelection, CloseTerminalAsync, s_json.Done),
            ("GET", "/terminals/attach") => TerminalSocket.RunAsync(context, target.Terminals),
            _ => (BrokerOperations.Find(context, target) ?? SessionOperations.Find(context, target) ?? CommandOperations.Find(context, target) ?? throw new ControlException(ErrorCode.InvalidRequest, "There is no such operation. The CLI and the daemon may be of different versions: restart the daemon."))(),
        };
    }

    internal static async Task GiveAsync<T>(HttpContext context, Task<T> value, JsonTypeInfo<T> type)
        => await ControlServer.WriteAsync(context, await value, type);

    internal static async Task TakeAsync<TIn, TOut>(HttpContext context, JsonTypeInfo<TIn> typeIn, Func<TIn, CancellationToken, Task<TOut>> work, JsonTypeInfo<TOut> typeOut)
        where TIn : class
    {
        var body = await JsonSerializer.DeserializeAsync(context.Request.Body, typeIn, context.RequestAborted)
            ?? throw new ControlException(ErrorCode.InvalidRequest, "The body must not be null.");
        await ControlServer.WriteAsync(context, await work(body, context.RequestAborted), typeOut);
    }

    internal static string Text(string? text, int limit, string what)
    {
        var trimmed = text?.Trim() ?? "";
        return trimmed.Length >= 1 && trimmed.Length <= limit && !trimmed.Any(char.IsControl)
            ? trimmed
            : throw new ControlException(ErrorCode.InvalidRequest, $"{what} has 1 to {limit} characters and no control characters.");
    }

    private async Task StopAsync(HttpContext context)
    {
        var request = await JsonSerializer.DeserializeAsync(context.Request.Body, s_json.StopRequest, context.RequestAborted);
        await ControlServer.WriteAsync(context, new Done(true), s_json.Done, StatusCodes.Status202Accepted);
        await context.Response.CompleteAsync(); // the answer must be out before the stop closes this connection
        target.RequestStop(request?.Reason is { Length: > 0 and <= 200 } reason ? reason : "Stopped from the command line.");
    }

    private async Task<ProjectAdded> AddProjectAsync(ProjectAddRequest request, CancellationToken ct)
    {
        var path = ProjectFolder.Resolve(request.Path, request.Force, home, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));
        return await target.AddProjectAsync(path, ProjectFolder.NameOf(request.Name, path), ct);
    }

    private async Task<ProjectInfo> RemoveProjectAsync(ProjectSelection request, CancellationToken ct)
    {
        var project = Selection.Project(await target.ListProjectsAsync(ct), request.Project);
        return await target.RemoveProjectAsync(project.ProjectId, ct);
    }

    private async Task<IReadOnlyList<NetworkRuleInfo>> RulesAsync(ProjectSelection request, CancellationToken ct)
        => await target.ListNetworkRulesAsync(Selection.Project(await target.ListProjectsAsync(ct), request.Project).ProjectId, ct);

    private async Task<NetworkRuleInfo> AllowAsync(NetworkAllowRequest request, CancellationToken ct)
        => await target.AddNetworkRuleAsync(Selection.Project(await target.ListProjectsAsync(ct), request.Project).ProjectId, request.Host, request.Days, ct);

    private async Task<NetworkRuleInfo> EndRuleAsync(NetworkRuleSelection request, CancellationToken ct)
        => await target.RemoveNetworkRuleAsync(Selection.Rule(await target.ListNetworkRulesAsync(null, ct), request.Rule).RuleId, ct);

    private Task<PairingOffer> PairAsync(PairingRequest request, CancellationToken ct)
    {
        var scopes = request.Scopes.Distinct().ToList();
        if (scopes.Count == 0)
        {
            throw new ControlException(ErrorCode.InvalidRequest, "Name at least one scope: view, prompt, decide, manage.");
        }

        return target.PairAsync(new PairingRequest(scopes, request.Name is null ? null : Text(request.Name, 100, "A device's name")), ct);
    }

    private async Task<PairingProgress> PairingAsync(string id, CancellationToken ct)
        => await target.PairingAsync(id, ct) ?? new PairingProgress(PairingState.Expired, null);

    private async Task<DeviceInfo> RevokeAsync(DeviceSelection request, CancellationToken ct)
        => await target.RevokeDeviceAsync(Selection.Device(await target.ListDevicesAsync(ct), request.Device).DeviceId, ct);

    private async Task<DeviceInfo> RenameAsync(DeviceSelection request, CancellationToken ct)
    {
        var name = Text(request.Name, 100, "A device's name");
        return await target.RenameDeviceAsync(Selection.Device(await target.ListDevicesAsync(ct), request.Device).DeviceId, name, ct);
    }

    private async Task<JobInfo> StopJobAsync(JobSelection request, CancellationToken ct)
    {
        var job = Selection.Job(await target.ListJobsAsync(ct), request.Job);
        await target.StopJobAsync(job, ct);
        return job;
    }

    private async Task<LabelBody> LabelAsync(CancellationToken ct) => new(await target.GetLabelAsync(ct));

    private async Task<LabelBody> SetLabelAsync(LabelBody request, CancellationToken ct)
    {
        var label = Text(request.Label, 64, "A machine's label");
        await target.SetLabelAsync(label, ct);
        return new LabelBody(label);
    }

    private Task<LedgerListResponse> RowsAsync(LedgerListRequest request, CancellationToken ct)
        => request.Limit is >= 1 and <= 200
            ? target.ListLedgerAsync(request, ct)
            : throw new ControlException(ErrorCode.InvalidRequest, "A page of the ledger has 1 to 200 rows.");

    private async Task<TerminalInfo> OpenTerminalAsync(TerminalOpenBody request, CancellationToken ct)
    {
        var session = Selection.Session(await target.ListSessionsAsync(ct), request.Session);
        return await target.Terminals.OpenTerminalAsync(new TerminalOpenRequest(session.AgentSessionId, request.Name, request.Columns, request.Rows), ct);
    }

    private async Task<Done> CloseTerminalAsync(TerminalSelection request, CancellationToken ct)
    {
        await target.Terminals.CloseTerminalAsync(Selection.Session(await target.ListSessionsAsync(ct), request.Session).AgentSessionId, request.Name, ct);
        return new Done(true);
    }

    private Task ExportAsync(HttpContext context)
    {
        context.Response.ContentType = "application/x-ndjson";
        return target.ExportLedgerAsync(context.Response.Body, context.RequestAborted);
    }
}
