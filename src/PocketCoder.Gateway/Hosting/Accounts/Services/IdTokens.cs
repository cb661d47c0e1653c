using System.Buffers.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace PocketCoder.Gateway.Hosting.Accounts.Services;

/// <summary>
/// Whether an id token is one of this issuer, for this client, to this question, now (OpenID Connect Core, section 3.1.3.7), signed with
/// RS256 or ES256. The signature and the claims are looked at by Microsoft.IdentityModel; what is allowed is said here. Thread-safe.
/// </summary>
internal sealed class IdTokens(TimeProvider time)
{
    private const int MostCharacters = 32 * 1024;
    private const int FewestBitsOfRsa = 2048;
    private const int MostBitsOfRsa = 8192;
    private static readonly TimeSpan s_skew = TimeSpan.FromMinutes(1);
    private static readonly string[] s_algorithms = [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.EcdsaSha256];

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, MaximumTokenSizeInBytes = MostCharacters };

    /// <summary>Whether a public key is of a kind that signs here.</summary>
    public static bool IsUsable(JsonWebKey key) => key switch
    {
        { Kty: "RSA" } => key.Alg is null or SecurityAlgorithms.RsaSha256 && key.KeySize is >= FewestBitsOfRsa and <= MostBitsOfRsa,
        { Kty: "EC", Crv: "P-256" } => key.Alg is null or SecurityAlgorithms.EcdsaSha256,
        _ => false,
    };

    /// <summary>The token's claims, not yet to be believed; null: it is no signed token with an allowed algorithm.</summary>
    public JsonWebToken? Read(string? text)
    {
        if (text is not { Length: > 0 and <= MostCharacters } || text.Split('.') is not [var head, var body, var signature]
            || !Base64Url.IsValid(head) || !Base64Url.IsValid(body) || !Base64Url.IsValid(signature))
        {
            return null;
        }

        try
        {
            var token = _handler.ReadJsonWebToken(text);
            return s_algorithms.Contains(token.Alg, StringComparer.Ordinal) ? token : null;
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException or FormatException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The keys of the issuer that may have signed it: by its key's name, or the only one of its kind if it names none.</summary>
    public static IReadOnlyList<JsonWebKey> SignersOf(JsonWebToken token, IReadOnlyList<JsonWebKey> keys)
    {
        var kind = token.Alg == SecurityAlgorithms.RsaSha256 ? "RSA" : "EC";
        IReadOnlyList<JsonWebKey> fitting =
            [.. keys.Where(k => k.Kty == kind && (string.IsNullOrEmpty(token.Kid) || k.Kid == token.Kid))];
        return fitting.Count == 1 ? fitting : [];
    }

    /// <summary>What is wrong with it, for the log; null: nothing.</summary>
    public async Task<string?> ProblemAsync(
        JsonWebToken token, IReadOnlyList<JsonWebKey> signers, string issuer, string client, string nonce)
    {
        var result = await _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = issuer,
            ValidateIssuer = true,
            ValidAudience = client,
            ValidateAudience = true,
            ValidAlgorithms = s_algorithms,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            RequireAudience = true,
            IssuerSigningKeys = signers,
            TryAllIssuerSigningKeys = true, // those that were chosen above
            LifetimeValidator = (from, until, _, _) => IsNow(from, until),
        });
        if (!result.IsValid)
        {
            return result.Exception?.GetType().Name ?? "it is not valid";
        }

        var other = token.TryGetPayloadValue<string>("azp", out var party) ? party != client : token.Audiences.Count() > 1;
        return other ? "it was made for another client"
            : !token.TryGetPayloadValue<string>("nonce", out var asked) || asked != nonce ? "it answers another question" : null;
    }

    private bool IsNow(DateTime? from, DateTime? until)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return until is { } last && last > now - s_skew && (from is not { } first || first < now + s_skew);
    }
}
