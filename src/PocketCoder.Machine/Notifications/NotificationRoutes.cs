using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Notifications;

/// <summary>Notifications' messages. Each device reaches its own subscription and no other: no message names a device.</summary>
internal static class NotificationRoutes
{
    public static MessageTable MapNotifications(this MessageTable table, NotificationService service) => table
        .Map(
            MessageTypes.PushSettingsGet,
            Scope.View,
            static () => ProtocolJson.Default.PushSettingsGetRequest,
            static () => ProtocolJson.Default.PushSettingsGetResponse,
            (caller, _, _) => Task.FromResult(new PushSettingsGetResponse(service.StateOf(caller.Device))))
        .Map(
            MessageTypes.PushSettingsSet,
            Scope.View,
            static () => ProtocolJson.Default.PushSettingsSetRequest,
            static () => ProtocolJson.Default.PushSettingsSetResponse,
            async (caller, request, _) => new PushSettingsSetResponse(await service.SetAsync(caller.Device, request.Settings)))
        .Map(
            MessageTypes.PushSubscribe,
            Scope.View,
            static () => ProtocolJson.Default.PushSubscribeRequest,
            static () => ProtocolJson.Default.PushSubscribeResponse,
            async (caller, request, _) => new PushSubscribeResponse(await service.SubscribeAsync(caller.Device, request)))
        .Map(
            MessageTypes.PushUnsubscribe,
            Scope.View,
            static () => ProtocolJson.Default.PushUnsubscribeRequest,
            static () => ProtocolJson.Default.PushUnsubscribeResponse,
            async (caller, _, _) => new PushUnsubscribeResponse(await service.UnsubscribeAsync(caller.Device)))
        .Map(
            MessageTypes.PushTest,
            Scope.View,
            static () => ProtocolJson.Default.PushTestRequest,
            static () => ProtocolJson.Default.PushTestResponse,
            (caller, _, cancellationToken) => service.TestAsync(caller.Device, cancellationToken),
            concurrent: true);
}
