using System.Text.Json.Serialization;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Secrets. A value comes in and never goes out.</summary>
internal static class OwnerModels
{
    private static OwnerModelsJson Json => OwnerModelsJson.Default;

    public static Verb<SecretsListRequest, SecretsListResponse> Secrets { get; } =
        new("secrets_list", static () => Json.SecretsListRequest, static () => Json.SecretsListResponse);

    public static Verb<SecretSetRequest, Changed> SetSecret { get; } =
        new("secret_set", static () => Json.SecretSetRequest, static () => Json.Changed);

    public static Verb<SecretRemoveRequest, Changed> RemoveSecret { get; } =
        new("secret_remove", static () => Json.SecretRemoveRequest, static () => Json.Changed);

    public static MessageTable MapOwnerModels(this MessageTable table, SecretService secrets) => table
        .MapOwner(
            Secrets,
            (_, _, _) => Task.FromResult(new SecretsListResponse([.. secrets.List().Select(s => new SecretName(s.Name, s.SetAt))])))
        .MapOwner(
            SetSecret,
            async (_, request, _) =>
            {
                await secrets.SetAsync(request.Name, request.Value);
                return new Changed(true);
            })
        .MapOwner(
            RemoveSecret,
            async (_, request, _) => new Changed(await secrets.RemoveAsync(request.Name)));
}

internal sealed record SecretsListRequest;

internal sealed record SecretsListResponse(IReadOnlyList<SecretName> Secrets);

internal sealed record SecretSetRequest(string Name, string Value);

internal sealed record SecretRemoveRequest(string Name);

/// <param name="Was">False when there was nothing of that name.</param>
internal sealed record Changed(bool Was);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(SecretsListResponse))]
[JsonSerializable(typeof(SecretSetRequest))]
[JsonSerializable(typeof(SecretRemoveRequest))]
[JsonSerializable(typeof(SecretsListRequest))]
[JsonSerializable(typeof(Changed))]
internal sealed partial class OwnerModelsJson : JsonSerializerContext;
