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
            MessageTypes.Subscribe,
            Scope.View,
            static () => ProtocolJson.Default.SubscribeRequest,
            static () => ProtocolJson.Default.SubscribeResponse,
            (caller, request, _) => Of(caller).SubscribeAsync(request, hub, session => sessions.Find(session) is not null, files))
        .Map(
            MessageTypes.Unsubscribe,
            Scope.View,
            static () => ProtocolJson.Default.UnsubscribeRequest,
            static () => ProtocolJson.Default.UnsubscribeResponse,
            async (caller, request, _) =>
            {
                await Of(caller).UnsubscribeAsync(request.Stream);
                return new UnsubscribeResponse(request.Stream);
            });

    /// <summary>Every caller came over one of ours: <see cref="DeviceConnection"/> makes them all.</summary>
    private static DeviceConnection Of(DeviceCaller caller) => (DeviceConnection)caller.Connection;
}
