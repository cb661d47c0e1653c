using System.Net;
using System.Runtime.InteropServices;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// What <c>eng/publish.sh</c> makes where no native code can be made does what the program does: trimming and the single file have taken
/// nothing away. Native code is what the other tests start.
/// </summary>
[Trait("Category", "Slow")]
[Trait("Takes", "minutes")]
[Collection(Checkout.Building)]
public sealed class PublishTests
{
    [Fact]
    public async Task The_one_file_and_the_tool_do_the_whole_story_without_the_checkout()
    {
        await using var checkout = Checkout.Here();
        checkout.Environment["POCKETCODER_NATIVE"] = "0";
        var rid = $"linux-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
        var published = (await checkout.RunAsync("eng/publish.sh", rid)).Succeeded();
        Assert.DoesNotContain("warning", published.Out + published.Error, StringComparison.OrdinalIgnoreCase);
        Assert.All(checkout.LeftRunning(), p => Assert.Fail($"left running: {p}"));
        Assert.Contains($"{rid} (file)", published.Error, StringComparison.Ordinal);

        var one = Path.Combine(checkout.Root, "artifacts", "publish", rid);
        Assert.Equal(["pocketcoder"], Directory.EnumerateFiles(one).Select(f => Path.GetFileName(f)));
        var elsewhere = Path.Combine(checkout.UserHome, "pocketcoder");
        File.Move(Path.Combine(one, "pocketcoder"), elsewhere);
        await ProveAsync(elsewhere);

        var tools = Path.Combine(checkout.UserHome, "tools");
        (await checkout.RunAsync("dotnet", "tool", "install", "PocketCoder", "--tool-path", tools, "--source",
            Path.Combine(checkout.Root, "artifacts", "publish", "tool"))).Succeeded();
        await ProveAsync(Path.Combine(tools, "pocketcoder"));
    }

    private static async Task ProveAsync(string program)
    {
        await using var home = new CliHome(program);
        await home.StartDetachedAsync();
        using (var http = new HttpClient())
        {
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(home.Url + "/healthz")).StatusCode);
            Assert.Contains("<!doctype html>", await http.GetStringAsync(home.Url + "/"), StringComparison.OrdinalIgnoreCase);
        }

        await using (var phone = await home.PairAsync())
        {
            await phone.PromptAsync("run: echo hi > proof.txt", DecisionVerdict.Allow);
        }

        Assert.True(File.Exists(Path.Combine(home.Home.Demo, "proof.txt")));
        foreach (var command in (string[][])[
            ["status"], ["projects"], ["devices", "list"], ["devices", "rename", "phone", "tablet"], ["machine", "label", "box"],
            ["ledger", "show"], ["ledger", "verify"],
            ["doctor"], ["version"], ["tls", "init"], ["tls", "show"], ["add", "."], ["remove", "./"], ["devices", "revoke", "tablet"]])
        {
            (await home.RunAsync(command)).Succeeded();
            if (command is not (["tls", "init"] or ["devices", ..] or ["remove", ..]))
            {
                _ = await home.AskAsync(command);
            }
        }

        Assert.Contains("proof.txt", (await home.RunAsync("ledger", "export")).Succeeded().Out, StringComparison.Ordinal);
        (await home.RunAsync("pair", "--scope", "nothing")).Ended(2);
        Assert.Contains("Stop the daemon", (await home.RunAsync("--help")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Contains("started as machine", (await home.RunAsync("logs")).Succeeded().Out, StringComparison.Ordinal);
        (await home.RunAsync("stop")).Succeeded();
    }
}
