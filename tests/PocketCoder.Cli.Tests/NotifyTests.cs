using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary><c>pocketcoder notify</c>; what receivers get is in Machine.Tests (ReceiverTests).</summary>
public sealed class NotifyTests
{
    [Fact]
    public async Task A_receiver_is_set_listed_tried_and_removed_and_its_address_is_shown_no_more()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        Assert.Contains("No receivers", (await home.RunAsync("notify", "list")).Succeeded().Out, StringComparison.Ordinal);

        var nobody = $"http://127.0.0.1:{Ports.Free()}";
        var set = (await home.FeedAsync(nobody + "/path-of-mine\n", "notify", "set", "hook", "--webhook", "--digest")).Succeeded();
        Assert.Contains($"Set hook: webhook {nobody}. Try it: pocketcoder notify test hook\n", set.Out, StringComparison.Ordinal);
        Assert.Matches("Signing key, shown this once: whsec_[A-Za-z0-9+/]{43}=\n", set.Out);

        (await home.FeedAsync(
            nobody + "/path-of-mine\n", "notify", "set", "night", "--webhook", "--kinds", "question, plan", "--quiet", "22:00-07:00", "--zone",
            "UTC", "--after", "5")).Succeeded();
        Assert.Matches(
            "night.*only question plan, quiet 22:00-07:00 UTC,\\s+after 5 s",
            string.Join(' ', (await home.RunAsync("notify", "list")).Succeeded().Out.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)));
        (await home.FeedAsync(nobody + "/x\n", "notify", "set", "night", "--webhook", "--quiet", "22:00-22:00", "--zone", "UTC"))
            .Ended(ExitCode.Usage);
        (await home.RunAsync("notify", "remove", "night")).Succeeded();

        var topic = await home.FeedAsync(nobody + "/topic-of-mine\ntk_of-mine\n", "notify", "set", "phone", "--ntfy", "--token");
        Assert.DoesNotContain("tk_of-mine", topic.Succeeded().Out, StringComparison.Ordinal);
        var failed = (await home.RunAsync("notify", "test", "phone")).Ended(ExitCode.Failure);
        Assert.Contains($"Not delivered: {nobody} can't be reached", failed.Error, StringComparison.Ordinal);

        var listed = (await home.RunAsync("notify", "list")).Succeeded().Out;
        Assert.Contains("digest", listed, StringComparison.Ordinal);
        Assert.Contains("can't be reached", listed, StringComparison.Ordinal);
        Assert.DoesNotContain("of-mine", listed, StringComparison.Ordinal);
        var json = await home.AskAsync("notify", "list");
        Assert.Equal(["hook", "phone"], json.EnumerateArray().Select(r => r.GetProperty("name").GetString()));
        Assert.Equal("webhook", json[0].GetProperty("kind").GetString());

        (await home.RunAsync("notify", "remove", "hook")).Succeeded();
        (await home.RunAsync("notify", "remove", "hook")).Ended(ExitCode.Failure);
        (await home.FeedAsync("https://h.example", "notify", "set", "a b", "--webhook")).Ended(ExitCode.Usage);
        (await home.FeedAsync("http://n.example/t", "notify", "set", "phone", "--ntfy")).Ended(ExitCode.Usage);
        (await home.FeedAsync("https://n.example/t\ntwo words\n", "notify", "set", "phone", "--ntfy", "--token")).Ended(ExitCode.Usage);
        foreach (var piped in (string[])["", "\n", "https://n.example/t\n", "https://n.example/t\n\n", "https://n.example/t\na\nb\n"])
        {
            (await home.FeedAsync(piped, "notify", "set", "phone", "--ntfy", "--token")).Ended(ExitCode.Usage);
        }

        (await home.RunAsync("notify", "set", "phone", "--ntfy", "https://n.example/t")).Ended(ExitCode.Usage); // as an argument
        Assert.Equal("phone", Assert.Single((await home.AskAsync("notify", "list")).EnumerateArray()).GetProperty("name").GetString());
    }

    [Fact]
    public async Task At_a_terminal_address_and_token_are_asked_for_in_turn_and_neither_is_shown()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        var output = new StringWriter();
        var asked = new List<string>();
        var terminal = new Terminal(output, output, name => home.Environment.GetValueOrDefault(name))
        {
            ReadHidden = question =>
            {
                asked.Add(question);
                return asked.Count == 1 ? "https://n.example/topic-of-mine" : "tk_of-mine";
            },
        };
        Assert.Equal(0, await CommandLine.RunAsync(["notify", "set", "phone", "--ntfy", "--token"], terminal, CancellationToken.None));
        Assert.Equal(["Topic, https://HOST/TOPIC (hidden): ", "Access token (hidden): "], asked);
        Assert.DoesNotContain("of-mine", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("ntfy https://n.example", output.ToString(), StringComparison.Ordinal);
    }
}
