using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace PocketCoder.Agents.Shared;

/// <summary>
/// Reading and writing single lines of JSON: how every agent speaks. Reads never throw for a missing or differently typed member.
/// </summary>
internal static class LineJson
{
    /// <summary>Two members of one name would let us approve the first and the program run the last: such a line is malformed.</summary>
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 256 };

    public static JsonDocument? TryParse(ReadOnlyMemory<byte> line)
    {
        if (!Utf8.IsValid(line.Span))
        {
            return null; // the parser looks only at what it needs, and would throw when the rest is read
        }

        try
        {
            return JsonDocument.Parse(line, s_strict);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null; // the second: a member's name with half a surrogate pair, met when names are compared
        }
    }

    public static JsonElement? Member(this JsonElement element, string name)
        => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    public static JsonElement? Object(this JsonElement element, string name)
        => element.Member(name) is { ValueKind: JsonValueKind.Object } value ? value : null;

    public static string? Text(this JsonElement element, string name)
    {
        if (element.Member(name) is not { ValueKind: JsonValueKind.String } value)
        {
            return null;
        }

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null; // a lone surrogate escape: no text that could be shown or compared
        }
    }

    public static bool IsTrue(this JsonElement element, string name) => element.Member(name) is { ValueKind: JsonValueKind.True };

    public static long Number(this JsonElement element, string name)
        => element.Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) ? number : 0;

    public static decimal? Amount(this JsonElement element, string name)
        => element.Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDecimal(out var number) ? number : null;

    public static IEnumerable<JsonElement> Items(this JsonElement element, string name)
        => element.Member(name) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray() : [];

    /// <summary>A text element's value, or null.</summary>
    public static string? AsText(this JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>One line, without its end. JSON never contains a raw line feed, so a line stays a line.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> content)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            content(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Whether two texts are the same JSON value: members in any order, everything else exactly.</summary>
    public static bool SameValue(string left, string right)
    {
        using var a = TryParse(Encoding.UTF8.GetBytes(left));
        using var b = TryParse(Encoding.UTF8.GetBytes(right));
        return a is not null && b is not null && JsonElement.DeepEquals(a.RootElement, b.RootElement);
    }
}
