using PocketCoder.Processes;

namespace PocketCoder.Agents.Codex;

/// <summary>What Codex sees of the daemon's environment, and what we add.</summary>
internal static class CodexEnvironment
{
    /// <summary>
    /// Passed on when set. Not <c>CODEX_*</c> as a whole: some of those say what to run or tie the process to another one.
    /// </summary>
    private static readonly string[] s_extras =
    [
        "OPENAI_*", "AZURE_OPENAI_*", "CODEX_HOME", "CODEX_API_KEY", "CODEX_CA_CERTIFICATE",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "NODE_EXTRA_CA_CERTS",
    ];

    /// <summary>Where Codex finds what it shows at the machine's way to the models.</summary>
    public const string KeyVariable = "OPENAI_API_KEY";

    public static Dictionary<string, string> From(IEnumerable<KeyValuePair<string, string>> source)
    {
        var environment = EnvironmentAllowList.Select(source, s_extras);
        foreach (var (name, value) in Shared.QuietGit.Variables)
        {
            environment[name] = value;
        }

        return environment;
    }

    /// <summary>The same, but for its models to be asked through the machine.</summary>
    public static Dictionary<string, string> Through(AgentModelAccess access, IReadOnlyDictionary<string, string> environment)
    {
        var changed = environment.Where(v => !v.Key.Contains("OPENAI_", StringComparison.Ordinal) && v.Key != "CODEX_API_KEY")
            .ToDictionary(StringComparer.Ordinal);
        foreach (var name in (string[])["NO_PROXY", "no_proxy"])
        {
            // A proxy of the person's must not get what is meant for this machine's loopback.
            changed[name] = changed.GetValueOrDefault(name) is { Length: > 0 } without ? $"{without},127.0.0.1" : "127.0.0.1";
        }

        changed[KeyVariable] = access.Credential;
        return changed;
    }

    /// <summary>
    /// For a sandbox: nothing of the daemon's own but the time zone; the sandbox itself says what PATH, HOME and the like are.
    /// </summary>
    public static Dictionary<string, string> ForSandbox(
        string stateDirectory, AgentModelAccess access, IReadOnlyDictionary<string, string> environment)
    {
        var inside = Through(access, environment.Where(v => v.Key == "TZ").ToDictionary(StringComparer.Ordinal));
        foreach (var (name, value) in Shared.QuietGit.Variables)
        {
            inside[name] = value;
        }

        inside["CODEX_HOME"] = stateDirectory;
        return inside;
    }

    /// <summary>Where Codex keeps its files for that environment.</summary>
    public static string Home(IReadOnlyDictionary<string, string> environment)
        => environment.GetValueOrDefault("CODEX_HOME") is { Length: > 0 } directory
            ? directory
            : Path.Combine(environment.GetValueOrDefault("HOME") is { Length: > 0 } home ? home : "/", ".codex");
}
