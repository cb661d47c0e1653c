using PocketCoder.Machine.Files.Watching;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>Following streams.</summary>
internal static class SubscriptionRoutes
{
    public static MessageTable MapSubscriptions(this MessageTable table, StreamHub hub, SessionDirectory sessions, FileStreams files)
        => table
        .Map(
            DeviceVerbs.Subscribe, Scope.View,
            (caller, request, _) => caller.Streams().SubscribeAsync(request, hub, session => sessions.Find(session) is not null, files))
        .Map(
            DeviceVerbs.Unsubscribe, Scope.View,
            async (caller, request, _) =>
            {
                await caller.Streams().UnsubscribeAsync(request.Stream);
                return new UnsubscribeResponse(request.Stream);
            });

    /// <summary>Every caller came over one of the connections that are kept here.</summary>
    private static FollowedStreams Streams(this DeviceCaller caller) => ((ILiveConnection)caller.Connection).Streams;
}
