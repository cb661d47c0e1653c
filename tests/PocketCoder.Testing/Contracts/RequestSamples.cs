using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Protocol;

namespace PocketCoder.Testing.Contracts;

/// <summary>
/// A well-formed payload of each request, made from the serializer's own metadata, and where in it an enum's word stands.
/// </summary>
public static class RequestSamples
{
    /// <param name="Type">The message type.</param>
    /// <param name="Payload">Every field filled; well-formed, and about nothing that exists.</param>
    /// <param name="Words">The fields that hold an enum's word, with that enum.</param>
    public sealed record Sample(string Type, JsonObject Payload, IReadOnlyList<Place> Words);

    /// <param name="Path">Property names and array indices from the payload down.</param>
    public sealed record Place(IReadOnlyList<object> Path, Type Enum)
    {
        public override string ToString() => string.Join('.', Path);

        /// <summary>The payload with something else at this place.</summary>
        public JsonObject With(JsonObject payload, JsonNode? value)
        {
            var copy = (JsonObject)payload.DeepClone();
            JsonNode at = copy;
            foreach (var step in Path.SkipLast(1))
            {
                at = (step is int index ? at[index] : at[(string)step])!;
            }

            if (Path[^1] is int last)
            {
                at[last] = value;
            }
            else
            {
                at[(string)Path[^1]] = value;
            }

            return copy;
        }
    }

    /// <summary>One for each of <see cref="MessageTypes.Requests"/>.</summary>
    public static IEnumerable<Sample> All()
    {
        foreach (var type in MessageTypes.Requests)
        {
            var places = new List<Place>();
            yield return new Sample(type, (JsonObject)Make(MessageCatalog.Request(type), [], places, 0)!, places);
        }
    }

    private static JsonNode? Make(Type type, object[] path, List<Place> places, int depth)
    {
        if (depth > 6)
        {
            return null; // a record within itself
        }

        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type.IsEnum)
        {
            places.Add(new Place(path, type));
            return JsonSerializer.SerializeToNode(Enum.GetValues(type).GetValue(0), type, ProtocolJson.Default.Options);
        }

        if (type == typeof(string))
        {
            return "x";
        }

        if (type == typeof(Guid))
        {
            return Guid.CreateVersion7().ToString();
        }

        if (type == typeof(bool))
        {
            return false;
        }

        if (type == typeof(int) || type == typeof(long) || type == typeof(decimal))
        {
            return 1;
        }

        if (type == typeof(DateTimeOffset))
        {
            return "2026-01-01T00:00:00Z";
        }

        var info = ProtocolJson.Default.Options.GetTypeInfo(type);
        return info.Kind switch
        {
            JsonTypeInfoKind.Enumerable => new JsonArray(Make(info.ElementType!, [.. path, 0], places, depth + 1)),
            JsonTypeInfoKind.Dictionary => new JsonObject { ["k"] = Make(info.ElementType!, [.. path, "k"], places, depth + 1) },
            _ => new JsonObject(info.Properties.Select(
                p => KeyValuePair.Create(p.Name, Make(p.PropertyType, [.. path, p.Name], places, depth + 1)))),
        };
    }

    /// <summary>What looks like a word to a lenient reader and is not: other case, spaces, several joined, numbers, nothing.</summary>
    public static IEnumerable<JsonNode?> NearWords(Type type)
    {
        var words = Enum.GetValues(type).Cast<object>()
            .Select(v => JsonSerializer.SerializeToNode(v, type, ProtocolJson.Default.Options)!.GetValue<string>()).ToList();
        foreach (var word in words)
        {
            yield return word.Any(char.IsLower) ? word.ToUpperInvariant() : word.ToLowerInvariant();
            yield return char.ToUpperInvariant(word[0]) + word[1..].ToLowerInvariant() + (word.Length == 1 ? "x" : "");
            yield return $" {word}";
            yield return $"{word} ";
            yield return $"{word}\u200b";
            yield return $"{word}\0";
            yield return word.Replace('_', '-') + "-";
            foreach (var other in words)
            {
                yield return $"{word},{other}";
                yield return $"{word}, {other}";
            }
        }

        foreach (var name in Enum.GetNames(type).Where(n => !words.Contains(n, StringComparer.Ordinal)))
        {
            yield return name;
        }

        for (var number = -1; number <= words.Count; number++)
        {
            yield return number;
            yield return number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        yield return "";
        yield return true;
        yield return new JsonArray(words[0]);
    }
}
