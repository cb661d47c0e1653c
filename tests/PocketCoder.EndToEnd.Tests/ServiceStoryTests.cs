using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Accounts;
using PocketCoder.Gateway;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Testing;
using PocketCoder.Testing.Accounts;
using static Microsoft.Playwright.Assertions;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>Signing in by another service in a real browser: it leaves the page, and comes back.</summary>
[Trait("Category", "Slow")]
public sealed class ServiceStoryTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pce-");
    private GatewayServer _gateway = null!;
    private ServicePeer _peer = null!;

    private string AccountsFile => Path.Combine(_folder.FullName, "accounts.json");

    private string Url => _gateway.Urls[0].TrimEnd('/');

    public async ValueTask InitializeAsync()
    {
        _peer = await ServicePeer.StartAsync();
        await SignInServiceFile.Beside(AccountsFile).SetAsync(
            new SignInService(
                "work", ServiceKind.OpenId, "Work", ServicePeer.Client, ServicePeer.Secret, _peer.Issuer, ["openid", "profile"]),
            CancellationToken.None);
        _gateway = await GatewayServer.StartAsync(
            GatewayOptions.Default with
            {
                Listen = [new IPEndPoint(IPAddress.Loopback, Ports.Free())],
                AppDirectory = Repository.PathOf("app/dist"),
                EnrolmentFile = Path.Combine(_folder.FullName, "machines.json"),
                AccountsFile = AccountsFile,
            },
            new LinkedMachines(), NullLoggerFactory.Instance, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _peer.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task The_owner_comes_by_a_service_signs_in_again_by_it_and_strangers_do_not()
    {
        await using var phone = await browser.PhoneAsync();
        var administration = new AccountAdministration(new AccountStore(AccountsFile, TimeProvider.System), TimeProvider.System);
        await phone.Page.GotoAsync($"{Url}/welcome#{await administration.NewOwnerLinkAsync(CancellationToken.None)}");
        await Expect(phone.Id("service-use")).ToBeDisabledAsync(); // it wants a name first
        await phone.Id("account-name").FillAsync("ada");
        await phone.PictureAsync("82-welcome-service");
        await phone.Id("service-use").TapAsync();
        await Expect(phone.Id("welcome-done")).ToContainTextAsync("ada");
        Assert.Equal(Url + "/", phone.Page.Url); // neither the code nor the state stays in the address bar
        await phone.Page.GotoAsync(Url + "/account");
        await Expect(phone.Id("service")).ToContainTextAsync("Ada of the service");
        await phone.PictureAsync("83-services");
        await phone.Id("sign-out").TapAsync();
        await phone.Id("sign-out-confirm").TapAsync();
        await phone.Id("service-use").TapAsync();
        await Expect(phone.Id("account-me")).ToContainTextAsync("ada");

        // Without it there is no way in; a second account of the service is another one.
        await RemoveAsync(phone);
        await Expect(phone.Id("account-problem")).ToContainTextAsync("Add another one first");
        _peer.Subject = "subject 2";
        await phone.Id("service-use").TapAsync();
        await Expect(phone.Id("service")).ToHaveCountAsync(2);
        await RemoveAsync(phone);
        await Expect(phone.Id("service")).ToHaveCountAsync(1);

        // Whoever nobody knows here is told so, and an answer that somebody else's browser went for is none.
        await using var stranger = await browser.PhoneAsync();
        _peer.Subject = "subject 3";
        await stranger.Page.GotoAsync(Url + "/account");
        await stranger.Id("service-use").TapAsync();
        await Expect(stranger.Id("account-problem")).ToContainTextAsync("nobody here signs in with that account");
        await stranger.PictureAsync("84-service-stranger");
        await stranger.Page.GotoAsync($"{Url}/account/signed-in/work?code=code&state={new string('s', 43)}");
        await Expect(stranger.Id("account-problem")).ToContainTextAsync("not accepted");
        Assert.Equal(Url + "/", stranger.Page.Url);
        await stranger.Id("service-go-on").TapAsync();
        await Expect(stranger.Id("service-use")).ToBeVisibleAsync();
        Assert.Single(administration.Users);
    }

    private static async Task RemoveAsync(BrowserPhone phone)
    {
        await phone.Id("service-end").First.TapAsync();
        await phone.Id("service-remove").HoverAsync();
        await phone.Page.Mouse.DownAsync();
        await Expect(phone.Id("service-remove")).ToHaveCountAsync(0);
        await phone.Page.Mouse.UpAsync();
    }
}
