using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using PocketCoder.Testing.Contracts;

namespace PocketCoder.Protocol.Tests.Contracts;

/// <summary>Writes a JSON Schema for every message, for people who write clients in other languages.</summary>
internal static class JsonSchemaContract
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>
    /// The protocol's options with the library's own converters for enums: the exporter can't describe ours, which write the same words.
    /// </summary>
    private static readonly JsonSerializerOptions s_described = new(ProtocolJson.Default.Options)
    {
        Converters =
        {
            new JsonStringEnumConverter<ErrorCode>(JsonNamingPolicy.SnakeCaseUpper, allowIntegerValues: false),
            new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false),
        },
    };

    public static string Generate()
    {
        var messages = new JsonObject();
        foreach (var type in MessageTypes.Requests)
        {
            messages[type] = Schema(MessageCatalog.Request(type));
            messages[type + MessageTypes.ResponseSuffix] = Schema(MessageCatalog.Response(type));
        }

        messages[MessageTypes.AgentEvent] = Schema(typeof(AgentEventPayload));
        messages[MessageTypes.AgentEvents] = EventsSchema();
        messages[MessageTypes.AgentDelta] = Schema(typeof(AgentDeltaPayload));
        messages[MessageTypes.MachineEvent] = Schema(typeof(MachineEvent));
        messages[MessageTypes.TerminalOutput] = Schema(typeof(TerminalOutputPayload));
        var root = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "PocketCoder protocol 1: payload of each message type",
            ["envelope"] = Schema(typeof(Envelope)),
            ["error"] = Schema(typeof(WireError)),
            ["messages"] = messages,
        };
        return root.ToJsonString(s_indented) + "\n";
    }

    /// <summary>Each event is described once, in the place of one that comes alone.</summary>
    private static JsonNode EventsSchema()
    {
        var schema = Schema(typeof(AgentEventsPayload));
        schema["properties"]!["events"]!["items"] = new JsonObject { ["$ref"] = $"#/messages/{MessageTypes.AgentEvent}" };
        return schema;
    }

    private static JsonNode Schema(Type type) => s_described.GetJsonSchemaAsNode(type);
}
