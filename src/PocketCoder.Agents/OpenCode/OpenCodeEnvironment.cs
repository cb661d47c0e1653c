using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.OpenCode;

/// <summary>What OpenCode sees of the daemon's environment, and what we add.</summary>
internal static class OpenCodeEnvironment
{
    public const string PasswordVariable = "OPENCODE_SERVER_PASSWORD";
    public const string SettingsVariable = "OPENCODE_CONFIG_CONTENT";

    /// <summary>
    /// Passed on when set: keys of the providers that OpenCode has built in. Not <c>OPENCODE_*</c> as a whole: some of those say what it
    /// may do.
    /// </summary>
    private static readonly string[] s_extras =
    [
        "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY", "GROQ_API_KEY",
        "MISTRAL_API_KEY", "XAI_API_KEY", "DEEPSEEK_API_KEY",
        "TOGETHER_AI_API_KEY", "CEREBRAS_API_KEY", "COHERE_API_KEY", "PERPLEXITY_API_KEY", "DEEPINFRA_API_KEY", "OPENCODE_API_KEY",
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "AWS_REGION", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "AZURE_API_KEY", "AZURE_RESOURCE_NAME", "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_APPLICATION_CREDENTIALS", "VERTEX_LOCATION", "OPENCODE_CONFIG", "ANTHROPIC_BASE_URL", "OPENAI_BASE_URL",
        "GOOGLE_GENERATIVE_AI_BASE_URL",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ];

    /// <summary>
    /// Always set. A repository's settings, the person's plugins and skills of other agents are code that would run beside the gate.
    /// </summary>
    private static readonly Dictionary<string, string> s_always = new(StringComparer.Ordinal)
    {
        ["OPENCODE_DISABLE_PROJECT_CONFIG"] = "1",
        ["OPENCODE_PURE"] = "1",
        ["OPENCODE_DISABLE_EXTERNAL_SKILLS"] = "1",
        ["OPENCODE_DISABLE_CLAUDE_CODE"] = "1",
        ["OPENCODE_DISABLE_AUTOUPDATE"] = "1",
        ["OPENCODE_DISABLE_LSP_DOWNLOAD"] = "1",
        ["OPENCODE_CLIENT"] = "app", // only then it offers its tool for questions
    };

    public static Dictionary<string, string> From(IEnumerable<KeyValuePair<string, string>> source)
    {
        var environment = EnvironmentAllowList.Select(source, s_extras);
        foreach (var (name, value) in s_always.Concat(QuietGit.Variables))
        {
            environment[name] = value;
        }

        return environment;
    }

    public static Dictionary<string, string> ForSandbox(OpenCodeSandbox sandbox, IReadOnlyDictionary<string, string> outside)
        => s_always.Concat(QuietGit.Variables).Concat(sandbox.Environment(outside)).ToDictionary(StringComparer.Ordinal);

    /// <summary>For one process. What is asked of our own tools goes to this machine's loopback, never to a proxy.</summary>
    public static Dictionary<string, string> For(IReadOnlyDictionary<string, string> environment, string settings, string password)
    {
        var own = environment.ToDictionary(StringComparer.Ordinal);
        foreach (var name in (string[])["NO_PROXY", "no_proxy"])
        {
            own[name] = own.GetValueOrDefault(name) is { Length: > 0 } without ? $"{without},127.0.0.1" : "127.0.0.1";
        }

        own[SettingsVariable] = settings;
        own[PasswordVariable] = password;
        return own;
    }

    /// <summary>Where OpenCode keeps its data for that environment.</summary>
    public static string Data(IReadOnlyDictionary<string, string> environment)
        => Path.Combine(
            environment.GetValueOrDefault("XDG_DATA_HOME") is { Length: > 0 } data ? data
                : Path.Combine(environment.GetValueOrDefault("HOME") is { Length: > 0 } home ? home : "/", ".local", "share"),
            "opencode");

    /// <summary>Where OpenCode keeps what it can fetch again.</summary>
    public static string Cache(IReadOnlyDictionary<string, string> environment)
        => Path.Combine(
            environment.GetValueOrDefault("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
                : Path.Combine(environment.GetValueOrDefault("HOME") is { Length: > 0 } home ? home : "/", ".cache"),
            "opencode");

    /// <summary>Where the person's own settings for OpenCode are.</summary>
    public static string Config(IReadOnlyDictionary<string, string> environment)
        => Path.Combine(
            environment.GetValueOrDefault("XDG_CONFIG_HOME") is { Length: > 0 } config ? config
                : Path.Combine(environment.GetValueOrDefault("HOME") is { Length: > 0 } home ? home : "/", ".config"),
            "opencode");
}
