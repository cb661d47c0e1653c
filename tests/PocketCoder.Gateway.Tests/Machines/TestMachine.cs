using System.Buffers.Text;
using System.Net.WebSockets;
using PocketCoder.Channels;
using PocketCoder.Link;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests.Machines;

/// <summary>A machine's end of a link, message by message.</summary>
internal sealed class TestMachine : IAsyncDisposable
{
    private readonly ClientWebSocket _socket;

    private TestMachine(ClientWebSocket socket)
        => (_socket, Link) = (socket, new LinkSocket(socket, TimeProvider.System, CancellationToken.None));

    public LinkSocket Link { get; }

    public LinkWelcome? Welcome { get; private set; }

    /// <summary>Connects, proves itself, and is welcome.</summary>
    /// <param name="origin">Under which address the gateway knows itself; null: <paramref name="gateway"/>.</param>
    public static async Task<TestMachine> ConnectAsync(
        Uri gateway, ChannelIdentity identity, string? code, bool? letters = null, string? origin = null)
    {
        var machine = await OpenAsync(gateway);
        var challenge = LinkJson.Read(await machine.NextAsync(), LinkKind.Challenge, LinkTypes.Default.LinkChallenge);
        await machine.SendAsync(Proof(identity, origin ?? LinkProofs.OriginOf(gateway), challenge.Nonce, code) with { Letters = letters });
        machine.Welcome = LinkJson.Read(await machine.NextAsync(), LinkKind.Welcome, LinkTypes.Default.LinkWelcome);
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
