using System.Text.RegularExpressions;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Cli.Tests;

/// <summary><c>./start.sh</c> as the README tells people to type it.</summary>
[Trait("Category", "Slow")]
[Trait("Takes", "minutes")]
[Collection(Checkout.Building)]
public sealed partial class StartScriptTests
{
    [Fact]
    public async Task From_a_checkout_to_a_paired_device_and_back()
    {
        await using var checkout = Checkout.Here();
        // The home that start.sh chooses for the demonstration; disposing ends a daemon that is left in it.
        await using var home = new CliHome { Root = Path.Combine(checkout.UserHome, ".config", "pocketcoder-demo") };

        var started = (await checkout.RunAsync("start.sh", "--demo", "--listen", home.Listen)).Succeeded();

        var link = Link().Match(started.Out).Value;
        await using (var phone = await TestDevice.PairAsync(link, "phone"))
        {
            await phone.PromptAsync("run: echo hi > proof.txt", DecisionVerdict.Allow);
        }

        Assert.True(File.Exists(Path.Combine(home.Home.Demo, "proof.txt")));
        using (var http = new HttpClient())
        {
            Assert.Contains("<!doctype html>", await http.GetStringAsync(home.Url + "/"), StringComparison.OrdinalIgnoreCase);
        }

        // Nothing but the daemon goes on, and nothing lies where it was not said.
        // What the daemon starts bears its name for a moment, and then its own or none.
        var left = await Wait.SeeAsync(checkout.LeftRunning, l => l.Count == 1, "the daemon alone");
        Assert.Contains("pocketcoder start", left[0], StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(checkout.UserHome).Select(e => Path.GetFileName(e))
            .Except([".config", ".local", ".dotnet", ".npm", ".nuget", ".cache"], StringComparer.Ordinal));
        Assert.Equal(["pocketcoder-demo"], Directory.EnumerateDirectories(Path.Combine(checkout.UserHome, ".config"))
            .Select(e => Path.GetFileName(e)).Except(["NuGet"], StringComparer.Ordinal));

        // The second time there is nothing to build and nobody to pair.
        var again = (await checkout.RunAsync("start.sh", "--demo", "--listen", home.Listen)).Succeeded();
        Assert.Contains("is already running", again.Out, StringComparison.Ordinal);
        Assert.Contains("1 device paired", again.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("#pair=", again.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("Building", again.Error, StringComparison.Ordinal);

        checkout.Environment["POCKETCODER_HOME"] = home.Root;
        var launcher = Path.Combine(checkout.UserHome, ".local", "bin", "pocketcoder");
        Assert.StartsWith("PocketCoder 0.", (await checkout.RunAsync(launcher, "status")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Equal("PocketCoder stopped.\n", (await checkout.RunAsync(launcher, "stop")).Succeeded().Out);
        await Wait.SeeAsync(() => string.Join('\n', checkout.LeftRunning()), left => left.Length == 0, "nothing is left running");
    }

    [GeneratedRegex(@"^http\S+#pair=\S+", RegexOptions.Multiline, matchTimeoutMilliseconds: 2000)]
    private static partial Regex Link();
}
