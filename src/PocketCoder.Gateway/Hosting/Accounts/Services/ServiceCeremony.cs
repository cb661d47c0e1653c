using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using PocketCoder.Accounts;

namespace PocketCoder.Gateway.Hosting.Accounts.Services;

/// <summary>
/// Asks the services that who runs the gateway set: by the authorization code with PKCE (S256). Codes and tokens stay here, are used once
/// and forgotten. Whatever a service says is untrusted until it is checked; what is wrong is in the log, without a code, a token or a
/// secret. Thread-safe.
/// </summary>
internal sealed partial class ServiceCeremony(SignInServiceFile file, ServiceHttp http, TimeProvider time, ILogger<ServiceCeremony> log)
    : IServiceCeremony
{
    /// <summary>Of one question, over all requests that it needs.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);

    private const int MostCharactersOfCode = 4096;

    private readonly IdTokens _tokens = new(time);
    private readonly Lock _gate = new(); // guards the two
    private IReadOnlyList<SignInService> _read = [];
    private Dictionary<string, OpenIdIssuer> _issuers = new(StringComparer.Ordinal);

    public IReadOnlyList<ServiceOffer> Offered => [.. file.Services.Select(s => new ServiceOffer(s.Name, s.Label))];

    public async Task<ServiceAsked> BeginAsync(string service, string origin, CancellationToken ct)
    {
        var set = Find(service) ?? throw new AccountRefusal(AccountError.NotFound, "This gateway has no such service.");
        var (verifier, nonce) = (NewSecret(), NewSecret());
        var returnTo = SignInService.ReturnAddress(origin, set.Name);
        var query = new List<(string Name, string Value)>
        {
            ("response_type", "code"), ("client_id", set.ClientId), ("redirect_uri", returnTo),
            ("code_challenge", Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)))),
            ("code_challenge_method", "S256"),
        };
        if (set.Scopes.Count > 0)
        {
            query.Add(("scope", string.Join(' ', set.Scopes)));
        }

        var address = $"{set.Issuer.TrimEnd('/')}/login/oauth/authorize";
        if (set.Kind == ServiceKind.OpenId)
        {
            query.Add(("nonce", nonce));
            address = await AskAsync(set, async ends => (await IssuerOf(set).DiscoverAsync(ends)).AuthorizationEndpoint, ct)
                ?? throw Unreachable(set, null);
        }

        var rest = string.Join('&', query.Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value)}"));
        return new ServiceAsked(
            set.Name, IdentityIssuer(set), returnTo, $"{address}{(address.Contains('?') ? '&' : '?')}{rest}", verifier, nonce);
    }

    public async Task<ServiceIdentity?> FinishAsync(ServiceAsked asked, ServiceAnswer answer, CancellationToken ct)
    {
        // One with this name that was set anew meanwhile is another one: it did not ask.
        if (Find(asked.Service) is not { } set || IdentityIssuer(set) != asked.Issuer
            || answer.Code is not { Length: > 0 and <= MostCharactersOfCode })
        {
            return null;
        }

        return await AskAsync(set, ends => set.Kind == ServiceKind.GitHub
            ? GitHubAsync(set, asked, answer, ends) : OpenIdAsync(set, asked, answer, ends), ct);
    }

    /// <summary>
    /// What tells the accounts of this service from all others. GitHub has no issuer of its own, so its address gets a word that none can
    /// begin with.
    /// </summary>
    private static string IdentityIssuer(SignInService set)
        => set.Kind == ServiceKind.GitHub ? $"github {set.Issuer.TrimEnd('/')}" : set.Issuer;

    private static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    private SignInService? Find(string name)
    {
        var services = file.Services;
        lock (_gate)
        {
            if (!ReferenceEquals(services, _read))
            {
                (_read, _issuers) = (services, new Dictionary<string, OpenIdIssuer>(StringComparer.Ordinal)); // ask anew what was set anew
            }
        }

        return services.FirstOrDefault(s => s.Name == name);
    }

    private OpenIdIssuer IssuerOf(SignInService set)
    {
        lock (_gate)
        {
            return _issuers.TryGetValue(set.Issuer, out var known) ? known
                : _issuers[set.Issuer] = new OpenIdIssuer(set.Issuer, http, time);
        }
    }

    /// <summary>Null: the service refused.</summary>
    /// <exception cref="AccountRefusal"><see cref="AccountError.ServiceUnreachable"/>.</exception>
    private async Task<T?> AskAsync<T>(SignInService set, Func<CancellationToken, Task<T>> work, CancellationToken ct)
        where T : class
    {
        using var limit = new CancellationTokenSource(s_limit, time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            return await work(ends.Token);
        }
        catch (ServiceFailure e) when (e.Fault == ServiceFault.Refused)
        {
            LogRefused(log, set.Name, e.Message);
            return null;
        }
        catch (ServiceFailure e)
        {
            LogUnreachable(log, set.Name, e.Message);
            throw Unreachable(set, e);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested)
        {
            LogUnreachable(log, set.Name, $"no answer within {s_limit.TotalSeconds} s");
            throw Unreachable(set, e);
        }
    }

    private static AccountRefusal Unreachable(SignInService set, Exception? inner)
        => new(AccountError.ServiceUnreachable, $"The gateway can't use {set.Label} now; its log says why.", inner: inner);

    private async Task<ServiceIdentity> OpenIdAsync(SignInService set, ServiceAsked asked, ServiceAnswer answer, CancellationToken ct)
    {
        var issuer = IssuerOf(set);
        var known = await issuer.DiscoverAsync(ct);
        if (answer.Issuer is { } says ? says != set.Issuer : known.AuthorizationResponseIss)
        {
            throw Refused("the answer is of another issuer");
        }

        var told = await http.PostAsync(
            known.TokenEndpoint, FormOf(set, asked, answer, known, out var basic), basic, ServiceAnswerJson.Default.TokenAnswer, ct);
        var token = _tokens.Read(told.IdToken) ?? throw Refused("there is no id token that is signed with RS256 or ES256");
        var signers = IdTokens.SignersOf(token, await issuer.KeysAsync(again: false, ct));
        if (signers.Count == 0)
        {
            signers = IdTokens.SignersOf(token, await issuer.KeysAsync(again: true, ct));
        }

        if (signers.Count == 0)
        {
            throw Refused("the issuer has no such key");
        }

        if (await _tokens.ProblemAsync(token, signers, set.Issuer, set.ClientId, asked.Nonce) is { } problem)
        {
            throw Refused($"the id token was not accepted: {problem}");
        }

        var account = token.TryGetPayloadValue<string>("preferred_username", out var name) ? name
            : token.TryGetPayloadValue<string>("email", out var mail) ? mail : null;
        return new ServiceIdentity(asked.Issuer, token.Subject ?? "", set.Label, account);
    }

    private static Dictionary<string, string> FormOf(
        SignInService set, ServiceAsked asked, ServiceAnswer answer, Discovery known, out string? basic)
    {
        basic = null;
        var form = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["grant_type"] = "authorization_code",
            ["code"] = answer.Code,
            ["redirect_uri"] = asked.ReturnTo,
            ["code_verifier"] = asked.Verifier,
        };
        if (set.ClientSecret is not { } secret)
        {
            form["client_id"] = set.ClientId;
        }
        else if (known.TokenEndpointAuthMethods is { } methods && !methods.Contains("client_secret_basic", StringComparer.Ordinal))
        {
            (form["client_id"], form["client_secret"]) = (set.ClientId, secret);
        }
        else
        {
            // Both encoded as in a form first (RFC 6749, section 2.3.1).
            basic = Convert.ToBase64String(Encoding.ASCII.GetBytes(
                $"{Uri.EscapeDataString(set.ClientId)}:{Uri.EscapeDataString(secret)}"));
        }

        return form;
    }

    private async Task<ServiceIdentity> GitHubAsync(SignInService set, ServiceAsked asked, ServiceAnswer answer, CancellationToken ct)
    {
        var form = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["client_id"] = set.ClientId,
            ["code"] = answer.Code,
            ["redirect_uri"] = asked.ReturnTo,
            ["code_verifier"] = asked.Verifier,
        };
        if (set.ClientSecret is { } secret)
        {
            form["client_secret"] = secret;
        }

        var told = await http.PostAsync(
            $"{set.Issuer.TrimEnd('/')}/login/oauth/access_token", form, null, ServiceAnswerJson.Default.TokenAnswer, ct);
        if (told.Error is not null || told.AccessToken is not { Length: > 0 } token || !token.All(c => c is > ' ' and <= '~'))
        {
            throw Refused("there is no token");
        }

        var user = await http.GetAsync($"{set.Api!.TrimEnd('/')}/user", ServiceAnswerJson.Default.GitHubUser, token, ct);
        return user.Id > 0 ? new ServiceIdentity(asked.Issuer, $"{user.Id}", set.Label, user.Login) : throw Refused("there is no user");
    }

    private static ServiceFailure Refused(string why) => new(ServiceFault.Refused, why);

    [LoggerMessage(EventId = 2067, Level = LogLevel.Warning, Message = "The service {Service} signed nobody in: {Why}")]
    private static partial void LogRefused(ILogger log, string service, string why);

    [LoggerMessage(EventId = 2068, Level = LogLevel.Warning, Message = "The service {Service} could not be asked: {Why}")]
    private static partial void LogUnreachable(ILogger log, string service, string why);
}
