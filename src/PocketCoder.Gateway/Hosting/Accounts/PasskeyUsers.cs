using Microsoft.AspNetCore.Identity;
using PocketCoder.Accounts;

namespace PocketCoder.Gateway.Hosting.Accounts;

/// <summary>A person, as far as the framework's handler has to know one.</summary>
internal sealed record PasskeyUser(string Id);

/// <summary>
/// What the framework's handler may look up: the passkeys of a person by their id. It changes nothing: what was proved is kept by
/// <see cref="Passkeys"/>, in the one change that also looks at it again.
/// </summary>
internal sealed class PasskeyUsers(Func<string, IReadOnlyList<PasskeyKey>> passkeysOf) : IUserPasskeyStore<PasskeyUser>
{
    public Task<PasskeyUser?> FindByIdAsync(string userId, CancellationToken cancellationToken)
        => Task.FromResult<PasskeyUser?>(new PasskeyUser(userId)); // one that is nobody's has no passkeys either

    public Task<IList<UserPasskeyInfo>> GetPasskeysAsync(PasskeyUser user, CancellationToken cancellationToken)
        => Task.FromResult<IList<UserPasskeyInfo>>([.. passkeysOf(user.Id).Select(Shown)]);

    public Task<UserPasskeyInfo?> FindPasskeyAsync(PasskeyUser user, byte[] credentialId, CancellationToken cancellationToken)
        => Task.FromResult(passkeysOf(user.Id).Where(p => p.CredentialId.Span.SequenceEqual(credentialId)).Select(Shown).FirstOrDefault());

    /// <summary>Whether anybody has it is looked at where it is kept, so that two at once do not both get it.</summary>
    public Task<PasskeyUser?> FindByPasskeyIdAsync(byte[] credentialId, CancellationToken cancellationToken)
        => Task.FromResult<PasskeyUser?>(null);

    public Task<string> GetUserIdAsync(PasskeyUser user, CancellationToken cancellationToken) => Task.FromResult(user.Id);

    public Task AddOrUpdatePasskeyAsync(PasskeyUser user, UserPasskeyInfo passkey, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    public Task RemovePasskeyAsync(PasskeyUser user, byte[] credentialId, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    public Task<string?> GetUserNameAsync(PasskeyUser user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task SetUserNameAsync(PasskeyUser user, string? userName, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    public Task<string?> GetNormalizedUserNameAsync(PasskeyUser user, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    public Task SetNormalizedUserNameAsync(PasskeyUser user, string? normalizedName, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    public Task<IdentityResult> CreateAsync(PasskeyUser user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IdentityResult> UpdateAsync(PasskeyUser user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IdentityResult> DeleteAsync(PasskeyUser user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<PasskeyUser?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    public void Dispose()
    {
        // Nothing is held.
    }

    /// <summary>
    /// With a counter of 0, which the handler takes with any other: it is compared where it is kept. When it was made, how it was attested
    /// and what carries it decide nothing.
    /// </summary>
    private static UserPasskeyInfo Shown(PasskeyKey key) => new(
        key.CredentialId.ToArray(), key.PublicKey.ToArray(), DateTimeOffset.UnixEpoch, 0, null, isUserVerified: true,
        isBackupEligible: key.MayBeSynced, isBackedUp: false, [], []);
}
