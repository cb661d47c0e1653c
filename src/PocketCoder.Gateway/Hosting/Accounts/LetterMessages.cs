using System.Text.Json.Serialization;

namespace PocketCoder.Gateway.Hosting.Accounts;

/// <param name="Id">1 to 64 characters of <c>A–Z a–z 0–9 - _</c>, the writer's own.</param>
/// <param name="EndsAt">From then on it is not delivered: within seven days.</param>
/// <param name="Letter">The frame (docs/channel.md, "Letters"), in base64.</param>
internal sealed record LeaveLetterRequest(string Machine, string Id, DateTimeOffset EndsAt, byte[] Letter);

/// <param name="EndsAt">When it is given up.</param>
internal sealed record LetterView(string Id, string Machine, DateTimeOffset LeftAt, DateTimeOffset EndsAt);

internal sealed record LettersAnswer(IReadOnlyList<LetterView> Letters);

/// <param name="Withdrawn">False: the machine has it, or is being given it, or it has ended.</param>
internal sealed record WithdrawnAnswer(bool Withdrawn);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false, MaxDepth = 8)]
[JsonSerializable(typeof(LeaveLetterRequest))]
[JsonSerializable(typeof(IdRequest))]
[JsonSerializable(typeof(LettersAnswer))]
[JsonSerializable(typeof(WithdrawnAnswer))]
[JsonSerializable(typeof(NothingMore))]
internal sealed partial class LetterMessages : JsonSerializerContext;
