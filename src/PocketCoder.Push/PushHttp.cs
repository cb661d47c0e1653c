using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;

namespace PocketCoder.Push;

/// <summary>
/// Sends one request and says what became of it: no redirect is followed, no proxy used, no cookie kept, no body read. Failures are
/// outcomes. Thread-safe.
/// </summary>
internal sealed class PushHttp : IDisposable
{
    /// <summary>Longest pause that a receiver can ask for.</summary>
    internal static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _http;

    /// <param name="limit">For a whole request.</param>
    /// <param name="connect">Null: to whatever the name resolves to.</param>
    public PushHttp(
        TimeSpan limit, RemoteCertificateValidationCallback? certificate,
        Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>>? connect, TimeProvider time)
    {
        (_limit, _time) = (limit, time);
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 16, // KiB
            MaxConnectionsPerServer = 4,
            MaxResponseDrainSize = 0,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2), // then its name is resolved and checked again
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            ConnectTimeout = limit,
            ConnectCallback = connect,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = certificate },
        });
    }

    /// <param name="told">What an answer means: its status, the pause that it asks for, the origin.</param>
    /// <exception cref="OperationCanceledException"></exception>
    public async Task<PushOutcome> SendAsync(
        HttpRequestMessage request, string origin, Func<int, TimeSpan?, string, PushOutcome> told, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_limit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            using var response = await _http.SendAsync(request, either.Token);
            return told((int)response.StatusCode, Pause(response.Headers.RetryAfter), origin);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new PushOutcome(PushResult.TryLater, null, null,
                FormattableString.Invariant($"{origin} did not answer within {_limit.TotalSeconds:0} s."));
        }
        catch (HttpRequestException e) when (e.InnerException is PushException refused)
        {
            return new PushOutcome(PushResult.Refused, null, null, refused.Message);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            return new PushOutcome(PushResult.TryLater, null, null, $"{origin} can't be reached ({Why(e)}).");
        }
    }

    public void Dispose() => _http.Dispose();

    private TimeSpan? Pause(RetryConditionHeaderValue? later)
    {
        var pause = later?.Delta ?? (later?.Date is { } date ? date - _time.GetUtcNow() : null);
        return pause is not { } asked ? null
            : asked < TimeSpan.Zero ? TimeSpan.Zero
            : asked > LongestPause ? LongestPause : asked;
    }

    private static string Why(Exception e) => e switch
    {
        HttpRequestException { HttpRequestError: not HttpRequestError.Unknown } http => http.HttpRequestError.ToString(),
        SocketException socket => socket.SocketErrorCode.ToString(),
        { InnerException: { } inner } => Why(inner),
        _ => e.GetType().Name,
    };
}
