using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Channels;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests.Machines;

/// <summary>A gateway on its own on a free loopback port, and machines whose behaviour the test writes.</summary>
internal sealed class RemoteGateway : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly GatewayServer _server;
    private bool _isOver;

    private RemoteGateway(DirectoryInfo folder, GatewayServer server, LinkedMachines machines, Enrolments enrolments)
    {
        (_folder, _server, Machines, Enrolments) = (folder, server, machines, enrolments);
        Base = new Uri(server.Urls[^1]);
    }

    /// <summary>The file of its machines.</summary>
    public string List => Path.Combine(_folder.FullName, "machines.json");

    /// <summary>The file of its people, if it has any.</summary>
    public string People => PeopleIn(_folder);

    public LinkedMachines Machines { get; }

    public Enrolments Enrolments { get; }

    public Uri Base { get; }

    public IReadOnlyList<Microsoft.AspNetCore.Http.Endpoint> Endpoints => _server.Endpoints;

    public static async Task<RemoteGateway> StartAsync(
        TimeProvider? time = null, GatewayOptions? options = null, bool accounts = false, TestLog? log = null)
    {
        return await ServeAsync(Directory.CreateTempSubdirectory("pocketcoder-test-"), time, options, accounts, log);
    }

    private static async Task<RemoteGateway> ServeAsync(
        DirectoryInfo folder, TimeProvider? time, GatewayOptions? options, bool accounts, TestLog? log)
    {
        var file = Path.Combine(folder.FullName, "machines.json");
        options = (options ?? GatewayOptions.Default) with
        {
            Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
            EnrolmentFile = file,
            AccountsFile = accounts ? PeopleIn(folder) : null,
            ConnectBurst = 1000,
        };
        var machines = new LinkedMachines();
        var server = await GatewayServer.StartAsync(
            options, machines, log is null ? NullLoggerFactory.Instance : log, time ?? TimeProvider.System);
        return new RemoteGateway(folder, server, machines, new Enrolments(file, time ?? TimeProvider.System));
    }

    /// <summary>A device's connection to a machine.</summary>
    public async Task<ClientWebSocket> DeviceAsync(string machine, params string[] offered)
    {
        var socket = new ClientWebSocket();
        foreach (var subprotocol in (string[])[RelayFrame.Subprotocol, .. offered])
        {
            socket.Options.AddSubProtocol(subprotocol);
        }

        await socket.ConnectAsync(new Uri($"ws://{Base.Authority}/v1/relay?machine={machine}"), CancellationToken.None);
        return socket;
    }

    public Task<TestMachine> MachineAsync(ChannelIdentity identity, string? code = null, bool? letters = null)
        => TestMachine.ConnectAsync(Base, identity, code, letters);

    /// <summary>Where letters wait.</summary>
    public string Letters => Path.Combine(_folder.FullName, "letters");

    /// <summary>The same files served anew.</summary>
    public async Task<RemoteGateway> AgainAsync(TimeProvider? time = null)
    {
        await _server.DisposeAsync();
        _isOver = true;
        return await ServeAsync(_folder, time, null, accounts: true, null);
    }

    /// <summary>A machine that this gateway knows, connected.</summary>
    public async Task<TestMachine> KnownAsync(ChannelIdentity identity)
        => await MachineAsync(identity, await Enrolments.NewCodeAsync(CancellationToken.None));

    private static string PeopleIn(DirectoryInfo folder) => Path.Combine(folder.FullName, "accounts.json");

    public async ValueTask DisposeAsync()
    {
        if (_isOver)
        {
            return;
        }

        await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
