using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace PocketCoder.Link;

/// <summary>What a machine must answer.</summary>
/// <param name="V">1.</param>
/// <param name="Nonce">32 random bytes in base64url, new for each connection.</param>
public sealed record LinkChallenge(int V, string Nonce);

/// <summary>Who the machine is, and that it has the key. See <see cref="LinkProofs"/> for what is signed.</summary>
/// <param name="MachineId">The routing id, 32 lower-case hex digits.</param>
/// <param name="SigningKey">65 bytes (P-256, uncompressed) in base64url.</param>
/// <param name="Signature">64 bytes in base64url.</param>
/// <param name="Version">Of the program.</param>
/// <param name="Code">Of an enrolment; null: the machine is known here.</param>
/// <param name="Label">What people call it, 1 to 64 characters.</param>
/// <param name="Ask">What it wants of a gateway besides a connection: one of <see cref="LinkAsks"/>; null: nothing.</param>
/// <param name="Letters">Whether it takes letters (docs/channel.md); null: it is of a version that had none.</param>
public sealed record LinkProof(
    int V, string MachineId, string SigningKey, string Signature, string Version, string? Code = null, string? Label = null,
    string? Ask = null, bool? Letters = null);

/// <summary>The machine is reachable now.</summary>
/// <param name="Version">Of the gateway's program.</param>
/// <param name="Connections">How many devices may be connected at once.</param>
/// <param name="AddedBy">The person who let the machine in; null: it came by a code, or before this was kept.</param>
public sealed record LinkWelcome(int V, string Version, int Connections, string? AddedBy = null);

/// <summary>Why the machine is not taken.</summary>
/// <param name="Code">
/// <c>unknown_machine</c>, <c>bad_code</c>, <c>bad_proof</c>, <c>other_key</c>, <c>replaced</c>, <c>unsupported_version</c>,
/// <c>too_many_machines</c>, <c>unavailable</c>, <c>malformed</c>, <c>too_slow</c>, and those of <see cref="LinkAsks"/>.
/// </param>
/// <param name="Message">For people.</param>
/// <param name="Login">With <see cref="LinkAsks.Pending"/>: what a person at the gateway needs to let the machine in.</param>
public sealed record LinkRefusal(string Code, string Message, LinkLogin? Login = null)
{
    /// <summary>Whether to come again changes nothing, unless somebody does something about it.</summary>
    [JsonIgnore]
    public bool IsFinal => Code is not ("too_slow" or "malformed" or "unavailable");
}

/// <param name="Id">The gateway's name of the device's connection, for the log.</param>
/// <param name="Remote">Where the device is; null when unknown.</param>
public sealed record LinkOpened(string Id, string? Remote = null);

/// <param name="Code">A WebSocket close code: 1000, 1011 or 3000–4999.</param>
/// <param name="Reason">At most 123 bytes of UTF-8 are passed on.</param>
public sealed record LinkEnd(ushort Code, string Reason);

/// <summary>The JSON in a link's messages: strict, bounded, and without anything unknown being an error.</summary>
public static class LinkJson
{
    /// <summary>Of what stands in a message as JSON.</summary>
    public const int MaxBytes = 4096;

    /// <exception cref="LinkException"><see cref="LinkError.Malformed"/></exception>
    public static T Read<T>(LinkFrame frame, LinkKind kind, JsonTypeInfo<T> type)
        where T : class
    {
        if (frame.Kind != kind || frame.Rest.Length > MaxBytes)
        {
            throw new LinkException(
                LinkError.Malformed, frame.Kind != kind ? $"{kind} was expected, not {frame.Kind}." : $"{kind} is too long.");
        }

        try
        {
            return JsonSerializer.Deserialize(frame.Rest.Span, type) ?? throw new LinkException(LinkError.Malformed, $"{kind} is empty.");
        }
        catch (JsonException e)
        {
            throw new LinkException(LinkError.Malformed, $"{kind} is not what it must be.", e);
        }
    }

    public static byte[] Write<T>(LinkKind kind, uint connection, T value, JsonTypeInfo<T> type)
        => LinkFrame.Write(kind, connection, JsonSerializer.SerializeToUtf8Bytes(value, type));
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 4)]
[JsonSerializable(typeof(LinkChallenge))]
[JsonSerializable(typeof(LinkProof))]
[JsonSerializable(typeof(LinkWelcome))]
[JsonSerializable(typeof(LinkRefusal))]
[JsonSerializable(typeof(LinkLogin))]
[JsonSerializable(typeof(LinkOpened))]
[JsonSerializable(typeof(LinkEnd))]
public sealed partial class LinkTypes : JsonSerializerContext;
