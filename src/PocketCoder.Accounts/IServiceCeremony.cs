namespace PocketCoder.Accounts;

/// <summary>
/// Asking another service who somebody is (OAuth 2.0 with PKCE, RFC 6749 and 7636): where a browser has to go, and whom the code stands
/// for that it comes back with. It keeps nothing of a question: <see cref="SignInServices"/> does. Thread-safe.
/// </summary>
public interface IServiceCeremony
{
    /// <summary>The services that can be used.</summary>
    /// <exception cref="AccountRefusal"><see cref="AccountError.Unavailable"/>.</exception>
    IReadOnlyList<ServiceOffer> Offered { get; }

    /// <summary>A question to the service with this name.</summary>
    /// <param name="origin">That of the page that asks, and to which the browser comes back.</param>
    /// <exception cref="AccountRefusal">
    /// <see cref="AccountError.NotFound"/>, <see cref="AccountError.ServiceUnreachable"/>, <see cref="AccountError.Unavailable"/>.
    /// </exception>
    Task<ServiceAsked> BeginAsync(string service, string origin, CancellationToken ct);

    /// <summary>Whose account answered; null: what came back is no answer to what was asked.</summary>
    /// <exception cref="AccountRefusal"><see cref="AccountError.ServiceUnreachable"/>, <see cref="AccountError.Unavailable"/>.</exception>
    Task<ServiceIdentity?> FinishAsync(ServiceAsked asked, ServiceAnswer answer, CancellationToken ct);
}

/// <summary>A service that can be used.</summary>
/// <param name="Label">For people.</param>
public sealed record ServiceOffer(string Name, string Label);

/// <summary>What a service was asked. Only <paramref name="Url"/> is for the browser.</summary>
/// <param name="Issuer">Who has to answer: a service with the same name may be another one by then.</param>
/// <param name="ReturnTo">The address that the browser comes back to.</param>
/// <param name="Url">Where the browser goes. It has a query, to which the state is to be added.</param>
/// <param name="Verifier">Of PKCE.</param>
public sealed record ServiceAsked(string Service, string Issuer, string ReturnTo, string Url, string Verifier, string Nonce);

/// <summary>What a browser brings back.</summary>
/// <param name="Question">The state.</param>
/// <param name="Service">The name in the address that it came back to.</param>
/// <param name="Issuer">Who says that they answer (RFC 9207); null: the service does not say.</param>
public sealed record ServiceAnswer(string Question, string Service, string Code, string? Issuer);

/// <summary>An account at a service. The issuer and the subject say which one; they are never given to anybody else.</summary>
/// <param name="Service">What the service is called, for people.</param>
/// <param name="Account">What the service calls the account, for people; null: nothing. Not to be trusted.</param>
public sealed record ServiceIdentity(string Issuer, string Subject, string Service, string? Account);
