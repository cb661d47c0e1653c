using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Accounts;

namespace PocketCoder.Gateway.Hosting.Accounts.Services;

/// <summary>
/// Requests to the services by which people sign in: to allowed addresses only, no redirects, no cookies, 10 s and 256 KiB for an answer,
/// which has to be JSON. Thread-safe.
/// </summary>
internal sealed class ServiceHttp : IDisposable
{
    /// <summary>Of one answer.</summary>
    public const int MaxBytes = 256 * 1024;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;

    /// <param name="limit">Of a request with its answer; null: 10 s.</param>
    public ServiceHttp(TimeSpan? limit = null)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = limit ?? s_limit,
            MaxResponseHeadersLength = 64,
            MaxConnectionsPerServer = 16,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        };
        _http = new HttpClient(handler) { Timeout = limit ?? s_limit, MaxResponseContentBufferSize = MaxBytes };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("pocketcoder"); // GitHub refuses requests without one
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
    }

    /// <exception cref="ServiceFailure">There is no such answer.</exception>
    public Task<T> GetAsync<T>(string url, JsonTypeInfo<T> type, string? bearer, CancellationToken ct)
        where T : class
        => SendAsync(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Get, url);
            request.Headers.Authorization = bearer is null ? null : new AuthenticationHeaderValue("Bearer", bearer);
            return request;
        }, type, ct);

    /// <param name="basic">For HTTP's own authentication; null: none.</param>
    /// <exception cref="ServiceFailure">There is no such answer.</exception>
    public Task<T> PostAsync<T>(
        string url, IReadOnlyDictionary<string, string> form, string? basic, JsonTypeInfo<T> type, CancellationToken ct)
        where T : class
        => SendAsync(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new FormUrlEncodedContent(form) };
            request.Headers.Authorization = basic is null ? null : new AuthenticationHeaderValue("Basic", basic);
            return request;
        }, type, ct);

    public void Dispose() => _http.Dispose();

    private async Task<T> SendAsync<T>(Func<HttpRequestMessage> make, JsonTypeInfo<T> type, CancellationToken ct)
        where T : class
    {
        using var request = make();
        var where = $"{request.RequestUri!.Host}{request.RequestUri.AbsolutePath}";
        if (!SignInService.IsAllowed(request.RequestUri.AbsoluteUri))
        {
            throw new ServiceFailure(ServiceFault.Unreachable, $"{where} is no https address");
        }

        try
        {
            using var response = await _http.SendAsync(request, ct);
            var status = (int)response.StatusCode;
            if (status is not 200)
            {
                // What it says is the service's, and may repeat what it was sent: the status is enough.
                throw new ServiceFailure(
                    status is 400 or 401 or 403 ? ServiceFault.Refused : ServiceFault.Unreachable, $"{where} answered {status}");
            }

            return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(ct), type)
                ?? throw new ServiceFailure(ServiceFault.Unreachable, $"{where} answered nothing");
        }
        catch (JsonException e)
        {
            throw new ServiceFailure(ServiceFault.Unreachable, $"{where} did not answer with the JSON that belongs there", e);
        }
        catch (HttpRequestException e)
        {
            throw new ServiceFailure(ServiceFault.Unreachable, $"{where} can't be asked: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new ServiceFailure(ServiceFault.Unreachable, $"{where} did not answer within {_http.Timeout.TotalSeconds} s", e);
        }
    }
}

/// <summary>What went wrong with a service.</summary>
internal enum ServiceFault
{
    /// <summary>It said no to what it was sent, or what it said is not good.</summary>
    Refused,

    /// <summary>It gave no answer, or none that is one.</summary>
    Unreachable,
}

/// <summary>A service was of no use. The message is for the log: it holds no code, token or secret.</summary>
internal sealed class ServiceFailure(ServiceFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    public ServiceFault Fault { get; } = fault;
}
