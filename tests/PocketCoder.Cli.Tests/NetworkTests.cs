namespace PocketCoder.Cli.Tests;

/// <summary><c>pocketcoder network</c> against a running daemon.</summary>
public sealed class NetworkTests
{
    [Fact]
    public async Task Rules_are_made_listed_and_ended()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        Assert.Contains("No rules: every host needs approval", (await home.RunAsync("network", "list", "--project",
            "demo")).Succeeded().Error + (await home.RunAsync("network", "list", "--project", "demo")).Out, StringComparison.Ordinal);

        var made = (await home.AskAsync("network", "allow", ".example.com:8443", "--project", "demo", "--days", "3"))[0];
        Assert.Equal(".example.com:8443", made.GetProperty("pattern").GetString());
        Assert.Equal("cli", made.GetProperty("by").GetString());
        await home.AskAsync("network", "allow", "Docs.Example.com.", "--project", "demo");
        var rules = await home.AskAsync("network", "list", "--project", "demo");
        Assert.Equal([".example.com:8443", "docs.example.com:80,443"],
            rules.EnumerateArray().Select(r => r.GetProperty("pattern").GetString()));

        // The same host again moves the end and is no second rule.
        await home.AskAsync("network", "allow", ".example.com:8443", "--project", "demo");
        rules = await home.AskAsync("network", "list", "--project", "demo");
        Assert.Equal(2, rules.GetArrayLength());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, rules[0].GetProperty("expiresAt").ValueKind);

        (await home.RunAsync("network", "remove", rules[0].GetProperty("ruleId").GetString()!)).Succeeded();
        Assert.Single((await home.AskAsync("network", "list", "--project", "demo")).EnumerateArray());
        Assert.True((await home.AskAsync("ledger", "verify")).GetProperty("intact").GetBoolean());
    }

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("127.1")]
    [InlineData(".com")]
    [InlineData("a b")]
    [InlineData("example.com:0")]
    [InlineData("*.example.com")]
    public async Task What_is_no_host_is_refused_with_the_reason(string host)
    {
        await using var home = new CliHome();
        await home.StartAsync();
        var refused = await home.RunAsync("network", "allow", host, "--project", "demo");
        Assert.Contains("'", refused.Ended(2).Error, StringComparison.Ordinal);
        Assert.Empty((await home.AskAsync("network", "list", "--project", "demo")).EnumerateArray());
        (await home.RunAsync("network", "allow", "example.com", "--days", "0", "--project", "demo")).Ended(2);
    }
}
