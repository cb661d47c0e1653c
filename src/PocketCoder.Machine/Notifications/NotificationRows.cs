using System.Text.Json;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Notifications;

/// <summary>A device's subscription as it is stored.</summary>
internal sealed record NotificationRow(string DeviceId, string Endpoint, byte[] P256dh, byte[] Auth, PushSettings Settings);

/// <summary>The table of subscriptions. Of an endpoint the ledger has the origin alone: the rest is a secret. Thread-safe.</summary>
internal sealed class NotificationRows(Store store)
{
    private const string What = "notifications";

    public Task<IReadOnlyList<NotificationRow>> ListAsync(CancellationToken cancellationToken) => store.QueryAsync(
        "SELECT device_id, endpoint, p256dh, auth, settings FROM notifications",
        row => new NotificationRow(
            row.GetString(0), row.GetString(1), row.GetFieldValue<byte[]>(2), row.GetFieldValue<byte[]>(3),
            JsonSerializer.Deserialize(row.GetString(4), ProtocolJson.Default.PushSettings)!),
        cancellationToken);

    public Task PutAsync(Device device, NotificationRow row, string origin, string? old) => store.WriteAsync(change =>
    {
        change.Execute(
            """
            INSERT INTO notifications (device_id, endpoint, p256dh, auth, settings) VALUES ($id, $endpoint, $key, $auth, $settings)
            ON CONFLICT (device_id) DO UPDATE SET endpoint = $endpoint, p256dh = $key, auth = $auth, settings = $settings
            """,
            ("$id", row.DeviceId), ("$endpoint", row.Endpoint), ("$key", row.P256dh), ("$auth", row.Auth),
            ("$settings", Text(row.Settings)));
        SettingChange.Record(change, new SettingData(What, row.DeviceId, "set", origin, old), device);
    });

    public Task SetAsync(string deviceId, PushSettings settings) => store.WriteAsync(change => change.Execute(
        "UPDATE notifications SET settings = $settings WHERE device_id = $id", ("$id", deviceId), ("$settings", Text(settings))));

    /// <param name="device">The device that turned them off itself; null: its push service knows it no more.</param>
    /// <param name="endpoint">Only when it is still this one; null: whichever it is.</param>
    public Task RemoveAsync(string deviceId, Device? device, string origin, string? endpoint) => store.WriteAsync(change =>
    {
        if (change.Execute(
            "DELETE FROM notifications WHERE device_id = $id AND ($endpoint IS NULL OR endpoint = $endpoint)", ("$id", deviceId),
            ("$endpoint", endpoint)) > 0)
        {
            SettingChange.Record(
                change, new SettingData(What, deviceId, "removed", device is null ? "its push service ended it" : null, origin), device);
        }
    });

    private static string Text(PushSettings settings) => JsonSerializer.Serialize(settings, ProtocolJson.Default.PushSettings);
}
