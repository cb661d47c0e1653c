using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Playwright;
using PocketCoder.Accounts;
using PocketCoder.Gateway;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Machine.Linking;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using static Microsoft.Playwright.Assertions;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>A daemon behind a gateway with accounts, and browsers of people: from the owner's link to what is ended elsewhere.</summary>
[Trait("Category", "Slow")]
public sealed class AccountStoryTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private const string Password = "correct horse battery";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pce-");
    private GatewayServer _gateway = null!;

    private string EnrolmentFile => Path.Combine(_folder.FullName, "machines.json");

    private string AccountsFile => Path.Combine(_folder.FullName, "accounts.json");

    private string Url => _gateway.Urls[0].TrimEnd('/');

    public async ValueTask InitializeAsync() => _gateway = await GatewayServer.StartAsync(
        GatewayOptions.Default with
        {
            Listen = [new IPEndPoint(IPAddress.Loopback, Ports.Free())],
            AppDirectory = Repository.PathOf("app/dist"),
            EnrolmentFile = EnrolmentFile,
            AccountsFile = AccountsFile,
        },
        new LinkedMachines(), NullLoggerFactory.Instance, TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task The_owner_comes_by_a_link_pairs_prompts_is_signed_out_elsewhere_and_goes_on_without_loss()
    {
        await using var machine = await LinkedAsync("atlas");
        await using var phone = await browser.PhoneAsync();
        await WelcomeAsync(phone, await OwnerLinkAsync(), "ada");
        await Expect(phone.Page.Locator("[data-role=owner]")).ToBeVisibleAsync();
        await phone.PictureAsync("70-welcome-done");
        await phone.Id("welcome-go-on").TapAsync();
        await AppStoryTests.PairAsync(await machine.LinkAsync(), machine, phone);
        await AppStoryTests.NewSessionAsync(phone, "todo: read | write");
        await Expect(phone.Page.GetByText("2 of 2 done")).ToBeVisibleAsync();

        // Another browser of the same person ends the phone's sign-in.
        await using var laptop = await browser.PhoneAsync();
        await laptop.Page.GotoAsync(Url + "/account");
        await SignInAsync(laptop, "ada");
        await Expect(laptop.Id("sign-in")).ToHaveCountAsync(2);
        await laptop.PictureAsync("71-sign-ins");
        await laptop.Page.Locator("[data-testid=sign-in][data-current=false]").GetByTestId("sign-in-end").TapAsync();
        await laptop.Id("sign-in-end-confirm").TapAsync();
        await Expect(laptop.Id("sign-in")).ToHaveCountAsync(1);

        // The phone is told, and what is written there meanwhile waits.
        await Expect(phone.Page.Locator("[data-testid=account-trouble][data-code=not_signed_in]")).ToBeVisibleAsync();
        await AppStoryTests.SendAsync(phone, "todo: written | while | signed | out");
        await phone.PictureAsync("72-signed-out");
        await phone.ReopenAsync();
        await Expect(phone.Id("account-trouble")).ToContainTextAsync("1 message");
        await phone.Id("account-sign-in").TapAsync();
        await SignInAsync(phone, "ada");
        await Expect(phone.Page.GetByText("4 of 4 done")).ToBeVisibleAsync();
        await Expect(phone.Id("account-trouble")).ToHaveCountAsync(0);
        var sessions = await machine.Control.ListSessionsAsync(CancellationToken.None);
        Assert.Single(sessions);

        // After a restart of the gateway nobody has to sign in again: what opens anything is in its memory only, and is renewed.
        await phone.ReopenAsync();
        await Expect(phone.Page.GetByText("4 of 4 done")).ToBeVisibleAsync();
        var administration = new AccountAdministration(new AccountStore(AccountsFile, TimeProvider.System), TimeProvider.System);
        Assert.Equal(2, administration.Users[0].SignIns);
        AssertQuiet(phone, laptop);
    }

    [Fact]
    public async Task A_prompt_for_a_machine_that_is_away_runs_when_it_is_back_with_the_phone_switched_off()
    {
        await using var machine = await LinkedAsync("atlas");
        await using var phone = await browser.PhoneAsync();
        await WelcomeAsync(phone, await OwnerLinkAsync(), "ada");
        await phone.Id("welcome-go-on").TapAsync();
        await AppStoryTests.PairAsync(await machine.LinkAsync(), machine, phone);
        await AppStoryTests.NewSessionAsync(phone, "todo: read | write");
        await Expect(phone.Page.GetByText("2 of 2 done")).ToBeVisibleAsync();

        var before = await SessionAsync();
        await machine.Daemon.DisposeAsync();
        await AppStoryTests.SendAsync(phone, "todo: left | at | the | gateway");
        var waiting = phone.Id("outbox-item");
        await Expect(waiting).ToHaveCountAsync(1);
        await AppStoryTests.SendAsync(phone, "todo: taken | back | again");
        await Expect(waiting.Nth(1)).ToContainTextAsync("Runs when the machine is back");
        await Expect(waiting.Nth(0)).ToContainTextAsync("Runs when the machine is back");
        await phone.PictureAsync("72-left-at-the-gateway");
        Assert.Equal(2, Letters().Count);
        foreach (var letter in Letters())
        {
            Assert.DoesNotContain("gateway", File.ReadAllText(letter), StringComparison.Ordinal); // it is sealed
        }

        await waiting.Nth(1).GetByRole(AriaRole.Button, new() { Name = "Take back" }).TapAsync();
        await Expect(waiting).ToHaveCountAsync(1);
        Assert.Single(Letters());
        await phone.Page.CloseAsync();

        await machine.StartDaemonAsync();
        await Wait.UntilAsync(() => Letters().Count == 0, "the machine has the letter");
        await Wait.UntilAsync(
            async () => await SessionAsync() is { State: SessionState.Idle, Usage: var usage } && usage != before.Usage, "it ran");
        await phone.ReopenAsync();
        await Expect(phone.Page.GetByText("4 of 4 done")).ToBeVisibleAsync();
        await Expect(phone.Id("outbox-item")).ToHaveCountAsync(0);
        await Expect(phone.Page.GetByText("3 of 3 done")).ToHaveCountAsync(0);
        AssertQuiet(phone);

        async Task<SessionInfo> SessionAsync() => (await machine.Control.ListSessionsAsync(CancellationToken.None)).Single();

        IReadOnlyList<string> Letters() => Directory.GetFiles(Path.Combine(_folder.FullName, "letters"), "*.letter");
    }

    /// <summary>The link on the machine's screen is opened by somebody who has to sign in first.</summary>
    [Fact]
    public async Task A_machine_logs_in_by_the_link_on_its_screen_and_a_person_lets_it_in()
    {
        await using var machine = await RunningMachine.StartAsync();
        await machine.Control.SetLabelAsync("atlas", CancellationToken.None);
        await using var phone = await browser.PhoneAsync();
        await WelcomeAsync(phone, await OwnerLinkAsync(), "ada");
        await using var laptop = await browser.PhoneAsync();
        var asked = await machine.Control.LoginAsync(Url, wait: false, CancellationToken.None);
        await laptop.Page.GotoAsync($"{Url}/account/machine#{asked.Code}");
        await SignInAsync(laptop, "ada");
        await Expect(laptop.Id("machine-asking")).ToContainTextAsync("atlas");
        await Expect(laptop.Id("machine-words")).ToHaveTextAsync(asked.Fingerprint);
        Assert.DoesNotContain("#", laptop.Page.Url, StringComparison.Ordinal);
        await laptop.PictureAsync("73-machine-asks");
        await laptop.Id("machine-add").TapAsync();
        await Expect(laptop.Id("machine-told")).ToContainTextAsync("atlas");
        var linked = await machine.Control.LoginAsync(Url, wait: true, CancellationToken.None);
        Assert.Equal(("ada", LinkState.Connecting), (linked.AddedBy, linked.Link!.State));
        await Wait.UntilAsync(
            async () => (await machine.Control.StatusAsync(CancellationToken.None)).Link?.State == LinkState.Connected, "the link");
        await Expect(laptop.Id("gateway-machine")).ToContainTextAsync("by ada");
        AssertQuiet(phone, laptop);
    }

    [Fact]
    public async Task Somebody_is_invited_to_one_machine_signs_in_on_the_way_to_pairing_and_is_removed()
    {
        await using var atlas = await LinkedAsync("atlas");
        await using var borealis = await LinkedAsync("borealis");
        await using var owner = await browser.PhoneAsync();
        await WelcomeAsync(owner, await OwnerLinkAsync(), "ada");
        await owner.Page.GotoAsync(Url + "/account");
        await owner.Id("account-people").TapAsync();
        await owner.Id("invite").TapAsync();
        await owner.Id("machines-chosen").CheckAsync();
        await owner.Id("machine-choice").First.CheckAsync();
        await owner.PictureAsync("73-invite");
        await owner.Id("invite-make").TapAsync();
        var link = (await owner.Id("invite-link").TextContentAsync())!;
        Assert.StartsWith(Url + "/welcome#", link, StringComparison.Ordinal);
        await owner.PictureAsync("74-invite-link");
        await owner.Id("invite-done").TapAsync();
        await Expect(owner.Id("invitation")).ToHaveCountAsync(1);

        await using var guest = await browser.PhoneAsync();
        await WelcomeAsync(guest, link, "bob");
        await Expect(guest.Id("account-facts")).ToContainTextAsync("1 machine");
        await guest.Id("welcome-go-on").TapAsync();
        await AppStoryTests.PairAsync(await atlas.LinkAsync(), atlas, guest);

        // The other machine is none for them, although they hold a link to pair with it.
        await guest.Page.GotoAsync(await borealis.LinkAsync());
        await guest.Id("pair-confirm").TapAsync();
        await Expect(guest.Id("account-problem")).ToBeVisibleAsync();
        await guest.PictureAsync("75-not-theirs");
        Assert.Empty(await borealis.Control.ListDevicesAsync(CancellationToken.None));

        // A link that was used is none, wherever it is opened.
        await using var stranger = await browser.PhoneAsync();
        await OpenWelcomeAsync(stranger, link, "eve");
        await Expect(stranger.Id("account-problem")).ToBeVisibleAsync();

        // Whoever opens a link to pair without being signed in signs in first, and the link goes on.
        await using var second = await browser.PhoneAsync();
        await second.Page.GotoAsync(await atlas.LinkAsync());
        await second.Id("pair-confirm").TapAsync();
        await SignInAsync(second, "bob");
        await second.Id("pair-confirm").TapAsync();
        await Expect(second.Page.GetByRole(AriaRole.Navigation).First).ToBeVisibleAsync();

        await owner.Page.ReloadAsync();
        await owner.Page.GotoAsync(Url + "/account");
        await owner.Id("account-people").TapAsync();
        await owner.PictureAsync("76-people");
        await owner.Page.Locator("[data-testid=person][data-name=bob]").GetByTestId("person-change").TapAsync();
        await owner.PictureAsync("77-person");
        var remove = owner.Id("person-remove");
        await remove.ScrollIntoViewIfNeededAsync();
        await remove.HoverAsync();
        await owner.Page.Mouse.DownAsync();
        await Expect(owner.Id("person")).ToHaveCountAsync(1);
        await owner.Page.Mouse.UpAsync();
        await Expect(second.Id("account-trouble")).ToBeVisibleAsync();
        AssertQuiet(owner, guest, second, stranger);
    }

    [Fact]
    public async Task The_owner_comes_with_a_passkey_signs_out_and_in_with_it_and_reaches_the_machine()
    {
        await using var machine = await LinkedAsync("atlas");
        await using var phone = await browser.PhoneAsync();
        var passkeys = await VirtualAuthenticator.InAsync(phone);
        await phone.Page.GotoAsync(Named(await OwnerLinkAsync()));
        await Expect(phone.Id("passkey-use")).ToBeVisibleAsync();
        await Expect(phone.Id("account-password")).ToHaveCountAsync(0); // the other way, behind a tap
        await phone.Id("account-name").FillAsync("ada");
        await phone.PictureAsync("78-welcome-passkey");
        await phone.Id("passkey-use").TapAsync();
        await Expect(phone.Id("welcome-done")).ToContainTextAsync("ada");
        await phone.Id("welcome-go-on").TapAsync();
        await AppStoryTests.PairAsync(Named(await machine.LinkAsync()), machine, phone);

        await phone.Page.GotoAsync(Named(Url) + "/account");
        await phone.Id("sign-out").TapAsync();
        await phone.Id("sign-out-confirm").TapAsync();
        await Expect(phone.Id("passkey-use")).ToBeVisibleAsync();
        await phone.PictureAsync("79-sign-in-passkey");

        // Who thinks better of it is told nothing, and is not signed in.
        await passkeys.UnlocksAsync(false);
        await phone.Id("passkey-use").TapAsync();
        await Expect(phone.Id("passkey-use")).ToBeEnabledAsync();
        await Expect(phone.Id("account-problem")).ToHaveCountAsync(0);
        await Expect(phone.Id("account-me")).ToHaveCountAsync(0);
        await passkeys.UnlocksAsync(true);
        await phone.Id("passkey-use").TapAsync();
        await Expect(phone.Id("account-me")).ToContainTextAsync("ada");
        await Expect(phone.Id("passkey")).ToHaveCountAsync(1);
        await Expect(phone.Id("password-change")).ToHaveCountAsync(0); // there is none
        await phone.Id("passkey-edit").TapAsync();
        await phone.Id("passkey-name").FillAsync("The phone of Ada");
        await phone.Id("passkey-rename").TapAsync();
        await Expect(phone.Id("passkey")).ToContainTextAsync("The phone of Ada");

        // The authenticator has one for this person, and without it nobody could sign in.
        await phone.Id("passkey-add").TapAsync();
        await Expect(phone.Id("account-problem")).ToBeVisibleAsync();
        await HoldToRemoveAsync(phone, 0);
        await Expect(phone.Id("account-problem")).ToContainTextAsync("Add another one first");
        await phone.PictureAsync("80-last-passkey");
        await passkeys.ReplaceAsync();
        await phone.Id("passkey-add").TapAsync();
        await Expect(phone.Id("passkey")).ToHaveCountAsync(2);
        await HoldToRemoveAsync(phone, 0);
        await Expect(phone.Id("passkey")).ToHaveCountAsync(1);
        await phone.PictureAsync("81-passkeys");

        await phone.Page.GotoAsync(Named(Url));
        await AppStoryTests.NewSessionAsync(phone, "todo: read | write");
        await Expect(phone.Page.GetByText("2 of 2 done")).ToBeVisibleAsync();
        AssertQuiet(phone);
    }

    private static string Named(string address) => address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);

    private static async Task HoldToRemoveAsync(BrowserPhone phone, int which)
    {
        await phone.Id("passkey-end").Nth(which).TapAsync();
        await phone.Id("passkey-remove").HoverAsync();
        await phone.Page.Mouse.DownAsync();
        await Expect(phone.Id("passkey-remove")).ToHaveCountAsync(0);
        await phone.Page.Mouse.UpAsync();
    }

    private static void AssertQuiet(params BrowserPhone[] phones)
        => Assert.All(phones.SelectMany(p => p.Complaints), complaint => Assert.Contains("/v1/", complaint, StringComparison.Ordinal));

    private async Task<string> OwnerLinkAsync()
        => $"{Url}/welcome#{await new AccountAdministration(new AccountStore(AccountsFile, TimeProvider.System), TimeProvider.System).NewOwnerLinkAsync(CancellationToken.None)}";

    private static async Task WelcomeAsync(BrowserPhone phone, string link, string name)
    {
        await OpenWelcomeAsync(phone, link, name);
        await Expect(phone.Id("welcome-done")).ToContainTextAsync(name);
    }

    private static async Task OpenWelcomeAsync(BrowserPhone phone, string link, string name)
    {
        await phone.Page.GotoAsync(link);
        await Expect(phone.Id("account-name")).ToBeVisibleAsync();
        Assert.DoesNotContain("#", phone.Page.Url, StringComparison.Ordinal);
        Assert.DoesNotContain("welcome", phone.Page.Url, StringComparison.Ordinal);
        await phone.Id("account-name").FillAsync(name);
        await phone.Id("account-password").FillAsync(Password);
        await phone.Id("account-submit").TapAsync();
    }

    private static async Task SignInAsync(BrowserPhone phone, string name)
    {
        await phone.Id("account-name").FillAsync(name);
        await phone.Id("account-password").FillAsync(Password);
        await phone.Id("account-submit").TapAsync();
    }

    private async Task<RunningMachine> LinkedAsync(string label)
    {
        var machine = await RunningMachine.StartAsync();
        await machine.Control.SetLabelAsync(label, CancellationToken.None);
        var code = await new Enrolments(EnrolmentFile, TimeProvider.System).NewCodeAsync(CancellationToken.None);
        var link = await machine.Control.LinkAsync(_gateway.Urls[0], code, CancellationToken.None);
        Assert.NotEqual(LinkState.Refused, link.State);
        await Wait.UntilAsync(
            async () => (await machine.Control.StatusAsync(CancellationToken.None)).Link?.State == LinkState.Connected, "the link");
        return machine;
    }
}
