using System.Buffers.Text;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Link;

namespace PocketCoder.Machine.Linking;

/// <summary>
/// Keeps a connection from this machine to a gateway elsewhere, outbound only, and serves the devices that come through it like those of
/// the daemon's own gateway. It tries for ever: a gateway that is away comes back. <see cref="Status"/> is thread-safe.
/// </summary>
internal sealed partial class GatewayLink(
    Uri gateway, ChannelIdentity identity, Func<string> label, IMachineEndpoint endpoint, TimeProvider time, Random random, ILogger log)
{
    /// <summary>For the connection, the proof and the welcome.</summary>
    private static readonly TimeSpan s_connectLimit = TimeSpan.FromSeconds(15);

    /// <summary>How often the gateway is asked again after it refused this machine: somebody may have changed its mind.</summary>
    private static readonly TimeSpan s_refusedWait = TimeSpan.FromMinutes(10);

    /// <summary>A connection that nobody answers on is given up after twice this: sleep, another network, a proxy that forgot it.</summary>
    private static readonly TimeSpan s_ping = TimeSpan.FromSeconds(10);

    private LinkStatus _status = new(LinkState.Connecting, gateway, time.GetUtcNow());

    public LinkStatus Status => Volatile.Read(ref _status);

    /// <summary>Connects once, to enrol this machine by a code.</summary>
    /// <exception cref="LinkException">The gateway can't be reached, or refuses.</exception>
    public async Task EnrolAsync(string code, CancellationToken ct)
    {
        using var socket = NewSocket();
        await using var link = await OpenAsync(socket, ct);
        await GreetAsync(link, code, ct);
        await link.CloseAsync();
    }

    /// <summary>Until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        var backoff = new LinkBackoff(random);
        var wait = backoff.Next();
        while (true)
        {
            await Task.Delay(wait, time, ct);
            var began = time.GetTimestamp();
            string why;
            var state = LinkState.Reconnecting;
            try
            {
                Tell(LinkState.Connecting, null, null);
                await ServeAsync(ct);
                why = "The gateway closed the connection.";
            }
            catch (LinkException e)
            {
                why = e.Refusal?.Message ?? e.Message;
                state = e.Refusal?.IsFinal == true ? LinkState.Refused : state;
            }

            if (time.GetElapsedTime(began) >= LinkBackoff.Stable)
            {
                backoff.Reset();
            }

            wait = state == LinkState.Refused ? s_refusedWait : backoff.Next();
            Tell(state, why, time.GetUtcNow() + wait);
            LogLost(log, gateway.Host, why);
        }
    }

    private async Task ServeAsync(CancellationToken ct)
    {
        using var socket = NewSocket();
        await using var link = await OpenAsync(socket, ct);
        var welcome = await GreetAsync(link, code: null, ct);
        Tell(LinkState.Connected, null, null, welcome.Version);
        LogConnected(log, gateway.Host, welcome.Version);
        await new LinkedDevices(link, endpoint, Math.Clamp(welcome.Connections, 1, LinkedDevices.Most), log).RunAsync(ct);
    }

    private static ClientWebSocket NewSocket()
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(LinkFrame.Subprotocol);
        socket.Options.KeepAliveInterval = s_ping;
        socket.Options.KeepAliveTimeout = s_ping;
        return socket;
    }

    private async Task<LinkSocket> OpenAsync(ClientWebSocket socket, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_connectLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            await socket.ConnectAsync(Address(), both.Token);
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

    private async Task<LinkWelcome> GreetAsync(LinkSocket link, string? code, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_connectLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            var challenge = LinkJson.Read(await NextAsync(link, both.Token), LinkKind.Challenge, LinkTypes.Default.LinkChallenge);
            if (challenge.V != 1 || challenge.Nonce.Length != Base64Url.GetEncodedLength(LinkProofs.NonceBytes))
            {
                throw new LinkException(
                    LinkError.Malformed, "The gateway speaks another version of the link. Update the older of the two programs.");
            }

            var key = Base64Url.EncodeToString(identity.SigningPublicKey);
            var fields = LinkProofs.Fields(LinkProofs.OriginOf(gateway), challenge.Nonce, identity.Id, key);
            var signature = Base64Url.EncodeToString(identity.Sign(LinkProofs.Domain, fields));
            var proof = new LinkProof(1, identity.Id, key, signature, DaemonOptions.ProductVersion, code, label());
            await link.SendAsync(LinkJson.Write(LinkKind.Proof, 0, proof, LinkTypes.Default.LinkProof), both.Token);
            return LinkJson.Read(await NextAsync(link, both.Token), LinkKind.Welcome, LinkTypes.Default.LinkWelcome);
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

    /// <summary>The next message, or the refusal that came in its place.</summary>
    internal static async Task<LinkFrame> NextAsync(LinkSocket link, CancellationToken ct)
    {
        var frame = await link.ReceiveAsync(ct) ?? throw new LinkException(LinkError.Lost, "The gateway closed the connection.");
        if (frame.Kind != LinkKind.Refused)
        {
            return frame;
        }

        var refusal = LinkJson.Read(frame, LinkKind.Refused, LinkTypes.Default.LinkRefusal);
        throw new LinkException(LinkError.Refused, refusal.Message) { Refusal = refusal };
    }

    private Uri Address() => new UriBuilder(gateway)
    {
        Scheme = gateway.Scheme is "https" or "wss" ? "wss" : "ws",
        Port = gateway.IsDefaultPort ? -1 : gateway.Port,
        Path = LinkFrame.Path,
    }.Uri;

    private static string Reason(Exception e) => e.InnerException is { } inner && e is WebSocketException ? inner.Message : e.Message;

    private void Tell(LinkState state, string? why, DateTimeOffset? next, string? version = null)
        => Volatile.Write(ref _status, new LinkStatus(state, gateway, time.GetUtcNow(), why, next, version ?? _status.GatewayVersion));

    [LoggerMessage(EventId = 260, Level = LogLevel.Information, Message = "Connected to the gateway {Gateway}, version {Version}")]
    private static partial void LogConnected(ILogger log, string gateway, string version);

    [LoggerMessage(EventId = 261, Level = LogLevel.Warning, Message = "Not connected to the gateway {Gateway}: {Why}")]
    private static partial void LogLost(ILogger log, string gateway, string why);
}
