using System.Text.Json.Serialization;

namespace PocketCoder.Gateway.Hosting.Accounts;

/// <param name="Code">As it stands on the machine's screen; blanks, hyphens and the case of letters do not matter.</param>
internal sealed record CodeRequest(string Code);

/// <param name="Id">Of what was found by a code.</param>
internal sealed record LoginRequest(string Id);

internal sealed record MachineRequest(string Machine);

/// <summary>A machine that waits for a person. Label and version are its own words.</summary>
/// <param name="Id">For the decision.</param>
/// <param name="Fingerprint">Of the key that it proved: the same words stand on its screen.</param>
/// <param name="Remote">The address that it asked from; null: nobody knows.</param>
internal sealed record MachineLoginAnswer(
    string Id, string MachineId, string Label, string Fingerprint, string Version, string? Remote, DateTimeOffset AskedAt,
    DateTimeOffset EndsAt);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false, MaxDepth = 8)]
[JsonSerializable(typeof(CodeRequest))]
[JsonSerializable(typeof(LoginRequest))]
[JsonSerializable(typeof(MachineRequest))]
[JsonSerializable(typeof(MachineLoginAnswer))]
[JsonSerializable(typeof(NothingMore))]
internal sealed partial class MachineMessages : JsonSerializerContext;
