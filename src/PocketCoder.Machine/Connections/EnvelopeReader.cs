using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>Takes a device's message apart, or says why it is not taken. Thread-safe.</summary>
internal static class EnvelopeReader
{
    private const int LongestRequestId = 64;

    /// <summary>The message, and why only this request is refused when something inside of it is wrong (null: nothing is).</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST, VERSION_UNSUPPORTED: it can't be told what it is, so the connection ends with that
    /// reason.</exception>
    public static (Envelope Envelope, RequestFailure? Refusal) Read(ReadOnlySpan<byte> message)
    {
        var fault = MessageBytes.Check(message);
        if (fault == MessageFault.OtherVersion)
        {
            throw Version();
        }

        return fault != MessageFault.NotAMessage && Parse(message) is { RequestId: { Length: >= 1 and <= LongestRequestId } } envelope
            ? (envelope, Refusal(fault))
            : throw new RequestFailure(ErrorCode.InvalidRequest, "A message was no valid envelope.");
    }

    /// <summary>The refusal of another version of the protocol.</summary>
    public static RequestFailure Version() => new(ErrorCode.VersionUnsupported,
        "This machine speaks protocol 1 only. Update whichever is older, the app or PocketCoder on the machine.");

    private static RequestFailure? Refusal(MessageFault fault) => fault switch
    {
        MessageFault.None => null,
        MessageFault.DoubledMember => new RequestFailure(ErrorCode.InvalidRequest, "An object of the message has the same member twice."),
        _ => new RequestFailure(ErrorCode.InvalidRequest, "A text of the message is not valid Unicode."),
    };

    private static Envelope? Parse(ReadOnlySpan<byte> message)
    {
        try
        {
            return JsonSerializer.Deserialize(message, EnvelopeJson.Default.Envelope);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>
/// An envelope alone. Doubled members of its payload are left in: <see cref="MessageBytes"/> found them, and the request that has them is
/// answered.
/// </summary>
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
        MaxDepth = MessageBytes.MaxDepth)]
[JsonSerializable(typeof(Envelope))]
internal sealed partial class EnvelopeJson : JsonSerializerContext;
