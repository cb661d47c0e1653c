namespace PocketCoder.Accounts;

/// <summary>
/// The two ceremonies of Web Authentication (W3C, level 3): what a browser is asked to do, and whether what came back answers it. It looks
/// at everything but the counter and keeps nothing: <see cref="Passkeys"/> does both. Thread-safe.
/// </summary>
public interface IPasskeyCeremony
{
    /// <summary>Asks for a new passkey that signs in without a name, and that its person has to unlock.</summary>
    Task<PasskeyAsked> BeginRegisterAsync(PasskeySite site, PasskeyOwner owner);

    /// <summary>The passkey that was made; null: the browser's answer is none to what was asked.</summary>
    /// <param name="state">What came with the question.</param>
    /// <param name="credential">The answer, as JSON.</param>
    Task<PasskeyMade?> RegisterAsync(PasskeySite site, string state, string credential);

    /// <summary>Asks for any passkey of this site, whoever's it is.</summary>
    Task<PasskeyAsked> BeginSignInAsync(PasskeySite site);

    /// <summary>Whose passkey answered; null: the browser's answer is none to what was asked, or of no passkey that is known.</summary>
    /// <param name="passkeysOf">The passkeys of the person with this id; empty: there is no such person.</param>
    Task<PasskeyUsed?> SignInAsync(
        PasskeySite site, string state, string credential, Func<string, IReadOnlyList<PasskeyKey>> passkeysOf);
}

/// <summary>Where a passkey is made or used.</summary>
/// <param name="Host">The domain that it belongs to.</param>
/// <param name="Origin">The one origin whose pages may ask for it.</param>
public sealed record PasskeySite(string Host, string Origin);

/// <summary>Whom a passkey is made for.</summary>
/// <param name="Id">What it brings when it signs in.</param>
/// <param name="Name">What the browser shows.</param>
/// <param name="Has">What they have already, so that an authenticator makes no second one.</param>
public sealed record PasskeyOwner(string Id, string Name, IReadOnlyList<PasskeyKey> Has);

/// <summary>A question to a browser.</summary>
/// <param name="Options">For the browser, as JSON.</param>
/// <param name="State">What the answer is compared with. Not for the browser.</param>
public sealed record PasskeyAsked(string Options, string State);

/// <summary>What is known of a passkey.</summary>
/// <param name="MayBeSynced">As its authenticator said when it was made.</param>
public sealed record PasskeyKey(ReadOnlyMemory<byte> CredentialId, ReadOnlyMemory<byte> PublicKey, bool MayBeSynced);

/// <summary>A new passkey.</summary>
public sealed record PasskeyMade(PasskeyKey Key, uint Counter);

/// <summary>A passkey that signed.</summary>
/// <param name="Counter">As its authenticator gave it: nobody has compared it yet.</param>
public sealed record PasskeyUsed(string UserId, ReadOnlyMemory<byte> CredentialId, uint Counter);
