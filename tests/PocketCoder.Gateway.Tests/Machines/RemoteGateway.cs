using System.Buffers.Text;
using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Channels;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Link;
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

/// <summary>A machine's end of a link, message by message.</summary>
internal sealed class TestMachine : IAsyncDisposable
{
    private readonly ClientWebSocket _socket;

    private TestMachine(ClientWebSocket socket)
        => (_socket, Link) = (socket, new LinkSocket(socket, TimeProvider.System, CancellationToken.None));

    public LinkSocket Link { get; }

    /// <summary>Connects, proves itself, and is welcome.</summary>
    public static async Task<TestMachine> ConnectAsync(Uri gateway, ChannelIdentity identity, string? code, bool? letters = null)
    {
        var machine = await OpenAsync(gateway);
        var challenge = LinkJson.Read(await machine.NextAsync(), LinkKind.Challenge, LinkTypes.Default.LinkChallenge);
        await machine.SendAsync(Proof(identity, LinkProofs.OriginOf(gateway), challenge.Nonce, code) with { Letters = letters });
        LinkJson.Read(await machine.NextAsync(), LinkKind.Welcome, LinkTypes.Default.LinkWelcome);
        return machine;
    }

    public static async Task<TestMachine> OpenAsync(Uri gateway, params (string Name, string Value)[] headers)
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(LinkFrame.Subprotocol);
        foreach (var (name, value) in headers)
        {
            socket.Options.SetRequestHeader(name, value);
        }

        await socket.ConnectAsync(new Uri($"ws://{gateway.Authority}{LinkFrame.Path}"), CancellationToken.None);
        return new TestMachine(socket);
    }

    public static LinkProof Proof(ChannelIdentity identity, string origin, string nonce, string? code)
    {
        var key = Base64Url.EncodeToString(identity.SigningPublicKey);
        var signature = identity.Sign(LinkProofs.Domain, LinkProofs.Fields(origin, nonce, identity.Id, key));
        return new LinkProof(1, identity.Id, key, Base64Url.EncodeToString(signature), "1.0", code, "desk");
    }

    public ValueTask SendAsync(LinkProof proof)
        => Link.SendAsync(LinkJson.Write(LinkKind.Proof, 0, proof, LinkTypes.Default.LinkProof), CancellationToken.None);

    public ValueTask SendAsync(LinkKind kind, uint connection, params ReadOnlySpan<byte> rest)
        => Link.SendAsync(LinkFrame.Write(kind, connection, rest), CancellationToken.None);

    public ValueTask EndAsync(uint connection, ushort code, string reason)
        => Link.SendAsync(
            LinkJson.Write(LinkKind.End, connection, new LinkEnd(code, reason), LinkTypes.Default.LinkEnd), CancellationToken.None);

    public async Task<LinkFrame> NextAsync()
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        return await Link.ReceiveAsync(limit.Token) ?? throw new LinkException(LinkError.Lost, "closed");
    }

    public async Task<LinkRefusal> RefusedAsync() => LinkJson.Read(await NextAsync(), LinkKind.Refused, LinkTypes.Default.LinkRefusal);

    /// <summary>The number of the device that connects next.</summary>
    public async Task<uint> OpenedAsync()
    {
        var frame = await NextAsync();
        _ = LinkJson.Read(frame, LinkKind.Opened, LinkTypes.Default.LinkOpened);
        return frame.Connection;
    }

    public async ValueTask DisposeAsync()
    {
        await Link.DisposeAsync();
        _socket.Dispose();
    }
}
