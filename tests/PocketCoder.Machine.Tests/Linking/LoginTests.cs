using PocketCoder.Gateway;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Link;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Linking;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Linking;

/// <summary>A whole daemon that asks a gateway with accounts to let it in, waits, and leaves.</summary>
public sealed class LoginTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");
    private readonly LinkedMachines _machines = new();
    private readonly int _port = Ports.Free();
    private GatewayServer? _gateway;

    private string Address => $"http://127.0.0.1:{_port}";

    private Enrolments Enrolments => new(Path.Combine(_folder.FullName, "machines.json"), TimeProvider.System);

    public async ValueTask InitializeAsync() => await StartGatewayAsync(accounts: true);

    public async ValueTask DisposeAsync()
    {
        await StopGatewayAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task It_waits_for_a_yes_is_linked_by_it_and_says_goodbye()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var client = Client(daemon);
        var key = await KeyAsync(daemon, client);
        var asked = await client.LoginAsync(Address + "/", wait: false, CancellationToken.None);
        Assert.Equal((LoginState.Pending, LinkFingerprint.Of(daemon.Daemon.MachineId, key)), (asked.State, asked.Fingerprint));
        Assert.Equal((9, 600, 5), (asked.Code!.Length, asked.ExpiresIn, asked.Interval));
        var early = await client.LoginAsync(Address, wait: true, CancellationToken.None);
        Assert.Equal((LoginState.Pending, asked.Code, 10), (early.State, early.Code, early.Interval)); // slower now
        Assert.Null((await client.StatusAsync(CancellationToken.None)).Link); // nothing is set before the yes

        Assert.True(await Enrolments.AddAsync(daemon.Daemon.MachineId, key, "box", "grace", CancellationToken.None));
        var linked = await client.LoginAsync(Address, wait: true, CancellationToken.None);
        Assert.Equal((LoginState.Linked, "grace"), (linked.State, linked.AddedBy));
        await Wait.UntilAsync(
            async () => (await client.StatusAsync(CancellationToken.None)).Link is { State: LinkState.Connected, AddedBy: "grace" },
            "the link, and who let it in");

        var left = await client.LogoutAsync(CancellationToken.None);
        Assert.Equal((Address, true, null), (left.Gateway, left.Told, left.Why));
        Assert.Empty(Enrolments.Machines);
        Assert.False(File.Exists(daemon.Options.Home.Link));
        Assert.Null((await client.LogoutAsync(CancellationToken.None)).Gateway);
        Assert.Equal(LoginState.Pending, (await client.LoginAsync(Address, wait: false, CancellationToken.None)).State);
    }

    [Fact]
    public async Task A_gateway_that_is_away_is_left_here_only_and_that_is_said()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var client = Client(daemon);
        await client.LinkAsync(Address, await Enrolments.NewCodeAsync(CancellationToken.None), CancellationToken.None);
        await StopGatewayAsync();
        var left = await client.LogoutAsync(CancellationToken.None);
        Assert.Equal((Address, false), (left.Gateway, left.Told));
        Assert.False(string.IsNullOrEmpty(left.Why));
        Assert.False(File.Exists(daemon.Options.Home.Link));
        Assert.Single(Enrolments.Machines); // somebody has to remove it there
        var away = await Assert.ThrowsAsync<ControlException>(() => client.LoginAsync(Address, wait: false, CancellationToken.None));
        Assert.Equal(ErrorCode.Unavailable, away.Code);
    }

    [Fact]
    public async Task What_a_gateway_without_accounts_or_after_a_restart_says_is_told()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var client = Client(daemon);
        Assert.Equal(LoginState.Pending, (await client.LoginAsync(Address, wait: false, CancellationToken.None)).State);
        await StopGatewayAsync();
        await StartGatewayAsync(accounts: true);
        Assert.Equal(LoginState.Expired, (await client.LoginAsync(Address, wait: true, CancellationToken.None)).State);
        await StopGatewayAsync();
        await StartGatewayAsync(accounts: false);
        Assert.Equal(LoginState.NoAccounts, (await client.LoginAsync(Address, wait: false, CancellationToken.None)).State);
        Assert.Null((await client.StatusAsync(CancellationToken.None)).Link);
        var wrong = await Assert.ThrowsAsync<ControlException>(
            () => client.LoginAsync("http://gateway.example", wait: false, CancellationToken.None));
        Assert.Equal(ErrorCode.InvalidRequest, wrong.Code);
    }

    /// <summary>The machine's key, as the gateway learns it by the older way; afterwards it is at no gateway.</summary>
    private async Task<string> KeyAsync(TestDaemon daemon, ControlClient client)
    {
        await client.LinkAsync(Address, await Enrolments.NewCodeAsync(CancellationToken.None), CancellationToken.None);
        var key = Enrolments.Find(daemon.Daemon.MachineId)!.SigningKey;
        Assert.True((await client.LogoutAsync(CancellationToken.None)).Told);
        return key;
    }

    private static ControlClient Client(TestDaemon daemon) => new(new InProcessTransport(daemon.Daemon.Owner));

    private async Task StartGatewayAsync(bool accounts) => _gateway = await GatewayAtPort.StartAsync(
        _port, _machines, Path.Combine(_folder.FullName, "machines.json"),
        accounts ? Path.Combine(_folder.FullName, "accounts.json") : null);

    private async Task StopGatewayAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
            _gateway = null;
        }
    }
}
