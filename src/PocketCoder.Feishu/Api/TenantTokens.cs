using System.Text.Json;

namespace PocketCoder.Feishu.Api;

/// <summary>
/// The token that requests carry: asked for once however many need it, again some minutes before it ends, and dropped when the platform no
/// longer accepts it. While the old one is good, a failure to get the next is nobody's. Thread-safe.
/// </summary>
internal sealed class TenantTokens(FeishuApp app, FeishuHttp http, TimeProvider time)
{
    private const int LongestToken = 1024;

    private static readonly TimeSpan s_longest = TimeSpan.FromHours(24);
    private static readonly TimeSpan s_early = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_reserve = TimeSpan.FromSeconds(30);
    private readonly Lock _gate = new(); // guards both
    private Token? _token;
    private Task<Token>? _asking;

    /// <exception cref="FeishuException">The platform does not give one.</exception>
    public async Task<string> GetAsync(CancellationToken cancellationToken)
    {
        Token? old;
        Task<Token> asking;
        lock (_gate)
        {
            old = _token;
            if (old is not null && time.GetElapsedTime(old.Since) < old.Fresh)
            {
                return old.Text;
            }

            // Not with the caller's cancellation: others wait for the same one. The request has its own limit.
            asking = _asking ??= Task.Run(AskAsync, CancellationToken.None);
        }

        try
        {
            return (await asking.WaitAsync(cancellationToken)).Text;
        }
        catch (FeishuException) when (old is not null && time.GetElapsedTime(old.Since) < old.Good)
        {
            return old.Text;
        }
    }

    /// <summary>The platform refused this token. One that came since then stays.</summary>
    public void Drop(string token)
    {
        lock (_gate)
        {
            _token = _token?.Text == token ? null : _token;
        }
    }

    private async Task<Token> AskAsync()
    {
        try
        {
            var began = time.GetTimestamp();
            var body = JsonSerializer.SerializeToUtf8Bytes(new TokenRequest(app.Id, app.Secret), FeishuJson.Default.TokenRequest);
            var answer = await http.SendAsync(HttpMethod.Post, "/open-apis/auth/v3/tenant_access_token/internal", body, null, CancellationToken.None);
            var life = TimeSpan.FromSeconds(
                Math.Clamp(WireJson.NumberOrNull(answer, "expire") ?? throw WireJson.Wrong("the token has no end"), 0, s_longest.TotalSeconds));
            var text = WireJson.Text(answer, "tenant_access_token", LongestToken);
            if (text.Length == 0 || text.Any(c => c is <= ' ' or > '~'))
            {
                throw WireJson.Wrong("the token can't be sent");
            }

            var token = new Token(
                text, began, life > s_early * 2 ? life - s_early : life / 2, life > s_reserve ? life - s_reserve : TimeSpan.Zero);
            lock (_gate)
            {
                (_token, _asking) = (token, null);
            }

            return token;
        }
        catch (FeishuException e)
        {
            lock (_gate)
            {
                _asking = null;
            }

            throw e.Error == FeishuError.Refused
                ? new FeishuException(FeishuError.Unauthorised, $"The platform does not accept the app's id and secret (code {e.Code}).")
                {
                    Code = e.Code,
                    LogId = e.LogId,
                    HttpStatus = e.HttpStatus,
                }
                : e;
        }
    }

    private sealed record Token(string Text, long Since, TimeSpan Fresh, TimeSpan Good);
}
