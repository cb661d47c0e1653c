using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Accounts;
using PocketCoder.Gateway;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Testing;
using static Microsoft.Playwright.Assertions;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>Signing in by a provider of OpenID Connect that others wrote, through its own pages.</summary>
[Trait("Category", "Slow")]
public sealed class OpenIdProviderStoryTests(Browser browser) : IClassFixture<Browser>
{
    private const string Client = "pocketcoder";
    private const string Secret = "a-secret/of:signs+=%";

    [Fact]
    public async Task The_owner_comes_by_it_signs_in_again_by_it_and_nobody_else_does()
    {
        var folder = Directory.CreateTempSubdirectory("pce-");
        try
        {
            var people = Path.Combine(folder.FullName, "accounts.json");
            var port = Ports.Free();
            await using var provider = await OpenIdProvider.StartAsync(
                Client, Secret, $"http://127.0.0.1:{port}/account/signed-in/work");
            await SignInServiceFile.Beside(people).SetAsync(
                new SignInService("work", ServiceKind.OpenId, "Work", Client, Secret, provider.Issuer, ["openid", "profile"]),
                CancellationToken.None);
            await using var gateway = await GatewayServer.StartAsync(
                GatewayOptions.Default with
                {
                    Listen = [new IPEndPoint(IPAddress.Loopback, port)],
                    AppDirectory = Repository.PathOf("app/dist"),
                    EnrolmentFile = Path.Combine(folder.FullName, "machines.json"),
                    AccountsFile = people,
                },
                new LinkedMachines(), NullLoggerFactory.Instance, TimeProvider.System);
            var url = gateway.Urls[0].TrimEnd('/');
            var administration = new AccountAdministration(new AccountStore(people, TimeProvider.System), TimeProvider.System);

            await using var phone = await browser.PhoneAsync();
            await phone.Page.GotoAsync($"{url}/welcome#{await administration.NewOwnerLinkAsync(CancellationToken.None)}");
            await phone.Id("account-name").FillAsync("ada");
            await phone.Id("service-use").TapAsync();
            await SignInThereAsync(phone, "ada.lovelace");
            await Expect(phone.Id("welcome-done")).ToContainTextAsync("ada");
            Assert.Equal(url + "/", phone.Page.Url); // neither the code nor the state stays in the address bar
            await phone.Page.GotoAsync(url + "/account");
            await Expect(phone.Id("service")).ToContainTextAsync("ada.lovelace of the provider");
            await phone.Id("sign-out").TapAsync();
            await phone.Id("sign-out-confirm").TapAsync();
            await phone.Id("service-use").TapAsync(); // there she is signed in still
            await Expect(phone.Id("account-me")).ToContainTextAsync("ada");

            await using var stranger = await browser.PhoneAsync();
            await stranger.Page.GotoAsync(url + "/account");
            await stranger.Id("service-use").TapAsync();
            await SignInThereAsync(stranger, "eve");
            await Expect(stranger.Id("account-problem")).ToContainTextAsync("nobody here signs in with that account");
            Assert.Single(administration.Users);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Its pages: a name and a password, then what is asked for.</summary>
    private static async Task SignInThereAsync(BrowserPhone phone, string name)
    {
        await phone.Page.Locator("input[name=login]").FillAsync(name);
        await phone.Page.Locator("input[name=password]").FillAsync("any");
        await phone.Page.Locator("button[type=submit]").ClickAsync();
        await phone.Page.Locator("input[name=prompt][value=consent]").WaitForAsync(new() { State = Microsoft.Playwright.WaitForSelectorState.Attached });
        await phone.Page.Locator("button[type=submit]").ClickAsync();
    }
}
