using System.Text.Json;
using System.Text.Json.Serialization;

namespace PocketCoder.Gateway.Hosting.Accounts.Services;

/// <summary>What an issuer publishes about itself (OpenID Connect Discovery 1.0, section 3).</summary>
/// <param name="AuthorizationResponseIss">Whether it says in each answer that it is the one who answers (RFC 9207).</param>
/// <param name="TokenEndpointAuthMethods">Null: only HTTP's own authentication.</param>
internal sealed record Discovery(
    [property: JsonPropertyName("issuer")] string Issuer,
    [property: JsonPropertyName("authorization_endpoint")] string AuthorizationEndpoint,
    [property: JsonPropertyName("token_endpoint")] string TokenEndpoint,
    [property: JsonPropertyName("jwks_uri")] string JwksUri,
    [property: JsonPropertyName("authorization_response_iss_parameter_supported")] bool AuthorizationResponseIss = false,
    [property: JsonPropertyName("token_endpoint_auth_methods_supported")] IReadOnlyList<string>? TokenEndpointAuthMethods = null);

/// <summary>The keys of an issuer, each read for itself (RFC 7517): one of a kind that nobody knows does not spoil the others.</summary>
internal sealed record KeySet([property: JsonPropertyName("keys")] IReadOnlyList<JsonElement> Keys);

/// <summary>What a token endpoint answers (RFC 6749, section 5; OpenID Connect Core, section 3.1.3.3).</summary>
/// <param name="Error">GitHub says with 200 that something is wrong.</param>
internal sealed record TokenAnswer(
    [property: JsonPropertyName("id_token")] string? IdToken = null,
    [property: JsonPropertyName("access_token")] string? AccessToken = null,
    [property: JsonPropertyName("error")] string? Error = null);

/// <summary>The user whom a token of GitHub is for.</summary>
/// <param name="Id">Never given again, unlike the login.</param>
internal sealed record GitHubUser(
    [property: JsonPropertyName("id")] long Id, [property: JsonPropertyName("login")] string? Login = null);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false, MaxDepth = 16)]
[JsonSerializable(typeof(Discovery))]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(GitHubUser))]
[JsonSerializable(typeof(KeySet))]
internal sealed partial class ServiceAnswerJson : JsonSerializerContext;
