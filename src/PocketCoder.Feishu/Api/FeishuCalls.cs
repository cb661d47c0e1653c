using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PocketCoder.Feishu.Api;

/// <summary>What a request does to the limits, and when it may be sent again.</summary>
/// <param name="Thing">The message or card that it changes, or null.</param>
/// <param name="PerSecond">How many changes of it are allowed in a second.</param>
/// <param name="Again">Whether sending it twice does no more than sending it once.</param>
internal sealed record CallKind(string? Thing = null, int PerSecond = RateLimits.PerMessage, bool Again = true);

/// <summary>An operation that the platform was asked for. Its text holds no message, secret or token.</summary>
/// <param name="Path">Without its query; may have ids of chats, messages and cards.</param>
/// <param name="Error">Null: it was done.</param>
public sealed record FeishuAttempt(string Method, string Path, FeishuError? Error);

/// <summary>
/// A request with everything around it: our limits, the token (dropped and asked for again once when it is refused), another try where that
/// does no harm. Thread-safe.
/// </summary>
internal sealed class FeishuCalls : IDisposable
{
    /// <summary>How often a request is sent at most.</summary>
    public const int MostTries = 4;

    /// <summary>The longest body that is sent, in bytes: a text may have 150 KB, and JSON escapes it twice.</summary>
    public const int LongestBody = 512 * 1024;

    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(30);

    private readonly FeishuHttp _http;
    private readonly TenantTokens _tokens;
    private readonly RateLimits _limits;
    private readonly TimeProvider _time;
    private readonly Action<FeishuAttempt>? _tried;

    public FeishuCalls(FeishuApp app, TimeProvider time, Action<FeishuAttempt>? tried = null)
    {
        _http = new FeishuHttp(app, time);
        _tokens = new TenantTokens(app, _http, time);
        (_limits, _time, _tried) = (new RateLimits(time), time, tried);
    }

    /// <summary>The answer's <c>data</c>; an empty object when it has none.</summary>
    /// <exception cref="FeishuException"></exception>
    public async Task<JsonElement> CallAsync(
        HttpMethod method, string path, ReadOnlyMemory<byte>? body, CallKind kind, CancellationToken cancellationToken)
    {
        if (body?.Length > LongestBody)
        {
            throw new FeishuException(FeishuError.TooLarge, $"A request of {body.Value.Length} bytes is more than {LongestBody}.");
        }

        var answer = await ToldAsync(
            method, path, () => TryAsync(kind, (token, ct) => _http.SendAsync(method, path, body, token, ct), cancellationToken));
        return WireJson.ObjectOrNull(answer, "data") ?? WireJson.Object("{}"u8.ToArray(), "the answer");
    }

    /// <summary>The whole answer, for old operations that have no <c>data</c>.</summary>
    /// <exception cref="FeishuException"></exception>
    public Task<JsonElement> RootAsync(HttpMethod method, string path, CancellationToken cancellationToken)
        => TryAsync(new CallKind(), (token, ct) => _http.SendAsync(method, path, null, token, ct), cancellationToken);

    public Task<JsonElement> CallAsync<T>(
        HttpMethod method, string path, T body, JsonTypeInfo<T> type, CallKind kind, CancellationToken cancellationToken)
        => CallAsync(method, path, JsonSerializer.SerializeToUtf8Bytes(body, type), kind, cancellationToken);

    /// <inheritdoc cref="FeishuHttp.DownloadAsync"/>
    public Task<long> DownloadAsync(string path, Stream to, long most, CancellationToken cancellationToken)
        => TryAsync(
            new CallKind(),
            (token, ct) =>
            {
                to.SetLength(0); // an earlier try may have left something
                return _http.DownloadAsync(path, token, to, most, ct);
            },
            cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> ToldAsync(HttpMethod method, string path, Func<Task<JsonElement>> work)
    {
        FeishuError? error = null;
        try
        {
            return await work();
        }
        catch (FeishuException e)
        {
            error = e.Error;
            throw;
        }
        finally
        {
            _tried?.Invoke(new FeishuAttempt(method.Method, path.Split('?', 2)[0], error));
        }
    }

    private async Task<T> TryAsync<T>(CallKind kind, Func<string, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        var renewed = false;
        for (var tries = 1; ; tries++)
        {
            await _limits.WaitAsync(kind.Thing, kind.PerSecond, cancellationToken);
            string? token = null;
            TimeSpan pause;
            try
            {
                token = await _tokens.GetAsync(cancellationToken);
                return await work(token, cancellationToken);
            }
            catch (FeishuException e) when (e.Error == FeishuError.Unauthorised && token is not null && !renewed)
            {
                _tokens.Drop(token);
                (renewed, pause) = (true, TimeSpan.Zero);
                tries--;
            }
            catch (FeishuException e) when (e.Retryable && tries < MostTries
                && (kind.Again || token is null || e.Error == FeishuError.RateLimited))
            {
                pause = e.RetryAfter ?? s_firstPause * Math.Pow(2, tries - 1);
                if (pause > s_longestPause)
                {
                    _limits.Pause(kind.Thing, kind.PerSecond, pause);
                    throw;
                }

                if (e.Error == FeishuError.RateLimited)
                {
                    _limits.Pause(kind.Thing, kind.PerSecond, pause);
                    pause = TimeSpan.Zero; // the wait for the limits is that pause
                }
                else
                {
                    pause *= 0.75 + Random.Shared.NextDouble() / 2;
                }
            }

            if (pause > TimeSpan.Zero)
            {
                await Task.Delay(pause, _time, cancellationToken);
            }
        }
    }
}
