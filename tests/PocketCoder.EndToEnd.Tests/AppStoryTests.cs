using Microsoft.Playwright;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using static Microsoft.Playwright.Assertions;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>The main story in a real browser of a phone's size, with the demo agent.</summary>
[Trait("Category", "Slow")]
public sealed class AppStoryTests(Browser browser) : IClassFixture<Browser>
{
    [Fact]
    public async Task From_the_link_to_the_first_allowed_command_a_stranger_taps_six_times_at_most()
    {
        await using var machine = await RunningMachine.StartAsync();
        await using var phone = await browser.PhoneAsync();
        await phone.Page.GotoAsync(await machine.LinkAsync());
        string[] taps = ["pair-confirm", "first-prompt", "example", "send", "allow-once", "allow-once"];
        for (var i = 0; i < taps.Length; i++)
        {
            var target = taps[i] == "example" ? phone.Id("example").First : phone.Id(taps[i]).Last;
            if (taps[i] == "allow-once" && i == 5)
            {
                // The first was the page's change; the command is asked for after it.
                target = phone.Id("approval-card").Filter(new LocatorFilterOptions { HasText = "ls -l index.html" }).Last.GetByTestId("allow-once");
            }

            await target.TapAsync();
        }

        await Expect(phone.Id("transcript").GetByText("The page is there.")).ToBeVisibleAsync();
        var project = (await machine.Control.ListProjectsAsync(CancellationToken.None))[0];
        Assert.Contains("Hello from PocketCoder", await File.ReadAllTextAsync(Path.Combine(project.Path, "index.html")));
        Assert.Empty(phone.Complaints);
    }

    [Fact]
    public async Task A_person_pairs_prompts_decides_watches_and_verifies()
    {
        await using var machine = await RunningMachine.StartAsync();
        await using var phone = await browser.PhoneAsync();
        await PairAsync(machine, phone);
        await phone.PictureAsync("01-inbox-empty");

        await NewSessionAsync(phone, "run: echo hello from the phone > proof.txt");
        var card = phone.Id("approval-card").First;
        await Expect(card).ToContainTextAsync("echo hello from the phone > proof.txt");
        await phone.PictureAsync("02-approval");
        var project = (await machine.Control.ListProjectsAsync(CancellationToken.None))[0];
        Assert.False(File.Exists(Path.Combine(project.Path, "proof.txt")));

        await phone.Id("allow-once").First.ClickAsync();
        await Wait.UntilAsync(() => File.Exists(Path.Combine(project.Path, "proof.txt")), "the command ran");
        await Expect(phone.Page.GetByText("Allowed by Test phone").First).ToBeVisibleAsync();
        await phone.PictureAsync("03-finished");

        await SendAsync(phone, "write: notes.md | # Notes");
        // in the difference: the folded details have it too
        await Expect(phone.Page.GetByRole(AriaRole.Figure).GetByText("# Notes").Last).ToBeVisibleAsync();
        await phone.PictureAsync("04-edit");
        await phone.Id("deny").Last.ClickAsync();
        await phone.Id("deny-reason").FillAsync("call it README");
        await phone.Id("deny-confirm").ClickAsync();
        await Expect(phone.Id("decision").Filter(new LocatorFilterOptions { HasText = "Denied by Test phone" }))
            .ToContainTextAsync("call it README");
        Assert.False(File.Exists(Path.Combine(project.Path, "notes.md")));

        await SendAsync(phone, "ask: Which colour? | red | blue");
        await phone.Id("question-option").Filter(new LocatorFilterOptions { HasText = "blue" }).ClickAsync();
        await phone.PictureAsync("05-question");
        await phone.Id("question-submit").ClickAsync();
        await Expect(phone.Page.GetByText("blue").Last).ToBeVisibleAsync();

        await SendAsync(phone, "plan: first look, then write");
        await Expect(phone.Id("plan-accept").Last).ToBeVisibleAsync();
        await phone.PictureAsync("06-plan");
        await phone.Id("plan-accept").Last.ClickAsync();

        await SendAsync(phone, "todo: read | write | test");
        await Expect(phone.Page.GetByText("3 of 3 done")).ToBeVisibleAsync();

        await phone.Page.GotoAsync(machine.Url + "/you/ledger");
        await phone.Id("ledger-verify").ClickAsync();
        await Expect(phone.Id("ledger-verdict")).ToBeVisibleAsync();
        await phone.PictureAsync("07-ledger");
        Assert.True((await machine.Control.VerifyLedgerAsync(CancellationToken.None)).Intact);
        Assert.Empty(phone.Complaints);
    }

    [Fact]
    public async Task Stop_really_stops_and_a_closed_browser_or_a_restarted_daemon_loses_nothing()
    {
        await using var machine = await RunningMachine.StartAsync();
        await using var phone = await browser.PhoneAsync();
        await PairAsync(machine, phone);

        await NewSessionAsync(phone, "long: 2000");
        await Expect(phone.Id("stop")).ToBeVisibleAsync();
        await SendAsync(phone, "todo: after the stop");
        await Expect(phone.Id("queue-item")).ToHaveCountAsync(1);
        await phone.Id("stop").ClickAsync();
        await Wait.UntilAsync(async () => (await machine.Control.ListSessionsAsync(CancellationToken.None))[0].State == SessionState.Idle,
            "the turn was stopped");

        // What was queued waits for a person: after a stop nothing goes on by itself.
        await Expect(phone.Id("queue-held")).ToBeVisibleAsync();
        await phone.PictureAsync("07-held");
        await phone.Id("queue-release").ClickAsync();
        await Expect(phone.Page.GetByText("1 of 1 done")).ToBeVisibleAsync();

        await SendAsync(phone, "run: touch after-reopen.txt");
        await Expect(phone.Id("allow-once").Last).ToBeVisibleAsync();
        await phone.ReopenAsync();
        await Expect(phone.Id("approval-card").Last).ToContainTextAsync("touch after-reopen.txt");
        await phone.Id("allow-once").Last.ClickAsync();
        var project = (await machine.Control.ListProjectsAsync(CancellationToken.None))[0];
        await Wait.UntilAsync(() => File.Exists(Path.Combine(project.Path, "after-reopen.txt")),
            "the command ran after the browser came back");

        await SendAsync(phone, "run: touch never.txt");
        await Expect(phone.Id("approval-card").Last).ToContainTextAsync("touch never.txt");
        await machine.Daemon.StopAsync("a test restarts it");
        await Expect(phone.Id("connection-state")).ToBeVisibleAsync();
        await machine.StartDaemonAsync();
        await Expect(phone.Id("continue").Last).ToBeVisibleAsync(new LocatorAssertionsToBeVisibleOptions { Timeout = 60_000 });
        await phone.PictureAsync("08-interrupted");
        Assert.False(File.Exists(Path.Combine(project.Path, "never.txt")));
    }

    [Fact]
    public async Task A_prompt_written_offline_is_sent_exactly_once_when_the_network_is_back()
    {
        await using var machine = await RunningMachine.StartAsync();
        await using var phone = await browser.PhoneAsync();
        await PairAsync(machine, phone);
        await NewSessionAsync(phone, "first");
        await Wait.UntilAsync(async () =>
            (await machine.Control.ListSessionsAsync(CancellationToken.None)) is [{ State: SessionState.Idle }], "the first turn ended");
        var session = (await machine.Control.ListSessionsAsync(CancellationToken.None))[0].AgentSessionId;

        // The daemon is gone: offline in the way that matters, whatever the browser thinks of its network.
        await machine.Daemon.StopAsync("a test takes the network away");
        await SendAsync(phone, "written offline");
        await Expect(phone.Id("outbox-item").First).ToBeVisibleAsync();
        await phone.PictureAsync("09-outbox");
        await phone.ReopenAsync().ContinueWith(_ => Task.CompletedTask, TaskScheduler.Default);
        await machine.StartDaemonAsync();
        await phone.Page.GotoAsync($"{machine.Url}/sessions/{session}");

        await Expect(phone.Page.GetByText("written offline").First).ToBeVisibleAsync();
        await Expect(phone.Id("outbox-item")).ToHaveCountAsync(0);
        await using var device = await PocketCoder.Testing.Devices.TestDevice.PairAsync(await machine.LinkAsync());
        var detail = await device.AskAsync(MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session),
            ProtocolJson.Default.AgentSessionGetRequest, ProtocolJson.Default.AgentSessionGetResponse);
        Assert.Single(detail.Turns, t => t.Content == "written offline");
    }

    [Fact]
    public async Task What_destroys_says_so_and_must_be_meant()
    {
        await using var machine = await RunningMachine.StartAsync();
        await using var phone = await browser.PhoneAsync();
        await PairAsync(machine, phone);
        var project = (await machine.Control.ListProjectsAsync(CancellationToken.None))[0];
        Directory.CreateDirectory(Path.Combine(project.Path, "build"));

        await NewSessionAsync(phone, "run: rm -rf build");
        await Expect(phone.Id("risk").Last).ToHaveAttributeAsync("data-tier", "destructive");
        await phone.PictureAsync("11-destructive");
        await phone.Id("allow-once").Last.ClickAsync();
        await Expect(phone.Id("approval-card").Last).ToHaveAttributeAsync("data-state", "pending");
        Assert.True(Directory.Exists(Path.Combine(project.Path, "build")));

        await phone.Id("allow-once").Last.ClickAsync(new LocatorClickOptions { Delay = 1500 });
        await Wait.UntilAsync(() => !Directory.Exists(Path.Combine(project.Path, "build")), "the command ran");
        Assert.Empty(phone.Complaints);
    }

    [Fact]
    public async Task A_revoked_browser_is_told_and_shut_out_at_once()
    {
        await using var machine = await RunningMachine.StartAsync();
        await using var phone = await browser.PhoneAsync();
        await PairAsync(machine, phone);
        var device = Assert.Single(await machine.Control.ListDevicesAsync(CancellationToken.None));

        await machine.Control.RevokeDeviceAsync(device.DeviceId, CancellationToken.None);

        await Expect(phone.Id("revoked")).ToBeVisibleAsync();
        await phone.PictureAsync("10-revoked");
    }

    internal static async Task PairAsync(RunningMachine machine, BrowserPhone phone)
        => await PairAsync(await machine.LinkAsync(), machine, phone);

    internal static async Task PairAsync(string link, RunningMachine machine, BrowserPhone phone)
    {
        await phone.Page.GotoAsync(link);
        await Expect(phone.Id("pair-confirm")).ToBeVisibleAsync();
        Assert.DoesNotContain("pair=", phone.Page.Url, StringComparison.Ordinal);
        await phone.Id("device-name").FillAsync("Test phone");
        await phone.PictureAsync("00-pairing");
        await phone.Id("pair-confirm").ClickAsync();
        await Expect(phone.Page.GetByRole(AriaRole.Navigation).First).ToBeVisibleAsync();

        // Pairing is one connection and working another: what follows is about the second, over which the app read what it shows.
        await Expect(phone.Page.Locator("main h1").First).ToBeVisibleAsync();
        await Expect(phone.Page.Locator("main [data-testid=skeleton], main :text('Not loaded yet.')")).ToHaveCountAsync(0);
        await Wait.UntilAsync(async () => (await machine.Control.ListDevicesAsync(CancellationToken.None))[0].Connected,
            "the device works");
    }

    internal static async Task NewSessionAsync(
        BrowserPhone phone, string prompt, string? mode = null, string? sandbox = null, string? agent = null)
    {
        await phone.Page.GotoAsync(new Uri(new Uri(phone.Page.Url), "/new").ToString());
        await Expect(phone.Id("project-select")).ToBeVisibleAsync();
        if (agent is not null)
        {
            await phone.Id("agent-select").SelectOptionAsync(agent);
        }

        if (mode is not null)
        {
            await phone.Id("mode-select").SelectOptionAsync(mode);
        }

        if (sandbox is not null)
        {
            await phone.Id("sandbox-select").SelectOptionAsync(sandbox);
        }

        await SendAsync(phone, prompt);
        await Expect(phone.Id("transcript")).ToBeVisibleAsync();
    }

    internal static async Task SendAsync(BrowserPhone phone, string prompt)
    {
        await phone.Id("prompt-input").FillAsync(prompt);
        await phone.Id("send").ClickAsync();
    }
}
