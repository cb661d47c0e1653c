using System.Text.Json;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Shared.Mcp;

internal enum McpMessageKind
{
    /// <summary>No JSON, no object, a member twice, a batch, an id that can't be given back.</summary>
    NotUnderstood,

    Request,

    /// <summary>Wants no answer. An answer to a request counts as one too: we make none.</summary>
    Notification,
}

/// <summary>
/// One message of an MCP client (JSON-RPC 2.0, one a POST; modelcontextprotocol.io, revisions 2024-11-05 to 2025-11-25; batches of the
/// revision 2025-03-26 are refused). Immutable.
/// </summary>
/// <param name="RawId">Of a request: its id as it came, raw JSON.</param>
/// <param name="Parameters">Lives on by itself; undefined when there are none, or not as an object.</param>
internal sealed record McpMessage(McpMessageKind Kind, string Method, string RawId, JsonElement Parameters)
{
    private const int LongestMethod = 200;

    private static readonly McpMessage s_notUnderstood = new(McpMessageKind.NotUnderstood, "", "null", default);

    /// <summary>Never throws, whatever the bytes are.</summary>
    public static McpMessage Read(ReadOnlyMemory<byte> body)
    {
        using var document = LineJson.TryParse(body);
        if (document?.RootElement is not { ValueKind: JsonValueKind.Object } message)
        {
            return s_notUnderstood;
        }

        try
        {
            var parameters = message.Object("params")?.Clone() ?? default;
            if (message.Member("method") is null)
            {
                return message.Member("id") is null ? s_notUnderstood : new McpMessage(McpMessageKind.Notification, "", "null", default);
            }

            if (message.Text("method") is not { Length: > 0 and <= LongestMethod } method)
            {
                return s_notUnderstood;
            }

            return message.Member("id") is null ? new McpMessage(McpMessageKind.Notification, method, "null", parameters)
                : RpcMessages.RawId(message) is { } id ? new McpMessage(McpMessageKind.Request, method, id, parameters)
                : s_notUnderstood;
        }
        catch (InvalidOperationException)
        {
            return s_notUnderstood; // text that is no text: half a surrogate pair, met when names are compared
        }
    }

    /// <summary>The same id however it is spelled: escapes differ, values don't. Null: none that could be one.</summary>
    public static string? Key(JsonElement id) => id.ValueKind switch
    {
        JsonValueKind.Number => $"n{id.GetRawText()}",
        JsonValueKind.String when id.AsText() is { } text => $"t{text}",
        _ => null,
    };
}
