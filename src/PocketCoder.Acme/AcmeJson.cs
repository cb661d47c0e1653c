using System.Text.Json.Serialization;

namespace PocketCoder.Acme;

/// <summary>The resources of RFC 8555 §7.1, as far as they are read or sent here.</summary>
internal sealed record DirectoryResource(
    [property: JsonRequired] Uri NewNonce, [property: JsonRequired] Uri NewAccount, [property: JsonRequired] Uri NewOrder,
    DirectoryMeta? Meta = null);

internal sealed record DirectoryMeta(string? TermsOfService = null, bool ExternalAccountRequired = false);

internal sealed record NewAccount(bool TermsOfServiceAgreed, IReadOnlyList<string>? Contact);

internal sealed record Identifier([property: JsonRequired] string Type, [property: JsonRequired] string Value);

internal sealed record NewOrder(IReadOnlyList<Identifier> Identifiers);

internal sealed record OrderResource(
    [property: JsonRequired] string Status, [property: JsonRequired] IReadOnlyList<Uri> Authorizations,
    [property: JsonRequired] Uri Finalize, Uri? Certificate = null, ProblemResource? Error = null);

internal sealed record AuthorizationResource(
    [property: JsonRequired] string Status, [property: JsonRequired] Identifier Identifier,
    [property: JsonRequired] IReadOnlyList<ChallengeResource> Challenges);

internal sealed record ChallengeResource(
    [property: JsonRequired] string Type, [property: JsonRequired] Uri Url, string? Token = null, ProblemResource? Error = null);

internal sealed record FinalizeRequest(string Csr);

/// <summary>RFC 9457, as RFC 8555 §6.7 uses it.</summary>
internal sealed record ProblemResource(string? Type = null, string? Detail = null, IReadOnlyList<ProblemResource>? Subproblems = null)
{
    private const string Prefix = "urn:ietf:params:acme:error:";

    [JsonIgnore]
    public string? Name => Type is { } type && type.StartsWith(Prefix, StringComparison.Ordinal) ? type[Prefix.Length..] : null;
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    MaxDepth = 16, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(DirectoryResource))]
[JsonSerializable(typeof(NewAccount))]
[JsonSerializable(typeof(NewOrder))]
[JsonSerializable(typeof(OrderResource))]
[JsonSerializable(typeof(AuthorizationResource))]
[JsonSerializable(typeof(FinalizeRequest))]
[JsonSerializable(typeof(ProblemResource))]
internal sealed partial class AcmeJson : JsonSerializerContext;
