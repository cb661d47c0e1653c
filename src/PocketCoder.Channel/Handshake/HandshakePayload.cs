using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PocketCoder.Channels;

/// <summary>
/// The encrypted JSON in both handshake messages. Members that are not known are ignored, so that a version can add some.
/// </summary>
internal sealed class HandshakePayload
{
    public const int Version = 1;

    private static readonly SearchValues<char> s_hexDigits = SearchValues.Create("0123456789abcdef");

    public int V { get; init; }

    /// <summary>16 lower-case hex digits; only when pairing, only from the device.</summary>
    public string? OfferId { get; init; }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, HandshakeJson.Default.HandshakePayload);

    /// <exception cref="ChannelException">Malformed or UnsupportedVersion.</exception>
    public static HandshakePayload Parse(ReadOnlySpan<byte> json)
    {
        HandshakePayload? payload;
        try
        {
            payload = JsonSerializer.Deserialize(json, HandshakeJson.Default.HandshakePayload);
        }
        catch (JsonException e)
        {
            throw new ChannelException(ChannelError.Malformed, "a handshake payload is not the JSON it should be", e);
        }

        return payload switch
        {
            null => throw new ChannelException(ChannelError.Malformed, "a handshake payload is not the JSON it should be"),
            { V: Version } => payload,
            _ => throw new ChannelException(ChannelError.UnsupportedVersion,
                $"the other end speaks version {payload.V} of the channel; this one speaks version {Version}"),
        };
    }

    /// <summary>The offer's id.</summary>
    /// <exception cref="ChannelException">Malformed.</exception>
    public byte[] ParseOfferId()
        => OfferId is { Length: 2 * PairingOffers.OfferIdBytes } && !OfferId.AsSpan().ContainsAnyExcept(s_hexDigits)
            ? Convert.FromHexString(OfferId)
            : throw new ChannelException(ChannelError.Malformed, "a pairing handshake names no offer");
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(HandshakePayload))]
internal sealed partial class HandshakeJson : JsonSerializerContext;
