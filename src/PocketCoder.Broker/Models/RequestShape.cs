using System.Runtime.InteropServices;
using System.Text.Json;

namespace PocketCoder.Broker.Models;

/// <summary>
/// The JSON values that may pass at one place of a request. Built from what is known and allowed: a member, a type or a kind of value that
/// no shape names is refused, so whatever a provider adds to its API stays out until somebody has read what it does. <c>null</c> passes
/// wherever a known member stands. Immutable.
/// </summary>
internal abstract class RequestShape
{
    /// <summary>A string that the model reads; never an address or a file.</summary>
    public static RequestShape Text { get; } = new Kinds(JsonValueKind.String);

    public static RequestShape Number { get; } = new Kinds(JsonValueKind.Number);

    public static RequestShape Flag { get; } = new Kinds(JsonValueKind.True, JsonValueKind.False);

    public static RequestShape Off { get; } = new Kinds(JsonValueKind.False);

    /// <summary>Only <c>null</c>: the member is known and not allowed, and agents write it out.</summary>
    public static RequestShape Nothing { get; } = new Kinds();

    /// <summary>Arguments and results of tools that the agent runs: data for the model, of any form.</summary>
    public static RequestShape Data { get; } = new Kinds(
        JsonValueKind.Object, JsonValueKind.Array, JsonValueKind.String, JsonValueKind.Number, JsonValueKind.True, JsonValueKind.False);

    /// <summary>A JSON Schema of any form, whose references stay inside of it.</summary>
    public static RequestShape Schema { get; } = new SchemaShape();

    /// <summary>Base64 of a picture or document. Counted apart from text: its bytes are no measure of its tokens.</summary>
    public static RequestShape Media { get; } = new MediaShape(needsScheme: false);

    /// <summary>A <c>data:</c> URL, which holds its content itself. Any other URL would be fetched by the provider.</summary>
    public static RequestShape DataUrl { get; } = new MediaShape(needsScheme: true);

    /// <summary>Names to short scalars: labels, metadata.</summary>
    public static RequestShape Labels { get; } = new LabelsShape();

    /// <summary>Exactly one of these words.</summary>
    public static RequestShape OneOf(params string[] words) => new WordShape(words);

    public static RequestShape Each(RequestShape item) => new ArrayShape(item);

    public static ObjectShape Object(params (string Name, RequestShape Shape)[] members) => new(members);

    /// <summary>By the kind of JSON value: the first that takes this kind.</summary>
    public static RequestShape Either(params RequestShape[] shapes) => new EitherShape(shapes);

    /// <summary>An object whose members depend on the word in one of them.</summary>
    /// <param name="none">The word when there is none; null: there must be one.</param>
    public static RequestShape Tagged(string tag, string? none, params (string Word, ObjectShape Shape)[] shapes)
        => new TaggedShape(tag, none, shapes);

    /// <summary>For shapes that contain themselves.</summary>
    public static RequestShape Later(Func<RequestShape> shape) => new LaterShape(shape);

    /// <exception cref="RequestShapeException">It may not pass; the path says where.</exception>
    public void Check(JsonElement value, RequestWalk walk)
    {
        if (value.ValueKind != JsonValueKind.Null)
        {
            CheckValue(value, walk);
        }
    }

    protected abstract bool Takes(JsonValueKind kind);

    protected abstract void CheckValue(JsonElement value, RequestWalk walk);

    internal sealed class ObjectShape((string Name, RequestShape Shape)[] members) : RequestShape
    {
        private readonly Dictionary<string, RequestShape> _members = members.ToDictionary(
            m => m.Name, m => m.Shape, StringComparer.Ordinal);

        /// <summary>The same with further members, or with other shapes for some.</summary>
        public ObjectShape With(params (string Name, RequestShape Shape)[] more)
            => new([.. _members.Where(m => more.All(x => x.Name != m.Key)).Select(m => (m.Key, m.Value)), .. more]);

        protected override bool Takes(JsonValueKind kind) => kind == JsonValueKind.Object;

        protected override void CheckValue(JsonElement value, RequestWalk walk)
        {
            if (value.ValueKind != JsonValueKind.Object)
            {
                throw walk.Refused();
            }

            // Gemini's API takes each name in two spellings; both at once would be a member that stands there twice.
            var seen = walk.SnakeCase ? new HashSet<string>(StringComparer.Ordinal) : null;
            foreach (var member in value.EnumerateObject())
            {
                var name = walk.NameOf(member.Name);
                using (walk.Into(name))
                {
                    if (!_members.TryGetValue(name, out var shape) || seen?.Add(name) == false)
                    {
                        throw walk.Refused();
                    }

                    shape.Check(member.Value, walk);
                }
            }
        }
    }

    private sealed class Kinds(params JsonValueKind[] kinds) : RequestShape
    {
        protected override bool Takes(JsonValueKind kind) => kinds.Contains(kind);

        protected override void CheckValue(JsonElement value, RequestWalk walk)
        {
            if (!kinds.Contains(value.ValueKind))
            {
                throw walk.Refused();
            }
        }
    }

    private sealed class WordShape(string[] words) : RequestShape
    {
        protected override bool Takes(JsonValueKind kind) => kind == JsonValueKind.String;

        protected override void CheckValue(JsonElement value, RequestWalk walk)
        {
            if (value.ValueKind != JsonValueKind.String || !words.Any(w => value.ValueEquals(w)))
            {
                throw walk.Refused();
            }
        }
    }

    private sealed class ArrayShape(RequestShape item) : RequestShape
    {
        protected override bool Takes(JsonValueKind kind) => kind == JsonValueKind.Array;

        protected override void CheckValue(JsonElement value, RequestWalk walk)
        {
            if (value.ValueKind != JsonValueKind.Array)
            {
                throw walk.Refused();
            }

            var i = 0;
            foreach (var element in value.EnumerateArray())
            {
                using (walk.Into(i++))
                {
                    item.Check(element, walk);
                }
            }
        }
    }

    private sealed class EitherShape(RequestShape[] shapes) : RequestShape
    {
        protected override bool Takes(JsonValueKind kind) => shapes.Any(s => s.Takes(kind));

        protected override void CheckValue(JsonElement value, RequestWalk walk)
            => (shapes.FirstOrDefault(s => s.Takes(value.ValueKind)) ?? throw walk.Refused()).Check(value, walk);
    }

    private sealed class TaggedShape(string tag, string? none, (string Word, ObjectShape Shape)[] shapes) : RequestShape
    {
        private readonly Dictionary<string, ObjectShape> _shapes = shapes.ToDictionary(
            s => s.Word, s => s.Shape.With((tag, Text)), StringComparer.Ordinal);

        protected override bool Takes(JsonValueKind kind) => kind == JsonValueKind.Object;

        protected override void CheckValue(JsonElement value, RequestWalk walk)
        {
            if (value.ValueKind != JsonValueKind.Object)
            {
                throw walk.Refused();
            }

            var has = value.TryGetProperty(tag, out var found) && found.ValueKind != JsonValueKind.Null;
            var word = has ? found.ValueKind == JsonValueKind.String ? found.GetString() : null : none;
            if (word is null || !_shapes.TryGetValue(word, out var shape))
            {
                using (walk.Into(tag))
                {
                    throw walk.Refused();
                }
            }

            shape.Check(value, walk);
        }
    }

    private sealed class LaterShape(Func<RequestShape> shape) : RequestShape
    {
        protected override bool Takes(JsonValueKind kind) => shape().Takes(kind);

        protected override void CheckValue(JsonElement value, RequestWalk walk) => shape().Check(value, walk);
    }

    private sealed class LabelsShape : RequestShape
    {
        protected override bool Takes(JsonValueKind kind) => kind == JsonValueKind.Object;

        protected override void CheckValue(JsonElement value, RequestWalk walk)
        {
            if (value.ValueKind != JsonValueKind.Object
                || value.EnumerateObject().Any(m => m.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array))
            {
                throw walk.Refused();
            }
        }
    }

    private sealed class SchemaShape : RequestShape
    {
        protected override bool Takes(JsonValueKind kind) => kind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False;

        protected override void CheckValue(JsonElement value, RequestWalk walk)
        {
            if (!Takes(value.ValueKind))
            {
                throw walk.Refused();
            }

            Follow(value, walk);
        }

        private static void Follow(JsonElement value, RequestWalk walk)
        {
            if (value.ValueKind == JsonValueKind.Array)
            {
                foreach (var element in value.EnumerateArray())
                {
                    Follow(element, walk);
                }
            }
            else if (value.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in value.EnumerateObject())
                {
                    if (member.Name is "$ref" or "$dynamicRef" or "$recursiveRef" && member.Value.ValueKind == JsonValueKind.String
                        && !JsonMarshal.GetRawUtf8Value(member.Value).StartsWith("\"#"u8))
                    {
                        using (walk.Into(member.Name))
                        {
                            throw walk.Refused();
                        }
                    }

                    Follow(member.Value, walk);
                }
            }
        }
    }

    private sealed class MediaShape(bool needsScheme) : RequestShape
    {
        protected override bool Takes(JsonValueKind kind) => kind == JsonValueKind.String;

        protected override void CheckValue(JsonElement value, RequestWalk walk)
        {
            if (value.ValueKind != JsonValueKind.String)
            {
                throw walk.Refused();
            }

            // Without a scheme it is base64, which has no colon: no address can stand there.
            var raw = JsonMarshal.GetRawUtf8Value(value);
            if (!raw.StartsWith("\"data:"u8) && (needsScheme || raw.ContainsAny((byte)':', (byte)'\\')))
            {
                throw walk.Refused();
            }

            walk.AddMedia(raw);
        }
    }
}

/// <summary>A member or value that is not known to be harmless.</summary>
/// <param name="path">Where it stands, as <c>tools[2].type</c>; never what stands there.</param>
internal sealed class RequestShapeException(string path) : Exception($"the request's '{path}' is not allowed")
{
    public string Path { get; } = path;
}
