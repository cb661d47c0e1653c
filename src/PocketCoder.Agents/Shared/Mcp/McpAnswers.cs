using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Shared.Mcp;

/// <summary>What our server says (modelcontextprotocol.io).</summary>
internal static class McpAnswers
{
    /// <summary>
    /// The most that Claude Code lets a server ask for; other clients don't look at it. Without it a result beyond a few kilobytes is put
    /// into a file outside of the project, and the model gets a glimpse of it.
    /// </summary>
    private const int MaxResultCharacters = 500_000;

    private static readonly string[] s_versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

    public static byte[] Initialized(string rawId, string serverName, string? wantedVersion)
        => RpcMessages.Result(rawId, w => WriteInitialized(w, serverName, wantedVersion));

    /// <summary>The members of the answer to <c>initialize</c>.</summary>
    public static void WriteInitialized(Utf8JsonWriter w, string serverName, string? wantedVersion)
    {
        w.WriteString("protocolVersion", s_versions.Contains(wantedVersion, StringComparer.Ordinal) ? wantedVersion : s_versions[0]);
        w.WriteStartObject("capabilities");
        w.WriteStartObject("tools");
        w.WriteEndObject();
        w.WriteEndObject();
        w.WriteStartObject("serverInfo");
        w.WriteString("name", serverName);
        w.WriteString("version", "1");
        w.WriteEndObject();
    }

    public static byte[] Tools(string rawId, IReadOnlyList<HostTool> tools) => RpcMessages.Result(rawId, w => WriteTools(w, tools));

    /// <summary>The members of the answer to <c>tools/list</c>.</summary>
    public static void WriteTools(Utf8JsonWriter w, IReadOnlyList<HostTool> tools)
    {
        w.WriteStartArray("tools");
        foreach (var tool in tools)
        {
            w.WriteStartObject();
            w.WriteString("name", tool.Name);
            w.WriteString("description", tool.Description);
            w.WritePropertyName("inputSchema");
            w.WriteRawValue(tool.InputSchemaJson);
            w.WriteStartObject("_meta");
            w.WriteNumber("anthropic/maxResultSizeChars", MaxResultCharacters);
            w.WriteEndObject();
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    public static byte[] Empty(string rawId) => RpcMessages.Result(rawId, _ => { });

    public static byte[] Called(string rawId, string text, bool isError)
        => RpcMessages.Result(rawId, w => TextParts.WriteResult(w, text, isError));

    /// <param name="rawToken">The client's <c>progressToken</c>, raw JSON.</param>
    public static byte[] Progress(string rawToken, long step) => RpcMessages.Notification("notifications/progress", w =>
    {
        w.WritePropertyName("progressToken");
        w.WriteRawValue(rawToken);
        w.WriteNumber("progress", step);
    });

    /// <summary>One message as a server-sent event. JSON written by us holds no line feed.</summary>
    public static byte[] Event(byte[] message) => [.. "event: message\ndata: "u8, .. message, .. "\n\n"u8];

    public static byte[] Ping { get; } = Encoding.ASCII.GetBytes(": ping\n\n");
}
