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
        var set = (await home.RunAsync("notify", "set", "hook", "--webhook", nobody + "/path-of-mine", "--digest")).Succeeded();
        Assert.Contains($"Set hook: webhook {nobody}. Try it: pocketcoder notify test hook\n", set.Out, StringComparison.Ordinal);
        Assert.Matches("Signing key, shown this once: whsec_[A-Za-z0-9+/]{43}=\n", set.Out);

        var topic = await home.FeedAsync("tk_of-mine\n", "notify", "set", "phone", "--ntfy", nobody + "/topic-of-mine", "--token");
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
        (await home.RunAsync("notify", "set", "a b", "--webhook", "https://h.example")).Ended(ExitCode.Usage);
        (await home.RunAsync("notify", "set", "phone", "--ntfy", "http://n.example/t")).Ended(ExitCode.Usage);
        (await home.FeedAsync("two words\n", "notify", "set", "phone", "--ntfy", "https://n.example/t", "--token")).Ended(ExitCode.Usage);
    }
}
