using System.Text.Json;

namespace PocketCoder.Feishu;

/// <summary>Reads JSON of the platform strictly: bounded depth, no name twice, no text longer than its limit.</summary>
internal static class WireJson
{
    private const int Depth = 32;

    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = Depth, AllowDuplicateProperties = false };

    /// <summary>One object; it lives on its own.</summary>
    /// <exception cref="FeishuException">It is none.</exception>
    public static JsonElement Object(ReadOnlyMemory<byte> bytes, string what)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes, s_options);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : throw Wrong($"{what} is no object");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second: a name with half a surrogate pair can't be compared with the others. The exception's own text may quote what
            // was sent.
            throw Wrong($"{what} is no JSON");
        }
    }

    public static JsonElement? ObjectOrNull(JsonElement owner, string name)
        => Value(owner, name) is not { } value ? null : value.ValueKind == JsonValueKind.Object ? value : throw Wrong($"{name} is no object");

    public static JsonElement NeededObject(JsonElement owner, string name) => ObjectOrNull(owner, name) ?? throw Wrong($"{name} is missing");

    /// <summary>The elements of an array; none when it is missing.</summary>
    public static IReadOnlyList<JsonElement> Array(JsonElement owner, string name, int most)
        => Value(owner, name) is not { } value ? []
            : value.ValueKind != JsonValueKind.Array ? throw Wrong($"{name} is no array")
            : value.GetArrayLength() > most ? throw Wrong($"{name} has more than {most} elements")
            : [.. value.EnumerateArray()];

    public static string? TextOrNull(JsonElement owner, string name, int longest)
        => Value(owner, name) is not { } value ? null
            : value.ValueKind == JsonValueKind.String ? Bounded(Decoded(value, name), name, longest)
            : throw Wrong($"{name} is no text");

    public static string Text(JsonElement owner, string name, int longest)
        => TextOrNull(owner, name, longest) ?? throw Wrong($"{name} is missing");

    /// <summary>An id; null when it is missing or empty.</summary>
    public static string? IdOrNull(JsonElement owner, string name)
        => TextOrNull(owner, name, Ids.Longest) is not { Length: > 0 } id ? null : Ids.IsId(id) ? id : throw Wrong($"{name} is no id");

    public static string Id(JsonElement owner, string name) => IdOrNull(owner, name) ?? throw Wrong($"{name} is missing");

    public static long? NumberOrNull(JsonElement owner, string name)
        => Value(owner, name) is not { } value ? null
            : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : throw Wrong($"{name} is no whole number");

    public static bool? FlagOrNull(JsonElement owner, string name)
        => Value(owner, name)?.ValueKind switch
        {
            null => null,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong($"{name} is neither true nor false"),
        };

    public static JsonElement? Value(JsonElement owner, string name)
        => owner.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static FeishuException Wrong(string why) => new(FeishuError.Malformed, $"What came from the platform can't be used: {why}.");

    /// <summary>The text of a JSON string: half a surrogate pair is no text.</summary>
    public static string Decoded(JsonElement value, string name)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Wrong($"{name} is no Unicode text");
        }
    }

    public static string Bounded(string text, string name, int longest)
        => text.Length <= longest ? text : throw Wrong($"{name} has more than {longest} characters");
}
