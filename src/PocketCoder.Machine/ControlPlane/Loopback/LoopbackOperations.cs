using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane.Loopback;

/// <summary>What the HTTP control plane answers, once it is sure who asks.</summary>
internal sealed class LoopbackOperations(Home home, IControlTarget target)
{
    private const string ProjectsPath = "/projects";

    private static readonly LoopbackJson s_json = LoopbackJson.Default;

    /// <summary>The methods of a path; empty: there is no such path.</summary>
    public static IReadOnlyList<string> Methods(string path) => path switch
    {
        "/health" or "/status" => ["GET", "HEAD"],
        "/stop" or "/re-register" => ["POST"],
        "/machine-label" or ProjectsPath => ["GET", "HEAD", "POST"],
        _ when path.StartsWith(ProjectsPath + "/", StringComparison.Ordinal) => ["DELETE"],
        _ => [],
    };

    public async Task RunAsync(HttpContext context)
    {
        var ct = context.RequestAborted;
        var path = context.Request.Path.Value ?? "";
        switch (HttpMethods.IsHead(context.Request.Method) ? "GET" : context.Request.Method, path)
        {
            case ("GET", "/status"):
                await GiveAsync(context, await StatusAsync(ct), s_json.LoopbackStatus);
                break;
            case ("GET", "/machine-label"):
                await GiveAsync(context, new LoopbackLabel(await target.GetLabelAsync(ct)), s_json.LoopbackLabel);
                break;
            case ("POST", "/machine-label"):
                var label = ControlOperations.Text((await TakeAsync(context, s_json.LoopbackLabel))!.Label, 64, "A machine's label");
                await target.SetLabelAsync(label, ct);
                await GiveAsync(context, new LoopbackLabel(label), s_json.LoopbackLabel);
                break;
            case ("POST", "/stop"):
                await StopAsync(context);
                break;
            case ("POST", "/re-register"):
                _ = await TakeAsync(context, s_json.LoopbackReason, optional: true);
                await target.ReRegisterAsync(ct);
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                break;
            case ("GET", ProjectsPath):
                await GiveAsync(context, await target.ListProjectsAsync(ct), s_json.IReadOnlyListProjectInfo);
                break;
            case ("POST", ProjectsPath):
                var added = await AddAsync((await TakeAsync(context, s_json.LoopbackAdd))!, ct);
                await GiveAsync(context, added.Project, s_json.ProjectInfo, added.Added ? StatusCodes.Status201Created : StatusCodes.Status200OK);
                break;
            default:
                var project = Selection.Project(await target.ListProjectsAsync(ct), path[(ProjectsPath.Length + 1)..]);
                await GiveAsync(context, await target.RemoveProjectAsync(project.ProjectId, ct), s_json.ProjectInfo);
                break;
        }
    }

    public static async Task GiveAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK, string contentType = "application/json")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
        }
    }

    private static async Task<T?> TakeAsync<T>(HttpContext context, JsonTypeInfo<T> type, bool optional = false)
        where T : class
    {
        if (optional && context.Request.ContentLength is 0 or null && context.Request.ContentType is null)
        {
            return null;
        }

        return await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted) ?? throw new ControlException(ErrorCode.InvalidRequest, "The body must not be null.");
    }

    private async Task<LoopbackStatus> StatusAsync(CancellationToken ct)
    {
        var status = await target.StatusAsync(ct);
        var watching = await target.WatchingAsync(ct);
        return new LoopbackStatus(
            status.Version,
            status.MachineId,
            LoggedIn: false,
            new LoopbackRelay(Connected: false, null, null),
            new LoopbackCapabilities(
                Executables.Find("git", Environment.GetEnvironmentVariable("PATH")) is not null,
                status.Agents.Any(a => a is { Id: "claude", Installed: true }),
                Directory.Exists(Path.Combine(
                    Environment.GetEnvironmentVariable("CLAUDE_CONFIG_DIR") is { Length: > 0 } own ? own : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".claude"), "projects")),
                status.Warnings),
            [.. status.Projects.Select(p => (Project: p, Watching: watching.GetValueOrDefault(p.ProjectId))).Select(p => new LoopbackProject(p.Project.ProjectId, p.Project.Name, p.Project.Path, p.Watching.Running, p.Watching.LastSeq))]);
    }

    private async Task StopAsync(HttpContext context)
    {
        var reason = (await TakeAsync(context, s_json.LoopbackReason, optional: true))?.Reason;
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        await context.Response.CompleteAsync(); // the answer must be out before the stop closes this connection
        target.RequestStop(reason is { Length: > 0 and <= 200 } ? reason : "Stopped over HTTP.");
    }

    private Task<ProjectAdded> AddAsync(LoopbackAdd request, CancellationToken ct)
    {
        var path = ProjectFolder.Resolve(request.Path, request.Force, home, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));
        return target.AddProjectAsync(path, ProjectFolder.NameOf(request.Name, path), ct);
    }
}
