using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Notifications;

/// <summary>Notifications' messages. Each device reaches its own subscription and no other: no message names a device.</summary>
internal static class NotificationRoutes
{
    public static MessageTable MapNotifications(this MessageTable table, NotificationService service) => table
        .Map(
            DeviceVerbs.PushSettingsGet, Scope.View,
            (caller, _, _) => Task.FromResult(new PushSettingsGetResponse(service.StateOf(caller.Device))))
        .Map(
            DeviceVerbs.PushSettingsSet, Scope.View,
            async (caller, request, _) => new PushSettingsSetResponse(await service.SetAsync(caller.Device, request.Settings)))
        .Map(
            DeviceVerbs.PushSubscribe, Scope.View,
            async (caller, request, _) => new PushSubscribeResponse(await service.SubscribeAsync(caller.Device, request)))
        .Map(
            DeviceVerbs.PushUnsubscribe, Scope.View,
            async (caller, _, _) => new PushUnsubscribeResponse(await service.UnsubscribeAsync(caller.Device)))
        .Map(
            DeviceVerbs.PushTest, Scope.View,
            (caller, _, cancellationToken) => service.TestAsync(caller.Device, cancellationToken),
            concurrent: true);
}
