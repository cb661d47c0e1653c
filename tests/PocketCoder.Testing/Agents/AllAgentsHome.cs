using PocketCoder.Testing.Claude;

namespace PocketCoder.Testing.Agents;

/// <summary>A home and a project for all real agents together, each led to one scripted model. Deleted at the end.</summary>
public sealed class AllAgentsHome : IDisposable
{
    /// <summary>An agent of <c>agents.json</c>.</summary>
    public const string Acp = "claude-acp";

    private readonly ClaudeHome _claude;
    private readonly CodexHome _codex;
    private readonly GeminiHome _gemini;
    private readonly OpenCodeHome _openCode;
    private AllAgentsHome(ClaudeHome claude, CodexHome codex, GeminiHome gemini, OpenCodeHome openCode, string adapter,
        string claudeExecutable)
    {
        (_claude, _codex, _gemini, _openCode, Adapter) = (claude, codex, gemini, openCode, adapter);

        // Gemini and OpenCode look in HOME for their settings; the others are told where they are.
        var settings = openCode.SettingsFile.Replace(openCode.Home, gemini.Home, StringComparison.Ordinal);
        Directory.CreateDirectory(Path.GetDirectoryName(settings)!);
        File.Copy(openCode.SettingsFile, settings);
        foreach (var (name, value) in ((IReadOnlyDictionary<string, string>[])[claude.Environment, codex.Environment, openCode.Environment,
            gemini.Environment]).SelectMany(e => e))
        {
            Environment[name] = value;
        }

        Environment["CLAUDE_CODE_EXECUTABLE"] = claudeExecutable;
    }

    /// <summary>By their ids.</summary>
    public static IReadOnlyList<string> Agents { get; } = ["claude", "codex", "opencode", "gemini", Acp];

    /// <summary>What the daemon's environment would be.</summary>
    public Dictionary<string, string> Environment { get; } = new(StringComparer.Ordinal);

    /// <summary>The program of <see cref="Acp"/>.</summary>
    public string Adapter { get; }

    /// <summary>What <c>agents.json</c> in PocketCoder's home says.</summary>
    public string AgentsJson => $$"""{"agents":[{"id":"{{Acp}}","known":"claude-agent-acp","command":["{{Adapter}}"]}]}""";

    /// <summary>An empty folder that is no git repository.</summary>
    public string Project => _claude.Project;

    public static async Task<AllAgentsHome> NewAsync(string modelAddress)
    {
        var claude = await RealClaude.ProgramAsync();
        return new AllAgentsHome(
            new ClaudeHome(claude, modelAddress),
            new CodexHome(await RealAgents.ProgramAsync("codex"), modelAddress),
            new GeminiHome(await RealAgents.ProgramAsync("gemini"), modelAddress),
            new OpenCodeHome(await RealAgents.ProgramAsync("opencode"), modelAddress),
            await RealAgents.ProgramAsync("claude-agent-acp"),
            Path.GetFullPath(Path.Combine(Path.GetDirectoryName(claude)!, "../@anthropic-ai/claude-code/bin/claude.exe")));
    }

    /// <summary>What a short story has each agent do: a command, a file, and a question where it can ask one.</summary>
    public string Prompt(string agent)
        => $"BASH: echo {agent} > {agent}.txt\nWRITE: {InProject($"by-{agent}.txt")} | written by {agent}{(Asks(agent) ? "\nASK: Which colour? | red | blue" : "")}\nSAY: {agent} is done";

    public static bool Asks(string agent) => agent != "gemini";

    public string InProject(string path) => Path.Combine(Project, path);

    /// <summary>Whether it did all that, and what it wrote.</summary>
    public bool Did(string agent) => File.Exists(InProject($"by-{agent}.txt")) && File.ReadAllText(
        InProject($"{agent}.txt")) == agent + "\n" && File.ReadAllText(InProject($"by-{agent}.txt")).TrimEnd() == $"written by {agent}";

    public void Dispose()
    {
        _claude.Dispose();
        _codex.Dispose();
        _gemini.Dispose();
        _openCode.Dispose();
    }
}
