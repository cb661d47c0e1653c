using PocketCoder.Processes;

namespace PocketCoder.Agents.Codex;

/// <summary>What Codex sees of the daemon's environment, and what we add.</summary>
internal static class CodexEnvironment
{
    /// <summary>Passed on when set. Not <c>CODEX_*</c> as a whole: some of those say what to run or tie the process to another one.</summary>
    private static readonly string[] Extras =
    [
        "OPENAI_*", "AZURE_OPENAI_*", "CODEX_HOME", "CODEX_API_KEY", "CODEX_CA_CERTIFICATE",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
    ];

    public static Dictionary<string, string> From(IEnumerable<KeyValuePair<string, string>> source)
    {
        var environment = EnvironmentAllowList.Select(source, Extras);
        foreach (var (name, value) in Shared.QuietGit.Variables)
        {
            environment[name] = value;
        }

        return environment;
    }
}
