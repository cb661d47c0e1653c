using PocketCoder.Machine.Files.Watching;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>Following streams.</summary>
internal static class SubscriptionRoutes
{
    public static MessageTable MapSubscriptions(this MessageTable table, StreamHub hub, SessionDirectory sessions, FileStreams files) => table
        .Map(
            MessageTypes.Subscribe,
            Scope.View,
            ProtocolJson.Default.SubscribeRequest,
            ProtocolJson.Default.SubscribeResponse,
            (caller, request, _) => caller.Connection.SubscribeAsync(request, hub, session => sessions.Find(session) is not null, files))
        .Map(
            MessageTypes.Unsubscribe,
            Scope.View,
            ProtocolJson.Default.UnsubscribeRequest,
            ProtocolJson.Default.UnsubscribeResponse,
            async (caller, request, _) =>
            {
                await caller.Connection.UnsubscribeAsync(request.Stream);
                return new UnsubscribeResponse(request.Stream);
            });
}
