using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using PocketCoder.Accounts;

namespace PocketCoder.Gateway.Hosting.Accounts;

/// <summary>
/// The ceremonies by the framework's own handler, without the rest of ASP.NET Core Identity: no cookies, no services, no database
/// (docs/decisions/passkeys.md). A handler lives for one question or one answer. Thread-safe.
/// </summary>
internal sealed class PasskeyCeremony : IPasskeyCeremony
{
    private const string Required = "required";

    /// <summary>ECDSA on P-256, which all have, and RSA for those that have nothing else (RFC 8812, RFC 9053).</summary>
    private const int Es256 = -7, Rs256 = -257;

    /// <summary>The handler wants one and, told the domain and how to compare origins, reads nothing of it.</summary>
    private static readonly HttpContext s_noRequest = new DefaultHttpContext();

    public async Task<PasskeyAsked> BeginRegisterAsync(PasskeySite site, PasskeyOwner owner)
    {
        var made = await HandlerFor(site, id => id == owner.Id ? owner.Has : []).MakeCreationOptionsAsync(
            new PasskeyUserEntity { Id = owner.Id, Name = owner.Name, DisplayName = owner.Name }, s_noRequest);
        return new PasskeyAsked(made.CreationOptionsJson, made.AttestationState ?? "");
    }

    public async Task<PasskeyMade?> RegisterAsync(PasskeySite site, string state, string credential)
    {
        var result = await HandlerFor(site, _ => []).PerformAttestationAsync(new PasskeyAttestationContext
        {
            HttpContext = s_noRequest,
            CredentialJson = credential,
            AttestationState = state,
        });
        return result is { Succeeded: true, Passkey: { IsUserVerified: true } made }
            ? new PasskeyMade(new PasskeyKey(made.CredentialId, made.PublicKey, made.IsBackupEligible), made.SignCount) : null;
    }

    public async Task<PasskeyAsked> BeginSignInAsync(PasskeySite site)
    {
        var made = await HandlerFor(site, _ => []).MakeRequestOptionsAsync(user: null, s_noRequest);
        return new PasskeyAsked(made.RequestOptionsJson, made.AssertionState ?? "");
    }

    public async Task<PasskeyUsed?> SignInAsync(
        PasskeySite site, string state, string credential, Func<string, IReadOnlyList<PasskeyKey>> passkeysOf)
    {
        var result = await HandlerFor(site, passkeysOf).PerformAssertionAsync(new PasskeyAssertionContext
        {
            HttpContext = s_noRequest,
            CredentialJson = credential,
            AssertionState = state,
        });
        return result is { Succeeded: true, Passkey: { IsUserVerified: true } used, User: { } user }
            ? new PasskeyUsed(user.Id, used.CredentialId, used.SignCount) : null;
    }

    private static PasskeyHandler<PasskeyUser> HandlerFor(PasskeySite site, Func<string, IReadOnlyList<PasskeyKey>> passkeysOf)
    {
        var options = new IdentityPasskeyOptions
        {
            ServerDomain = site.Host,
            AuthenticatorTimeout = AccountLimits.PasskeyChallengeLife,
            UserVerificationRequirement = Required,
            ResidentKeyRequirement = Required,
            IsAllowedAlgorithm = algorithm => algorithm is Es256 or Rs256,
            ValidateOrigin = seen => ValueTask.FromResult(seen is { CrossOrigin: false, TopOrigin: null } && seen.Origin == site.Origin),
        };
#pragma warning disable CA2000 // it owns nothing but the store, which has nothing to dispose of
        var people = new UserManager<PasskeyUser>(
            new PasskeyUsers(passkeysOf), Options.Create(new IdentityOptions()), null!, [], [], null!, new IdentityErrorDescriber(),
            null!, NullLogger<UserManager<PasskeyUser>>.Instance);
#pragma warning restore CA2000
        return new PasskeyHandler<PasskeyUser>(people, Options.Create(options));
    }
}
