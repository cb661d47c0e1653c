using PocketCoder.Agents;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The agents that this machine can drive, and which of them are installed. Thread-safe.</summary>
internal sealed class AgentCatalog(IReadOnlyList<IAgentDriver> drivers)
{
    private volatile IReadOnlyList<AgentInfo> _probed = [.. drivers.Select(d => Info(d, new AgentProbe(false, Advice: "Not looked for yet.")))];

    /// <summary>What sessions heard of them.</summary>
    public KnownModels Models { get; } = new();

    public IEnumerable<string> Ids => drivers.Select(d => d.Description.Id);

    /// <summary>What the last look found.</summary>
    public IReadOnlyList<AgentInfo> Known => [.. _probed.Select(WithModels)];

    public IAgentDriver? Find(string id) => drivers.FirstOrDefault(d => d.Description.Id == id);

    /// <summary>Looks for all agents' programs.</summary>
    public async Task<IReadOnlyList<AgentInfo>> ProbeAsync(CancellationToken cancellationToken)
    {
        _probed = await Task.WhenAll(drivers.Select(async d => Info(d, await d.ProbeAsync(cancellationToken))));
        return Known;
    }

    private AgentInfo WithModels(AgentInfo agent)
    {
        agent = Models.Of(agent.Id) is { Count: > 0 } known ? agent with { KnownModels = known } : agent;
        return agent.Efforts.Count == 0 ? agent with { Efforts = Models.EffortsOf(agent.Id) ?? [] } : agent;
    }

    private static AgentInfo Info(IAgentDriver driver, AgentProbe probe)
    {
        var agent = driver.Description;
        return new AgentInfo(
            agent.Id, agent.Name, probe.Installed, probe.Version, probe.Advice, agent.Modes, agent.Models, agent.Questions, agent.Plans, agent.Resume, agent.HostTools,
            agent.Fork, agent.Steer, agent.Images, agent.Commands, agent.Conversations, agent.Usage, agent.Cost)
        {
            Efforts = agent.Efforts,
            Rewind = agent.Rewind,
            ConversationContinue = agent.Continues,
            ConversationCopy = (ConversationCopy)agent.Copies,
        };
    }
}
