using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Machine.Linking;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane.Loopback;

/// <summary>What the control port answers (docs/operations.md): shapes of its own for rows of the table, asked as the owner.</summary>
internal static class LoopbackEndpoints
{
    private const string ProjectsPath = "/projects";

    private static readonly LoopbackJson s_json = LoopbackJson.Default;

    public static void MapLoopback(this IEndpointRouteBuilder app, OwnerRequests owner)
    {
        var client = new ControlClient(new InProcessTransport(owner));
        var access = Listeners.OnlyPort;
        app.AddRoute("/status", RouteTable.Reads, access, context => StatusAsync(context, client, owner));
        app.AddRoute("/machine-label", RouteTable.Reads, access, context => LabelAsync(context, client));
        app.AddRoute("/machine-label", RouteTable.Post, access, context => SetLabelAsync(context, client));
        app.AddRoute("/re-register", RouteTable.Post, access, context => RegisterAsync(context, owner));
        app.AddRoute(ProjectsPath, RouteTable.Reads, access, context => ProjectsAsync(context, client));
        app.AddRoute(ProjectsPath, RouteTable.Post, access, context => AddAsync(context, client));
        app.AddRoute(ProjectsPath + "/{**project}", RouteTable.Delete, access, context => RemoveAsync(context, client));
    }

    public static async Task StopAsync(HttpContext context, OwnerRequests owner)
    {
        var reason = (await TakeAsync(context, s_json.LoopbackReason, optional: true))?.Reason;
        var request = new MachineStopRequest(reason is { Length: > 0 and <= 200 } ? reason : "Stopped over HTTP.");
        var payload = JsonSerializer.SerializeToElement(request, OwnerMachine.Stop.Request());
        var answer = await owner.AnswerAsync(OwnerMachine.Stop.Type, payload, context.RequestAborted);
        if (answer.Error is { } error)
        {
            throw new ControlException(error.Code, error.Message);
        }

        context.Response.StatusCode = StatusCodes.Status202Accepted;
        await context.Response.CompleteAsync(); // the answer must be out before the stop closes this connection
        answer.Afterwards?.Invoke();
    }

    public static async Task GiveAsync<T>(
        HttpContext context, T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK, string contentType = "application/json")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(value, type), context.RequestAborted);
        }
    }

    private static async Task<T?> TakeAsync<T>(HttpContext context, JsonTypeInfo<T> type, bool optional = false)
        where T : class
    {
        if (optional && context.Request.ContentLength is 0 or null && context.Request.ContentType is null)
        {
            return null;
        }

        using var body = await JsonDocument.ParseAsync(context.Request.Body, OwnerEndpoints.Strict, context.RequestAborted);
        return body.RootElement.Deserialize(type)
            ?? throw new ControlException(ErrorCode.InvalidRequest, "The body must not be null.");
    }

    private static async Task StatusAsync(HttpContext context, ControlClient client, OwnerRequests owner)
    {
        var ct = context.RequestAborted;
        var status = await client.StatusAsync(ct);
        using var transport = new InProcessTransport(owner);
        var watching = await transport.AskAsync(OwnerMachine.Watching, new OwnerWatchingRequest(), null, ct);
        var answer = new LoopbackStatus(
            status.Version,
            status.MachineId,
            LoggedIn: false,
            new LoopbackRelay(status.Link is { State: LinkState.Connected }, status.Link?.LastConnectedAt, LastHeartbeatAt: null),
            new LoopbackCapabilities(
                Executables.Find("git", Environment.GetEnvironmentVariable("PATH")) is not null,
                status.Agents.Any(a => a is { Id: "claude", Installed: true }),
                Directory.Exists(Path.Combine(ClaudeFolder(), "projects")),
                status.Warnings),
            [.. status.Projects.Select(p => Watched(p, watching.Projects.GetValueOrDefault(p.ProjectId)))]);
        await GiveAsync(context, answer, s_json.LoopbackStatus);

        static LoopbackProject Watched(ProjectInfo project, ProjectWatching watching)
            => new(project.ProjectId, project.Name, project.Path, watching.Running, watching.LastSeq);
    }

    private static string ClaudeFolder() => Environment.GetEnvironmentVariable("CLAUDE_CONFIG_DIR") is { Length: > 0 } own
        ? own
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".claude");

    private static async Task LabelAsync(HttpContext context, ControlClient client)
        => await GiveAsync(context, new LoopbackLabel(await client.GetLabelAsync(context.RequestAborted)), s_json.LoopbackLabel);

    private static async Task ProjectsAsync(HttpContext context, ControlClient client)
        => await GiveAsync(context, await client.ListProjectsAsync(context.RequestAborted), s_json.IReadOnlyListProjectInfo);

    private static async Task SetLabelAsync(HttpContext context, ControlClient client)
    {
        var label = await client.SetLabelAsync((await TakeAsync(context, s_json.LoopbackLabel))!.Label, context.RequestAborted);
        await GiveAsync(context, new LoopbackLabel(label), s_json.LoopbackLabel);
    }

    private static async Task RegisterAsync(HttpContext context, OwnerRequests owner)
    {
        _ = await TakeAsync(context, s_json.LoopbackReason, optional: true);
        using var transport = new InProcessTransport(owner);
        await transport.AskAsync(OwnerMachine.Register, new MachineRegisterRequest(), null, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async Task AddAsync(HttpContext context, ControlClient client)
    {
        var request = (await TakeAsync(context, s_json.LoopbackAdd))!;
        var added = await client.AddProjectAsync(request.Path, request.Name, request.Force, context.RequestAborted);
        await GiveAsync(context, added.Project, s_json.ProjectInfo, added.Added ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private static async Task RemoveAsync(HttpContext context, ControlClient client)
    {
        var path = context.Request.Path.Value!;
        if (path.Length <= ProjectsPath.Length)
        {
            context.Response.Headers.Allow = "GET, HEAD, POST"; // the path itself has no such method
            await LoopbackGuard.RefuseAsync(
                context, StatusCodes.Status405MethodNotAllowed, ErrorCode.InvalidRequest, "There is no such operation.");
            return;
        }

        await GiveAsync(context, await client.RemoveProjectAsync(path[(ProjectsPath.Length + 1)..], context.RequestAborted),
            s_json.ProjectInfo);
    }
}
