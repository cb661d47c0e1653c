using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Mcp;

namespace PocketCoder.Agents.Acp.Gemini;

/// <summary>
/// Holds Gemini CLI (0.61.0) to our tools. What was seen, and is met here: a folder that is not trusted gets no MCP server at all, so it is
/// trusted; of a trusted folder hooks, MCP servers and <c>discoveryCommand</c> run, unless the system's settings overrule them; those are
/// skipped without an error when a folder above them is not root's; listing a tool in <c>tools.core</c> also allows it unasked, so an
/// administrator's policy asks for edits again.
/// </summary>
internal static class GeminiGate
{
    /// <summary>A day: who decides within it is heard. Gemini's own limit for a tool is ten minutes.</summary>
    private const int ToolMilliseconds = 24 * 60 * 60 * 1000;

    private const string Prefix = $"mcp_{McpToolEndpoint.ServerName}_";
    private const string Folder = "settings";
    private const string Settings = "system.json";
    private const string Policy = "admin.toml";

    private static readonly string[] s_reading = ["read_file", "glob", "grep_search", "list_directory"];
    private static readonly string[] s_editing = ["replace", "write_file"];

    private static readonly string[] s_refused =
    [
        "run_shell_command", "list_background_processes", "read_background_output", "web_fetch", "google_web_search", "invoke_agent",
        "activate_skill", "save_memory", "enter_plan_mode",
        "read_many_files",
    ];

    public static AcpGate Gate { get; } = new(static call => call.Id.StartsWith(Prefix, StringComparison.Ordinal), SetUp)
    { InSandboxOnly = true, RunsInSandbox = true };

    private static AcpGateSetup SetUp(AcpGateInput input)
    {
        if (OperatingSystem.IsWindows() || input.Start.Sandbox is not { } sandbox)
        {
            throw new AgentException(AgentError.FailedToStart, "Gemini CLI can be held to our tools in a sandbox only.");
        }

        GeminiNotes.Require(input.Start.Project, input.Start.WorkingDirectory);
        var state = sandbox.StateDirectory;
        var folder = SandboxFiles.Fresh(Path.Combine(state, Folder));
        var own = GeminiSettings.Read(input.Environment);
        SandboxFiles.Write(Path.Combine(folder, Settings), LineJson.Write(w => WriteSettings(w, input, own.Model)));
        SandboxFiles.Write(Path.Combine(folder, Policy), System.Text.Encoding.UTF8.GetBytes(PolicyFor(input.Start.HostTools)));

        // What the agent keeps for itself lies in the session's folder too. Of what says how it behaves there, only the person's notes are
        // brought.
        var kept = Path.Combine(state, ".gemini");
        SandboxFiles.Own(kept);
        foreach (var name in (string[])["settings.json", "GEMINI.md", ".env"])
        {
            SandboxFiles.Remove(Path.Combine(kept, name));
        }

        foreach (var name in (string[])["extensions", "commands", "skills", "agents", "policies"])
        {
            SandboxFiles.Fresh(Path.Combine(kept, name));
        }

        SandboxFiles.Bring(Path.Combine(GeminiSettings.Folder(input.Environment), "GEMINI.md"), state, ".gemini/GEMINI.md");
        return new AcpGateSetup
        {
            Arguments = ["--admin-policy", $"{AgentSandboxNeeds.SettingsInside}/{Policy}"],
            Environment = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["GEMINI_CLI_HOME"] = state,
                ["GEMINI_CLI_TRUST_WORKSPACE"] = "true",
                ["GEMINI_CLI_SYSTEM_SETTINGS_PATH"] = $"{AgentSandboxNeeds.SettingsInside}/{Settings}",

                // Set, so that no file of the project can set them.
                ["GEMINI_CLI_SYSTEM_DEFAULTS_PATH"] = $"{AgentSandboxNeeds.SettingsInside}/none.json",
                ["GEMINI_CLI_NO_RELAUNCH"] = "true",
                ["GEMINI_SANDBOX"] = "false",
                ["NODE_OPTIONS"] = "",
            },
            Needs = new AgentSandboxNeeds { Settings = folder, RootInside = true, Emptied = [".gemini"] },
        };
    }

    private static void WriteSettings(Utf8JsonWriter w, AcpGateInput input, string? model)
    {
        w.WriteStartObject("tools");
        Names(w, "core", [.. s_reading, .. s_editing, .. input.Start.HostTools.Select(t => Prefix + t.Name)]);
        Names(w, "exclude", s_refused);
        w.WriteString("discoveryCommand", "/bin/echo []");
        w.WriteBoolean("sandbox", false);
        w.WriteEndObject();
        w.WriteStartObject("mcp");
        Names(w, "allowed", [McpToolEndpoint.ServerName]);
        w.WriteEndObject();
        w.WriteStartObject("mcpServers");
        w.WriteStartObject(McpToolEndpoint.ServerName);
        w.WriteString("httpUrl", input.Url.AbsoluteUri);
        w.WriteStartObject("headers");
        w.WriteString("Authorization", $"Bearer {input.Token}");
        w.WriteEndObject();
        w.WriteBoolean("trust", true);
        w.WriteNumber("timeout", ToolMilliseconds);
        w.WriteEndObject();
        w.WriteEndObject();
        foreach (var off in (string[])["hooksConfig", "skills"])
        {
            w.WriteStartObject(off);
            w.WriteBoolean("enabled", false);
            w.WriteEndObject();
        }

        w.WriteStartObject("advanced");
        w.WriteBoolean("ignoreLocalEnv", true);
        w.WriteEndObject();
        w.WriteStartObject("security");
        w.WriteStartObject("auth");
        w.WriteString("selectedType", GeminiSettings.KeyLogin);
        w.WriteEndObject();
        w.WriteEndObject();
        w.WriteStartObject("general");
        w.WriteBoolean("disableAutoUpdate", true);
        w.WriteStartObject("sessionRetention"); // it deletes conversations by more than their age: GeminiConversationFiles
        w.WriteBoolean("enabled", false);
        w.WriteEndObject();
        w.WriteEndObject();
        w.WriteStartObject("privacy");
        w.WriteBoolean("usageStatisticsEnabled", false);
        w.WriteEndObject();
        var named = input.Start.Provider?.Model(input.Start.Model).Id ?? model;
        if (named is not null)
        {
            w.WriteStartObject("model");
            w.WriteString("name", named);
            w.WriteEndObject();
        }

        if (input.Start.Provider is not null)
        {
            WriteOneModel(w, named!);
        }
    }

    /// <summary>
    /// For what it asks beside the conversation it names models of Google's. All its configurations come from the one called
    /// <c>base</c>, so an override of that one replaces each model by the only one there is.
    /// </summary>
    private static void WriteOneModel(Utf8JsonWriter w, string model)
    {
        w.WriteStartObject("modelConfigs");
        w.WriteStartArray("customOverrides");
        w.WriteStartObject();
        w.WriteStartObject("match");
        w.WriteString("model", "base");
        w.WriteEndObject();
        w.WriteStartObject("modelConfig");
        w.WriteString("model", model);
        w.WriteEndObject();
        w.WriteEndObject();
        w.WriteEndArray();
        w.WriteEndObject();
    }

    /// <summary>Names are ours: nothing needs to be escaped.</summary>
    private static string PolicyFor(IReadOnlyList<HostTool> tools) => $"""
        [[rule]]
        toolName = [{List(s_refused)}]
        decision = "deny"
        priority = 990

        [[rule]]
        toolName = [{List(tools.Select(t => Prefix + t.Name))}]
        decision = "allow"
        priority = 960

        [[rule]]
        toolName = [{List(s_editing)}]
        decision = "ask_user"
        priority = 950

        """;

    private static string List(IEnumerable<string> names) => string.Join(", ", names.Select(n => $"\"{n}\""));

    private static void Names(Utf8JsonWriter w, string name, IEnumerable<string> names)
    {
        w.WriteStartArray(name);
        foreach (var each in names)
        {
            w.WriteStringValue(each);
        }

        w.WriteEndArray();
    }
}
