using System.Net;
using System.Net.Sockets;
using PocketCoder.Agents.Stub;
using PocketCoder.Gateway;
using PocketCoder.Machine.Starting;
using PocketCoder.Testing.Homes;

namespace PocketCoder.Machine.Tests.Starting;

/// <summary>
/// A start that fails half way leaves nothing open: the next one in the same process finds key, database and secrets free.
/// </summary>
public sealed class FailedStartTests : IAsyncLifetime
{
    private readonly Home _home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await HomeRemains.ClearAsync(_home.Sandboxes, _home.Root, _home.AgentFiles, _home.Attached);

    [Fact]
    public async Task Before_its_parts_are_made()
    {
        _home.Prepare();
        await File.WriteAllTextAsync(_home.Prices, "{", TestContext.Current.CancellationToken); // read after database and secrets are open
        await Assert.ThrowsAsync<HomeRefusal>(() => StartAsync(0));
        File.Delete(_home.Prices);
        await using var daemon = await StartAsync(0);
        Assert.NotEmpty(daemon.Urls);
    }

    [Fact]
    public async Task When_it_has_begun_and_cannot_listen()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        await Assert.ThrowsAsync<GatewayRefusal>(() => StartAsync(((IPEndPoint)taken.LocalEndpoint).Port));
        await using var daemon = await StartAsync(0);
        Assert.NotEmpty(daemon.Urls);
    }

    private Task<Daemon> StartAsync(int port) => Daemon.StartAsync(
        new DaemonOptions { Home = _home, Gateway = GatewayOptions.Default with { Listen = [new IPEndPoint(IPAddress.Loopback, port)] } },
        [new StubDriver(TimeProvider.System)],
        DaemonSeams.None,
        CancellationToken.None);
}
