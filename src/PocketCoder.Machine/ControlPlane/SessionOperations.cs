using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>The control plane's operations on sessions: prompting, following, deciding, going on in a terminal.</summary>
internal static class SessionOperations
{
    /// <summary>A prompt of the largest size, every character of it escaped.</summary>
    private const int LongestBody = Limits.PromptBytes * 6 + 4096;

    private static readonly SessionControlJson s_json = SessionControlJson.Default;

    /// <summary>Every operation there is, as method and path.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "GET /sessions/all", "POST /sessions/start", "POST /sessions/prompt", "GET /sessions/follow", "POST /sessions/cancel", "POST /sessions/settings", "POST /sessions/resume", "POST /sessions/hold", "POST /sessions/release", "POST /projects/defaults", "POST /conversations", "POST /approvals/decide",
    ];

    /// <summary>The operation asked for, to be run; null: none of these.</summary>
    public static Func<Task>? Find(HttpContext context, IControlTarget target) => (context.Request.Method, context.Request.Path.Value) switch
    {
        ("GET", "/sessions/all") => () => ControlOperations.GiveAsync(context, Task.FromResult(target.Sessions.ListAll()), s_json.IReadOnlyListSessionInfo),
        ("POST", "/sessions/start") => () => ControlOperations.TakeAsync(Roomy(context), s_json.SessionStartRequest, Start(target), s_json.PromptTaken),
        ("POST", "/sessions/prompt") => () => ControlOperations.TakeAsync(
            Roomy(context), s_json.SessionPromptRequest, (r, ct) => target.Sessions.PromptAsync(Selected(target, r.Session), r.PromptId, r.Content, ct), s_json.PromptTaken),
        ("GET", "/sessions/follow") => () => FollowAsync(context, target.Sessions),
        ("POST", "/sessions/cancel") => () => ControlOperations.TakeAsync(context, s_json.AgentCancelRequest, (r, _) => target.Sessions.CancelAsync(r), s_json.SessionInfo),
        ("POST", "/sessions/settings") => () => ControlOperations.TakeAsync(
            context, s_json.SessionSettingsRequest, (r, _) => target.Sessions.SetAsync(new AgentSessionSetRequest(Selected(target, r.Session), Mode: r.Mode, Model: r.Model, Effort: r.Effort)), s_json.SessionInfo),
        ("POST", "/sessions/resume") => () => ControlOperations.TakeAsync(
            context, s_json.ResumeRequest, (r, _) => target.Sessions.ResumeAsync(Selected(target, r.Session), r.End), s_json.ResumeWay),
        ("POST", "/sessions/hold") => () => ControlOperations.TakeAsync(context, s_json.HoldRequest, (r, _) => target.Sessions.HoldAsync(Selected(target, r.Session), r), s_json.SessionInfo),
        ("POST", "/sessions/release") => () => ControlOperations.TakeAsync(
            context, s_json.ReleaseRequest, (r, _) => target.Sessions.ReleaseAsync(Selected(target, r.Session), r.Pid), s_json.SessionInfo),
        ("POST", "/conversations") => () => ControlOperations.TakeAsync(context, s_json.ConversationsRequest, Conversations(target), s_json.AgentConversationsResponse),
        ("POST", "/projects/defaults") => () => ControlOperations.TakeAsync(context, s_json.ProjectDefaultsRequest, Defaults(target), s_json.ProjectDefaults),
        ("POST", "/approvals/decide") => () => ControlOperations.TakeAsync(Roomy(context), s_json.AgentPromptResponseRequest, (r, _) => target.Sessions.DecideAsync(r), s_json.ApprovalInfo),
        _ => null,
    };

    private static Guid Selected(IControlTarget target, string session) => Selection.Session(target.Sessions.ListAll(), session).AgentSessionId;

    private static Func<SessionStartRequest, CancellationToken, Task<PromptTaken>> Start(IControlTarget target) => async (request, ct) =>
        await target.Sessions.StartAsync(request, Selection.Project(await target.ListProjectsAsync(ct), request.Project).ProjectId, ct);

    private static Func<ProjectDefaultsRequest, CancellationToken, Task<ProjectDefaults>> Defaults(IControlTarget target) => async (request, ct) =>
    {
        var project = Selection.Project(await target.ListProjectsAsync(ct), request.Project).ProjectId;
        return request.Set is { } set ? await target.Sessions.SetDefaultsAsync(project, set, ct) : await target.Sessions.DefaultsAsync(project, ct);
    };

    private static Func<ConversationsRequest, CancellationToken, Task<AgentConversationsResponse>> Conversations(IControlTarget target) => async (request, ct) =>
        await target.Sessions.ConversationsAsync(Selection.Project(await target.ListProjectsAsync(ct), request.Project).ProjectId, request.Agent, ct);

    private static HttpContext Roomy(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = LongestBody;
        }

        return context;
    }

    /// <summary><c>?session=…&amp;after=…</c>: one message a line, until either side goes.</summary>
    private static async Task FollowAsync(HttpContext context, IControlSessions sessions)
    {
        if (!Guid.TryParseExact(context.Request.Query["session"], "D", out var session)
            || !long.TryParse(context.Request.Query["after"], NumberStyles.None, CultureInfo.InvariantCulture, out var after))
        {
            throw new ControlException(ErrorCode.InvalidRequest, "This operation needs session and after.");
        }

        context.Response.ContentType = "application/x-ndjson";
        // A stop must not wait for those who only look on.
        var lifetime = context.RequestServices.GetRequiredService<IHostApplicationLifetime>();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await sessions.FollowAsync(session, after, SendAsync, over.Token);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // one of the two went
        }

        async ValueTask SendAsync(byte[] message, CancellationToken ct)
        {
            await context.Response.Body.WriteAsync(message, ct);
            await context.Response.Body.WriteAsync("\n"u8.ToArray(), ct);
            await context.Response.Body.FlushAsync(ct);
        }
    }
}
