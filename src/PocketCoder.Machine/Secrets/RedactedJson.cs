using System.Buffers;
using System.Text.Json;
using PocketCoder.Broker.Secrets;

namespace PocketCoder.Machine.Secrets;

/// <summary>Takes secrets out of the texts of a JSON value and leaves its form as it is.</summary>
internal static class RedactedJson
{
    /// <param name="json">One whole value.</param>
    /// <returns>The same bytes when there is no secret in them, which is nearly always.</returns>
    public static byte[] Of(Redactor redactor, byte[] json)
    {
        // The spellings of a secret include the JSON one, so bytes without any hold none in their texts either.
        if (redactor.Redact(json).AsSpan().SequenceEqual(json))
        {
            return json;
        }

        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 128 });
        var output = new ArrayBufferWriter<byte>(json.Length + 64);
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { MaxDepth = 128 }))
        {
            while (reader.Read())
            {
                Copy(ref reader, writer, redactor);
            }
        }

        return output.WrittenSpan.ToArray();
    }

    private static void Copy(ref Utf8JsonReader reader, Utf8JsonWriter writer, Redactor redactor)
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
                writer.WritePropertyName(reader.GetString()!);
                break;
            case JsonTokenType.String:
                writer.WriteStringValue(redactor.Redact(reader.GetString()!));
                break;
            default:
                writer.WriteRawValue(reader.ValueSpan, skipInputValidation: true);
                break;
        }
    }
}
