using System.Runtime.Versioning;
using Microsoft.Playwright;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Linking;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Homes;
using static Microsoft.Playwright.Assertions;

namespace PocketCoder.EndToEnd.Tests.Networks;

/// <summary>
/// A phone in one network and a machine in another, without a route between them, and a gateway in a third that both reach: the real
/// programs and a browser. Whatever breaks while somebody decides, what was allowed is done once.
/// </summary>
[Trait("Category", "Slow")]
[UnsupportedOSPlatform("windows")]
public sealed class NetworksStoryTests : IAsyncLifetime
{
    private const string Address = "10.77.0.1";
    private const string Url = $"https://{Address}:8443";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pcn-");
    private Network _between = null!, _home = null!, _mobile = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(Network.Missing is not null, Network.Missing ?? "");
        _between = await Network.CreateAsync();
        _home = await Network.CreateAsync();
        _mobile = await Network.CreateAsync();
        await _between.IpAsync("address", "add", $"{Address}/32", "dev", "lo");
        await _between.ConnectAsync("home", _home, "wan");
        await _between.ConnectAsync("mobile", _mobile, "wan");
        await _between.IpAsync("address", "add", "10.77.1.1/24", "dev", "home");
        await _home.IpAsync("address", "add", "10.77.1.2/24", "dev", "wan");
        await _home.IpAsync("route", "add", Address, "via", "10.77.1.1");
        await _between.IpAsync("address", "add", "10.77.2.1/24", "dev", "mobile");
        await _between.IpAsync("address", "add", "10.77.3.1/24", "dev", "mobile");
        await InMobileNetworkAsync(2);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var network in (Network?[])[_between, _home, _mobile])
        {
            if (network is not null)
            {
                await network.DisposeAsync();
            }
        }

        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Cut_killed_and_moved_between_networks_what_was_allowed_is_done_once()
    {
        Assert.NotEqual(0, (await _mobile.RunAsync("ip", "route", "get", "10.77.1.2")).Code);
        Assert.NotEqual(0, (await _home.RunAsync("ip", "route", "get", "10.77.2.2")).Code);
        await using var gateway = new Program(_between, HomeOf("gateway"), new Dictionary<string, string>());
        await gateway.RunAsync("tls", "init", "--name", Address);
        await StartGatewayAsync(gateway);
        await using var machine = new Program(_home, HomeOf("machine"), new Dictionary<string, string>
        { ["SSL_CERT_FILE"] = Directory.EnumerateFiles(gateway.Home.Root, "ca.crt", SearchOption.AllDirectories).Single() });
        await machine.StartAsync("  Open ", "start", "--foreground", "--demo", "--sandbox", "none", "--listen", "127.0.0.1:8091");
        using var control = new ControlClient(machine.Home);
        await using var browser = new Browser { Starter = BrowserIn(_mobile) };
        await browser.InitializeAsync();
        await using var phone = await browser.PhoneAsync(ignoreCertificate: true);
        try
        {
            await LinkAndPairAsync(gateway, control, phone);
            await AllowWhileAsync(machine, phone, "nothing", () => Task.CompletedTask, () => Task.CompletedTask, first: true);

            await AllowWhileAsync(machine, phone, "cut", async () =>
            {
                await _home.IpAsync("link", "set", "wan", "down");
                await UntilLinkAsync(control, state => state != LinkState.Connected);
            }, async () =>
            {
                await _home.IpAsync("link", "set", "wan", "up");
                await _home.IpAsync("route", "add", Address, "via", "10.77.1.1");
            });

            await AllowWhileAsync(machine, phone, "killed", gateway.KillAsync, () => StartGatewayAsync(gateway));

            await AllowWhileAsync(machine, phone, "moved", async () =>
            {
                await _mobile.IpAsync("address", "flush", "dev", "wan");
            }, () => InMobileNetworkAsync(3));

            Assert.True((await control.VerifyLedgerAsync(CancellationToken.None)).Intact);
        }
        catch
        {
            await phone.PictureAsync("networks-failed");
            throw;
        }
        finally
        {
            await control.StopAsync("the test is over", CancellationToken.None);
            await HomeRemains.ClearAsync(machine.Home.Sandboxes, machine.Home.AgentFiles);
        }
    }

    /// <summary>Asks for a command, breaks something, allows the command, mends it, and looks that it was done once.</summary>
    private static async Task AllowWhileAsync(
        Program machine, BrowserPhone phone, string word, Func<Task> breaks, Func<Task> mended, bool first = false)
    {
        var proof = Path.Combine(machine.Home.Demo, $"{word}.txt");
        var prompt = $"run: echo {word} >> {word}.txt";
        await (first ? AppStoryTests.NewSessionAsync(phone, prompt) : AppStoryTests.SendAsync(phone, prompt));
        await Expect(phone.Id("allow-once")).ToBeVisibleAsync();
        await breaks();
        await phone.Id("allow-once").First.TapAsync();
        await mended();
        await Wait.ForLinesAsync(proof, $"what was allowed while '{word}'");
        await Expect(phone.Id("allow-once")).ToHaveCountAsync(0);
        await Expect(phone.Id("prompt-input")).ToBeVisibleAsync();
        Assert.Equal($"{word}\n", await File.ReadAllTextAsync(proof));
    }

    private static async Task LinkAndPairAsync(Program gateway, ControlClient control, BrowserPhone phone)
    {
        var enrolments = new Enrolments(Path.Combine(gateway.Home.Root, "gateway", "machines.json"), TimeProvider.System);
        var link = await control.LinkAsync(Url, await enrolments.NewCodeAsync(CancellationToken.None), CancellationToken.None);
        Assert.NotEqual(LinkState.Refused, link.State);
        await UntilLinkAsync(control, state => state == LinkState.Connected);
        var offer = await control.PairAsync(
            new PairingRequest([Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage], null), CancellationToken.None);
        Assert.StartsWith(Url, offer.Links[0], StringComparison.Ordinal);
        await phone.Page.GotoAsync(offer.Links[0]);
        await phone.Id("device-name").FillAsync("Test phone");
        await phone.Id("pair-confirm").ClickAsync();
        await Expect(phone.Page.GetByRole(AriaRole.Navigation).First).ToBeVisibleAsync();
    }

    private static async Task UntilLinkAsync(ControlClient control, Func<LinkState, bool> fits) => await Wait.UntilAsync(
        async () => (await control.StatusAsync(CancellationToken.None)).Link is { } link && fits(link.State), "the link");

    private static Task StartGatewayAsync(Program gateway)
        => gateway.StartAsync(Url, "gateway", "run", "--listen", $"{Address}:8443");

    private async Task InMobileNetworkAsync(int number)
    {
        await _mobile.IpAsync("address", "add", $"10.77.{number}.2/24", "dev", "wan");
        await _mobile.IpAsync("route", "add", Address, "via", $"10.77.{number}.1");
    }

    private Home HomeOf(string name) => Home.At(Path.Combine(_folder.FullName, name));

    /// <summary>A program that starts the browser in a network.</summary>
    private string BrowserIn(Network network)
    {
        var path = Path.Combine(_folder.FullName, "browser");
        File.WriteAllText(path, $"#!/bin/sh\nexec {string.Join(' ', network.Through)} {Browser.Program} \"$@\"\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }
}
