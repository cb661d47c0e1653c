using System.Buffers;
using System.Text.Json;
using PocketCoder.Broker.Secrets;

namespace PocketCoder.Machine.Secrets;

/// <summary>Takes secrets out of the texts of a JSON value and leaves its form as it is.</summary>
public static class RedactedJson
{
    /// <summary>
    /// What is a word of the protocol, an id or a time: a secret that happens to be spelled like one must not break the event.
    /// </summary>
    private static readonly HashSet<string> s_structure = new(StringComparer.Ordinal)
    {
        "kind", "at", "turnId", "toolUseId", "parentToolUseId", "blockId", "category", "level", "outcome", "state", "sandbox", "deviceId",
        "createdAt", "startedAt", "finishedAt",
    };

    /// <param name="json">One whole value.</param>
    /// <returns>The same bytes when there is no secret in its texts, which is nearly always.</returns>
    public static byte[] Of(Redactor redactor, byte[] json)
    {
        if (redactor.IsEmpty)
        {
            return json;
        }

        // Text by text, as it was before it was escaped: JSON within JSON would hide a secret from a look at the bytes.
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 128 });
        var output = new ArrayBufferWriter<byte>(json.Length + 64);
        var changed = false;
        var name = "";
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { MaxDepth = 128 }))
        {
            while (reader.Read())
            {
                changed |= Copy(ref reader, writer, redactor, ref name);
            }
        }

        return changed ? output.WrittenSpan.ToArray() : json;
    }

    /// <returns>Whether a secret was in it.</returns>
    private static bool Copy(ref Utf8JsonReader reader, Utf8JsonWriter writer, Redactor redactor, ref string name)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                writer.WriteStartObject();
                break;
            case JsonTokenType.EndObject:
                writer.WriteEndObject();
                break;
            case JsonTokenType.StartArray:
                writer.WriteStartArray();
                break;
            case JsonTokenType.EndArray:
                writer.WriteEndArray();
                break;
            case JsonTokenType.PropertyName:
                name = reader.GetString()!;
                writer.WritePropertyName(name);
                break;
            case JsonTokenType.String:
                var text = reader.GetString()!;
                var redacted = s_structure.Contains(name) ? text : redactor.Redact(text);
                writer.WriteStringValue(redacted);
                return !ReferenceEquals(text, redacted);
            default:
                writer.WriteRawValue(reader.ValueSpan, skipInputValidation: true);
                break;
        }

        return false;
    }
}
