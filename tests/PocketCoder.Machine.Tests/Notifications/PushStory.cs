using System.Text.Json;
using PocketCoder.Protocol;
using PocketCoder.Push;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Push;

namespace PocketCoder.Machine.Tests.Notifications;

/// <summary>A daemon, a push service, and a phone that is subscribed there.</summary>
internal sealed class PushStory : IAsyncDisposable
{
    private int _read;

    private PushStory(TestDaemon daemon, PushService service, TestDevice phone, PushReceiver receiver)
        => (Daemon, Service, Phone, Receiver) = (daemon, service, phone, receiver);

    public TestDaemon Daemon { get; }

    public PushService Service { get; }

    public TestDevice Phone { get; }

    public PushReceiver Receiver { get; }

    public IReadOnlyList<PushNotice> Notices
        => [.. Service.Received.Select(r => JsonSerializer.Deserialize(r.Text, ProtocolJson.Default.PushNotice)!)];

    public static async Task<PushStory> BeginAsync(bool details = false, int after = 60, Scope[]? scopes = null)
    {
        var service = await PushService.StartAsync();
        var daemon = await TestDaemon.StartAsync(seams: s => s with
        {
            Push = new PushWays { Allowed = new PushAllowed([service.Origin]), Certificate = service.Certificate, Limit = Wait.Limit },
        });
        var phone = await daemon.PairAsync("phone", scopes ?? [Scope.View, Scope.Prompt, Scope.Decide]);
        var story = new PushStory(daemon, service, phone, service.Subscribe());
        await SubscribeAsync(phone, story.Receiver);
        await story.SetAsync(s => s with { Details = details, AfterSeconds = after });
        return story;
    }

    public static Task<PushSubscribeResponse> SubscribeAsync(TestDevice device, PushReceiver receiver) => device.AskAsync(
        MessageTypes.PushSubscribe, new PushSubscribeRequest(receiver.Endpoint, receiver.P256dh, receiver.AuthText),
        ProtocolJson.Default.PushSubscribeRequest, ProtocolJson.Default.PushSubscribeResponse);

    public static async Task<PushState> StateAsync(TestDevice device) => (await device.AskAsync(
        MessageTypes.PushSettingsGet, new PushSettingsGetRequest(), ProtocolJson.Default.PushSettingsGetRequest,
        ProtocolJson.Default.PushSettingsGetResponse)).Push;

    public async Task SetAsync(Func<PushSettings, PushSettings> change)
    {
        var settings = change((await StateAsync(Phone)).Settings);
        await Phone.AskAsync(MessageTypes.PushSettingsSet, new PushSettingsSetRequest(settings),
            ProtocolJson.Default.PushSettingsSetRequest, ProtocolJson.Default.PushSettingsSetResponse);
    }

    public Task<PushTestResponse> TestAsync() => Phone.AskAsync(
        MessageTypes.PushTest, new PushTestRequest(), ProtocolJson.Default.PushTestRequest, ProtocolJson.Default.PushTestResponse);

    public Task ShowAsync(bool visible) => Phone.AskAsync(
        MessageTypes.Presence, new PresenceRequest(visible), ProtocolJson.Default.PresenceRequest, ProtocolJson.Default.PresenceResponse);

    /// <summary>The next notice of a kind; others before it are passed over.</summary>
    public async Task<PushNotice> NextAsync(PushNoticeKind kind)
    {
        PushNotice? found = null;
        await Wait.UntilAsync(() =>
        {
            var notices = Notices;
            while (_read < notices.Count && found is null)
            {
                found = notices[_read].Kind == kind ? notices[_read] : null;
                _read++;
            }

            return found is not null;
        }, $"a notice: {kind}");
        return found!;
    }

    public async ValueTask DisposeAsync()
    {
        await Phone.DisposeAsync();
        await Daemon.DisposeAsync();
        await Service.DisposeAsync();
    }
}
