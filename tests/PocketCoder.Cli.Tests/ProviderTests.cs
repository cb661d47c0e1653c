using System.Text.Json;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary><c>pocketcoder provider</c>; what is kept and refused is in Machine.Tests (OwnProviderTests).</summary>
public sealed class ProviderTests
{
    private const string Key = "sk-key-of-mine-0123456789";

    [Fact]
    public async Task A_provider_is_set_listed_tried_and_removed_and_its_key_is_shown_no_more()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        Assert.Contains("No providers", (await home.RunAsync("provider", "list")).Succeeded().Out, StringComparison.Ordinal);

        var nobody = $"http://127.0.0.1:{Ports.Free()}/v1";
        string[] words = ["provider", "set", "lan", "--dialect", "openai-chat", "--url", nobody];
        var set = (await home.FeedAsync(
            Key + "\n", [.. words, "--model", "qwen3:30b,context=32768,in=0.5,out=2,title=Qwen", "--model", "small", "--key"])).Succeeded();
        Assert.Equal($"Set lan: openai-chat at {nobody}, with a key. Try it: pocketcoder provider test lan\n", set.Out);
        var listed = string.Join(' ', (await home.RunAsync("provider", "list")).Succeeded().Out.Split(
            (char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("lan/qwen3:30b 32768 $0.5 / $2 openai-chat", listed, StringComparison.Ordinal);
        Assert.Contains("lan/small ? ? openai-chat", listed, StringComparison.Ordinal);
        Assert.DoesNotContain("of-mine", listed + set.Error, StringComparison.Ordinal);
        var json = Assert.Single((await home.AskAsync("provider", "list")).EnumerateArray());
        Assert.Equal(("openai-chat", true), (json.GetProperty("dialect").GetString(), json.GetProperty("hasKey").GetBoolean()));
        Assert.Equal(0.5m, json.GetProperty("models")[0].GetProperty("price").GetProperty("input").GetDecimal());

        var failed = (await home.RunAsync("provider", "test", "lan")).Ended(ExitCode.Failure);
        Assert.Contains("lan can't be reached", failed.Error, StringComparison.Ordinal);
        var told = (await home.RunAsync("provider", "test", "lan", "--json")).Ended(ExitCode.Failure).Out;
        Assert.Equal("unreachable", JsonDocument.Parse(told).RootElement.GetProperty("verdict").GetString());

        (await home.FeedAsync("short\n", [.. words, "--model", "m", "--key"])).Ended(ExitCode.Usage);
        (await home.FeedAsync("", [.. words, "--model", "m", "--key"])).Ended(ExitCode.Usage);
        Assert.Contains("without a key", (await home.RunAsync([.. words, "--model", "m", "--no-key"])).Succeeded().Out, StringComparison.Ordinal);
        (await home.RunAsync("provider", "set", "openai", "--dialect", "openai-chat", "--url", nobody, "--model", "m")).Ended(ExitCode.Usage);
        (await home.RunAsync("provider", "remove", "lan")).Succeeded();
        (await home.RunAsync("provider", "remove", "lan")).Ended(ExitCode.Failure);
        (await home.RunAsync("provider", "test", "lan")).Ended(ExitCode.Failure);
    }

    [Theory]
    [InlineData("m", "m", null, null, null)]
    [InlineData("a/b:free,context=1000", "a/b:free", 1000, null, null)]
    [InlineData("m,in=0,out=0", "m", null, 0.0, 0.0)]
    [InlineData("m,out=2.5,context=9,in=.5", "m", 9, 0.5, 2.5)]
    public void A_model_is_typed_as_its_id_and_what_is_known_of_it(string text, string id, int? context, double? input, double? output)
    {
        Assert.True(Parsing.ModelOption.TryParse(text, out var model, out _));
        Assert.Equal(
            (id, context, (decimal?)input, (decimal?)output), (model.Id, model.ContextTokens, model.Price?.Input, model.Price?.Output));
    }

    [Theory]
    [InlineData("m,")]
    [InlineData("m,context")]
    [InlineData("m,context=")]
    [InlineData("m,context=-1")]
    [InlineData("m,context=1.5")]
    [InlineData("m,context=99999999999999999999")]
    [InlineData("m,in=1")]
    [InlineData("m,out=1")]
    [InlineData("m,cache-read=1")]
    [InlineData("m,in=1e3,out=1")]
    [InlineData("m,in=1,out=1,in=2")]
    [InlineData("m,price=1")]
    public void What_is_no_model_is_refused(string text) => Assert.False(Parsing.ModelOption.TryParse(text, out _, out _));
}
