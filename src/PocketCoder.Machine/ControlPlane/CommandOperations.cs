using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>The control plane's operations on one-shot commands.</summary>
internal static class CommandOperations
{
    /// <summary>A command and its input of the largest size, every character escaped.</summary>
    private const int LongestBody = ((CommandLimits.CommandBytes + CommandLimits.StdinBytes + CommandLimits.EnvironmentBytes) * 6) + 8192;

    private const int LongestWaitMs = 30_000;

    private static readonly CommandControlJson s_json = CommandControlJson.Default;

    /// <summary>Every operation there is, as method and path.</summary>
    public static IReadOnlyList<string> All { get; } = ["POST /commands/exec", "POST /commands/read", "POST /commands/cancel", "POST /commands/list", "POST /commands/policy"];

    /// <summary>The operation asked for, to be run; null: none of these.</summary>
    public static Func<Task>? Find(HttpContext context, IControlTarget target) => (context.Request.Method, context.Request.Path.Value) switch
    {
        ("POST", "/commands/exec") => () => ControlOperations.TakeAsync(Roomy(context), s_json.CommandStartBody, Exec(target), s_json.CommandRunInfo),
        ("POST", "/commands/read") => () => ControlOperations.TakeAsync(
            context, s_json.CommandReadBody, (r, ct) => target.Commands.ReadAsync(r.Run, r.Offset, r.Limit, TimeSpan.FromMilliseconds(Math.Clamp(r.WaitMs, 0, LongestWaitMs)), ct), s_json.CommandReadResponse),
        ("POST", "/commands/cancel") => () => ControlOperations.TakeAsync(context, s_json.CommandSelection, (r, ct) => target.Commands.CancelAsync(r.Run, ct), s_json.CommandRunInfo),
        ("POST", "/commands/list") => () => ControlOperations.TakeAsync(context, s_json.CommandListBody, List(target), s_json.CommandRunsListResponse),
        ("POST", "/commands/policy") => () => ControlOperations.TakeAsync(context, s_json.CommandPolicyBody, Policy(target), s_json.CommandPolicy),
        _ => null,
    };

    private static Func<CommandStartBody, CancellationToken, Task<CommandRunInfo>> Exec(IControlTarget target) => async (body, ct) =>
    {
        var project = Selection.Project(await target.ListProjectsAsync(ct), body.Project).ProjectId;
        return await target.Commands.ExecAsync(body.Request with { ProjectId = project }, ct);
    };

    private static Func<CommandListBody, CancellationToken, Task<CommandRunsListResponse>> List(IControlTarget target) => async (body, ct) =>
    {
        var project = body.Project is { } named ? Selection.Project(await target.ListProjectsAsync(ct), named).ProjectId : (Guid?)null;
        return await target.Commands.ListAsync(new CommandRunsListRequest(project, null, body.Limit), ct);
    };

    private static Func<CommandPolicyBody, CancellationToken, Task<CommandPolicy>> Policy(IControlTarget target) => async (body, ct) =>
    {
        var project = Selection.Project(await target.ListProjectsAsync(ct), body.Project).ProjectId;
        return body.Policy is { } policy ? await target.Commands.SetPolicyAsync(project, policy, ct) : await target.Commands.PolicyAsync(project, ct);
    };

    private static HttpContext Roomy(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = LongestBody;
        }

        return context;
    }
}
