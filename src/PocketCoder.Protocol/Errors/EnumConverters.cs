using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>Enums travel as lower_snake_case words, never as numbers; see <see cref="ExactNames{T}"/>.</summary>
public sealed class LowerSnake<T>() : ExactNames<T>(JsonNamingPolicy.SnakeCaseLower)
    where T : struct, Enum;

/// <summary>Error codes travel as UPPER_SNAKE_CASE words; see <see cref="ExactNames{T}"/>.</summary>
public sealed class UpperSnake<T>() : ExactNames<T>(JsonNamingPolicy.SnakeCaseUpper)
    where T : struct, Enum;

/// <summary>
/// Reads and writes an enum as exactly one of its words. Another case, spaces around it, a number, or several words joined by commas
/// (which <see cref="JsonStringEnumConverter{TEnum}"/> takes) are a <see cref="JsonException"/>: two spellings of one thing are two
/// things to whoever compares, signs or logs them. Thread-safe.
/// </summary>
public abstract class ExactNames<T> : JsonConverter<T>
    where T : struct, Enum
{
    private readonly Dictionary<string, T> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<T, JsonEncodedText> _words = [];

    private protected ExactNames(JsonNamingPolicy naming)
    {
        foreach (var value in Enum.GetValues<T>())
        {
            var word = naming.ConvertName(value.ToString());
            _values.Add(word, value);
            _words.Add(value, JsonEncodedText.Encode(word));
        }
    }

    /// <summary>Every word, in the order of the enum.</summary>
    public IEnumerable<string> Words => _words.Values.Select(w => w.Value);

    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        => reader.TokenType == JsonTokenType.String ? Value(reader.GetString()) : throw Wrong();

    /// <inheritdoc/>
    public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        => Value(reader.GetString());

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(Word(value));

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, [DisallowNull] T value, JsonSerializerOptions options)
        => writer.WritePropertyName(Word(value));

    private static JsonException Wrong() => new($"Not one of the words of {typeof(T).Name}.");

    private T Value(string? word) => word is not null && _values.TryGetValue(word, out var value) ? value : throw Wrong();

    private JsonEncodedText Word(T value) => _words.TryGetValue(value, out var word) ? word : throw Wrong();
}
