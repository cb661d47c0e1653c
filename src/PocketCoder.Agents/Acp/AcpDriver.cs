using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Acp;

/// <summary>
/// Drives any agent that speaks the Agent Client Protocol: one process a session, JSON-RPC over stdin and stdout. What such an agent asks
/// before it acts is its own matter: ACP has no way to take its tools away, so only an agent with an <see cref="AcpGate"/> works in a
/// sandboxed session. How, and what differs: docs/agents.md.
/// </summary>
public sealed class AcpDriver : IAgentDriver
{
    private const int LongestId = 200;

    private readonly AcpAgent _agent;
    private readonly TimeProvider _time;
    private readonly IReadOnlyDictionary<string, string> _all;
    private readonly Dictionary<string, string> _environment;
    private readonly ProgramProbe _program;

    /// <param name="agent">Which one.</param>
    /// <param name="time">For limits only.</param>
    /// <param name="source">The environment to choose from; null: the daemon's own.</param>
    public AcpDriver(AcpAgent agent, TimeProvider time, IReadOnlyDictionary<string, string>? source = null)
    {
        _agent = agent;
        _time = time;
        _all = source ?? EnvironmentAllowList.Own().ToDictionary(StringComparer.Ordinal);
        _environment = AcpEnvironment.From(agent, _all);
        var named = agent.ProgramVariable is { } variable
            && _all.GetValueOrDefault(variable) is { Length: > 0 } path ? path : agent.Program;
        _program = new ProgramProbe(agent.Name, named, agent.Install, agent.TestedVersions);
        Description = new AgentDescription(agent.Id, agent.Name)
        {
            TestedVersions = agent.TestedVersions,
            Modes = agent.Modes,
            Models = agent.Models,
            EffortsTold = agent.Efforts,
            Questions = agent.Questions,
            Plans = agent.Plans,
            Resume = agent.Resume,
            Conversations = agent.Conversations,
            Continues = agent.Conversations,
            Usage = agent.Usage,
            Images = agent.Images,
            HostTools = agent.Gate is not null,
            RunsInSandbox = agent.Gate?.RunsInSandbox == true,
            RepositorySettings = agent.RepositorySettings,
        };
    }

    public AgentDescription Description { get; }

    /// <summary>As its files say now: a login in a terminal counts from the next start on.</summary>
    public AgentModels? Models => _agent.Provider?.Look(_environment);

    public IReadOnlyList<ProviderDialect> Providers => _agent.Providers;

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => _program.LookAsync(_environment, _time, cancellationToken);

    public Task<IReadOnlyList<AgentConversation>> ListConversationsAsync(string directory, int most, CancellationToken cancellationToken)
        => _agent.Conversations && _program.Find(_environment) is { } path
            ? AcpConversations.ListAsync(_agent, path, _environment, _time, directory, most, cancellationToken)
            : Task.FromResult<IReadOnlyList<AgentConversation>>([]);

    public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        var path = _program.Require(_environment);
        ProgramProbe.RequireDirectory(start.WorkingDirectory);
        QuietProject.Require(_agent.Name, start.WorkingDirectory, _agent.ProgramFiles);
        if (start.HostTools.Count > 0 && _agent.Gate is null)
        {
            throw new AgentException(
                AgentError.Refused, $"{_agent.Name} can't be held to our tools: it can't work in a sandboxed session.");
        }

        if (start.HostTools.Count > 0 && _agent.Gate!.InSandboxOnly && start.Sandbox is null)
        {
            throw new AgentException(AgentError.Refused,
                $"{_agent.Name} can be held to our tools in a sandbox of its own only, which needs bubblewrap: start the session with that sandbox, or without one.");
        }

        if (start.Sandbox is not null && (start.HostTools.Count == 0 || _agent.Gate?.RunsInSandbox != true))
        {
            throw new AgentException(AgentError.Refused, $"{_agent.Name} can't work in a sandbox of its own.");
        }

        if (start.ResumeId is { } id && (id.Length is 0 or > LongestId || id.Any(char.IsControl)))
        {
            throw new AgentException(AgentError.NotFound, $"That is no id of a conversation of {_agent.Name}.");
        }

        var own = start.Sandbox is not null ? AcpEnvironment.ForSandbox(_agent, start.ModelAccess!, _all)
            : start.ModelAccess is { } access ? AcpEnvironment.Through(_agent, access, _all)
            : _environment;
        return await AcpProcess.StartAsync(_agent, path, start, _environment, own, _time, cancellationToken);
    }
}
