using System.Text.Json;
using System.Text.Json.Serialization;

namespace PocketCoder.Gateway.Relay.Letters;

/// <summary>A letter that waits for its machine. The gateway can't open it.</summary>
/// <param name="Id">As its writer named it; another person's may have the same.</param>
/// <param name="User">The id of the person who left it.</param>
/// <param name="SignIn">Theirs: it is delivered only while that may meet the machine.</param>
/// <param name="Sealed">The frame.</param>
internal sealed record StoredLetter(
    string Id, string Machine, string User, string SignIn, DateTimeOffset LeftAt, DateTimeOffset EndsAt, byte[] Sealed)
{
    public override string ToString() => Id;
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(StoredLetter))]
internal sealed partial class LetterJson : JsonSerializerContext;
