using System.Text.Json.Serialization;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Runs;
using PocketCoder.Machine.Conversations;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Sessions at the command line: begun and prompted as the owner, continued in a terminal.</summary>
internal static class OwnerSessions
{
    private static OwnerSessionsJson Json => OwnerSessionsJson.Default;

    public static Verb<OwnerStartRequest, PromptAccepted> Start { get; } =
        new("session_start", static () => Json.OwnerStartRequest, static () => Json.PromptAccepted);

    public static Verb<OwnerPromptRequest, PromptAccepted> Prompt { get; } =
        new("session_prompt", static () => Json.OwnerPromptRequest, static () => Json.PromptAccepted);

    public static Verb<OwnerResumeRequest, ResumePlan> Resume { get; } =
        new("session_resume", static () => Json.OwnerResumeRequest, static () => Json.ResumePlan);

    public static Verb<OwnerLockRequest, OwnerSession> Hold { get; } =
        new("session_hold", static () => Json.OwnerLockRequest, static () => Json.OwnerSession);

    public static Verb<OwnerReleaseRequest, OwnerSession> Release { get; } =
        new("session_release", static () => Json.OwnerReleaseRequest, static () => Json.OwnerSession);

    public static Verb<ExecutionFindRequest, ExecutionFindResponse> FindExecution { get; } =
        new("execution_find", static () => Json.ExecutionFindRequest, static () => Json.ExecutionFindResponse);

    public static Verb<CommandWaitRequest, CommandReadResponse> WaitForCommand { get; } =
        new("command_wait", static () => Json.CommandWaitRequest, static () => Json.CommandReadResponse);

    /// <summary>A prompt of the largest size, every character of it escaped.</summary>
    private const int LongestBody = (Limits.PromptBytes * 6) + 4096;

    private const int LongestWaitMs = 30_000;

    public static MessageTable MapOwnerSessions(
        this MessageTable table,
        SessionDirectory sessions,
        OwnerSessionStarter starts,
        ApprovalService approvals,
        TerminalLocks holds,
        TerminalResumption resumption,
        ExecutionReader executions,
        RunService commands) => table
        .MapOwner(
            Start,
            (_, request, ct) => starts.StartAsync(request.ProjectId, request.Start, ct),
            ownerBytes: LongestBody)
        .MapOwner(
            Prompt,
            async (_, request, ct) =>
            {
                SessionRoutes.RequireId(request.PromptId, "promptId");
                SessionRoutes.RequirePrompt(request.Content);
                var actor = sessions.Get(request.AgentSessionId);
                var after = actor.Info.Head;
                var pending = await approvals.ListAsync(new ApprovalsListRequest(Pending: true, request.AgentSessionId), ct);
                var turn = await actor.EnqueueAsync(request.PromptId, request.Content, null);
                return new PromptAccepted(actor.Info, turn, after, pending);
            },
            ownerBytes: LongestBody)
        .MapOwner(
            Resume,
            (_, request, _) => resumption.OfAsync(request.AgentSessionId, request.End))
        .MapOwner(
            Hold,
            async (_, request, _) => new OwnerSession(ProcessGroup.Identify(request.Pid) is { } process
                ? await sessions.Get(request.AgentSessionId).HoldAsync(process, request.Beside, request.End)
                : throw new RequestFailure(ErrorCode.InvalidRequest, $"There is no process {request.Pid}.")))
        .MapOwner(
            Release,
            async (_, request, _) =>
            {
                await holds.ReleaseAsync(request.AgentSessionId, request.Pid);
                return new OwnerSession(sessions.Get(request.AgentSessionId).Info);
            })
        .MapOwner(
            FindExecution,
            async (_, request, ct) => new ExecutionFindResponse(await executions.FindAsync(request.Approval, ct)))
        .MapOwner(
            WaitForCommand,
            (_, request, ct) =>
            {
                var wait = TimeSpan.FromMilliseconds(Math.Clamp(request.WaitMs, 0, LongestWaitMs));
                return commands.ReadAsync(request.RunId, request.Offset, request.Limit, wait, ct);
            });
}

/// <summary>Starts a session with its first prompt, once: the same ids again give what is there.</summary>
/// <param name="Start">Its project is not looked at: <paramref name="ProjectId"/> is.</param>
internal sealed record OwnerStartRequest(Guid ProjectId, SessionStartRequest Start);

/// <summary>Adds a prompt to a session's queue, once.</summary>
internal sealed record OwnerPromptRequest(Guid AgentSessionId, Guid PromptId, string Content);

/// <summary>How to go on in a terminal. Error: <c>CONFLICT</c> while a turn runs or waits.</summary>
/// <param name="End">End the agent's process first, when it is idle.</param>
internal sealed record OwnerResumeRequest(Guid AgentSessionId, bool End);

/// <summary>
/// A terminal goes on with the conversation as long as the process lives: until then nothing is started here that would write it too.
/// Errors: <c>CONFLICT</c> while a turn runs or waits, or the
/// agent's process lives; <c>SESSION_OPEN_ELSEWHERE</c>: another terminal has it.
/// </summary>
internal sealed record OwnerLockRequest(Guid AgentSessionId, int Pid, int? Beside, bool End);

/// <summary>The process leaves it.</summary>
internal sealed record OwnerReleaseRequest(Guid AgentSessionId, int Pid);

internal sealed record OwnerSession(SessionInfo Session);

/// <param name="Approval">An approval's id, or the beginning of it (8 characters or more).</param>
internal sealed record ExecutionFindRequest(string Approval);

internal sealed record ExecutionFindResponse(Guid ApprovalId);

/// <summary>Reads what a command wrote.</summary>
/// <param name="WaitMs">How long to wait for more when there is none yet; at most 30,000.</param>
internal sealed record CommandWaitRequest(Guid RunId, long Offset, int Limit, int WaitMs);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    AllowOutOfOrderMetadataProperties = true,
    MaxDepth = 32)]
[JsonSerializable(typeof(OwnerStartRequest))]
[JsonSerializable(typeof(OwnerPromptRequest))]
[JsonSerializable(typeof(PromptAccepted))]
[JsonSerializable(typeof(OwnerResumeRequest))]
[JsonSerializable(typeof(ResumePlan))]
[JsonSerializable(typeof(OwnerLockRequest))]
[JsonSerializable(typeof(OwnerReleaseRequest))]
[JsonSerializable(typeof(OwnerSession))]
[JsonSerializable(typeof(ExecutionFindRequest))]
[JsonSerializable(typeof(ExecutionFindResponse))]
[JsonSerializable(typeof(CommandWaitRequest))]
[JsonSerializable(typeof(CommandReadResponse))]
internal sealed partial class OwnerSessionsJson : JsonSerializerContext;
