using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Acp;

/// <summary>What an ACP agent sees of the daemon's environment, and what we add.</summary>
internal static class AcpEnvironment
{
    private static readonly string[] s_always =
        ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE",
            "SSL_CERT_DIR"];

    public static Dictionary<string, string> From(AcpAgent agent, IReadOnlyDictionary<string, string> all)
        => With(EnvironmentAllowList.Select(all, s_always.Concat(agent.EnvironmentNames)), agent);

    /// <summary>The same, but for its models to be asked through the machine: whatever else could lead to them is left out.</summary>
    public static Dictionary<string, string> Through(AcpAgent agent, AgentModelAccess access, IReadOnlyDictionary<string, string> all)
    {
        var changed = With(EnvironmentAllowList.Select(all, s_always), agent);
        foreach (var name in (string[])["NO_PROXY", "no_proxy"])
        {
            // A proxy of the person's must not get what is meant for this machine's loopback.
            changed[name] = changed.GetValueOrDefault(name) is { Length: > 0 } without ? $"{without},127.0.0.1" : "127.0.0.1";
        }

        return Asking(changed, agent, access);
    }

    /// <summary>
    /// For a sandbox: nothing of the daemon's own but the time zone; the sandbox itself says what PATH, HOME and the like are.
    /// </summary>
    public static Dictionary<string, string> ForSandbox(AcpAgent agent, AgentModelAccess access, IReadOnlyDictionary<string, string> all)
        => Asking(With(all.Where(v => v.Key == "TZ").ToDictionary(StringComparer.Ordinal), agent), agent, access);

    private static Dictionary<string, string> Asking(Dictionary<string, string> environment, AcpAgent agent, AgentModelAccess access)
    {
        if (agent.Provider is { } provider)
        {
            environment[provider.KeyVariable] = access.Credential;
            environment[provider.BaseUrlVariable] = access.BaseUrl;
        }

        return environment;
    }

    private static Dictionary<string, string> With(Dictionary<string, string> environment, AcpAgent agent)
    {
        foreach (var (name, value) in QuietGit.Variables.Concat(agent.Environment))
        {
            environment[name] = value;
        }

        return environment;
    }
}

/// <summary>Which models an ACP agent asks, where the machine can stand in between.</summary>
/// <param name="KeyVariable">Where it looks for its key.</param>
/// <param name="BaseUrlVariable">Where it looks for the address of its models.</param>
/// <param name="Look">How it would log in by itself, by its environment and files as they are now.</param>
internal sealed record AcpProvider(string KeyVariable, string BaseUrlVariable, Func<IReadOnlyDictionary<string, string>, AgentModels> Look);
