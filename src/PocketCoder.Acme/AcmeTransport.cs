using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace PocketCoder.Acme;

/// <summary>
/// Signed requests to one authority: nonces, one try again after each <c>badNonce</c>, problems as <see cref="AcmeException"/>, no
/// redirects, bounded answers. One request at a time.
/// </summary>
internal sealed class AcmeTransport : IDisposable
{
    /// <summary>Of one answer.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>How often a request is repeated with a new nonce.</summary>
    private const int Nonces = 5;

    private const int ShownDetail = 500;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private string? _nonce;

    public AcmeTransport(AcmeOptions options, TimeProvider time)
    {
        _time = time;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = s_limit,
            MaxResponseHeadersLength = 64,
        };
        if (options.RootsFile is { } file)
        {
            handler.SslOptions = Trusting(file);
        }

        _http = new HttpClient(handler) { Timeout = s_limit, MaxResponseContentBufferSize = MaxBytes };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("pocketcoder (ACME client)"); // RFC 8555 §6.1 asks for one
    }

    public Task<AcmeAnswer> GetAsync(Uri url, CancellationToken ct)
        => SendAsync(() => new HttpRequestMessage(HttpMethod.Get, url), ct);

    /// <exception cref="AcmeException">Any of its reasons but those of certificates and files.</exception>
    public async Task<AcmeAnswer> PostAsync(
        Uri newNonce, Uri url, AccountKey key, Uri? account, string payload, CancellationToken ct)
    {
        for (var left = Nonces; ; left--)
        {
            var nonce = _nonce ?? await NewNonceAsync(newNonce, ct);
            _nonce = null;
            try
            {
                return await SendAsync(() => Signed(url, key.Sign(url, nonce, account, payload)), ct);
            }
            catch (AcmeException e) when (e.Problem == "badNonce" && left > 1)
            {
                // The answer brought a fresh one, if the authority follows §6.5; otherwise another one is asked for.
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private static HttpRequestMessage Signed(Uri url, string jws)
    {
        var content = new ByteArrayContent(Encoding.ASCII.GetBytes(jws));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/jose+json");
        return new HttpRequestMessage(HttpMethod.Post, url) { Content = content };
    }

    private async Task<string> NewNonceAsync(Uri url, CancellationToken ct)
    {
        _nonce = null;
        await SendAsync(() => new HttpRequestMessage(HttpMethod.Head, url), ct);
        return _nonce ?? throw new AcmeException(AcmeError.Malformed, "The certificate authority gave no nonce.");
    }

    private async Task<AcmeAnswer> SendAsync(Func<HttpRequestMessage> make, CancellationToken ct)
    {
        using var request = make();
        if (!AcmeOptions.IsAllowed(request.RequestUri!))
        {
            throw new AcmeException(
                AcmeError.Malformed, $"The certificate authority named {request.RequestUri}, which is no https address.");
        }

        try
        {
            using var response = await _http.SendAsync(request, ct);
            if (response.Headers.TryGetValues("Replay-Nonce", out var nonces) && nonces.First() is { Length: > 0 and <= 1024 } fresh)
            {
                _nonce = fresh;
            }

            var answer = new AcmeAnswer(
                (int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(ct),
                Absolute(request.RequestUri!, response.Headers.Location), Wait(response.Headers.RetryAfter));
            return answer.Status is >= 200 and < 300 ? answer : throw Problem(answer);
        }
        catch (HttpRequestException e)
        {
            throw new AcmeException(
                AcmeError.Unreachable, $"The certificate authority {request.RequestUri!.Host} can't be reached: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            var message = $"The certificate authority {request.RequestUri!.Host} did not answer within {s_limit.TotalSeconds} s.";
            throw new AcmeException(AcmeError.Unreachable, message, e);
        }
    }

    private static Uri? Absolute(Uri asked, Uri? location)
        => location is null ? null : Uri.TryCreate(asked, location, out var absolute) ? absolute : null;

    private TimeSpan? Wait(RetryConditionHeaderValue? after)
        => after?.Delta ?? (after?.Date is { } date ? date - _time.GetUtcNow() : null);

    private static AcmeException Problem(AcmeAnswer answer)
    {
        ProblemResource? problem = null;
        try
        {
            problem = JsonSerializer.Deserialize(answer.Body, AcmeJson.Default.ProblemResource);
        }
        catch (JsonException)
        {
            // No problem document: the status alone is told.
        }

        return Problem(problem, answer.RetryAfter, answer.Status.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>What the authority said, as one line of printable text.</summary>
    public static AcmeException Problem(
        ProblemResource? problem, TimeSpan? retryAfter, string otherwise, AcmeError error = AcmeError.Refused)
    {
        var details = new[] { problem?.Detail }.Concat(problem?.Subproblems?.Select(s => s.Detail) ?? []).OfType<string>();
        var text = new string([.. string.Join(" ", details).Select(c => char.IsControl(c) ? ' ' : c).Take(ShownDetail)]);
        return new AcmeException(
            problem?.Name == "rateLimited" || retryAfter is not null ? AcmeError.RateLimited : error,
            $"The certificate authority refused ({problem?.Name ?? otherwise}){(text.Length > 0 ? $": {text}" : ".")}")
        { Problem = problem?.Name, RetryAfter = retryAfter };
    }

    private static SslClientAuthenticationOptions Trusting(string file)
    {
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new AcmeException(AcmeError.Files, $"The file of trusted roots {file} can't be read: {e.Message}", e);
        }

        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.AddRange(roots);
        return new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
    }
}
