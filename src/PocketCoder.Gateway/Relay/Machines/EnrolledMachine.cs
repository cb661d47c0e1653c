using System.Text.Json.Serialization;

namespace PocketCoder.Gateway.Relay.Machines;

/// <summary>A machine that may connect to this gateway.</summary>
/// <param name="MachineId">Its routing id.</param>
/// <param name="SigningKey">The key it proves itself with, 65 bytes in base64url.</param>
/// <param name="Label">What people call it.</param>
/// <param name="AddedBy">The person who let it in; null: it came by a code.</param>
public sealed record EnrolledMachine(
    string MachineId, string SigningKey, string Label, DateTimeOffset EnrolledAt, string? AddedBy = null);

/// <summary>A code by which one more machine may come, once.</summary>
/// <param name="Hash">SHA-256 of the code in lower-case hex: who reads the file can't use it.</param>
internal sealed record EnrolmentCode(string Hash, DateTimeOffset EndsAt);

internal sealed record EnrolmentFile(int V, IReadOnlyList<EnrolledMachine> Machines, IReadOnlyList<EnrolmentCode> Codes)
{
    public static EnrolmentFile Empty { get; } = new(1, [], []);
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    WriteIndented = true)]
[JsonSerializable(typeof(EnrolmentFile))]
internal sealed partial class EnrolmentJson : JsonSerializerContext;
