using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using PocketCoder.Channels;
using PocketCoder.Gateway.Tests.Machines;
using PocketCoder.Testing;
using PocketCoder.Testing.Accounts;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Cli.Tests;

/// <summary><c>pocketcoder gateway run</c>, <c>link</c> and <c>unlink</c>: two real programs, each with a home of its own.</summary>
public sealed class GatewayTests
{
    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_machine_is_invited_linked_used_and_removed()
    {
        await using var there = new CliHome();
        await using var here = new CliHome();
        await here.StartAsync();
        await using var gateway = there.Begin("gateway", "run", "--listen", there.Listen);
        await Wait.UntilAsync(() => gateway.Out.Contains("none yet", StringComparison.Ordinal), "the gateway to listen");
        Assert.Contains(there.Url, gateway.Out, StringComparison.Ordinal);

        var invited = (await there.RunAsync("gateway", "invite")).Succeeded().Out;
        var lines = invited.Split('\n').Select(l => l.Trim()).ToList();
        var typed = lines.Single(l => l.StartsWith("pocketcoder link", StringComparison.Ordinal)).Split(' ')[1..];
        Assert.Equal(["link", there.Url], typed);
        var code = lines.Single(l => l.Length == 24 && !l.Contains(' ', StringComparison.Ordinal));
        Assert.Contains("pocketcoder gateway invite", (await here.RunAsync(typed)).Ended(1).Error, StringComparison.Ordinal);
        Assert.Contains("not valid", (await here.FeedAsync("wrong\n", typed)).Ended(1).Error, StringComparison.Ordinal);
        Assert.Contains("pocketcoder pair", (await here.FeedAsync($" {code}\n", typed)).Succeeded().Out, StringComparison.Ordinal);
        var second = await there.RunAsync("gateway", "run", "--listen", here.Listen);
        Assert.Contains("runs already", second.Ended(1).Error, StringComparison.Ordinal);
        await Wait.UntilAsync(
            async () => (await here.RunAsync("status")).Out.Contains("connected since", StringComparison.Ordinal), "the link");

        var link = (await here.AskAsync("pair", "--no-wait")).GetProperty("links")[0].GetString()!;
        Assert.StartsWith(there.Url, link, StringComparison.Ordinal);
        await using (var device = await TestDevice.PairAsync(link, "phone"))
        {
            await device.PromptAsync("hello");
        }

        var machine = (await there.AskAsync("gateway", "machines"))[0];
        Assert.Equal(
            (await here.AskAsync("status")).GetProperty("machineId").GetString(), machine.GetProperty("machineId").GetString());
        (await here.RunAsync(typed)).Succeeded(); // known by now: it needs no code
        (await there.RunAsync("gateway", "remove", "nothing")).Ended(1);
        (await there.RunAsync("gateway", "remove", machine.GetProperty("machineId").GetString()!)).Succeeded();
        await Wait.UntilAsync(
            async () => (await here.RunAsync("status")).Out.Contains("refused: ", StringComparison.Ordinal), "the refusal");
        Assert.Contains("Unlinked from " + there.Url, (await here.RunAsync("unlink")).Succeeded().Out, StringComparison.Ordinal);
        Assert.DoesNotContain("Gateway", (await here.RunAsync("status")).Out, StringComparison.Ordinal);
        Assert.Contains("No machines", (await there.RunAsync("gateway", "machines")).Succeeded().Out, StringComparison.Ordinal);

        await gateway.SignalAsync("TERM");
        (await gateway.EndAsync()).Succeeded();
        var kept = await File.ReadAllTextAsync(Path.Combine(there.Root, "gateway", "machines.json"));
        Assert.DoesNotContain(code, kept, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_takes_as_many_devices_as_it_was_told()
    {
        await using var there = new CliHome();
        (await there.RunAsync("gateway", "config", "set", "max-devices", "0")).Ended(2);
        (await there.RunAsync("gateway", "config", "set", "max-devices", "5000")).Succeeded();
        await using var gateway = there.Begin("gateway", "run", "--listen", there.Listen);
        await Wait.UntilAsync(() => gateway.Out.Contains("none yet", StringComparison.Ordinal), "the gateway to listen");
        var code = (await there.AskAsync("gateway", "invite")).GetProperty("code").GetString()!;
        using var identity = ChannelIdentity.Create();
        await using var machine = await TestMachine.ConnectAsync(new Uri(there.Url), identity, code);
        Assert.Equal(5000, machine.Welcome!.Connections);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_gateway_with_accounts_shows_its_owners_link_and_keeps_its_accounts()
    {
        await using var home = new CliHome();
        Assert.Contains("owner-link", (await home.RunAsync("gateway", "users", "list")).Succeeded().Out, StringComparison.Ordinal);
        (await home.RunAsync("gateway", "users", "remove", "ada")).Ended(1);
        Assert.False(Directory.Exists(home.Root)); // looking makes nothing
        string first;
        await using (var gateway = home.Begin("gateway", "run", "--accounts", "--listen", home.Listen))
        {
            await Wait.UntilAsync(() => gateway.Out.Contains("/welcome#", StringComparison.Ordinal), "the link");
            first = LinkIn(gateway.Out);
            Assert.StartsWith($"{home.Url}/welcome#", first, StringComparison.Ordinal);
            var link = LinkIn((await home.RunAsync("gateway", "owner-link")).Succeeded().Out);
            Assert.Equal("bad_link", await WelcomeAsync(home.Url, first)); // only the newest counts
            Assert.Null(await WelcomeAsync(home.Url, link));
            await gateway.SignalAsync("TERM");
            (await gateway.EndAsync()).Succeeded();
        }

        var listed = (await home.AskAsync("gateway", "users", "list"))[0];
        Assert.Equal(("ada", "owner", 1),
            (listed.GetProperty("name").GetString(), listed.GetProperty("role").GetString(), listed.GetProperty("signIns").GetInt32()));
        Assert.Matches("ada +owner +all +1 browser", (await home.RunAsync("gateway", "users", "list")).Succeeded().Out);
        var kept = await File.ReadAllTextAsync(Path.Combine(home.Root, "gateway", "accounts.json"))
            + await File.ReadAllTextAsync(Path.Combine(home.Root, "logs", "gateway.log"));
        Assert.DoesNotContain(first.Split('#')[1], kept, StringComparison.Ordinal);

        // Forgetting the option opens nothing, nor does removing the last person.
        await using (var again = home.Begin("gateway", "run", "--listen", home.Listen))
        {
            await Wait.UntilAsync(() => again.Out.Contains("only people who sign in", StringComparison.Ordinal), "the gateway to listen");
            Assert.DoesNotContain("/welcome#", again.Out, StringComparison.Ordinal);
            Assert.Equal("bad_link", await WelcomeAsync(home.Url, first));
            var removed = (await home.RunAsync("gateway", "users", "remove", "ada")).Succeeded().Out;
            Assert.Contains("gateway owner-link", removed, StringComparison.Ordinal);
            await again.SignalAsync("TERM");
            (await again.EndAsync()).Succeeded();
        }

        await using var last = home.Begin("gateway", "run", "--listen", home.Listen);
        await Wait.UntilAsync(() => last.Out.Contains("/welcome#", StringComparison.Ordinal), "the next owner's link");
    }

    [Fact]
    public async Task Services_to_sign_in_by_are_set_with_a_secret_that_is_never_shown_again()
    {
        const string Secret = "only-of-the-service";
        await using var home = new CliHome();
        Assert.Contains("None.", (await home.RunAsync("gateway", "sign-in", "list")).Succeeded().Out, StringComparison.Ordinal);
        (await home.RunAsync("gateway", "sign-in", "remove", "work")).Ended(1);
        Assert.False(Directory.Exists(home.Root)); // looking makes nothing
        string[] set = ["gateway", "sign-in", "set", "work", "--issuer", "https://id.example/realms/a", "--client-id", "c"];
        (await home.FeedAsync("", set)).Ended(ExitCode.Usage);
        (await home.FeedAsync(Secret, [.. set, "--github"])).Ended(ExitCode.Usage);
        (await home.FeedAsync(Secret, [.. set, "--api", "https://id.example"])).Ended(ExitCode.Usage);
        (await home.FeedAsync(Secret, [.. set, "--scope", "profile"])).Ended(ExitCode.Usage);
        (await home.FeedAsync(Secret, [.. set, "--label", "a\u202eb"])).Ended(ExitCode.Usage);
        (await home.FeedAsync(Secret, "gateway", "sign-in", "set", "Work", "--github", "--client-id", "c")).Ended(ExitCode.Usage);
        (await home.FeedAsync(Secret, "gateway", "sign-in", "set", "work", "--issuer", "http://id.example", "--client-id", "c"))
            .Ended(ExitCode.Usage);
        Assert.False(Directory.Exists(home.Root));

        var told = (await home.FeedAsync(Secret + "\n", [.. set, "--label", "Work"])).Succeeded();
        Assert.Contains("  https://YOUR-GATEWAY/account/signed-in/work\n", told.Out, StringComparison.Ordinal);
        (await home.RunAsync("gateway", "sign-in", "set", "hub", "--github", "--client-id", "d", "--public")).Succeeded();
        var listed = await home.RunAsync("gateway", "sign-in", "list");
        Assert.Matches("work +Work +oidc https://id.example/realms/a +c +set", listed.Succeeded().Out);
        Assert.Matches("hub +hub +github https://github.com +d +none", listed.Out);
        var shown = await home.AskAsync("gateway", "sign-in", "list");
        Assert.Equal(["hub", "work"], shown.EnumerateArray().Select(s => s.GetProperty("name").GetString()));
        Assert.Equal(["openid", "profile"], shown[1].GetProperty("scopes").EnumerateArray().Select(s => s.GetString()));
        Assert.True(shown[1].GetProperty("hasSecret").GetBoolean());
        var file = Path.Combine(home.Root, "gateway", "sign-in.json");
        Assert.Contains(Secret, await File.ReadAllTextAsync(file), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, $"{told.Out}{told.Error}{listed.Out}{shown}", StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        (await home.RunAsync("gateway", "sign-in", "remove", "work")).Succeeded();
        Assert.DoesNotContain(Secret, await File.ReadAllTextAsync(file), StringComparison.Ordinal);
        Assert.Equal(1, (await home.AskAsync("gateway", "sign-in", "list")).GetArrayLength());
    }

    private static string LinkIn(string text)
        => text.Split('\n').Select(l => l.Trim()).Single(l => l.Contains("/welcome#", StringComparison.Ordinal));

    /// <summary>Opens a link as a browser does, as somebody called ada. The refusal's code; null: it is its person now.</summary>
    private static async Task<string?> WelcomeAsync(string gateway, string link)
    {
        using var http = new HttpClient { BaseAddress = new Uri(gateway) };
        using var key = new BrowserKey();
        using var offer = JsonDocument.Parse(await http.GetStringAsync(new Uri("/v1/accounts", UriKind.Relative)));
        var body = Encoding.UTF8.GetBytes(
            $$"""{"token":"{{link.Split('#')[1]}}","name":"ada","password":"correct horse battery","key":"{{key.Public}}"}""");
        const string Address = "/v1/accounts/welcome";
        using var request = new HttpRequestMessage(HttpMethod.Post, Address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("Origin", gateway);
        request.Headers.Add("Account-Proof", key.Prove(gateway, Address, offer.RootElement.GetProperty("nonce").GetString()!, body));
        using var response = await http.SendAsync(request);
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return answer.RootElement.TryGetProperty("error", out var error) ? error.GetProperty("code").GetString() : null;
    }

    [Fact]
    public async Task What_can_not_be_safe_or_is_no_gateway_is_refused()
    {
        await using var home = new CliHome();
        var open = await home.RunAsync("gateway", "run", "--listen", string.Create(CultureInfo.InvariantCulture, $"0.0.0.0:{home.Port}"));
        Assert.Contains("TLS", open.Ended(1).Error, StringComparison.Ordinal);
        (await home.RunAsync("gateway", "run", "--listen", "here")).Ended(2);
        await home.StartAsync();
        (await home.RunAsync("link", "http://gateway.example")).Ended(2);
        (await home.RunAsync("link", "https://127.0.0.1:1")).Ended(1);
        (await home.RunAsync("link")).Ended(2);
        Assert.Contains("not linked", (await home.RunAsync("unlink")).Succeeded().Out, StringComparison.Ordinal);
    }
}
