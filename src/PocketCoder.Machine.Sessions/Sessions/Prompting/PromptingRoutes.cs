using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Prompting;

/// <summary>Messages about what a person says to an agent that is at work already.</summary>
public static class PromptingRoutes
{
    public static MessageTable MapPrompting(this MessageTable table, SessionDirectory sessions) => table
        .Map(
            MessageTypes.AgentQueueMove,
            Scope.Prompt,
            static () => ProtocolJson.Default.AgentQueueMoveRequest,
            static () => ProtocolJson.Default.AgentQueueMoveResponse,
            async (_, request, _) =>
            {
                if (request.Before == request.PromptId)
                {
                    throw new RequestFailure(ErrorCode.InvalidRequest, "A prompt can't be moved before itself.");
                }

                return new AgentQueueMoveResponse(
                    await sessions.Get(request.AgentSessionId).MoveQueuedAsync(request.PromptId, request.Before));
            })
        .Map(
            MessageTypes.AgentSteer,
            Scope.Prompt,
            static () => ProtocolJson.Default.AgentSteerRequest,
            static () => ProtocolJson.Default.AgentSteerResponse,
            (caller, request, _) =>
            {
                SessionRoutes.RequireId(request.PromptId, "promptId");
                SessionRoutes.RequirePrompt(request.Content);
                return sessions.Get(request.AgentSessionId).SteerAsync(request.PromptId, request.Content, caller.Device.DeviceId);
            },
            concurrent: true)
        .Map(
            MessageTypes.AgentContinue,
            Scope.Prompt,
            static () => ProtocolJson.Default.AgentContinueRequest,
            static () => ProtocolJson.Default.AgentContinueResponse,
            async (caller, request, cancellationToken) =>
            {
                SessionRoutes.RequireId(request.PromptId, "promptId");
                return new AgentContinueResponse(await sessions.Get(request.AgentSessionId)
                    .ContinueAsync(request.TurnId, request.PromptId, caller.Device.DeviceId, cancellationToken));
            });
}
