using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Prompting;

/// <summary>Messages about what a person says to an agent that is at work already.</summary>
public static class PromptingRoutes
{
    public static MessageTable MapPrompting(this MessageTable table, SessionDirectory sessions) => table
        .Map(
            DeviceVerbs.AgentQueueMove, Scope.Prompt,
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
            DeviceVerbs.AgentQueueMerge, Scope.Prompt,
            async (_, request, _) =>
            {
                if (request.PromptIds.Count is < 2 or > Limits.QueuedPrompts
                    || request.PromptIds.Distinct().Count() != request.PromptIds.Count)
                {
                    throw new RequestFailure(
                        ErrorCode.InvalidRequest, $"promptIds are 2 to {Limits.QueuedPrompts} prompts, each once.");
                }

                return new AgentQueueMergeResponse(await sessions.Get(request.AgentSessionId).MergeQueuedAsync(request.PromptIds));
            })
        .Map(
            DeviceVerbs.AgentSteer, Scope.Prompt,
            (caller, request, _) =>
            {
                SessionRoutes.RequireId(request.PromptId, "promptId");
                SessionRoutes.RequirePrompt(request.Content);
                return sessions.Get(request.AgentSessionId).SteerAsync(request.PromptId, request.Content, caller.Device.DeviceId);
            },
            concurrent: true)
        .Map(
            DeviceVerbs.AgentContinue, Scope.Prompt,
            async (caller, request, cancellationToken) =>
            {
                SessionRoutes.RequireId(request.PromptId, "promptId");
                return new AgentContinueResponse(await sessions.Get(request.AgentSessionId)
                    .ContinueAsync(request.TurnId, request.PromptId, caller.Device.DeviceId, cancellationToken));
            });
}
