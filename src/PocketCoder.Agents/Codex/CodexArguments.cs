using System.Globalization;

namespace PocketCoder.Agents.Codex;

/// <summary>
/// How <c>codex app-server</c> is started: its own shell, network tools, hooks, plugins, sub-agents and the project's settings off, by
/// flags of this very process.
/// </summary>
/// <remarks>Flags on the command line beat a repository's <c>.codex/config.toml</c>; the user's own <c>config.toml</c> does not (seen with
/// 0.169.0).</remarks>
internal static class CodexArguments
{
    public const string Provider = "pocketcoder";

    private static readonly string[] s_off =
    [
        "shell_tool", "unified_exec", "hooks", "plugins", "apps", "multi_agent", "multi_agent_v2", "shell_snapshot", "goals",
        "image_generation", "tool_suggest", "skill_search",
        "skill_mcp_dependency_install", "remote_plugin", "browser_use", "browser_use_external", "computer_use", "in_app_browser",
        "sleep_tool", "memories", "workspace_dependencies",
    ];

    /// <param name="access">The way to the models; null: Codex's own settings say it. Its credential is not among the arguments, which
    /// every user of the machine can read.</param>
    /// <param name="settings">The person's, where Codex itself does not see them; null: it does.</param>
    /// <param name="project">The project's folder, when the working directory lies beneath it.</param>
    public static IReadOnlyList<string> For(
        string workingDirectory, AgentModelAccess? access = null, CodexSettings? settings = null, string? project = null)
    {
        List<string> all = ["app-server"];
        foreach (var feature in s_off)
        {
            Add($"features.{feature}=false");
        }

        Add("features.default_mode_request_user_input=true");
        Add("web_search=\"disabled\"");
        Add("agents.enabled=false");
        Add("notify=[]");
        Add("mcp_servers={}");
        Add("analytics.enabled=false");
        Add("check_for_update_on_startup=false");

        // An unknown directory would be trusted by thread/start, and written into the user's settings as trusted.
        var folders = new[] { workingDirectory, project ?? workingDirectory }.Distinct(StringComparer.Ordinal);
        Add($"projects={{{string.Join(',', folders.Select(f => $"{Quoted(f)}={{trust_level=\"untrusted\"}}"))}}}");
        if (access is not null)
        {
            // Any name but OpenAI's own: with that one Codex expects more of the provider than the machine lets through.
            Add($"model_provider=\"{Provider}\"");
            Add($"model_providers.{Provider}={{name=\"PocketCoder\",base_url={Quoted(access.BaseUrl)},wire_api=\"responses\",env_key=\"{CodexEnvironment.KeyVariable}\",supports_websockets=false}}");
        }

        if (settings?.Model is { } model)
        {
            Add($"model={Quoted(model)}");
        }

        if (settings?.ContextTokens is { } context)
        {
            Add(string.Create(CultureInfo.InvariantCulture, $"model_context_window={context}"));
        }

        if (settings?.Effort is { } effort)
        {
            Add($"model_reasoning_effort={Quoted(effort)}");
        }

        return all;

        void Add(string setting) => all.AddRange(["-c", setting]);
    }

    /// <summary>A TOML basic string (toml.io, 1.0.0).</summary>
    private static string Quoted(string text)
    {
        var quoted = new System.Text.StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' or '\\' => quoted.Append('\\').Append(c),
                < ' ' or '\x7f' => quoted.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }
}
