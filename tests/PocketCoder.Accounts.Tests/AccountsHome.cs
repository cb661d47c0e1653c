using System.Text;
using PocketCoder.Testing;
using PocketCoder.Testing.Accounts;

namespace PocketCoder.Accounts.Tests;

/// <summary>The accounts of a gateway in a folder of their own, and people who sign in there.</summary>
internal sealed class AccountsHome : IDisposable
{
    public const string Origin = "https://gateway.example";
    public const string Password = "correct horse battery";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");

    public AccountsHome()
    {
        Store = new AccountStore(Path, Time);
        SignIns = new SignIns(Store, Time);
        People = new People(Store, Time);
        Administration = new AccountAdministration(Store, Time);
    }

    public ManualTime Time { get; } = new();

    public string Path => System.IO.Path.Combine(_folder.FullName, "accounts.json");

    public AccountStore Store { get; }

    public SignIns SignIns { get; }

    public People People { get; }

    public AccountAdministration Administration { get; }

    public async Task<Browser> OwnerAsync()
    {
        var browser = new Browser(this);
        await browser.WelcomeAsync(await Administration.NewOwnerLinkAsync(CancellationToken.None), "ada");
        return browser;
    }

    /// <summary>Somebody of this role, invited by the owner.</summary>
    public async Task<Browser> PersonAsync(Browser owner, Role role, string name, params string[] machines)
    {
        var browser = new Browser(this);
        var invitation = await People.InviteAsync(owner.Who(), role, machines is [] ? null : machines, CancellationToken.None);
        await browser.WelcomeAsync(invitation.Token, name);
        return browser;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}

/// <summary>A browser: its key and what it was given.</summary>
internal sealed class Browser(AccountsHome home, string caller = "192.0.2.1")
{
    public BrowserKey Key { get; } = new();

    public Tokens Tokens { get; set; } = new("", "");

    public Proof Prove(
        string path = "/v1/accounts/me", string? token = null, string body = "{}", string? nonce = null,
        string origin = AccountsHome.Origin)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        return new Proof(
            origin, "POST", path, bytes, Key.Prove(origin, path, nonce ?? home.SignIns.Nonce, bytes, token), caller);
    }

    public async Task<Tokens> WelcomeAsync(string token, string name, string password = AccountsHome.Password)
        => Tokens = await home.SignIns.WelcomeAsync(Prove(), token, new Credentials(name, password, Key.Public, "Phone"),
            CancellationToken.None);

    public async Task<Tokens> SignInAsync(string name, string password = AccountsHome.Password)
        => Tokens = await home.SignIns.SignInAsync(Prove(), new Credentials(name, password, Key.Public, "Phone"), CancellationToken.None);

    public async Task<Tokens> RefreshAsync(string? refresh = null)
        => Tokens = await home.SignIns.RefreshAsync(Prove(), refresh ?? Tokens.Refresh, CancellationToken.None);

    public Person Who() => home.SignIns.Authenticate(Prove(token: Tokens.Access), Tokens.Access);
}

internal static class Refused
{
    public static AccountError With(Action work) => Assert.Throws<AccountRefusal>(work).Error;

    public static async Task<AccountError> WithAsync(Func<Task> work) => (await Assert.ThrowsAsync<AccountRefusal>(work)).Error;
}
