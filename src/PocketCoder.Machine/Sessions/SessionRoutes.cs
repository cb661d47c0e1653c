using System.Text;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The sessions' messages.</summary>
internal static class SessionRoutes
{
    public static MessageTable MapSessions(this MessageTable table, SessionDirectory sessions, AgentCatalog agents) => table
        .Map(
            MessageTypes.AgentsList,
            Scope.View,
            ProtocolJson.Default.AgentsListRequest,
            ProtocolJson.Default.AgentsListResponse,
            async (_, _, cancellationToken) => new AgentsListResponse(await agents.ProbeAsync(cancellationToken)),
            concurrent: true)
        .Map(
            MessageTypes.AgentSessionNew,
            Scope.Prompt,
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse,
            async (caller, request, cancellationToken) =>
            {
                RequireId(request.AgentSessionId, "agentSessionId");
                RequireId(request.PromptId, "promptId");
                RequirePrompt(request.Content);
                RequireName(request.Model, "model");
                var (session, turn) = await sessions.NewAsync(request, caller.Device.DeviceId, cancellationToken);
                return new AgentSessionNewResponse(session.AgentSessionId, session, turn);
            })
        .Map(
            MessageTypes.AgentMessage,
            Scope.Prompt,
            ProtocolJson.Default.AgentMessageRequest,
            ProtocolJson.Default.AgentMessageResponse,
            async (caller, request, _) =>
            {
                RequireId(request.PromptId, "promptId");
                RequirePrompt(request.Content);
                return new AgentMessageResponse(await sessions.Get(request.AgentSessionId).EnqueueAsync(request.PromptId, request.Content, caller.Device.DeviceId, request.Attachments));
            })
        .Map(
            MessageTypes.AgentSessionFork,
            Scope.Prompt,
            ProtocolJson.Default.AgentSessionForkRequest,
            ProtocolJson.Default.AgentSessionForkResponse,
            async (caller, request, _) =>
            {
                RequireId(request.NewSessionId, "newSessionId");
                RequireId(request.PromptId, "promptId");
                RequirePrompt(request.Content);
                var (session, turn) = await sessions.ForkAsync(request, caller.Device.DeviceId);
                return new AgentSessionForkResponse(session, turn);
            })
        .Map(
            MessageTypes.AgentSessionsList,
            Scope.View,
            ProtocolJson.Default.AgentSessionsListRequest,
            ProtocolJson.Default.AgentSessionsListResponse,
            (_, request, _) => Task.FromResult(new AgentSessionsListResponse(
                [.. sessions.List(request.Archived).Where(s => request.ProjectId is null || s.ProjectId == request.ProjectId)])))
        .Map(
            MessageTypes.AgentSessionGet,
            Scope.View,
            ProtocolJson.Default.AgentSessionGetRequest,
            ProtocolJson.Default.AgentSessionGetResponse,
            async (_, request, cancellationToken) =>
            {
                var (session, turns) = await sessions.DetailAsync(request.AgentSessionId, cancellationToken);
                return new AgentSessionGetResponse(session, turns);
            })
        .Map(
            MessageTypes.AgentSessionSet,
            Scope.Prompt,
            ProtocolJson.Default.AgentSessionSetRequest,
            ProtocolJson.Default.AgentSessionSetResponse,
            async (_, request, _) =>
            {
                RequireName(request.Title, "title");
                RequireName(request.Model is "" ? null : request.Model, "model");
                return new AgentSessionSetResponse(await sessions.Get(request.AgentSessionId).SetAsync(request));
            })
        .Map(
            MessageTypes.AgentCancel,
            Scope.Prompt,
            ProtocolJson.Default.AgentCancelRequest,
            ProtocolJson.Default.AgentCancelResponse,
            async (_, request, _) => new AgentCancelResponse(await sessions.Get(request.AgentSessionId).CancelAsync(request.ClearQueue, request.TurnId)))
        .Map(
            MessageTypes.AgentQueueEdit,
            Scope.Prompt,
            ProtocolJson.Default.AgentQueueEditRequest,
            ProtocolJson.Default.AgentQueueEditResponse,
            async (_, request, _) =>
            {
                RequirePrompt(request.Content);
                return new AgentQueueEditResponse(await sessions.Get(request.AgentSessionId).EditQueuedAsync(request.PromptId, request.Content));
            })
        .Map(
            MessageTypes.AgentQueueRemove,
            Scope.Prompt,
            ProtocolJson.Default.AgentQueueRemoveRequest,
            ProtocolJson.Default.AgentQueueRemoveResponse,
            async (_, request, _) => new AgentQueueRemoveResponse(await sessions.Get(request.AgentSessionId).RemoveQueuedAsync(request.PromptId)));

    internal static void RequireId(Guid id, string field)
    {
        if (id == Guid.Empty)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{field} must be a UUID made for this request.");
        }
    }

    internal static void RequirePrompt(string content)
    {
        if (string.IsNullOrWhiteSpace(content))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "A prompt can't be empty.");
        }

        if (Encoding.UTF8.GetByteCount(content) > Limits.PromptBytes)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"A prompt has at most {Limits.PromptBytes / 1024} KiB. Put long text into a file and name it.");
        }
    }

    internal static void RequireName(string? name, string field)
    {
        if (name is not null && (name.Length is 0 or > Limits.NameLength || name.Any(char.IsControl)))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{field} must have 1 to {Limits.NameLength} characters and no control characters.");
        }
    }
}
