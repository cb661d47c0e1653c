using System.Text.Json;
using PocketCoder.Agents.Shared.Mcp;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// Our tools inside Claude Code: an MCP server that lives in the control pipe, so there is no port and no process that anybody else could
/// call. This is the server's side of the protocol; immutable.
/// </summary>
internal sealed class ClaudeHostTools(IReadOnlyList<HostTool> tools)
{
    public const string ServerName = "pocketcoder";

    private const string Prefix = "mcp__" + ServerName + "__";

    private const int MethodNotFound = -32601;

    /// <summary>With tools of ours the program's own shell is off.</summary>
    public bool IsGated => tools.Count > 0;

    /// <summary>Their names as the program and the model know them.</summary>
    public IEnumerable<string> FullNames => tools.Select(t => Prefix + t.Name);

    /// <summary>
    /// Our name for it, or null when it is none of ours. Models that learned the program's own names call <c>Bash</c>: that is ours too.
    /// </summary>
    public string? ShortName(string name)
        => name.StartsWith(Prefix, StringComparison.Ordinal) && tools.Any(t => t.Name == name[Prefix.Length..]) ? name[Prefix.Length..]
            : IsGated && name == "Bash" && tools.Any(t => t.Name == "bash") ? "bash"
            : null;

    public bool Has(string shortName) => tools.Any(t => t.Name == shortName);

    public void WriteInitialize(Utf8JsonWriter w)
    {
        if (!IsGated)
        {
            return;
        }

        w.WriteStartArray("sdkMcpServers");
        w.WriteStringValue(ServerName);
        w.WriteEndArray();
        w.WriteStartObject("toolAliases");
        if (Has("bash"))
        {
            w.WriteString("Bash", Prefix + "bash");
        }

        w.WriteEndObject();
    }

    /// <summary>Answers everything but a tool call.</summary>
    public byte[] Answer(string requestId, string method, JsonElement? id) => ClaudeMessages.Mcp(requestId, id, w =>
    {
        switch (method)
        {
            case "initialize":
                w.WriteStartObject("result");
                McpAnswers.WriteInitialized(w, ServerName, wantedVersion: null);
                w.WriteEndObject();
                break;
            case "tools/list":
                w.WriteStartObject("result");
                McpAnswers.WriteTools(w, tools);
                w.WriteEndObject();
                break;
            case "ping":
            case var notification when notification.StartsWith("notifications/", StringComparison.Ordinal):
                w.WriteStartObject("result");
                w.WriteEndObject();
                break;
            default:
                w.WriteStartObject("error");
                w.WriteNumber("code", MethodNotFound);
                w.WriteString("message", "There is no such method.");
                w.WriteEndObject();
                break;
        }
    });
}
