using System.Buffers.Text;
using System.Net.WebSockets;
using PocketCoder.Channels;
using PocketCoder.Link;

namespace PocketCoder.Machine.Linking;

/// <summary>Connects to a remote gateway and proves there which machine this is (docs/link.md). Thread-safe.</summary>
internal sealed class LinkDialer(ChannelIdentity identity, Func<string> label, TimeProvider time)
{
    /// <summary>For the connection, and again for the proof and the welcome.</summary>
    private static readonly TimeSpan s_connectLimit = TimeSpan.FromSeconds(15);

    /// <summary>A connection that nobody answers on is given up after twice this: sleep, another network, a proxy that forgot it.</summary>
    private static readonly TimeSpan s_ping = TimeSpan.FromSeconds(10);

    public string MachineId => identity.Id;

    /// <summary>Connects once, so that the gateway knows this machine from now on.</summary>
    /// <param name="code">From <c>pocketcoder gateway invite</c>; null: the gateway must know the machine.</param>
    /// <exception cref="LinkException">The gateway can't be reached, or refuses.</exception>
    public async Task EnrolAsync(Uri gateway, string? code, CancellationToken ct)
    {
        await using var connection = await ConnectAsync(gateway, code, ct);
        await connection.Link.CloseAsync();
    }

    /// <summary>Connects once and asks for something besides.</summary>
    /// <param name="ask">One of <see cref="LinkAsks"/>.</param>
    /// <returns>The welcome of a gateway that knows this machine, also of one that does not know what was asked.</returns>
    /// <exception cref="LinkException">The gateway can't be reached, or refuses: its refusal is the answer.</exception>
    public async Task<LinkWelcome> AskAsync(Uri gateway, string ask, CancellationToken ct)
    {
        await using var connection = await ConnectAsync(gateway, code: null, ct, ask);
        await connection.Link.CloseAsync();
        return connection.Welcome;
    }

    /// <summary>This machine's key as people compare it with what a gateway shows.</summary>
    public string Fingerprint => LinkFingerprint.Of(identity.Id, Base64Url.EncodeToString(identity.SigningPublicKey));

    /// <summary>A connection on which the machine is known.</summary>
    /// <inheritdoc cref="EnrolAsync"/>
    public async Task<GatewayConnection> ConnectAsync(Uri gateway, string? code, CancellationToken ct, string? ask = null)
    {
        var socket = NewSocket();
        LinkSocket? link = null;
        try
        {
            link = await OpenAsync(gateway, socket, ct);
            return new GatewayConnection(socket, link, await GreetAsync(gateway, link, code, ask, ct));
        }
        catch
        {
            await (link?.DisposeAsync() ?? ValueTask.CompletedTask);
            socket.Dispose();
            throw;
        }
    }

    private static ClientWebSocket NewSocket()
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(LinkFrame.Subprotocol);
        socket.Options.KeepAliveInterval = s_ping;
        socket.Options.KeepAliveTimeout = s_ping;
        return socket;
    }

    private async Task<LinkSocket> OpenAsync(Uri gateway, ClientWebSocket socket, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_connectLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            await socket.ConnectAsync(AddressOf(gateway), both.Token);
            return new LinkSocket(socket, time, ct);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new LinkException(LinkError.TooSlow, $"{gateway.Host} did not answer within {s_connectLimit.TotalSeconds:0} s.");
        }
        catch (Exception e) when (e is WebSocketException or HttpRequestException or IOException)
        {
            throw new LinkException(LinkError.Lost, $"{gateway.Host} can't be reached: {Reason(e)}", e);
        }
    }

    private async Task<LinkWelcome> GreetAsync(Uri gateway, LinkSocket link, string? code, string? ask, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_connectLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            var first = await GatewayLink.NextAsync(link, both.Token);
            var challenge = LinkJson.Read(first, LinkKind.Challenge, LinkTypes.Default.LinkChallenge);
            if (challenge.V != 1 || challenge.Nonce.Length != Base64Url.GetEncodedLength(LinkProofs.NonceBytes))
            {
                throw new LinkException(
                    LinkError.Malformed, "The gateway speaks another version of the link. Update the older of the two programs.");
            }

            var key = Base64Url.EncodeToString(identity.SigningPublicKey);
            var fields = LinkProofs.Fields(LinkProofs.OriginOf(gateway), challenge.Nonce, identity.Id, key);
            var signature = Base64Url.EncodeToString(identity.Sign(LinkProofs.Domain, fields));
            var proof = new LinkProof(1, identity.Id, key, signature, DaemonOptions.ProductVersion, code, label(), ask, Letters: true);
            await link.SendAsync(LinkJson.Write(LinkKind.Proof, 0, proof, LinkTypes.Default.LinkProof), both.Token);
            return LinkJson.Read(await GatewayLink.NextAsync(link, both.Token), LinkKind.Welcome, LinkTypes.Default.LinkWelcome);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new LinkException(LinkError.TooSlow, $"{gateway.Host} did not answer within {s_connectLimit.TotalSeconds:0} s.");
        }
        catch (ChannelException e)
        {
            throw new LinkException(LinkError.Malformed, "The gateway asked for a proof that can't be given.", e);
        }
    }

    private static Uri AddressOf(Uri gateway) => new UriBuilder(gateway)
    {
        Scheme = gateway.Scheme is "https" or "wss" ? "wss" : "ws",
        Port = gateway.IsDefaultPort ? -1 : gateway.Port,
        Path = LinkFrame.Path,
    }.Uri;

    private static string Reason(Exception e) => e.InnerException is { } inner && e is WebSocketException ? inner.Message : e.Message;
}

/// <summary>A connection to a gateway that welcomed this machine.</summary>
internal sealed record GatewayConnection(ClientWebSocket Socket, LinkSocket Link, LinkWelcome Welcome) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await Link.DisposeAsync();
        Socket.Dispose();
    }
}
