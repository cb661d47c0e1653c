using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// A gateway of its own sees ids, sizes and times. Three programs: the gateway, the machine, and the device, which is this one.
/// </summary>
[Trait("Category", "Slow")]
public sealed class GatewayBlindTests
{
    private const int Turns = 5;

    [Fact]
    public async Task Nothing_that_went_through_it_stands_in_its_memory_its_files_or_its_log()
    {
        await using var there = new CliHome();
        await using var here = new CliHome();
        there.Environment["LOG_LEVEL"] = "debug";
        var daemon = await here.StartAsync();
        await using var gateway = there.Begin("gateway", "run", "--listen", there.Listen);
        await Wait.UntilAsync(() => gateway.Out.Contains("none yet", StringComparison.Ordinal), "the gateway to listen");
        var code = (await there.AskAsync("gateway", "invite")).GetProperty("code").GetString()!;
        (await here.FeedAsync(code, "link", there.Url)).Succeeded();
        await Wait.UntilAsync(
            async () => (await here.RunAsync("status")).Out.Contains("connected since", StringComparison.Ordinal), "the link");

        var sought = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        var link = await here.LinkAsync();
        Assert.StartsWith(there.Url, link, StringComparison.Ordinal);
        sought["the pairing secret"] = Base64Url.DecodeFromChars(link.Split("#pair=")[1])[^16..];
        Seek(sought, "the pairing link", link.Split('#')[1]);
        var name = Canary(sought, "the device's name");
        var phone = await TestDevice.PairAsync(link, name);
        for (var turn = 0; turn < Turns; turn++)
        {
            await phone.PromptAsync($"say {Canary(sought, $"prompt {turn}")}");
            var content = Canary(sought, $"command {turn}");
            await phone.PromptAsync($"run: echo {content} > {Canary(sought, $"file {turn}")}", DecisionVerdict.Allow);
            await phone.DisposeAsync();
            phone = await phone.AgainAsync(there.Url);
        }

        // The machine has them, so this way of looking finds what is there; and so does the gateway have what it must know.
        var machine = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        Seek(machine, "the machine's id", phone.MachineId);
        Assert.Contains(ProgramMemory.Holds(daemon, sought), what => what.StartsWith("prompt ", StringComparison.Ordinal));
        Assert.NotEmpty(ProgramMemory.Holds(gateway.Pid, machine));
        Assert.Empty(ProgramMemory.Holds(gateway.Pid, sought));
        await phone.DisposeAsync();

        await gateway.SignalAsync("TERM");
        var ran = (await gateway.EndAsync()).Succeeded();
        var left = Directory.EnumerateFiles(there.Root, "*", SearchOption.AllDirectories).ToDictionary(path => path, File.ReadAllBytes);
        left["what it said"] = Encoding.UTF8.GetBytes(ran.Out + ran.Error);
        Assert.Contains(left.Keys, path => path.EndsWith("gateway.log", StringComparison.Ordinal));
        Assert.All(left, file => Assert.DoesNotContain(sought, one => file.Value.AsSpan().IndexOf(one.Value) >= 0));
    }

    /// <summary>A word that nobody can have by chance.</summary>
    private static string Canary(Dictionary<string, byte[]> sought, string what)
    {
        var word = "canary" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
        Seek(sought, what, word);
        return word;
    }

    /// <summary>In both forms that text has in such a program.</summary>
    private static void Seek(Dictionary<string, byte[]> sought, string what, string text)
    {
        sought[$"{what} (UTF-8)"] = Encoding.UTF8.GetBytes(text);
        sought[$"{what} (UTF-16)"] = Encoding.Unicode.GetBytes(text);
    }
}
