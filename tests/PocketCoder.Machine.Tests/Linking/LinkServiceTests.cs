using System.Buffers.Text;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Linking;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Linking;

/// <summary>A whole daemon and a remote gateway: linked, left, away and back.</summary>
public sealed class LinkServiceTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");
    private readonly LinkedMachines _machines = new();
    private readonly int _port = Ports.Free();
    private GatewayServer? _gateway;

    private string Address => $"http://127.0.0.1:{_port}";

    private Enrolments Enrolments => new(Path.Combine(_folder.FullName, "machines.json"), TimeProvider.System);

    public async ValueTask InitializeAsync() => await StartGatewayAsync();

    public async ValueTask DisposeAsync()
    {
        await StopGatewayAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_device_is_paired_and_works_through_the_gateway_also_after_restarts_of_both()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await LinkAsync(daemon);
        var offer = await daemon.Daemon.AsOwner().PairAsync(new PairingRequest(null, null), CancellationToken.None);
        Assert.StartsWith(Address + "#", offer.Links[0].Replace("/#", "#", StringComparison.Ordinal), StringComparison.Ordinal);
        var device = await TestDevice.PairAsync(offer.Links[0], "phone");
        Assert.NotEmpty((await StateAsync(device)).Projects);
        await device.DisposeAsync();

        await daemon.RestartAsync();
        await SeeAsync(daemon, LinkState.Connected);
        await StopGatewayAsync();
        await SeeAsync(daemon, LinkState.Reconnecting);
        await StartGatewayAsync();
        await SeeAsync(daemon, LinkState.Connected);
        await using var again = await TestDevice.PairAsync(
            (await daemon.Daemon.AsOwner().PairAsync(new PairingRequest([Scope.View], null), CancellationToken.None)).Links[0], "tablet");
        Assert.NotEmpty((await StateAsync(again)).Projects);
    }

    [Fact]
    public async Task What_is_linked_and_unlinked_is_in_the_ledger_and_in_a_private_file()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await LinkAsync(daemon);
        var file = daemon.Options.Home.Link;
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        using var client = Client(daemon);
        Assert.Equal(Address, await client.UnlinkAsync(CancellationToken.None));
        Assert.False(File.Exists(file));
        Assert.Null((await client.StatusAsync(CancellationToken.None)).Link);
        await Wait.UntilAsync(() => _machines.Now.Count == 0, "the gateway to see it leave");
        Assert.Null(await client.UnlinkAsync(CancellationToken.None));
        var rows = await RowsAsync(client);
        Assert.Equal(2, rows.Count);
        Assert.Contains(rows, r => r.Body.Contains($"\"value\":\"{Address}\"", StringComparison.Ordinal));
        Assert.Contains(rows, r => r.Body.Contains("\"action\":\"removed\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_gateway_that_refuses_or_is_away_is_not_set()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var client = Client(daemon);
        var unknown = await Assert.ThrowsAsync<ControlException>(() => client.LinkAsync(Address, null, CancellationToken.None));
        Assert.Equal(ErrorCode.Unauthorized, unknown.Code);
        Assert.Contains("pocketcoder gateway invite", unknown.Message, StringComparison.Ordinal);
        var wrong = await Assert.ThrowsAsync<ControlException>(() => client.LinkAsync(Address, "abcd", CancellationToken.None));
        Assert.Equal(ErrorCode.Unauthorized, wrong.Code);
        using (var another = ChannelIdentity.Create())
        {
            var code = await Enrolments.NewCodeAsync(CancellationToken.None);
            Assert.True(await Enrolments.TryEnrolAsync(
                code, daemon.Daemon.MachineId, Base64Url.EncodeToString(another.SigningPublicKey), "impostor", CancellationToken.None));
        }

        var taken = await Assert.ThrowsAsync<ControlException>(() => client.LinkAsync(Address, null, CancellationToken.None));
        Assert.Equal(ErrorCode.Conflict, taken.Code); // a code would not help, so none is asked for
        await StopGatewayAsync();
        var away = await Assert.ThrowsAsync<ControlException>(() => client.LinkAsync(Address, "abcd", CancellationToken.None));
        Assert.Equal(ErrorCode.Unavailable, away.Code);
        Assert.False(File.Exists(daemon.Options.Home.Link));
        Assert.Null((await client.StatusAsync(CancellationToken.None)).Link);
    }

    [Theory]
    [InlineData("")]
    [InlineData("gateway.example")]
    [InlineData("http://gateway.example")]
    [InlineData("ftp://gateway.example")]
    [InlineData("https://user@gateway.example")]
    [InlineData("https://gateway.example/path")]
    [InlineData("https://gateway.example/?a=b")]
    [InlineData("https://gateway.example/#a")]
    [InlineData("https://gate way.example")]
    [InlineData("https:\\\\gateway.example")]
    public async Task What_is_no_address_of_a_gateway_is_refused(string address)
    {
        Assert.False(GatewayAddress.TryParse(address, out _));
        await using var daemon = await TestDaemon.StartAsync();
        using var client = Client(daemon);
        var refused = await Assert.ThrowsAsync<ControlException>(() => client.LinkAsync(address, null, CancellationToken.None));
        Assert.Equal(ErrorCode.InvalidRequest, refused.Code);
    }

    [Fact]
    public async Task A_machine_that_is_removed_at_the_gateway_is_cut_off_and_says_so()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await LinkAsync(daemon);
        Assert.True(await Enrolments.RemoveAsync(daemon.Daemon.MachineId, CancellationToken.None));
        var status = await SeeAsync(daemon, LinkState.Refused);
        Assert.Contains("pocketcoder gateway invite", status!.Why, StringComparison.Ordinal);
        Assert.NotNull(status.LastConnectedAt);
        Assert.Empty(_machines.Now);
        await LinkAsync(daemon); // a new code, and it is back at once
    }

    [Fact]
    public async Task It_is_not_set_or_left_when_the_row_can_not_be_written()
    {
        var fails = false;
        await using var daemon = await TestDaemon.StartAsync(seams: s => s with
        {
            Seam = step => _ = fails && step == "commit" ? throw new InvalidOperationException("as if the disk were full") : 0,
        });
        using var client = Client(daemon);
        var code = await Enrolments.NewCodeAsync(CancellationToken.None);
        fails = true;
        await Assert.ThrowsAsync<ControlException>(() => client.LinkAsync(Address, code, CancellationToken.None));
        Assert.Null((await client.StatusAsync(CancellationToken.None)).Link);
        Assert.False(File.Exists(daemon.Options.Home.Link));
        fails = false;
        await client.LinkAsync(Address, null, CancellationToken.None); // the gateway knows it by now
        await SeeAsync(daemon, LinkState.Connected);
        fails = true;
        await Assert.ThrowsAsync<ControlException>(() => client.UnlinkAsync(CancellationToken.None));
        fails = false;
        Assert.True(File.Exists(daemon.Options.Home.Link));
        await SeeAsync(daemon, LinkState.Connected);
        Assert.Single(_machines.Now);
        Assert.Single(await RowsAsync(client));
    }

    [Fact]
    public async Task A_link_that_was_put_there_while_no_daemon_ran_has_a_row_at_the_next_start()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await daemon.Daemon.StopAsync("test");
        await File.WriteAllTextAsync(daemon.Options.Home.Link, $$"""{"v":1,"gateway":"{{Address}}"}""");
        await daemon.RestartAsync();
        using var client = Client(daemon);
        var row = Assert.Single(
            (await client.ListLedgerAsync(new LedgerListRequest(Limit: 100), CancellationToken.None)).Rows,
            r => r.Body.Contains("RemoteGateway", StringComparison.Ordinal)
                && r.Body.Contains("\"action\":\"set\"", StringComparison.Ordinal));
        Assert.Contains($"\"value\":\"{Address}\"", row.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_fails_while_it_is_ended_does_not_keep_it_from_ending()
    {
        var home = Home.At(_folder.CreateSubdirectory("home").FullName);
        await File.WriteAllTextAsync(home.Link, $$"""{"v":1,"gateway":"{{Address}}"}""");
        var setting = LinkSetting.Load(home, TimeProvider.System);
        using var identity = ChannelIdentity.Create();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var goOn = new ManualResetEventSlim();
        var dialer = new LinkDialer(
            identity,
            () =>
            {
                asked.TrySetResult();
                goOn.Wait(Wait.Limit);
                throw new InvalidOperationException("a bug");
            },
            TimeProvider.System);
        var service = new LinkService(setting, dialer, new InProcessFabric(), TimeProvider.System, NullLogger.Instance);
        await asked.Task.WaitAsync(Wait.Limit);
        var ending = service.DisposeAsync().AsTask();
        goOn.Set();
        await ending.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task A_daemon_that_stops_tells_its_devices_over_the_link()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await LinkAsync(daemon);
        var offer = await daemon.Daemon.AsOwner().PairAsync(new PairingRequest(null, null), CancellationToken.None);
        await using var device = await TestDevice.PairAsync(offer.Links[0], "phone");
        Assert.NotEmpty((await StateAsync(device)).Projects);
        await daemon.Daemon.StopAsync("test");
        await Wait.UntilAsync(() => _machines.Now.Count == 0, "the gateway to see it leave");
        await Assert.ThrowsAnyAsync<Exception>(() => StateAsync(device));
        await daemon.RestartAsync();
        await SeeAsync(daemon, LinkState.Connected);
        await using var again = await device.AgainAsync(Address);
        Assert.NotEmpty((await StateAsync(again)).Projects);
    }

    [Fact]
    public async Task A_damaged_file_is_told_and_nothing_is_guessed()
    {
        var home = Home.At(_folder.CreateSubdirectory("home").FullName);
        foreach (var text in (string[])["", "{}", "null", """{"v":2,"gateway":"https://a.example"}""",
            """{"v":1,"gateway":"http://a.example"}""", new string(' ', 5000)])
        {
            await File.WriteAllTextAsync(home.Link, text);
            Assert.Contains("pocketcoder link", Assert.Throws<HomeRefusal>(() => LinkSetting.Load(home, TimeProvider.System)).Message,
                StringComparison.Ordinal);
        }

        await File.WriteAllTextAsync(home.Link, """{"v":1,"gateway":"https://a.example"}""");
        Assert.Equal(new Uri("https://a.example"), LinkSetting.Load(home, TimeProvider.System).Gateway);
    }

    private async Task LinkAsync(TestDaemon daemon)
    {
        using var client = Client(daemon);
        var code = await Enrolments.NewCodeAsync(CancellationToken.None);
        await client.LinkAsync(Address + "/", code, CancellationToken.None);
        await SeeAsync(daemon, LinkState.Connected);
    }

    private static async Task<LinkStatus?> SeeAsync(TestDaemon daemon, LinkState state)
    {
        LinkStatus? seen = null;
        await Wait.UntilAsync(
            async () => (seen = (await daemon.Daemon.StatusAsync(CancellationToken.None)).Link)?.State == state, $"the link to be {state}");
        return seen;
    }

    private static async Task<IReadOnlyList<LedgerRowInfo>> RowsAsync(ControlClient client)
        => [.. (await client.ListLedgerAsync(new LedgerListRequest(Limit: 100), CancellationToken.None)).Rows
            .Where(r => r.Body.Contains("\"what\":\"gateway\"", StringComparison.Ordinal))];

    private static ControlClient Client(TestDaemon daemon) => new(new InProcessTransport(daemon.Daemon.Owner));

    private static Task<MachineStateResponse> StateAsync(TestDevice device) => device.AskAsync(
        MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
        ProtocolJson.Default.MachineStateResponse);

    private async Task StartGatewayAsync()
        => _gateway = await GatewayAtPort.StartAsync(_port, _machines, Path.Combine(_folder.FullName, "machines.json"));

    private async Task StopGatewayAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
            _gateway = null;
        }
    }
}
