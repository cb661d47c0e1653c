using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Mcp;

namespace PocketCoder.Agents.Acp.ClaudeAgentAcp;

/// <summary>
/// Holds claude-agent-acp (0.49.0) to our tools: it hands on to Claude Code what stands in <c>_meta.claudeCode.options</c>, so the same is
/// switched off as in Claude Code itself.
/// </summary>
internal static class ClaudeAgentAcpGate
{
    private const string Prefix = $"mcp__{McpToolEndpoint.ServerName}__";

    /// <summary>A day, in milliseconds. Claude's own limit for a tool over HTTP is a minute, and five without a word.</summary>
    private const string ToolMilliseconds = "86400000";

    public static AcpGate Gate { get; } = new(
        static call => call.Name == "Bash" || call.Name.StartsWith(Prefix, StringComparison.Ordinal), SetUp);

    /// <summary>
    /// <c>_meta</c> of a session with the agent's own tools: nothing of the repository's settings, and its notes as text.
    /// </summary>
    public static string OpenMeta(AgentStart start, IReadOnlyDictionary<string, string> environment)
        => Encoding.UTF8.GetString(LineJson.Write(w =>
    {
        WriteNotes(w, start, environment);
        w.WritePropertyName("claudeCode");
        w.WriteRawValue("""{"options":{"settingSources":[],"strictMcpConfig":true,"settings":{"disableAllHooks":true}}}""");
    }));

    /// <summary>With the repository's settings off it reads no <c>CLAUDE.md</c> by itself.</summary>
    private static void WriteNotes(Utf8JsonWriter w, AgentStart start, IReadOnlyDictionary<string, string> environment)
    {
        if (ClaudeMemory.Read(ClaudeEnvironment.ConfigDirectory(environment), start.WorkingDirectory) is { } notes)
        {
            w.WriteStartObject("systemPrompt");
            w.WriteString("append", notes);
            w.WriteEndObject();
        }
    }

    private static AcpGateSetup SetUp(AcpGateInput input) => new()
    {
        NamesServer = true,
        SessionMetaJson = Encoding.UTF8.GetString(LineJson.Write(w =>
        {
            WriteNotes(w, input.Start, input.Environment);
            w.WriteStartObject("claudeCode");
            w.WriteStartObject("options");
            Names("tools", ClaudeTool.OfferedGated);
            Names("disallowedTools", ClaudeTool.DisallowedGated);
            Names("allowedTools", input.Start.HostTools.Select(t => Prefix + t.Name)); // the machine asks before it runs any of them
            Names("settingSources", []);
            w.WriteBoolean("strictMcpConfig", true);
            w.WriteStartObject("settings");
            w.WriteBoolean("disableAllHooks", true);
            w.WriteBoolean("disableSkillShellExecution", true);
            w.WriteEndObject();
            w.WriteStartObject("toolAliases");
            if (input.Start.HostTools.Any(t => t.Name == "bash"))
            {
                w.WriteString("Bash", Prefix + "bash");
            }

            w.WriteEndObject();
            w.WriteEndObject();
            w.WriteEndObject();

            void Names(string name, IEnumerable<string> names)
            {
                w.WriteStartArray(name);
                foreach (var each in names)
                {
                    w.WriteStringValue(each);
                }

                w.WriteEndArray();
            }
        })),
        Environment = new Dictionary<string, string>(StringComparer.Ordinal)
        { ["MCP_TOOL_TIMEOUT"] = ToolMilliseconds, ["CLAUDE_CODE_MCP_TOOL_IDLE_TIMEOUT"] = "0" },
    };
}
