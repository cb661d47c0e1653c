using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PocketCoder.Agents;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Tests;

/// <summary>Lines as a broken, newer or hostile program might write them.</summary>
internal static class Noise
{
    private const string HalfPair = "half-a-pair";

    /// <summary>
    /// The line with something else at a random place: another value, a missing or doubled member, a cut, a flipped byte.
    /// </summary>
    public static byte[] Mutate(string line, Random random)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        switch (random.Next(6))
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1:
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return bytes;
            case 2:
                return bytes;
            default:
                var root = JsonNode.Parse(line)!;
                var places = new List<(JsonObject Parent, string Name)>();
                Collect(root, places);
                var (parent, name) = places[random.Next(places.Count)];
                parent[name] = random.Next(9) switch
                {
                    0 => null,
                    1 => JsonValue.Create(random.NextInt64()),
                    2 => JsonValue.Create(-1.5e300),
                    3 => JsonValue.Create(new string('x', random.Next(3000))),
                    4 => new JsonArray(1, "x", null),
                    5 => new JsonObject { ["type"] = "tomorrow" },
                    6 => JsonValue.Create(true),
                    7 => JsonValue.Create("../../etc/passwd\0"),
                    _ => JsonValue.Create(HalfPair),
                };
                // half a surrogate pair, which JSON can spell
                return Encoding.UTF8.GetBytes(root.ToJsonString().Replace(HalfPair, "\\ud800", StringComparison.Ordinal));
        }
    }

    /// <summary>As the connection does it.</summary>
    public static void Feed(IRpcTranslator translator, byte[] line, List<AgentEvent> events)
    {
        using var document = LineJson.TryParse(line);
        if (document is null || document.RootElement.ValueKind != JsonValueKind.Object)
        {
            events.AddRange(translator.NotUnderstood(line).Events);
            return;
        }

        try
        {
            events.AddRange(translator.Take(document.RootElement).Events);
        }
        catch (InvalidOperationException)
        {
            translator.NotUnderstood(line);
        }
    }

    private static void Collect(JsonNode node, List<(JsonObject, string)> places)
    {
        if (node is JsonObject item)
        {
            foreach (var (name, value) in item)
            {
                places.Add((item, name));
                if (value is not null)
                {
                    Collect(value, places);
                }
            }
        }
        else if (node is JsonArray array)
        {
            foreach (var value in array.OfType<JsonNode>())
            {
                Collect(value, places);
            }
        }
    }
}
