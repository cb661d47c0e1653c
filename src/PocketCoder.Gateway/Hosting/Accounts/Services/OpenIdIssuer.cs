using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using PocketCoder.Accounts;
using PocketCoder.Protocol;

namespace PocketCoder.Gateway.Hosting.Accounts.Services;

/// <summary>
/// What an issuer says about itself, and its keys: each fetched once for all who wait, kept for an hour; what failed is kept for 5 s, and
/// keys are fetched anew for one that is unknown at most once a minute, so that no stranger has the gateway ask more often. Thread-safe.
/// </summary>
internal sealed class OpenIdIssuer(string issuer, ServiceHttp http, TimeProvider time)
{
    private const int MostKeys = 64;
    private static readonly TimeSpan s_life = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_failureLife = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_keysAtMost = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new(); // guards the two
    private Fetched<Discovery>? _discovery;
    private Fetched<IReadOnlyList<JsonWebKey>>? _keys;

    /// <exception cref="ServiceFailure">The issuer does not say it, or says that it is another one.</exception>
    public Task<Discovery> DiscoverAsync(CancellationToken ct)
    {
        lock (_gate)
        {
            return (_discovery = Renewed(_discovery, s_life, FetchDiscoveryAsync)).Work.WaitAsync(ct);
        }
    }

    /// <summary>The issuer's keys.</summary>
    /// <param name="again">One that was looked for is not among those that are known.</param>
    /// <exception cref="ServiceFailure">They can't be had.</exception>
    public async Task<IReadOnlyList<JsonWebKey>> KeysAsync(bool again, CancellationToken ct)
    {
        var known = await DiscoverAsync(ct);
        Task<IReadOnlyList<JsonWebKey>> work;
        lock (_gate)
        {
            _keys = Renewed(_keys, again ? s_keysAtMost : s_life, () => FetchKeysAsync(known.JwksUri));
            work = _keys.Work;
        }

        return await work.WaitAsync(ct);
    }

    private Fetched<T> Renewed<T>(Fetched<T>? last, TimeSpan life, Func<Task<T>> fetch)
    {
        if (last is not null)
        {
            var age = time.GetElapsedTime(last.At);
            if (!last.Work.IsCompleted || age < (last.Work.IsCompletedSuccessfully ? life : s_failureLife))
            {
                return last;
            }
        }

        return new Fetched<T>(fetch(), time.GetTimestamp());
    }

    /// <summary>Not for one request alone, so no request's end ends it; the limit of the client does.</summary>
    private async Task<Discovery> FetchDiscoveryAsync()
    {
        var told = await http.GetAsync(
            issuer.TrimEnd('/') + "/.well-known/openid-configuration", ServiceAnswerJson.Default.Discovery, null, CancellationToken.None);
        if (told.Issuer != issuer)
        {
            throw new ServiceFailure(ServiceFault.Unreachable, $"{issuer} says that it is another issuer; set the one that it says");
        }

        // Plain http is for a service beside the gateway: one elsewhere must not lead the gateway or browsers there.
        var plain = issuer.StartsWith("http://", StringComparison.Ordinal);
        string[] named = [told.AuthorizationEndpoint, told.TokenEndpoint, told.JwksUri];
        return named.All(a => SignInService.IsAllowed(a) && (plain || a.StartsWith("https://", StringComparison.OrdinalIgnoreCase))) ? told
            : throw new ServiceFailure(ServiceFault.Unreachable, $"{issuer} names an address that is not https");
    }

    private async Task<IReadOnlyList<JsonWebKey>> FetchKeysAsync(string address)
    {
        var told = await http.GetAsync(address, ServiceAnswerJson.Default.KeySet, null, CancellationToken.None);
        return [.. told.Keys.Take(MostKeys).Select(ReadKey).OfType<JsonWebKey>()];
    }

    /// <summary>A public key that can sign id tokens; null: it is of another kind, or none.</summary>
    private static JsonWebKey? ReadKey(JsonElement told)
    {
        try
        {
            var key = new JsonWebKey(told.GetRawText());
            return (key.Use is null or "sig") && IdTokens.IsUsable(key) ? key : null;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidOperationException)
        {
            return null; // others may be good
        }
    }

    private sealed record Fetched<T>(Task<T> Work, long At);
}
