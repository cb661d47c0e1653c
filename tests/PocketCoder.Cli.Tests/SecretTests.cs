namespace PocketCoder.Cli.Tests;

/// <summary><c>secrets</c>, <c>usage</c> and <c>budget</c>.</summary>
public sealed class SecretTests
{
    [Fact]
    public async Task A_secret_is_set_from_standard_input_listed_by_name_only_and_removed()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        Assert.Contains("No secrets", (await home.RunAsync("secrets", "list")).Succeeded().Out, StringComparison.Ordinal);
        var set = (await home.FeedAsync("sk-value-of-mine\n", "secrets", "set", "anthropic")).Succeeded();
        Assert.DoesNotContain("sk-value", set.Out + set.Error, StringComparison.Ordinal);
        Assert.Contains("anthropic", (await home.RunAsync("secrets", "list")).Succeeded().Out, StringComparison.Ordinal);
        var listed = await home.AskAsync("secrets", "list");
        Assert.Equal("anthropic", listed[0].GetProperty("name").GetString());
        Assert.DoesNotContain("sk-value", listed.ToString(), StringComparison.Ordinal);

        (await home.RunAsync("secrets", "set", "anthropic", "as-an-argument")).Ended(ExitCode.Usage);
        (await home.FeedAsync("", "secrets", "set", "anthropic")).Ended(ExitCode.Usage);
        (await home.FeedAsync("x", "secrets", "set", "no/name")).Ended(ExitCode.Usage);
        (await home.RunAsync("secrets", "remove", "anthropic")).Succeeded();
        Assert.Contains("No secret anthropic", (await home.RunAsync("secrets", "remove", "anthropic")).Ended(ExitCode.Failure).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_for_a_git_host_is_a_secret_that_is_named_by_the_host()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        Assert.Contains("No tokens", (await home.RunAsync("git-token", "list")).Succeeded().Out, StringComparison.Ordinal);
        var set = (await home.FeedAsync("ghp_of-mine\n", "git-token", "set", "git.example.org:8443")).Succeeded();
        Assert.DoesNotContain("ghp_", set.Out + set.Error, StringComparison.Ordinal);
        (await home.FeedAsync("sk-x", "secrets", "set", "anthropic")).Succeeded();
        var listed = await home.AskAsync("git-token", "list");
        Assert.Equal((1, "git.example.org:8443"), (listed.GetArrayLength(), listed[0].GetProperty("name").GetString()!));
        Assert.Contains("git-token.git.example.org_8443", (await home.RunAsync("secrets", "list")).Succeeded().Out,
            StringComparison.Ordinal);
        foreach (var host in (string[])["127.0.0.1", "https://h/x", "a/b", "me@h", "h:x", ""])
        {
            (await home.FeedAsync("t", "git-token", "set", host)).Ended(ExitCode.Usage);
        }

        (await home.FeedAsync("two words", "git-token", "set", "h.org")).Ended(ExitCode.Usage);
        (await home.RunAsync("git-token", "set", "h.org", "as-an-argument")).Ended(ExitCode.Usage);
        (await home.RunAsync("git-token", "remove", "git.example.org:8443")).Succeeded();
        Assert.Contains("No token", (await home.RunAsync("git-token", "remove", "git.example.org:8443")).Ended(ExitCode.Failure).Error,
            StringComparison.Ordinal);
        (await home.RunAsync("secrets", "remove", "anthropic")).Succeeded();
    }

    [Fact]
    public async Task A_terminal_is_asked_without_showing_what_is_typed()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        var output = new StringWriter();
        var terminal = new Terminal(output, output, name => home.Environment.GetValueOrDefault(name)) { ReadHidden = _ => "typed-value" };
        Assert.Equal(0, await CommandLine.RunAsync(["secrets", "set", "openai"], terminal, CancellationToken.None));
        Assert.DoesNotContain("typed-value", output.ToString(), StringComparison.Ordinal);
        Assert.Equal("openai", (await home.AskAsync("secrets", "list"))[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Budgets_are_set_listed_and_removed_and_use_is_shown()
    {
        await using var home = new CliHome();
        await home.StartAsync("--model-upstream", "anthropic=http://127.0.0.1:9", "--model-upstream", "openai=https://gateway.example/x");
        Assert.Contains("No model usage", (await home.RunAsync("usage")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Contains("$5.50 or 1000 tokens for each session, then ask", (await home.RunAsync(
            "budget", "set", "session", "--usd", "5.50", "--tokens", "1000", "--ask")).Succeeded().Out, StringComparison.Ordinal);
        (await home.RunAsync("budget", "set", "project", "--project", "demo", "--usd", "20")).Succeeded();
        var budgets = await home.AskAsync("budget", "list");
        Assert.Equal(["project demo stop", "session  ask"], budgets.EnumerateArray()
            .Select(b => $"{b.GetProperty("scope")} {b.GetProperty("project")} {b.GetProperty("action")}").Order(StringComparer.Ordinal));
        (await home.RunAsync("budget", "set", "day")).Ended(ExitCode.Usage);
        (await home.RunAsync("budget", "set", "year", "--usd", "1")).Ended(ExitCode.Usage);
        (await home.RunAsync("budget", "remove", "session")).Succeeded();
        (await home.RunAsync("budget", "remove", "session")).Ended(ExitCode.Failure);
        Assert.Equal(0, (await home.AskAsync("usage")).GetProperty("days").GetArrayLength());
        Assert.Contains("configuration_changed", (await home.RunAsync("ledger", "show", "--json")).Succeeded().Out,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("anthropic=http://model.example")]
    [InlineData("anthropic")]
    [InlineData("nobody=https://x.example")]
    [InlineData("anthropic=https://user:pw@x.example")]
    public async Task An_upstream_that_would_get_a_key_in_clear_or_is_none_is_refused(string upstream)
    {
        await using var home = new CliHome();
        (await home.RunAsync("start", "--demo", "--model-upstream", upstream)).Ended(ExitCode.Usage);
    }
}
