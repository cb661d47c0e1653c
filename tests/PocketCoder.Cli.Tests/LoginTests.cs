using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PocketCoder.Testing;
using PocketCoder.Testing.Accounts;

namespace PocketCoder.Cli.Tests;

/// <summary><c>pocketcoder login|logout|whoami</c>: two real programs, and a person with a browser's key.</summary>
public sealed class LoginTests
{
    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_person_lets_a_machine_in_and_it_leaves_again()
    {
        await using var there = new CliHome();
        await using var here = new CliHome();
        await here.StartAsync();
        await using var gateway = there.Begin("gateway", "run", "--accounts", "--listen", there.Listen);
        await Wait.UntilAsync(() => gateway.Out.Contains("/welcome#", StringComparison.Ordinal), "the owner's link");
        using var owner = new Person(there.Url);
        await owner.WelcomeAsync(gateway.Out.Split("/welcome#")[1].Split('\n')[0].Trim());

        await using (var login = here.Begin("login", there.Url + "/"))
        {
            await Wait.UntilAsync(() => login.Out.Contains("Ctrl-C", StringComparison.Ordinal), "the code");
            var lines = login.Out.Split('\n').Select(l => l.Trim()).ToList();
            var code = lines.Single(l => l.Length == 9 && l[4] == '-');
            Assert.Contains($"{there.Url}/account/machine#{code}", lines);
            var found = await owner.AskAsync("machines/find", new JsonObject { ["code"] = code });
            var words = lines.Single(l => l.StartsWith("The same words", StringComparison.Ordinal));
            Assert.EndsWith(found.GetProperty("fingerprint").GetString()!, words, StringComparison.Ordinal);
            await owner.AskAsync("machines/add", new JsonObject { ["id"] = found.GetProperty("id").GetString() });
            Assert.Contains("let in by ada", (await login.EndAsync()).Succeeded().Out, StringComparison.Ordinal);
        }

        await Wait.UntilAsync(
            async () => (await here.AskAsync("whoami")).GetProperty("state").GetString() == "connected", "the link");
        var who = await here.AskAsync("whoami");
        Assert.Equal((there.Url, "ada"), (who.GetProperty("gateway").GetString(), who.GetProperty("addedBy").GetString()));
        Assert.Matches("Gateway +http.+connected since", (await here.RunAsync("whoami")).Succeeded().Out);
        var again = (await here.AskAsync("login", there.Url)).GetProperty("state").GetString();
        Assert.Equal("linked", again); // it is known: nobody has to decide

        Assert.Contains("Logged out of " + there.Url, (await here.RunAsync("logout")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Contains("No machines", (await there.RunAsync("gateway", "machines")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Contains("pocketcoder login", (await here.RunAsync("whoami")).Ended(ExitCode.NotSetUp).Error, StringComparison.Ordinal);
        Assert.Contains("pocketcoder login", (await here.RunAsync("logout")).Ended(ExitCode.NotSetUp).Error, StringComparison.Ordinal);

        // A no, in JSON.
        await using var second = here.Begin("login", "--json", there.Url);
        await Wait.UntilAsync(() => second.Out.Contains('\n', StringComparison.Ordinal), "the code");
        using var shown = JsonDocument.Parse(second.Out.Split('\n')[0]);
        var asks = await owner.AskAsync(
            "machines/find", new JsonObject { ["code"] = shown.RootElement.GetProperty("code").GetString() });
        await owner.AskAsync("machines/refuse", new JsonObject { ["id"] = asks.GetProperty("id").GetString() });
        Assert.Equal("REFUSED", (await second.EndAsync()).Ended(1).ErrorJson.GetProperty("code").GetString());
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_gateway_without_accounts_is_told_with_the_words_that_help()
    {
        await using var there = new CliHome();
        await using var here = new CliHome();
        await here.StartAsync();
        await using var gateway = there.Begin("gateway", "run", "--listen", there.Listen);
        await Wait.UntilAsync(() => gateway.Out.Contains("none yet", StringComparison.Ordinal), "the gateway to listen");
        var refused = (await here.RunAsync("login", there.Url)).Ended(ExitCode.NotSetUp);
        Assert.Contains($"pocketcoder link {there.Url}", refused.Error, StringComparison.Ordinal);
        Assert.Contains("pocketcoder gateway invite", refused.Error, StringComparison.Ordinal);
        (await here.RunAsync("login", "http://gateway.example")).Ended(2);
        (await here.RunAsync("login", "https://127.0.0.1:1")).Ended(1);
    }

    /// <summary>Somebody who is signed in at a gateway, with no browser around the key.</summary>
    private sealed class Person(string gateway) : IDisposable
    {
        private readonly HttpClient _http = new() { BaseAddress = new Uri(gateway) };
        private readonly BrowserKey _key = new();
        private string? _access;

        public async Task WelcomeAsync(string token) => _access = (await AskAsync("welcome", new JsonObject
        {
            ["token"] = token,
            ["name"] = "ada",
            ["password"] = "correct horse battery",
            ["key"] = _key.Public,
        })).GetProperty("access").GetString();

        public async Task<JsonElement> AskAsync(string path, JsonObject asked)
        {
            using var offer = JsonDocument.Parse(await _http.GetStringAsync(new Uri("/v1/accounts", UriKind.Relative)));
            var (address, body) = ($"/v1/accounts/{path}", Encoding.UTF8.GetBytes(asked.ToJsonString()));
            using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Add("Origin", gateway);
            request.Headers.Add(
                "Account-Proof", _key.Prove(gateway, address, offer.RootElement.GetProperty("nonce").GetString()!, body, _access));
            if (_access is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", $"PocketCoder {_access}");
            }

            using var response = await _http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(response.IsSuccessStatusCode, $"{path}: {text}");
            using var answer = JsonDocument.Parse(text);
            return answer.RootElement.Clone();
        }

        public void Dispose()
        {
            _http.Dispose();
            _key.Dispose();
        }
    }
}
