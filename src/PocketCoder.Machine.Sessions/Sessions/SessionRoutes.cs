using System.Text;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The sessions' messages.</summary>
public static class SessionRoutes
{
    public static MessageTable MapSessions(this MessageTable table, SessionDirectory sessions, AgentCatalog agents) => table
        .Map(
            DeviceVerbs.AgentsList, Scope.View,
            async (_, _, cancellationToken) => new AgentsListResponse(await agents.ProbeAsync(cancellationToken)),
            concurrent: true)
        .Map(
            DeviceVerbs.AgentSessionNew, Scope.Prompt,
            async (caller, request, cancellationToken) =>
            {
                RequireId(request.AgentSessionId, "agentSessionId");
                RequireId(request.PromptId, "promptId");
                RequirePrompt(request.Content);
                AgentChoices.RequireName(request.Model, "model");
                var (session, turn) = await sessions.NewAsync(request, caller.Device, cancellationToken);
                return new AgentSessionNewResponse(session.AgentSessionId, session, turn);
            })
        .Map(
            DeviceVerbs.AgentMessage, Scope.Prompt,
            async (caller, request, _) =>
            {
                RequireId(request.PromptId, "promptId");
                RequirePrompt(request.Content);
                return new AgentMessageResponse(await sessions.Get(request.AgentSessionId)
                    .EnqueueAsync(request.PromptId, request.Content, caller.Device.DeviceId, request.Attachments));
            })
        .Map(
            DeviceVerbs.AgentSessionFork, Scope.Prompt,
            async (caller, request, _) =>
            {
                RequireId(request.NewSessionId, "newSessionId");
                RequireId(request.PromptId, "promptId");
                RequirePrompt(request.Content);
                var (session, turn) = await sessions.ForkAsync(request, caller.Device);
                return new AgentSessionForkResponse(session, turn);
            })
        .MapShared(
            Verbs.AgentSessionsList, Scope.View,
            (_, request, _) =>
            {
                var (page, next) = sessions.Page(request.Limit, request.After, request.Archived, request.ProjectId);
                return Task.FromResult(new AgentSessionsListResponse(page, next));
            })
        .Map(
            DeviceVerbs.AgentSessionGet, Scope.View,
            async (_, request, cancellationToken) =>
            {
                var (session, turns) = await sessions.DetailAsync(request.AgentSessionId, cancellationToken);
                return new AgentSessionGetResponse(session, turns);
            })
        .MapShared(
            Verbs.AgentSessionSet, Scope.Prompt,
            async (_, request, _) =>
            {
                AgentChoices.RequireName(request.Title, "title");
                AgentChoices.RequireName(request.Model is "" ? null : request.Model, "model");
                return new AgentSessionSetResponse(await sessions.Get(request.AgentSessionId).SetAsync(request));
            })
        .Map(
            DeviceVerbs.AgentSessionSeen, Scope.Prompt,
            async (_, request, _) => new AgentSessionSeenResponse(await sessions.Get(request.AgentSessionId).SeeAsync(
                request.Seq >= 0 ? request.Seq : throw new RequestFailure(ErrorCode.InvalidRequest, "seq is 0 or more."))))
        .MapShared(
            Verbs.AgentCancel, Scope.Prompt,
            async (_, request, _) => new AgentCancelResponse(
                await sessions.Get(request.AgentSessionId).CancelAsync(request.ClearQueue, request.TurnId)))
        .Map(
            DeviceVerbs.AgentQueueEdit, Scope.Prompt,
            async (_, request, _) =>
            {
                RequirePrompt(request.Content);
                return new AgentQueueEditResponse(
                    await sessions.Get(request.AgentSessionId).EditQueuedAsync(request.PromptId, request.Content));
            })
        .Map(
            DeviceVerbs.AgentQueueRemove, Scope.Prompt,
            async (_, request, _) => new AgentQueueRemoveResponse(
                await sessions.Get(request.AgentSessionId).RemoveQueuedAsync(request.PromptId)));

    public static void RequireId(Guid id, string field)
    {
        if (id == Guid.Empty)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{field} must be a UUID made for this request.");
        }
    }

    public static void RequirePrompt(string content)
    {
        if (string.IsNullOrWhiteSpace(content))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "A prompt can't be empty.");
        }

        if (Encoding.UTF8.GetByteCount(content) > Limits.PromptBytes)
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest, $"A prompt has at most {Limits.PromptBytes / 1024} KiB. Put long text into a file and name it.");
        }
    }
}
