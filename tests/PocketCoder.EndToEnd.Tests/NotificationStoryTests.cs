using System.Text.Json.Nodes;
using Microsoft.Playwright;
using PocketCoder.Protocol;
using PocketCoder.Push;
using PocketCoder.Testing;
using PocketCoder.Testing.Push;
using static Microsoft.Playwright.Assertions;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>Notifications from the app's switch to a button in one: daemon, push service, browser and worker, all real.</summary>
[Trait("Category", "Slow")]
public sealed class NotificationStoryTests(Browser browser) : IClassFixture<Browser>
{
    [Fact]
    public async Task With_the_app_closed_a_person_allows_and_denies_in_notifications_and_what_was_not_shown_is_never_allowed()
    {
        await using var service = await PushService.StartAsync();
        await using var machine = await RunningMachine.StartAsync(push: new PushWays
        {
            Allowed = new PushAllowed([service.Origin]),
            Certificate = service.Certificate,
            Limit = Wait.Limit,
        });
        await using var phone = await browser.PhoneAsync();
        var pushed = await PushedPhone.BeginAsync(phone, service, machine.Url);
        await AppStoryTests.PairAsync(machine, phone);
        await TurnOnAsync(machine, phone, pushed);

        // Allowed: what the notification showed runs, decided and signed by this device.
        await AppStoryTests.NewSessionAsync(phone, "run: echo from a notification > proof.txt");
        await Expect(phone.Id("approval-card").First).ToBeVisibleAsync();
        Assert.Single(service.Received); // the test of before: nothing is sent while it is looked at
        await pushed.CloseAppAsync(machine.Url);
        await pushed.DeliverAsync(await pushed.NextAsync());
        var asked = await pushed.ShownAsync(n => n.Tag.StartsWith("approval/", StringComparison.Ordinal), "the request is shown");
        Assert.StartsWith("echo from a notification > proof.txt\nin /", asked.Body, StringComparison.Ordinal);
        Assert.Equal(["deny", "allow"], asked.Actions);
        var project = (await machine.Control.ListProjectsAsync(CancellationToken.None))[0];
        Assert.False(File.Exists(Path.Combine(project.Path, "proof.txt")));

        await pushed.PressAsync("allow");
        var result = await pushed.ShownAsync(
            n => n.Tag == asked.Tag && n.Actions.Count == 0 && !n.Title.EndsWith('…'), "what became of it");
        Assert.Equal("Allowed: recorded", result.Title);
        await Wait.UntilAsync(() => File.Exists(Path.Combine(project.Path, "proof.txt")), "the command ran");

        // Tampered with on the way to the eye: what is shown is not what the digest is of, so nothing is signed.
        await AppStoryTests.NewSessionAsync(phone, "run: touch never.txt");
        await Expect(phone.Id("approval-card").First).ToBeVisibleAsync();
        await Expect(phone.Page.GetByText("Allowed by Test phone")).ToHaveCountAsync(0);
        await pushed.CloseAppAsync(machine.Url);
        var text = await pushed.NextAsync();
        while (!text.Contains("touch never.txt", StringComparison.Ordinal))
        {
            text = await pushed.NextAsync();
        }

        var forged = JsonNode.Parse(text)!;
        forged["what"] = "git status";
        await pushed.DeliverAsync(forged.ToJsonString());
        var shown = await pushed.ShownAsync(n => n.Body.StartsWith("git status", StringComparison.Ordinal), "the forged one is shown");
        Assert.Equal(["deny", "allow"], shown.Actions);
        await pushed.PressAsync("allow");
        await pushed.ShownAsync(n => n.Tag == shown.Tag && n.Title == "Not allowed", "it is not allowed");
        Assert.True(await WaitsAsync(machine));

        // Denied.
        await pushed.DeliverAsync(text);
        await pushed.ShownAsync(n => n.Tag == shown.Tag && n.Actions.Count == 2, "the true one is shown");
        await pushed.PressAsync("deny");
        await pushed.ShownAsync(n => n.Tag == shown.Tag && n.Title == "Denied: recorded", "it is denied");
        await Wait.UntilAsync(async () => !await WaitsAsync(machine), "nothing waits any more");
        Assert.False(File.Exists(Path.Combine(project.Path, "never.txt")));

        // The app shows both decisions as this device's.
        await phone.Page.GotoAsync(machine.Url + "/sessions");
        await phone.Page.GetByText("touch never.txt").First.ClickAsync();
        await Expect(phone.Page.GetByText("Denied by Test phone").First).ToBeVisibleAsync();
        await phone.PictureAsync("20-denied-in-a-notification");
        Assert.True((await machine.Control.VerifyLedgerAsync(CancellationToken.None)).Intact);
        // A page of plain text has no icon of its own, so the browser asks for the usual one.
        Assert.DoesNotContain(phone.Complaints, c => !c.Contains("/favicon.ico", StringComparison.Ordinal));
    }

    /// <summary>Turns notifications on with details, by hand, and tries them.</summary>
    private static async Task TurnOnAsync(RunningMachine machine, BrowserPhone phone, PushedPhone pushed)
    {
        await phone.Page.GotoAsync(machine.Url + "/you/notifications");
        await phone.Id("notifications-on").ClickAsync();
        await phone.Id("notify-details").CheckAsync();
        await phone.Id("notifications-test").ClickAsync();
        await Expect(phone.Id("notifications-tested")).ToContainTextAsync("took it");
        await phone.PictureAsync("19-notifications");
        await pushed.DeliverAsync(await pushed.NextAsync());
        await pushed.ShownAsync(n => n.Title == "Notifications work", "the test is shown");
        await phone.Page.EvaluateAsync("""
            async () => {
              for (const registration of await navigator.serviceWorker.getRegistrations())
                for (const shown of await registration.getNotifications()) shown.close();
            }
            """);
    }

    /// <summary>Whether a session waits for a person.</summary>
    private static async Task<bool> WaitsAsync(RunningMachine machine)
        => (await machine.Control.ListSessionsAsync(CancellationToken.None)).Any(s => s.State == SessionState.NeedsYou);
}
