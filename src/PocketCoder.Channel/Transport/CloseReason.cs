using System.Text.Json;
using System.Text.Json.Serialization;

namespace PocketCoder.Channels;

/// <summary>
/// Why a connection ends, as a close frame says it: 0x04, then UTF-8 JSON. Nobody vouches for it; it serves to show a person
/// a better text than "disconnected".
/// </summary>
/// <param name="Code">A snake_case word of at most 64 characters.</param>
/// <param name="Message">For people; at most 512 UTF-16 units; escape it where it is shown.</param>
public sealed record CloseReason(string Code, string Message)
{
    /// <summary>A close frame may not be larger than this many bytes.</summary>
    public const int MaxFrameBytes = 4096;

    private const int MaxCode = 64;
    private const int MaxMessage = 512;

    /// <summary>The close frame that says <paramref name="error"/>.</summary>
    public static byte[] Frame(ChannelError error, string message) => new CloseReason(error.Code(), message).ToFrame();

    /// <summary>Writes the frame.</summary>
    /// <exception cref="ChannelException"><see cref="ChannelError.Malformed"/>: code or message break the limits above.</exception>
    public byte[] ToFrame()
    {
        if (!IsCode(Code) || Message is not { Length: <= MaxMessage })
        {
            throw new ChannelException(
                ChannelError.Malformed, "a close reason is a snake_case code and a message of at most 512 characters");
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(this, CloseJson.Default.CloseReason);
        return [(byte)FrameKind.Close, .. json];
    }

    /// <summary>Reads a close frame.</summary>
    /// <returns>Null when the frame is not a well-formed close frame.</returns>
    public static CloseReason? Parse(ReadOnlySpan<byte> frame)
    {
        if (ChannelFrame.KindOf(frame) != FrameKind.Close || frame.Length > MaxFrameBytes)
        {
            return null;
        }

        try
        {
            var reason = JsonSerializer.Deserialize(frame[1..], CloseJson.Default.CloseReason);
            return reason is { Message.Length: <= MaxMessage } && IsCode(reason.Code) ? reason : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool IsCode(string? code)
        => code is { Length: > 0 and <= MaxCode } && !code.AsSpan().ContainsAnyExcept(s_codeLetters);

    private static readonly System.Buffers.SearchValues<char> s_codeLetters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CloseReason))]
internal sealed partial class CloseJson : JsonSerializerContext;
