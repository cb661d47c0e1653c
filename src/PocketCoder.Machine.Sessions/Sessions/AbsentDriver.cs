using PocketCoder.Agents;

namespace PocketCoder.Machine.Sessions;

/// <summary>
/// Stands in for an agent that this machine had once: taken out of agents.json, or the demo's. Its sessions are read as ever; a prompt
/// fails and says why, and goes on where it was once the agent is back.
/// </summary>
internal sealed class AbsentDriver(string id) : IAgentDriver
{
    /// <remarks>It can go on with its conversations: what the session knows of them is kept.</remarks>
    public AgentDescription Description { get; } = new(id, id) { Resume = true };

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => Task.FromResult(new AgentProbe(false, Advice: Why));

    public Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
        => throw new AgentException(AgentError.NotInstalled, Why);

    private string Why
        => $"The agent {Description.Id} is no longer configured on this machine. Restore it (see docs/agents.md), or use another agent in a new session.";
}
