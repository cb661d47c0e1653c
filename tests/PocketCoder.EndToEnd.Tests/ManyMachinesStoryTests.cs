using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Playwright;
using PocketCoder.Gateway;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Machine.Linking;
using PocketCoder.Testing;
using static Microsoft.Playwright.Assertions;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>Two daemons, one gateway and a browser of a phone's size: one app, and each decision on the machine that asked.</summary>
[Trait("Category", "Slow")]
public sealed class ManyMachinesStoryTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pce-");
    private GatewayServer _gateway = null!;

    private string EnrolmentFile => Path.Combine(_folder.FullName, "machines.json");

    public async ValueTask InitializeAsync() => _gateway = await GatewayServer.StartAsync(
        GatewayOptions.Default with
        {
            Listen = [new IPEndPoint(IPAddress.Loopback, Ports.Free())],
            AppDirectory = Repository.PathOf("app/dist"),
            EnrolmentFile = EnrolmentFile,
        },
        new LinkedMachines(), NullLoggerFactory.Instance, TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Two_machines_ask_in_one_inbox_and_each_does_what_was_allowed_there()
    {
        await using var atlas = await LinkedAsync("atlas");
        await using var borealis = await LinkedAsync("borealis");
        await using var phone = await browser.PhoneAsync();
        await PairAsync(atlas, phone);
        await Expect(phone.Id("machines-open")).ToHaveCountAsync(0);
        await AppStoryTests.NewSessionAsync(phone, "run: echo of atlas > proof.txt");
        await Expect(phone.Id("approval-card")).ToBeVisibleAsync();

        await PairAsync(borealis, phone);
        await Expect(phone.Id("machines-open")).ToContainTextAsync("borealis");
        await AppStoryTests.NewSessionAsync(phone, "run: echo of borealis > proof.txt");
        await Expect(phone.Id("approval-card")).ToBeVisibleAsync();
        Assert.Single(await borealis.Control.ListSessionsAsync(CancellationToken.None));

        await phone.Page.GotoAsync(_gateway.Urls[0]);
        await Expect(phone.Id("inbox-item")).ToHaveCountAsync(2);
        await phone.PictureAsync("60-two-machines");
        await RowOf(phone, "atlas").TapAsync();
        await Expect(phone.Id("machines-open")).ToContainTextAsync("atlas");
        await phone.Id("allow-once").First.TapAsync();
        Assert.Equal("of atlas\n", await Wait.ForLinesAsync(await ProofAsync(atlas), "the command ran on the machine that asked"));
        Assert.False(File.Exists(await ProofAsync(borealis)));

        // One machine goes: the other one is there, and what waits on the one that is away comes back with it.
        await borealis.Daemon.DisposeAsync();
        await phone.Page.GotoAsync(_gateway.Urls[0]);
        await Expect(phone.Id("inbox-offline")).ToContainTextAsync("borealis");
        await phone.Id("machines-open").TapAsync();
        await Expect(phone.Id("machine-row").Filter(new LocatorFilterOptions { HasText = "atlas" })).ToContainTextAsync("Connected");
        await phone.PictureAsync("61-machines");
        Assert.All(phone.Complaints, complaint => Assert.Contains("/v1/relay", complaint, StringComparison.Ordinal));
    }

    private async Task<RunningMachine> LinkedAsync(string label)
    {
        var machine = await RunningMachine.StartAsync();
        await machine.Control.SetLabelAsync(label, CancellationToken.None);
        var code = await new Enrolments(EnrolmentFile, TimeProvider.System).NewCodeAsync(CancellationToken.None);
        var link = await machine.Control.LinkAsync(_gateway.Urls[0], code, CancellationToken.None);
        Assert.NotEqual(LinkState.Refused, link.State);
        await Wait.UntilAsync(
            async () => (await machine.Control.StatusAsync(CancellationToken.None)).Link?.State == LinkState.Connected, "the link");
        return machine;
    }

    private async Task PairAsync(RunningMachine machine, BrowserPhone phone)
    {
        var link = await machine.LinkAsync();
        Assert.StartsWith(_gateway.Urls[0], link, StringComparison.Ordinal);
        await AppStoryTests.PairAsync(link, machine, phone);
    }

    private static ILocator RowOf(BrowserPhone phone, string label) => phone.Id("inbox-item").Filter(
        new LocatorFilterOptions { Has = phone.Page.GetByTestId("row-machine").Filter(new LocatorFilterOptions { HasText = label }) });

    private static async Task<string> ProofAsync(RunningMachine machine)
        => Path.Combine((await machine.Control.ListProjectsAsync(CancellationToken.None))[0].Path, "proof.txt");
}
