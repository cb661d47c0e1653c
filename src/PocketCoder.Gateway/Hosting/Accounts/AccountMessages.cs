using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Accounts;

namespace PocketCoder.Gateway.Hosting.Accounts;

/// <summary>What anybody is told: how one signs in here, and what the next proof has to name.</summary>
/// <param name="Services">Other services by which one can sign in.</param>
internal sealed record AccountsOffered(IReadOnlyList<string> SignIn, string Nonce, IReadOnlyList<ServiceOffer> Services);

internal sealed record WelcomeRequest(string Token, string Name, string Password, string Key, string? Label = null);

internal sealed record SignInRequest(string Name, string Password, string Key, string? Label = null);

internal sealed record RefreshRequest(string Refresh);

/// <param name="ExpiresIn">Seconds that the access token holds.</param>
internal sealed record TokensAnswer(string Access, string Refresh, int ExpiresIn);

/// <param name="Name">Who it is: whoever signs in with a passkey or by a service names nobody.</param>
internal sealed record NamedSignedInAnswer(string Access, string Refresh, int ExpiresIn, string Name);

internal sealed record KeyRequest(string Key);

internal sealed record PasskeyWelcomeQuestionRequest(string Token, string Name, string Key);

/// <param name="Options">For <c>navigator.credentials</c>.</param>
internal sealed record PasskeyQuestionAnswer(string Question, JsonElement Options);

/// <param name="Credential">What <c>navigator.credentials</c> gave, as its <c>toJSON</c> writes it.</param>
internal sealed record PasskeyRequest(string Question, JsonElement Credential, string? Label = null);

internal sealed record PasskeySignInRequest(string Question, JsonElement Credential, string Key, string? Label = null);

internal sealed record PasskeyWelcomeRequest(
    string Token, string Name, string Question, JsonElement Credential, string Key, string? Label = null);

internal sealed record PasskeyNameRequest(string Id, string Name);

internal sealed record ServiceSignInQuestionRequest(string Service, string Key);

internal sealed record ServiceWelcomeQuestionRequest(string Service, string Token, string Name, string Key);

internal sealed record ServiceRequest(string Service);

/// <param name="Question">Comes back as the state.</param>
/// <param name="Url">Where the browser goes.</param>
internal sealed record ServiceQuestionAnswer(string Question, string Url);

/// <param name="Service">The name in the address that the browser came back to.</param>
/// <param name="Issuer">What came as <c>iss</c>; null: nothing did.</param>
internal sealed record ServiceSignInRequest(
    string Question, string Service, string Code, string Key, string? Issuer = null, string? Label = null);

/// <inheritdoc cref="ServiceSignInRequest"/>
internal sealed record ServiceAddRequest(string Question, string Service, string Code, string? Issuer = null);

internal sealed record NothingMore;

/// <param name="Scopes">What devices of this person are to be paired with.</param>
/// <param name="Machines">The machines that they may meet; null: all.</param>
/// <param name="Password">Whether they have one.</param>
internal sealed record MeAnswer(
    string Name, Role Role, IReadOnlyList<string> Scopes, IReadOnlyList<string>? Machines, IReadOnlyList<SignInView> SignIns,
    bool Password, IReadOnlyList<PasskeyView> Passkeys, IReadOnlyList<ServiceAccountView> Services);

internal sealed record IdRequest(string Id);

internal sealed record PasswordRequest(string Old, string New);

internal sealed record TicketRequest(string Machine);

/// <param name="ExpiresIn">Seconds that it holds.</param>
internal sealed record TicketAnswer(string Ticket, int ExpiresIn);

/// <param name="Since">Since when it is connected; null: it is not.</param>
/// <param name="AddedAt">When it came to this gateway.</param>
/// <param name="AddedBy">Who let it in; null: it came by a code.</param>
internal sealed record MachineView(
    string MachineId, string Label, bool Connected, DateTimeOffset? Since, DateTimeOffset AddedAt, string? AddedBy);

internal sealed record MachinesAnswer(IReadOnlyList<MachineView> Machines);

internal sealed record UsersAnswer(IReadOnlyList<UserView> Users, IReadOnlyList<InvitationView> Invitations);

/// <param name="Machines">Ids of the machines that they may meet; null: all. It has to be there: what was forgotten gives nothing.</param>
internal sealed record InviteRequest(Role Role, IReadOnlyList<string>? Machines);

internal sealed record InviteAnswer(string Token, DateTimeOffset EndsAt);

internal sealed record NameRequest(string Name);

/// <param name="Machines">As <see cref="InviteRequest"/>.</param>
internal sealed record ChangeRequest(string Name, Role Role, IReadOnlyList<string>? Machines);

internal sealed record ErrorAnswer(ErrorBody Error);

/// <param name="Code">For programs: docs/accounts.md has all.</param>
/// <param name="Message">For people.</param>
internal sealed record ErrorBody(string Code, string Message);

/// <summary>Roles by their names, exactly: no numbers, no other spelling.</summary>
internal sealed class RoleNames : JsonConverter<Role>
{
    public override Role Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        => reader.TokenType == JsonTokenType.String && Roles.Find(reader.GetString()) is { } role ? role
            : throw new JsonException("No role.");

    public override void Write(Utf8JsonWriter writer, Role value, JsonSerializerOptions options)
        => writer.WriteStringValue(Roles.NameOf(value));
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false, MaxDepth = 8, Converters = new[] { typeof(RoleNames) })]
[JsonSerializable(typeof(AccountsOffered))]
[JsonSerializable(typeof(WelcomeRequest))]
[JsonSerializable(typeof(SignInRequest))]
[JsonSerializable(typeof(RefreshRequest))]
[JsonSerializable(typeof(TokensAnswer))]
[JsonSerializable(typeof(NothingMore))]
[JsonSerializable(typeof(KeyRequest))]
[JsonSerializable(typeof(NamedSignedInAnswer))]
[JsonSerializable(typeof(ServiceSignInQuestionRequest))]
[JsonSerializable(typeof(ServiceWelcomeQuestionRequest))]
[JsonSerializable(typeof(ServiceRequest))]
[JsonSerializable(typeof(ServiceQuestionAnswer))]
[JsonSerializable(typeof(ServiceSignInRequest))]
[JsonSerializable(typeof(ServiceAddRequest))]
[JsonSerializable(typeof(PasskeyWelcomeQuestionRequest))]
[JsonSerializable(typeof(PasskeyQuestionAnswer))]
[JsonSerializable(typeof(PasskeyRequest))]
[JsonSerializable(typeof(PasskeySignInRequest))]
[JsonSerializable(typeof(PasskeyWelcomeRequest))]
[JsonSerializable(typeof(PasskeyNameRequest))]
[JsonSerializable(typeof(MeAnswer))]
[JsonSerializable(typeof(IdRequest))]
[JsonSerializable(typeof(PasswordRequest))]
[JsonSerializable(typeof(TicketRequest))]
[JsonSerializable(typeof(TicketAnswer))]
[JsonSerializable(typeof(MachinesAnswer))]
[JsonSerializable(typeof(UsersAnswer))]
[JsonSerializable(typeof(InviteRequest))]
[JsonSerializable(typeof(InviteAnswer))]
[JsonSerializable(typeof(NameRequest))]
[JsonSerializable(typeof(ChangeRequest))]
[JsonSerializable(typeof(ErrorAnswer))]
internal sealed partial class AccountMessages : JsonSerializerContext;
