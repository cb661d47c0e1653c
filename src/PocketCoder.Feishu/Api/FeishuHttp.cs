using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;

namespace PocketCoder.Feishu.Api;

/// <summary>
/// One request to the platform and its answer, or a typed error: follows no redirect, keeps no cookie, uses no proxy, reads no more than it
/// may. Thread-safe.
/// </summary>
internal sealed class FeishuHttp : IDisposable
{
    /// <summary>The longest answer, in bytes.</summary>
    public const int LongestAnswer = 1024 * 1024;

    /// <summary>For a whole request.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>The longest pause that the platform can ask for.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private const long RateLimitCode = 99991400;
    private const long BotFlowCode = 11232;
    private const long FrequencyCode = 230020;
    private const int LongestSaying = 300;

    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_downloadLimit = TimeSpan.FromMinutes(5);

    private readonly FeishuApp _app;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        UseCookies = false,
        UseProxy = false,
        AllowAutoRedirect = false,
        ConnectTimeout = Limit,
        AutomaticDecompression = DecompressionMethods.None,
        MaxConnectionsPerServer = 8,
        MaxResponseHeadersLength = 32, // KiB
        PooledConnectionLifetime = TimeSpan.FromMinutes(5), // then its name is resolved again
    });

    public FeishuHttp(FeishuApp app, TimeProvider time) => (_app, _time) = (app, time);

    /// <summary>The whole answer of a request that succeeded.</summary>
    /// <param name="path">With its query, beginning with '/'.</param>
    /// <param name="token">Null: without.</param>
    /// <exception cref="FeishuException"></exception>
    public Task<JsonElement> SendAsync(
        HttpMethod method, string path, ReadOnlyMemory<byte>? body, string? token, CancellationToken cancellationToken)
        => LimitedAsync(
            Limit,
            async limit =>
            {
                using var request = NewRequest(method, path, body, token);
                using var response = await _http.SendAsync(request, limit.Token);
                return Checked(response, await BytesAsync(response, limit.Token));
            },
            cancellationToken);

    /// <summary>Writes what the platform has at an address into <paramref name="to"/>.</summary>
    /// <returns>The number of bytes.</returns>
    /// <exception cref="FeishuException">It is not there, more than <paramref name="most"/> bytes, or takes too long; some may be written.</exception>
    public Task<long> DownloadAsync(string path, string token, Stream to, long most, CancellationToken cancellationToken)
        => LimitedAsync(
            s_downloadLimit,
            async limit =>
            {
                var began = _time.GetTimestamp();
                using var request = NewRequest(HttpMethod.Get, path, null, token);
                limit.CancelAfter(Limit);
                using var response = await _http.SendAsync(request, limit.Token);
                if (!response.IsSuccessStatusCode || response.Content.Headers.ContentType?.MediaType == "application/json")
                {
                    Checked(response, await BytesAsync(response, limit.Token));
                    throw Malformed(response, "an answer in the place of a file");
                }

                await using var from = await response.Content.ReadAsStreamAsync(limit.Token);
                var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
                try
                {
                    for (var total = 0L; ;)
                    {
                        // Each piece must come soon, and all of them in time.
                        var left = s_downloadLimit - _time.GetElapsedTime(began);
                        limit.CancelAfter(left < s_silence ? (left > TimeSpan.Zero ? left : TimeSpan.Zero) : s_silence);
                        var read = await from.ReadAsync(buffer, limit.Token);
                        if (read == 0)
                        {
                            return total;
                        }

                        total += read;
                        await to.WriteAsync(total <= most ? buffer.AsMemory(0, read) : throw TooLarge(most), limit.Token);
                    }
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            },
            cancellationToken);

    public void Dispose() => _http.Dispose();

    /// <summary>Turns every way to fail into a typed error; none of them quotes an address or what was sent.</summary>
    private async Task<T> LimitedAsync<T>(TimeSpan most, Func<CancellationTokenSource, Task<T>> work, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(most, _time);
        await using var end = cancellationToken.UnsafeRegister(static s => ((CancellationTokenSource)s!).Cancel(), limit);
        try
        {
            return await work(limit);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new FeishuException(FeishuError.TooSlow, $"{_app.Domain.Host} did not answer in time.") { Retryable = true };
        }
        catch (OperationCanceledException)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            var why = e is HttpRequestException { HttpRequestError: not HttpRequestError.Unknown } http
                ? http.HttpRequestError.ToString() : e.GetType().Name;
            throw new FeishuException(FeishuError.Unreachable, $"{_app.Domain.Host} can't be reached ({why}).") { Retryable = true };
        }
    }

    private HttpRequestMessage NewRequest(HttpMethod method, string path, ReadOnlyMemory<byte>? body, string? token)
    {
        var request = new HttpRequestMessage(method, new Uri(_app.Domain, path));
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("PocketCoder", "1"));
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (body is { } bytes)
        {
            request.Content = new ReadOnlyMemoryContent(bytes);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        }

        return request;
    }

    private static async Task<byte[]> BytesAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var from = await response.Content.ReadAsStreamAsync(cancellationToken);
        var bytes = new ArrayBufferWriter<byte>(4096);
        while (true)
        {
            var read = await from.ReadAsync(bytes.GetMemory(4096), cancellationToken);
            if (read == 0)
            {
                return bytes.WrittenSpan.ToArray();
            }

            bytes.Advance(read);
            if (bytes.WrittenCount > LongestAnswer)
            {
                throw TooLarge(LongestAnswer);
            }
        }
    }

    private JsonElement Checked(HttpResponseMessage response, byte[] bytes)
    {
        var status = (int)response.StatusCode;
        JsonElement answer;
        long code;
        string? said;
        try
        {
            answer = WireJson.Object(bytes, "the answer");
            code = WireJson.NumberOrNull(answer, "code") ?? throw WireJson.Wrong("it has no code");
            said = WireJson.TextOrNull(answer, "msg", LongestAnswer);
        }
        catch (FeishuException)
        {
            throw status switch
            {
                429 => RateLimited(response, null),
                >= 500 => Failure(response, FeishuError.Unreachable, null, $"{_app.Domain.Host} is in trouble (HTTP {status}).", true),
                _ => Malformed(response, "an answer without a code"),
            };
        }

        return code switch
        {
            0 when response.IsSuccessStatusCode => answer,
            RateLimitCode or BotFlowCode or FrequencyCode => throw RateLimited(response, code),
            _ when status == 429 => throw RateLimited(response, code),
            >= 99991660 and <= 99991669 => throw Failure(
                response, FeishuError.Unauthorised, code, $"The platform does not accept the token (code {code}).", false),
            _ when status >= 500 => throw Failure(
                response, FeishuError.Unreachable, code, $"{_app.Domain.Host} is in trouble (HTTP {status}, code {code}).", true),
            _ => throw Failure(response, FeishuError.Refused, code, $"The platform refused (code {code}): {Saying(said)}", false),
        };
    }

    private FeishuException RateLimited(HttpResponseMessage response, long? code)
        => new(FeishuError.RateLimited, "The platform's limit of requests is reached.")
        {
            Code = code,
            LogId = Header(response, "x-tt-logid"),
            HttpStatus = (int)response.StatusCode,
            Retryable = true,
            RetryAfter = Seconds(Header(response, "x-ogw-ratelimit-reset")) is { } seconds
                ? TimeSpan.FromSeconds(Math.Min(seconds, LongestPause.TotalSeconds))
                : response.Headers.RetryAfter?.Delta is { } delta ? (delta < LongestPause ? delta : LongestPause) : null,
        };

    /// <summary>Null as well for what is a number to the parser and none to a clock.</summary>
    private static double? Seconds(string? text)
        => double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && double.IsFinite(seconds)
            ? seconds : null;

    private static FeishuException Malformed(HttpResponseMessage response, string what)
        => Failure(response, FeishuError.Malformed, null, $"The platform sent {what} (HTTP {(int)response.StatusCode}).", false);

    private static FeishuException TooLarge(long most) => new(FeishuError.TooLarge, $"The platform sent more than {most} bytes.");

    private static FeishuException Failure(HttpResponseMessage response, FeishuError error, long? code, string text, bool retryable)
        => new(error, text)
        {
            Code = code,
            LogId = Header(response, "x-tt-logid"),
            HttpStatus = (int)response.StatusCode,
            Retryable = retryable,
        };

    private static string? Header(HttpResponseMessage response, string name)
        => response.Headers.TryGetValues(name, out var values)
            && values.FirstOrDefault() is { Length: > 0 and <= Ids.Longest } value ? value : null;

    /// <summary>The platform's own sentence: short, on one line, without the app's secret if it should quote it.</summary>
    private string Saying(string? said)
    {
        var line = string.Concat((said ?? "").Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c))
            .Replace(_app.Secret, "…", StringComparison.Ordinal);
        return line.Length <= LongestSaying ? line : line[..LongestSaying] + "…";
    }
}
