using System.Text.Json;

namespace PocketCoder.Agents.Shared;

/// <summary>Text as MCP, ACP and OpenCode write it: <c>{"type":"text","text":…}</c>.</summary>
internal static class TextParts
{
    public static void Write(Utf8JsonWriter w, IEnumerable<string> pieces)
    {
        foreach (var piece in pieces)
        {
            w.WriteStartObject();
            w.WriteString("type", "text");
            w.WriteString("text", piece);
            w.WriteEndObject();
        }
    }

    /// <summary>The members of an MCP tool's result.</summary>
    public static void WriteResult(Utf8JsonWriter w, string text, bool isError)
    {
        w.WriteStartArray("content");
        Write(w, [text]);
        w.WriteEndArray();
        w.WriteBoolean("isError", isError);
    }
}
