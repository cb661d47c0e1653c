using System.Text.Json.Serialization;

namespace PocketCoder.Broker.Secrets;

/// <param name="KeyId">Tells which key it is, and nothing about it.</param>
internal sealed record SecretFile(int V, string KeyId, Guid StoreId, IReadOnlyList<SecretBox> Secrets);

/// <param name="SetBy">Null: the owner; files of before there was anybody else have none.</param>
internal sealed record SecretBox(string Name, byte[] Nonce, byte[] Data, byte[] Tag, DateTimeOffset SetAt, string? SetBy = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SecretFile))]
internal sealed partial class SecretJson : JsonSerializerContext;
