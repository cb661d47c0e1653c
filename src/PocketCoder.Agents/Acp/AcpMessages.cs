using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Acp;

/// <summary>Parameters and answers of the Agent Client Protocol, version 1 (agentclientprotocol.com).</summary>
internal static class AcpMessages
{
    public const int Version = 1;
    public const int AuthRequired = -32000;
    public const int NotFound = -32002;

    public static void Initialize(Utf8JsonWriter w, AcpAgent agent)
    {
        w.WriteNumber("protocolVersion", Version);
        w.WriteStartObject("clientCapabilities");
        w.WriteStartObject("fs");
        w.WriteBoolean("readTextFile", agent.Files);
        w.WriteBoolean("writeTextFile", agent.Files);
        w.WriteEndObject();
        w.WriteBoolean("terminal", false);
        if (agent.Questions)
        {
            w.WriteStartObject("elicitation");
            w.WriteStartObject("form");
            w.WriteEndObject();
            w.WriteEndObject();
        }

        w.WriteEndObject();
        w.WriteStartObject("clientInfo");
        w.WriteString("name", "pocketcoder");
        w.WriteString("title", "PocketCoder");
        w.WriteString("version", "1");
        w.WriteEndObject();
    }

    /// <summary>For <c>session/new</c>, <c>session/load</c> and <c>session/resume</c>.</summary>
    /// <param name="metaJson">An object for <c>_meta</c>; null: none.</param>
    /// <param name="server">Our tools; null: not by this way.</param>
    public static void Session(Utf8JsonWriter w, string? metaJson, string workingDirectory, string? sessionId, AcpToolServer? server)
    {
        if (sessionId is not null)
        {
            w.WriteString("sessionId", sessionId);
        }

        w.WriteString("cwd", workingDirectory);
        w.WriteStartArray("mcpServers");
        if (server is not null)
        {
            w.WriteStartObject();
            w.WriteString("type", "http");
            w.WriteString("name", server.Name);
            w.WriteString("url", server.Url.AbsoluteUri);
            w.WriteStartArray("headers");
            w.WriteStartObject();
            w.WriteString("name", "Authorization");
            w.WriteString("value", server.Authorization);
            w.WriteEndObject();
            w.WriteEndArray();
            w.WriteEndObject();
        }

        w.WriteEndArray();
        if (metaJson is not null)
        {
            w.WritePropertyName("_meta");
            w.WriteRawValue(metaJson);
        }
    }

    public static void Prompt(Utf8JsonWriter w, string sessionId, IReadOnlyList<string> pieces, IReadOnlyList<Picture> pictures)
    {
        w.WriteString("sessionId", sessionId);
        w.WriteStartArray("prompt");
        foreach (var picture in pictures)
        {
            w.WriteStartObject();
            w.WriteString("type", "image");
            w.WriteString("mimeType", picture.MediaType);
            w.WriteBase64String("data", picture.Bytes);
            w.WriteEndObject();
        }

        TextParts.Write(w, pieces);
        w.WriteEndArray();
    }

    public static byte[] Selected(string rawId, string optionId) => RpcMessages.Result(rawId, w =>
    {
        w.WriteStartObject("outcome");
        w.WriteString("outcome", "selected");
        w.WriteString("optionId", optionId);
        w.WriteEndObject();
    });

    public static byte[] Cancelled(string rawId) => RpcMessages.Result(rawId, w =>
    {
        w.WriteStartObject("outcome");
        w.WriteString("outcome", "cancelled");
        w.WriteEndObject();
    });

    public static byte[] Elicited(string rawId, IEnumerable<(string Property, string Value)>? content) => RpcMessages.Result(rawId, w =>
    {
        w.WriteString("action", content is null ? "decline" : "accept");
        if (content is not null)
        {
            w.WriteStartObject("content");
            foreach (var (property, value) in content)
            {
                w.WriteString(property, value);
            }

            w.WriteEndObject();
        }
    });
}
