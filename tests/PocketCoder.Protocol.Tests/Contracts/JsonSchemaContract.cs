using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;

namespace PocketCoder.Protocol.Tests.Contracts;

/// <summary>Writes a JSON Schema for every message, for people who write clients in other languages.</summary>
internal static class JsonSchemaContract
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static string Generate()
    {
        var messages = new JsonObject();
        foreach (var type in MessageTypes.Requests)
        {
            messages[type] = Schema(MessageCatalog.Request(type));
            messages[type + MessageTypes.ResponseSuffix] = Schema(MessageCatalog.Response(type));
        }

        messages[MessageTypes.AgentEvent] = Schema(typeof(AgentEventPayload));
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
        return root.ToJsonString(Indented) + "\n";
    }

    private static JsonNode Schema(Type type) => ProtocolJson.Default.Options.GetJsonSchemaAsNode(type);
}
