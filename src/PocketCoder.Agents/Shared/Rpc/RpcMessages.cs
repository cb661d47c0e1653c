using System.Text.Json;

namespace PocketCoder.Agents.Shared.Rpc;

/// <summary>
/// Lines of JSON-RPC 2.0. Codex leaves the member <c>jsonrpc</c> away; readers of both kinds ignore what they don't know.
/// </summary>
internal static class RpcMessages
{
    public const int MethodNotFound = -32601;
    public const int InvalidParams = -32602;

    public static byte[] Request(long id, string method, Action<Utf8JsonWriter> parameters) => LineJson.Write(w =>
    {
        w.WriteString("jsonrpc", "2.0");
        w.WriteNumber("id", id);
        w.WriteString("method", method);
        w.WriteStartObject("params");
        parameters(w);
        w.WriteEndObject();
    });

    public static byte[] Notification(string method, Action<Utf8JsonWriter>? parameters = null) => LineJson.Write(w =>
    {
        w.WriteString("jsonrpc", "2.0");
        w.WriteString("method", method);
        if (parameters is not null)
        {
            w.WriteStartObject("params");
            parameters(w);
            w.WriteEndObject();
        }
    });

    /// <param name="rawId">The id as it came, raw JSON.</param>
    public static byte[] Result(string rawId, Action<Utf8JsonWriter> result) => LineJson.Write(w =>
    {
        w.WriteString("jsonrpc", "2.0");
        w.WritePropertyName("id");
        w.WriteRawValue(rawId);
        w.WriteStartObject("result");
        result(w);
        w.WriteEndObject();
    });

    /// <inheritdoc cref="Result"/>
    public static byte[] Error(string rawId, int code, string message) => LineJson.Write(w =>
    {
        w.WriteString("jsonrpc", "2.0");
        w.WritePropertyName("id");
        w.WriteRawValue(rawId);
        w.WriteStartObject("error");
        w.WriteNumber("code", code);
        w.WriteString("message", message);
        w.WriteEndObject();
    });

    /// <summary>An error that is only text, which JSON-RPC does not know: for programs that show nothing else of it.</summary>
    public static byte[] ErrorWords(string rawId, string message) => LineJson.Write(w =>
    {
        w.WriteString("jsonrpc", "2.0");
        w.WritePropertyName("id");
        w.WriteRawValue(rawId);
        w.WriteString("error", message);
    });

    /// <summary>An id that can be given back: a number or a text, as raw JSON. Null for anything else.</summary>
    public static string? RawId(JsonElement message, string name = "id")
        => message.Member(name) is { } id
            && (id.ValueKind == JsonValueKind.Number || id.AsText() is { Length: <= 200 }) ? id.GetRawText() : null;
}
