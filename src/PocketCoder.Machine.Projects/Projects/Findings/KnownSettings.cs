namespace PocketCoder.Machine.Projects.Findings;

/// <summary>A file or folder of a project that somebody's program runs or obeys.</summary>
/// <param name="Path">Relative to the project.</param>
internal sealed record KnownSetting(string Path)
{
    /// <summary>Of a JSON object: members that are named when they are there, and the words for them.</summary>
    public IReadOnlyList<(string Name, string Words)> Members { get; init; } = [];
}

/// <summary>
/// What a look at a project knows. Instructions that PocketCoder gives to agents as text (<c>AGENTS.md</c>, <c>CLAUDE.md</c>) are used, so
/// they are not here.
/// </summary>
internal static class KnownSettings
{
    private static readonly (string, string)[] s_claude =
    [
        ("hooks", "hooks"), ("apiKeyHelper", "a program for keys"), ("awsAuthRefresh", "a program for keys"),
        ("statusLine", "a program for the status line"), ("permissions", "permissions"),
        ("env", "environment"), ("enableAllProjectMcpServers", "MCP servers"), ("enabledMcpjsonServers", "MCP servers"),
        ("enabledPlugins", "plugins"), ("extraKnownMarketplaces", "plugin sources"), ("sandbox", "sandbox settings"),
    ];

    private static readonly (string, string)[] s_openCode =
    [
        ("plugin", "plugins"), ("mcp", "MCP servers"), ("permission", "permissions"), ("command", "commands"), ("agent", "agents"),
        ("formatter", "formatters"), ("lsp", "language servers"), ("provider", "providers"), ("tools", "tools"),
        ("instructions", "instructions"),
    ];

    private static readonly (string, string)[] s_gemini =
    [
        ("mcpServers", "MCP servers"), ("hooks", "hooks"), ("tools", "tools"), ("security", "security settings"), ("excludeTools", "tools"),
        ("coreTools", "tools"), ("toolDiscoveryCommand", "a program for tools"),
        ("toolCallCommand", "a program for tools"),
    ];

    private static readonly (string, string)[] s_servers = [("mcpServers", "MCP servers")];

    /// <summary>What coding agents would run or obey.</summary>
    public static IReadOnlyList<KnownSetting> OfAgents { get; } =
    [
        new(".claude/settings.json") { Members = s_claude }, new(".claude/settings.local.json") { Members = s_claude },
        new(".claude/hooks"), new(".claude/commands"), new(".claude/agents"),
        new(".claude/skills"), new(".claude/plugins"), new(".claude/rules"), new(".claude/output-styles"), new(".claude-plugin"),
        new(".mcp.json") { Members = s_servers }, new(".claude.json") { Members = s_servers },
        new(".codex/config.toml"), new(".codex/hooks.json"), new(".codex/hooks"), new(".codex/rules"), new(".codex/prompts"),
        new(".codex/skills"), new(".codex/agents"),
        new("opencode.json") { Members = s_openCode }, new("opencode.jsonc") { Members = s_openCode },
        new(".opencode/opencode.json") { Members = s_openCode }, new(".opencode/opencode.jsonc") { Members = s_openCode },
        new(".opencode/plugin"), new(".opencode/plugins"), new(".opencode/tool"), new(".opencode/tools"), new(".opencode/command"),
        new(".opencode/commands"), new(".opencode/agent"), new(".opencode/agents"),
        new(".opencode/mode"), new(".opencode/skill"), new(".opencode/skills"), new(".opencode/package.json"),
        new(".gemini/settings.json") { Members = s_gemini }, new(".gemini/commands"), new(".gemini/extensions"), new(".gemini/hooks"),
        new(".gemini/skills"), new(".gemini/agents"), new(".gemini/policies"),
        new(".gemini/.env"), new(".gemini/system.md"),
        new(".cursor/hooks.json"), new(".cursor/mcp.json") { Members = s_servers }, new(".cursor/environment.json"), new(".cursor/rules"),
        new(".cursor/commands"), new(".cursor/cli.json"), new(".cursorrules"),
        new(".agents/skills"), new(".agents/plugins"), new(".windsurf"), new(".windsurfrules"), new(".roo"), new(".clinerules"),
        new(".continue"), new(".aider.conf.yml"), new(".kiro"), new(".trae"),
        new(".github/copilot-instructions.md"), new(".github/instructions"),
    ];

    /// <summary>What shells, editors, git and build tools would run when somebody, or a command that was allowed, works here.</summary>
    public static IReadOnlyList<KnownSetting> OfOthers { get; } =
    [
        new(".envrc"), new(".mise.toml"), new("mise.toml"), new(".autoenv"), new(".vscode/tasks.json"), new(".vscode/settings.json"),
        new(".vscode/launch.json"), new(".vscode/mcp.json") { Members = [("servers", "MCP servers")] },
        new(".idea/runConfigurations"), new(".idea/externalDependencies.xml"), new(".zed/tasks.json"), new(".zed/settings.json"),
        new(".devcontainer"), new(".devcontainer.json"), new(".exrc"), new(".nvim.lua"), new(".nvimrc"), new(".vimrc"),
        new(".husky"), new(".pre-commit-config.yaml"), new("lefthook.yml"), new(".gdbinit"), new(".lldbinit"),
    ];
}
