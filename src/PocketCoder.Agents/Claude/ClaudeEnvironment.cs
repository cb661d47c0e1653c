using System.Globalization;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Claude;

/// <summary>What Claude Code sees of the daemon's environment, and what we add.</summary>
internal static class ClaudeEnvironment
{
    /// <summary>
    /// Passed on when set. Not <c>CLAUDE_*</c> as a whole: some of those are commands to run around every shell call
    /// (CLAUDE_CODE_SHELL_PREFIX, CLAUDE_ENV_FILE), others tie the process to the terminal the daemon was started from.
    /// </summary>
    private static readonly string[] s_extras =
    [
        "ANTHROPIC_*", "CLAUDE_CONFIG_DIR", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_MAX_OUTPUT_TOKENS", "CLAUDE_CODE_MAX_RETRIES",
        "CLAUDE_CODE_SUBAGENT_MODEL", "CLAUDE_CODE_CLIENT_CERT", "CLAUDE_CODE_CLIENT_KEY", "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ];

    /// <summary>
    /// All by which Claude Code (2.1.197) chooses a model that nobody named: for small requests of its own, for sub-agents, for
    /// <c>sonnet</c> and the like.
    /// </summary>
    private static readonly string[] s_choices =
    [
        "ANTHROPIC_MODEL", "ANTHROPIC_SMALL_FAST_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL", "ANTHROPIC_DEFAULT_SONNET_MODEL",
        "ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_DEFAULT_FABLE_MODEL", "CLAUDE_CODE_SUBAGENT_MODEL",
    ];

    /// <summary>As many tokens of an answer Claude Code asks for where it knows the model.</summary>
    private const int UsualAnswer = 32_000;

    private static readonly string[] s_roomExtras =
        ["CLAUDE_CODE_MAX_OUTPUT_TOKENS", "CLAUDE_CODE_MAX_RETRIES", "CLAUDE_CODE_SUBAGENT_MODEL", "TZ"];

    /// <summary>
    /// Always set. The git part keeps a repository's own settings from running programs when the agent only asks for its status.
    /// </summary>
    private static readonly Dictionary<string, string> s_always = new(StringComparer.Ordinal)
    {
        ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1",
        ["CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"] = "1",
        ["DISABLE_AUTOUPDATER"] = "1",
        ["MAX_MCP_OUTPUT_TOKENS"] = "250000", // what our tools give is bounded by us; the program's own bound would cut a build log
        ["GIT_CONFIG_COUNT"] = "2",
        ["GIT_CONFIG_KEY_0"] = "core.fsmonitor",
        ["GIT_CONFIG_VALUE_0"] = "false",
        ["GIT_CONFIG_KEY_1"] = "core.hooksPath",
        ["GIT_CONFIG_VALUE_1"] = "/dev/null",
    };

    public static Dictionary<string, string> From(IEnumerable<KeyValuePair<string, string>> source)
    {
        var environment = EnvironmentAllowList.Select(source, s_extras);
        foreach (var (name, value) in s_always)
        {
            environment[name] = value;
        }

        return environment;
    }

    /// <summary>The same, but for its models to be asked through the machine.</summary>
    public static Dictionary<string, string> Through(AgentModelAccess access, IReadOnlyDictionary<string, string> environment)
    {
        var changed = environment.Where(v => !v.Key.StartsWith("ANTHROPIC_", StringComparison.Ordinal) || NamesModels(v.Key))
            .ToDictionary(StringComparer.Ordinal);
        changed.Remove("CLAUDE_CODE_OAUTH_TOKEN");
        foreach (var name in (string[])["NO_PROXY", "no_proxy"])
        {
            // A proxy of the person's must not get what is meant for this machine's loopback.
            changed[name] = changed.GetValueOrDefault(name) is { Length: > 0 } without ? $"{without},127.0.0.1" : "127.0.0.1";
        }

        changed["ANTHROPIC_BASE_URL"] = access.BaseUrl;
        changed[access.IsLogin ? "CLAUDE_CODE_OAUTH_TOKEN" : "ANTHROPIC_API_KEY"] = access.Credential;
        return changed;
    }

    /// <summary>
    /// For a sandbox: nothing of the daemon's own but which models stand for which names; the sandbox itself says what PATH, HOME and the
    /// like are.
    /// </summary>
    public static Dictionary<string, string> ForSandbox(
        string stateDirectory, AgentModelAccess access, IReadOnlyDictionary<string, string> environment)
    {
        var inside = Through(access, environment.Where(v => s_roomExtras.Contains(v.Key, StringComparer.Ordinal) || NamesModels(v.Key))
            .ToDictionary(StringComparer.Ordinal));
        foreach (var (name, value) in s_always)
        {
            inside[name] = value;
        }

        inside["CLAUDE_CONFIG_DIR"] = stateDirectory;
        return inside;
    }

    /// <summary>
    /// The same, with a provider of the owner's own behind <paramref name="access"/>: it has that one model for everything, whatever the
    /// daemon's environment says of others.
    /// </summary>
    public static Dictionary<string, string> ForSandbox(
        string stateDirectory, AgentModelAccess access, IReadOnlyDictionary<string, string> environment, AgentProviderModel model)
    {
        var inside = ForSandbox(stateDirectory, access, environment.Where(v => !NamesModels(v.Key)).ToDictionary(StringComparer.Ordinal));
        foreach (var name in s_choices)
        {
            inside[name] = model.Id;
        }

        inside["CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"] = "1"; // members of requests that only Anthropic knows
        if (model is { ContextTokens: { } context } && model.LongestAnswer(UsualAnswer) is { } longest)
        {
            inside["CLAUDE_CODE_AUTO_COMPACT_WINDOW"] = context.ToString(CultureInfo.InvariantCulture);
            inside["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = longest.ToString(CultureInfo.InvariantCulture);
        }

        return inside;
    }

    private static bool NamesModels(string variable)
        => variable is "ANTHROPIC_MODEL" or "ANTHROPIC_SMALL_FAST_MODEL"
            || variable.StartsWith("ANTHROPIC_DEFAULT_", StringComparison.Ordinal);

    /// <summary>Where Claude Code keeps its files for that environment.</summary>
    public static string ConfigDirectory(IReadOnlyDictionary<string, string> environment)
        => environment.GetValueOrDefault("CLAUDE_CONFIG_DIR") is { Length: > 0 } directory
            ? directory
            : Path.Combine(environment.GetValueOrDefault("HOME") is { Length: > 0 } home ? home : "/", ".claude");
}
