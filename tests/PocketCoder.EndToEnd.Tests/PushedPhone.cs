using System.Text.Json;
using Microsoft.Playwright;
using PocketCoder.Testing;
using PocketCoder.Testing.Push;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>What a notification of the browser shows.</summary>
internal sealed record ShownNotification(string Title, string Body, string Tag, IReadOnlyList<string> Actions);

/// <summary>
/// The notifications of a phone's browser, whose push service is the tests' own: what the machine sent there is handed to the worker as
/// the browser would, and a person's tap is the event that the browser would make of it. The worker, its keys and its way to the machine
/// are real.
/// </summary>
internal sealed class PushedPhone
{
    private readonly BrowserPhone _phone;
    private readonly PushService _service;
    private int _delivered;

    private PushedPhone(BrowserPhone phone, PushService service) => (_phone, _service) = (phone, service);

    /// <summary>
    /// Before the phone's first page: a browser here can't reach its own push service, so a subscription is given for this one.
    /// </summary>
    public static async Task<PushedPhone> BeginAsync(BrowserPhone phone, PushService service, string origin)
    {
        await phone.Context.GrantPermissionsAsync(["notifications"], new BrowserContextGrantPermissionsOptions { Origin = origin });
        var receiver = service.Subscribe();
        var given = JsonSerializer.Serialize(new { receiver.Endpoint, receiver.P256dh, Auth = receiver.AuthText });
        await phone.Context.AddInitScriptAsync($$"""
            (() => {
              const given = {{given}};
              const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0)).buffer;
              let subscription = null;
              PushManager.prototype.getSubscription = async () => subscription;
              PushManager.prototype.subscribe = async (options) => (subscription = {
                endpoint: given.Endpoint,
                getKey: (name) => bytes(name === "auth" ? given.Auth : given.P256dh),
                options: { applicationServerKey: options.applicationServerKey.buffer },
                unsubscribe: async () => { subscription = null; return true; },
              });
            })();
            """);
        return new PushedPhone(phone, service);
    }

    /// <summary>
    /// The app is closed, and a page of the same address stays that is none of it: the browser is asked by way of a page.
    /// </summary>
    public Task CloseAppAsync(string url) => _phone.Page.GotoAsync(url + "/licences.txt");

    /// <summary>The text of the next message that the machine sent.</summary>
    public async Task<string> NextAsync()
    {
        await Wait.UntilAsync(() => _service.Received.Count > _delivered, "the machine sent a notification");
        return _service.Received[_delivered++].Text;
    }

    /// <summary>Hands a message to the worker of the machine's notifications, as the browser does with one that it opened.</summary>
    public async Task DeliverAsync(string text)
    {
        var session = await _phone.Context.NewCDPSessionAsync(_phone.Page);
        var registrations = new Dictionary<string, string>(StringComparer.Ordinal);
        session.Event("ServiceWorker.workerRegistrationUpdated").OnEvent += (_, given) =>
        {
            foreach (var one in given!.Value.GetProperty("registrations").EnumerateArray())
            {
                var scope = new Uri(one.GetProperty("scopeURL").GetString()!).AbsolutePath;
                lock (registrations)
                {
                    registrations[scope] = one.GetProperty("registrationId").GetString()!;
                }
            }
        };
        await session.SendAsync("ServiceWorker.enable");
        string? id = null;
        await Wait.UntilAsync(() =>
        {
            lock (registrations)
            {
                id = registrations.FirstOrDefault(r => r.Key.StartsWith("/push/", StringComparison.Ordinal)).Value;
            }

            return id is not null;
        }, "the browser knows the worker");
        await session.SendAsync("ServiceWorker.deliverPushMessage", new Dictionary<string, object>
        {
            ["origin"] = new Uri(_phone.Page.Url).GetLeftPart(UriPartial.Authority),
            ["registrationId"] = id!,
            ["data"] = text,
        });
        await session.DetachAsync();
    }

    /// <summary>Waits for a notification; a wait that fails says what was shown instead, and how many messages were handed over.</summary>
    public async Task<ShownNotification> ShownAsync(Func<ShownNotification, bool> wanted, string what)
    {
        ShownNotification? found = null;
        await Wait.SeeAsync<string>(
            async () =>
            {
                var all = await AllAsync();
                found = all.FirstOrDefault(wanted);
                return $"{_delivered} of {_service.Received.Count} handed over, shown: {string.Join("; ", all)}";
            },
            _ => found is not null,
            what);
        return found!;
    }

    /// <summary>A person presses a button of the only notification there is.</summary>
    public async Task PressAsync(string action)
    {
        // The worker has no page to be asked through: the browser attaches to it.
        var session = await _phone.Context.Browser!.NewBrowserCDPSessionAsync();
        var targets = (await session.SendAsync("Target.getTargets"))!.Value.GetProperty("targetInfos").EnumerateArray();
        var worker = targets.Last(t => t.GetProperty("type").GetString() == "service_worker"
            && t.GetProperty("url").GetString()!.EndsWith("/push.js", StringComparison.Ordinal));
        var attached = await session.SendAsync("Target.attachToTarget", new Dictionary<string, object>
        {
            ["targetId"] = worker.GetProperty("targetId").GetString()!,
            ["flatten"] = false,
        });
        var press = $$"""
            (async () => {
              const [notification] = await self.registration.getNotifications();
              self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action: "{{action}}" }));
            })()
            """;
        await session.SendAsync("Target.sendMessageToTarget", new Dictionary<string, object>
        {
            ["sessionId"] = attached!.Value.GetProperty("sessionId").GetString()!,
            ["message"] = JsonSerializer.Serialize(new { id = 1, method = "Runtime.evaluate", @params = new { expression = press } }),
        });
    }

    private async Task<IReadOnlyList<ShownNotification>> AllAsync()
    {
        var text = await _phone.Page.EvaluateAsync<string>("""
            async () => {
              const all = [];
              for (const registration of await navigator.serviceWorker.getRegistrations())
                for (const { title, body, tag, actions } of await registration.getNotifications())
                  all.push({ title, body, tag, actions: actions.map((one) => one.action) });
              return JSON.stringify(all);
            }
            """);
        return JsonSerializer.Deserialize<List<ShownNotification>>(text, JsonSerializerOptions.Web)!;
    }
}
