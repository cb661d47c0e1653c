using System.Text.Json.Serialization;

namespace PocketCoder.Accounts;

/// <summary>A person who may sign in.</summary>
/// <param name="Id">Never given again, so that a name that comes again is somebody else.</param>
/// <param name="Password">What <see cref="Passwords"/> keeps of it.</param>
/// <param name="Machines">The machines that they may meet; null: all.</param>
internal sealed record UserRecord(
    string Id, string Name, Role Role, string Password, IReadOnlyList<string>? Machines, DateTimeOffset CreatedAt)
{
    public bool MayMeet(string machine) => Roles.MeetsAll(Role) || Machines is null || Machines.Contains(machine, StringComparer.Ordinal);
}

/// <summary>A browser that signed in: a family of refresh tokens, of which one is good at a time.</summary>
/// <param name="Key">The browser's key, 65 bytes in base64url.</param>
/// <param name="Hash">Of the newest refresh token.</param>
/// <param name="Before">Of the one before, which is taken for a moment longer: the answer with the newest may have been lost.</param>
internal sealed record SignInRecord(
    string Id, string UserId, string Key, string Label, string Hash, string? Before, DateTimeOffset CreatedAt, DateTimeOffset RenewedAt);

/// <summary>A link by which one person may come, once.</summary>
/// <param name="Hash">Of the token in it.</param>
/// <param name="By">Who made it; null: who runs the gateway.</param>
internal sealed record LinkRecord(
    string Id, string Hash, Role Role, IReadOnlyList<string>? Machines, string? By, DateTimeOffset EndsAt);

internal sealed record AccountContent(
    int V, IReadOnlyList<UserRecord> Users, IReadOnlyList<SignInRecord> SignIns, IReadOnlyList<LinkRecord> Links)
{
    public static AccountContent Empty { get; } = new(1, [], [], []);

    public UserRecord? UserOf(string? id) => id is null ? null : Users.FirstOrDefault(u => u.Id == id);

    public UserRecord? UserNamed(string? name) => name is null ? null : Users.FirstOrDefault(u => u.Name == name);

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
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false, UseStringEnumConverter = true)]
[JsonSerializable(typeof(AccountContent))]
internal sealed partial class AccountJson : JsonSerializerContext;
