using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Warming;

/// <summary>The message of somebody who is about to prompt.</summary>
public static class WarmRoutes
{
    public static MessageTable MapWarming(this MessageTable table, SessionDirectory sessions) => table
        .Map(
            DeviceVerbs.AgentSessionWarm, Scope.Prompt,
            async (_, request, _) => new AgentSessionWarmResponse(await sessions.Get(request.AgentSessionId).WarmAsync(request.Opened)));
}
