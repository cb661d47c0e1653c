using System.Buffers.Text;
using System.Text.Json.Serialization;

namespace PocketCoder.Accounts;

/// <summary>A person who may sign in.</summary>
/// <param name="Id">Never given again, so that a name that comes again is somebody else.</param>
/// <param name="Password">What <see cref="Passwords"/> keeps of it; empty: they have none.</param>
/// <param name="Machines">The machines that they may meet; null: all.</param>
/// <param name="Passkeys">Null: none.</param>
/// <param name="Services">Their accounts elsewhere; null: none.</param>
internal sealed record UserRecord(
    string Id, string Name, Role Role, string Password, IReadOnlyList<string>? Machines, DateTimeOffset CreatedAt,
    IReadOnlyList<PasskeyRecord>? Passkeys = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ServiceRecord>? Services = null)
{
    [JsonIgnore]
    public IReadOnlyList<PasskeyRecord> AllPasskeys => Passkeys ?? [];

    [JsonIgnore]
    public IReadOnlyList<ServiceRecord> AllServices => Services ?? [];

    /// <summary>Whether there is any way for them to sign in.</summary>
    [JsonIgnore]
    public bool CanSignIn => Password.Length > 0 || AllPasskeys.Count > 0 || AllServices.Count > 0;

    public bool MayMeet(string machine) => Roles.MeetsAll(Role) || Machines is null || Machines.Contains(machine, StringComparer.Ordinal);
}

/// <summary>A passkey of a person. What is kept opens nothing: the private half never leaves its authenticator.</summary>
/// <param name="CredentialId">What the authenticator calls it, in base64url.</param>
/// <param name="PublicKey">As COSE writes it (RFC 9052), in base64url.</param>
/// <param name="Counter">How often its authenticator says that it signed; 0 from those that do not count.</param>
/// <param name="MayBeSynced">Whether it may be in more than one device. It never changes.</param>
internal sealed record PasskeyRecord(
    string Id, string CredentialId, string PublicKey, uint Counter, bool MayBeSynced, string Name, DateTimeOffset CreatedAt,
    DateTimeOffset? UsedAt)
{
    public static bool IsWhole(PasskeyRecord? passkey)
        => passkey is not null && Base64Url.IsValid(passkey.CredentialId) && Base64Url.IsValid(passkey.PublicKey);
}

/// <summary>
/// An account at another service by which a person signs in: the issuer and its subject, and nothing else, say whose it is (OpenID Connect
/// Core, section 5.7). Names and addresses of mail change hands.
/// </summary>
/// <param name="Service">What the service was called when it was added.</param>
/// <param name="Account">What the service called the account then, for its person to tell one from another; null: nothing.</param>
internal sealed record ServiceRecord(
    string Id, string Issuer, string Subject, string Service, string? Account, DateTimeOffset CreatedAt, DateTimeOffset? UsedAt)
{
    public bool Is(ServiceIdentity identity) => Issuer == identity.Issuer && Subject == identity.Subject;
}

/// <summary>A browser that signed in: a family of refresh tokens, of which one is good at a time.</summary>
/// <param name="Key">The browser's key, 65 bytes in base64url.</param>
/// <param name="Hash">Of the newest refresh token.</param>
/// <param name="Before">Of the one before, which is taken for a moment longer: the answer with the newest may have been lost.</param>
/// <param name="Passkey">The passkey that made it, by its id; null: something else did.</param>
/// <param name="Service">The account elsewhere that made it, by its id; null: something else did.</param>
internal sealed record SignInRecord(
    string Id, string UserId, string Key, string Label, string Hash, string? Before, DateTimeOffset CreatedAt, DateTimeOffset RenewedAt,
    string? Passkey = null, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Service = null);

/// <summary>A link by which one person may come, once.</summary>
/// <param name="Hash">Of the token in it.</param>
/// <param name="By">Who made it; null: who runs the gateway.</param>
internal sealed record LinkRecord(
    string Id, string Hash, Role Role, IReadOnlyList<string>? Machines, string? By, DateTimeOffset EndsAt);

/// <param name="V">
/// What a program has to know to keep all of it: 1, 2 from the first passkey on, 3 from the first account elsewhere on.
/// </param>
internal sealed record AccountContent(
    int V, IReadOnlyList<UserRecord> Users, IReadOnlyList<SignInRecord> SignIns, IReadOnlyList<LinkRecord> Links)
{
    public static AccountContent Empty { get; } = new(1, [], [], []);

    /// <summary>With the version that its readers need: a program that knows no passkeys would lose them with its next change.</summary>
    public AccountContent Versioned() => this with
    {
        V = Users.Any(u => u.AllServices.Count > 0) ? 3 : Users.Any(u => u.AllPasskeys.Count > 0) ? 2 : 1,
    };

    public UserRecord? UserOf(string? id) => id is null ? null : Users.FirstOrDefault(u => u.Id == id);

    public UserRecord? UserNamed(string? name) => name is null ? null : Users.FirstOrDefault(u => u.Name == name);

    public UserRecord? UserWith(ServiceIdentity identity) => Users.FirstOrDefault(u => u.AllServices.Any(s => s.Is(identity)));

    public SignInRecord? SignInOf(string id) => SignIns.FirstOrDefault(s => s.Id == id);

    /// <summary>Without this person, who is signed out everywhere and whose invitations end.</summary>
    public AccountContent WithoutUser(string id) => WithoutSignIns(id) with
    {
        Users = [.. Users.Where(u => u.Id != id)],
        Links = [.. Links.Where(l => l.By != id)],
    };

    /// <param name="but">One that stays; null: none does.</param>
    public AccountContent WithoutSignIns(string user, string? but = null)
        => this with { SignIns = [.. SignIns.Where(s => s.UserId != user || s.Id == but)] };

    public AccountContent WithoutSignIn(string id) => this with { SignIns = [.. SignIns.Where(s => s.Id != id)] };

    /// <summary>This person, in the place of the one with the same id.</summary>
    public AccountContent With(UserRecord user) => this with { Users = [.. Users.Where(u => u.Id != user.Id), user] };

    public AccountContent With(SignInRecord signIn) => this with { SignIns = [.. SignIns.Where(s => s.Id != signIn.Id), signIn] };

    public AccountContent WithoutLink(string hash) => this with { Links = [.. Links.Where(l => l.Hash != hash)] };
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false, UseStringEnumConverter = true)]
[JsonSerializable(typeof(AccountContent))]
internal sealed partial class AccountJson : JsonSerializerContext;
