using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Acp;

/// <summary>
/// Drives any agent that speaks the Agent Client Protocol: one process a session, JSON-RPC over stdin and stdout. What such an agent asks before it acts is its own matter:
/// ACP has no way to take its tools away. How, and what differs: docs/agents.md.
/// </summary>
public sealed class AcpDriver : IAgentDriver
{
    private const int LongestId = 200;

    private static readonly string[] Always =
        ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"];

    private readonly AcpAgent agent;
    private readonly TimeProvider time;
    private readonly Dictionary<string, string> environment;
    private readonly ProgramProbe program;

    /// <param name="agent">Which one.</param>
    /// <param name="time">For limits only.</param>
    /// <param name="source">The environment to choose from; null: the daemon's own.</param>
    public AcpDriver(AcpAgent agent, TimeProvider time, IReadOnlyDictionary<string, string>? source = null)
    {
        this.agent = agent;
        this.time = time;
        var all = source ?? EnvironmentAllowList.Own().ToDictionary(StringComparer.Ordinal);
        environment = EnvironmentAllowList.Select(all, Always.Concat(agent.EnvironmentNames));
        foreach (var (name, value) in QuietGit.Variables.Concat(agent.Environment))
        {
            environment[name] = value;
        }

        var named = agent.ProgramVariable is { } variable && all.GetValueOrDefault(variable) is { Length: > 0 } path ? path : agent.Program;
        program = new ProgramProbe(agent.Name, named, agent.Install, agent.TestedVersions);
        Description = new AgentDescription(agent.Id, agent.Name)
        {
            Modes = agent.Modes,
            Models = agent.Models,
            Questions = agent.Questions,
            Plans = agent.Plans,
            Resume = agent.Resume,
            Usage = agent.Usage,
            Images = agent.Images,
        };
    }

    public AgentDescription Description { get; }

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => program.LookAsync(environment, time, cancellationToken);

    public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        var path = program.Require(environment);
        ProgramProbe.RequireDirectory(start.WorkingDirectory);
        QuietProject.Require(agent.Name, start.WorkingDirectory, agent.ProgramFiles);
        if (start.HostTools.Count > 0)
        {
            throw new AgentException(AgentError.Refused, $"{agent.Name} can't be held to our tools: it can't work in a sandboxed session.");
        }

        if (start.ResumeId is { } id && (id.Length is 0 or > LongestId || id.Any(char.IsControl)))
        {
            throw new AgentException(AgentError.NotFound, $"That is no id of a conversation of {agent.Name}.");
        }

        return await AcpProcess.StartAsync(agent, path, start, environment, time, cancellationToken);
    }
}
