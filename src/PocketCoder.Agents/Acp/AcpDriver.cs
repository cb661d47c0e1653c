using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Acp;

/// <summary>
/// Drives any agent that speaks the Agent Client Protocol: one process a session, JSON-RPC over stdin and stdout. What such an agent asks before it acts is its own matter:
/// ACP has no way to take its tools away, so only an agent with an <see cref="AcpGate"/> works in a sandboxed session. How, and what differs: docs/agents.md.
/// </summary>
public sealed partial class AcpDriver : IAgentDriver
{
    private const int LongestId = 200;

    private readonly AcpAgent agent;
    private readonly TimeProvider time;
    private readonly IReadOnlyDictionary<string, string> all;
    private readonly Dictionary<string, string> environment;
    private readonly ProgramProbe program;

    /// <param name="agent">Which one.</param>
    /// <param name="time">For limits only.</param>
    /// <param name="source">The environment to choose from; null: the daemon's own.</param>
    public AcpDriver(AcpAgent agent, TimeProvider time, IReadOnlyDictionary<string, string>? source = null)
    {
        this.agent = agent;
        this.time = time;
        all = source ?? EnvironmentAllowList.Own().ToDictionary(StringComparer.Ordinal);
        environment = AcpEnvironment.From(agent, all);
        var named = agent.ProgramVariable is { } variable && all.GetValueOrDefault(variable) is { Length: > 0 } path ? path : agent.Program;
        program = new ProgramProbe(agent.Name, named, agent.Install, agent.TestedVersions);
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
            Rooms = agent.Gate?.Rooms == true,
        };
    }

    public AgentDescription Description { get; }

    /// <summary>As its files say now: a login in a terminal counts from the next start on.</summary>
    public AgentModels? Models => agent.Provider?.Look(environment);

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => program.LookAsync(environment, time, cancellationToken);

    public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        var path = program.Require(environment);
        ProgramProbe.RequireDirectory(start.WorkingDirectory);
        QuietProject.Require(agent.Name, start.WorkingDirectory, agent.ProgramFiles);
        if (start.HostTools.Count > 0 && agent.Gate is null)
        {
            throw new AgentException(AgentError.Refused, $"{agent.Name} can't be held to our tools: it can't work in a sandboxed session.");
        }

        if (start.HostTools.Count > 0 && agent.Gate!.InRoomsOnly && start.Room is null)
        {
            throw new AgentException(AgentError.Refused, $"{agent.Name} can be held to our tools in a ring of its own only, which needs bubblewrap: start the session with that sandbox, or without one.");
        }

        if (start.Room is not null && (start.HostTools.Count == 0 || agent.Gate?.Rooms != true))
        {
            throw new AgentException(AgentError.Refused, $"{agent.Name} can't work in a ring of its own.");
        }

        if (start.ResumeId is { } id && (id.Length is 0 or > LongestId || id.Any(char.IsControl)))
        {
            throw new AgentException(AgentError.NotFound, $"That is no id of a conversation of {agent.Name}.");
        }

        var own = start.Room is not null ? AcpEnvironment.ForRoom(agent, start.ModelAccess!, all)
            : start.ModelAccess is { } access ? AcpEnvironment.Through(agent, access, all)
            : environment;
        return await AcpProcess.StartAsync(agent, path, start, environment, own, time, cancellationToken);
    }
}
