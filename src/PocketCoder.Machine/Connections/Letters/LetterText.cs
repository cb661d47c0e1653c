using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections.Letters;

/// <summary>What a letter says: a request as on a connection, whose <c>requestId</c> names the letter, and until when it holds.</summary>
internal sealed record LetterText(DateTimeOffset Until)
{
    private const int LongestId = 64;

    /// <summary>Whether it can be a letter's name.</summary>
    public static bool IsId(string? id) => id is { Length: >= 1 and <= LongestId };

    /// <exception cref="RequestFailure">INVALID_REQUEST, VERSION_UNSUPPORTED</exception>
    public static (Envelope Asked, DateTimeOffset Until) Read(ReadOnlySpan<byte> text)
    {
        var (envelope, refusal) = EnvelopeReader.Read(text);
        if (refusal is not null)
        {
            throw refusal;
        }

        try
        {
            return JsonSerializer.Deserialize(text, LetterJson.Default.LetterText) is { } letter ? (envelope, letter.Until)
                : throw new JsonException();
        }
        catch (JsonException)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "The letter does not say until when it holds.");
        }
    }
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectRequiredConstructorParameters = true, MaxDepth = MessageBytes.MaxDepth)]
[JsonSerializable(typeof(LetterText))]
internal sealed partial class LetterJson : JsonSerializerContext;
