using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using PocketCoder.Broker.Egress;

namespace PocketCoder.Push;

/// <summary>How soon a device should be woken for a message (RFC 8030 §5.3).</summary>
public enum PushUrgency
{
    Low,
    Normal,
    High,
}

/// <summary>A message for a device, not yet sealed.</summary>
/// <param name="Payload">At most <see cref="PushSealing.MostBytes"/> bytes.</param>
/// <param name="Ttl">How long the push service keeps it for a device that is away.</param>
/// <param name="Topic">1 to 32 characters of base64url: a message takes the place of an earlier one of its topic that is not delivered
/// yet.</param>
/// <param name="Text">The same in words, for receivers that show them as they come; null: there is none.</param>
public sealed record PushMessage(
    ReadOnlyMemory<byte> Payload, TimeSpan Ttl, PushUrgency Urgency, string Topic, PushText? Text = null);

/// <param name="Title">One line.</param>
/// <param name="Body">Lines; may be empty.</param>
/// <param name="Link">Where a tap leads; null: nowhere.</param>
public sealed record PushText(string Title, string Body, Uri? Link);

/// <summary>What became of a message at the push service.</summary>
public enum PushResult
{
    /// <summary>The push service has it; whether the device ever gets it, nobody tells.</summary>
    Accepted,

    /// <summary>The subscription is over (404, 410): it must be forgotten.</summary>
    Gone,

    /// <summary>It may work later.</summary>
    TryLater,

    /// <summary>It would be refused again.</summary>
    Refused,
}

/// <param name="Status">The push service's answer; null: there was none.</param>
/// <param name="RetryAfter">When the push service wants to be asked again.</param>
/// <param name="Words">For people: a sentence. Never has the endpoint's path.</param>
public sealed record PushOutcome(PushResult Result, int? Status, TimeSpan? RetryAfter, string Words);

/// <summary>How a machine reaches push services. The defaults are the product's; the rest is for tests.</summary>
public sealed record PushWays
{
    public PushAllowed Allowed { get; init; } = PushAllowed.None;

    /// <summary>Name resolution; by default the system's.</summary>
    public Func<string, CancellationToken, ValueTask<IReadOnlyList<IPAddress>>> Resolve { get; init; }
        = static async (host, ct) => await Dns.GetHostAddressesAsync(host, ct);

    /// <summary>For tests: takes a certificate that the system would not.</summary>
    public RemoteCertificateValidationCallback? Certificate { get; init; }

    /// <summary>For a whole request.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// Gives messages to push services (RFC 8030). It reaches public addresses only, and those that it checked: the name is resolved once for
/// each connection, every address of it must be public, and it connects to one of these. No redirect is followed, no proxy used, no body
/// read. Thread-safe.
/// </summary>
public sealed class PushSender : IDisposable
{
    private readonly PushKey _key;
    private readonly string _contact;
    private readonly PushWays _ways;
    private readonly TimeProvider _time;
    private readonly PushHttp _http;

    /// <param name="contact">Whom a push service writes to when something is wrong: a <c>mailto:</c> or <c>https:</c> address.</param>
    public PushSender(PushKey key, string contact, PushWays ways, TimeProvider time)
    {
        (_key, _contact, _ways, _time) = (key, contact, ways, time);
        _http = new PushHttp(ways.Limit, ways.Certificate, ConnectAsync, time);
    }

    /// <summary>Seals a message and gives it to the device's push service. Failures are outcomes.</summary>
    /// <exception cref="OperationCanceledException"></exception>
    public async Task<PushOutcome> SendAsync(PushSubscription to, PushMessage message, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, to.Endpoint);
        request.Headers.TryAddWithoutValidation("Authorization", _key.Authorization(to.Endpoint, _time.GetUtcNow(), _contact));
        request.Headers.TryAddWithoutValidation("TTL", FormattableString.Invariant($"{(long)Math.Max(0, message.Ttl.TotalSeconds)}"));
        request.Headers.TryAddWithoutValidation("Urgency", Word(message.Urgency));
        request.Headers.TryAddWithoutValidation("Topic", message.Topic);
        request.Content = new ByteArrayContent(PushSealing.Seal(to, message.Payload.Span));
        request.Content.Headers.ContentEncoding.Add("aes128gcm");
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return await _http.SendAsync(request, to.Origin, Told, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private PushOutcome Told(int status, TimeSpan? pause, string origin) => status switch
    {
        >= 200 and < 300 => new PushOutcome(PushResult.Accepted, status, null, "The push service took it."),
        404 or 410 => new PushOutcome(PushResult.Gone, status, null, "The push service knows this device no more: turn notifications on again."),
        413 => new PushOutcome(PushResult.Refused, status, null, $"{origin} found the message too large."),
        429 or >= 500 => new PushOutcome(PushResult.TryLater, status, pause, $"{origin} is busy (status {status})."),
        >= 300 and < 400 => new PushOutcome(PushResult.Refused, status, null, $"{origin} wanted to redirect; that is never followed."),
        401 or 403 => new PushOutcome(PushResult.Refused, status, null,
            $"{origin} refused this machine's key (status {status}): turn notifications off and on again."),
        _ => new PushOutcome(PushResult.Refused, status, null, $"{origin} refused the message (status {status})."),
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        Socket? socket;
        if (_ways.Allowed.Contains(context.InitialRequestMessage.RequestUri!))
        {
            socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync([.. await _ways.Resolve(host, cancellationToken)], port, cancellationToken);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
        else
        {
            (socket, var address) = await PublicConnection.OpenAsync(host, port, _ways.Resolve, [], cancellationToken);
            if (socket is null)
            {
                throw new PushException(
                    $"{host} leads to {address}, which is not on the public internet. The owner of the machine can allow a push service of their own: a line https://HOST in the file push-services of its home, and a restart.");
            }
        }

        return new NetworkStream(socket, ownsSocket: true);
    }

    private static string Word(PushUrgency urgency) => urgency switch
    {
        PushUrgency.Low => "low",
        PushUrgency.High => "high",
        _ => "normal",
    };
}
