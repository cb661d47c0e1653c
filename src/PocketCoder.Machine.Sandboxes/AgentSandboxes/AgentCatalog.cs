using PocketCoder.Agents;
using PocketCoder.Machine.Models;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.AgentSandboxes;

/// <summary>The agents that this machine can drive, and which of them are installed. Thread-safe.</summary>
/// <param name="time">When those that have not answered are asked again.</param>
/// <param name="own">Whose models are offered with those that an agent told; null: there are none.</param>
public sealed class AgentCatalog(IReadOnlyList<IAgentDriver> drivers, TimeProvider time, OwnProviders? own = null) : IDisposable
{
    /// <summary>
    /// Pauses before an agent that has not answered is asked again; after the last one, only when somebody lists the agents.
    /// </summary>
    internal static readonly IReadOnlyList<TimeSpan> AskAgainAfter =
        [.. ((int[])[15, 30, 60, 120, 300, 300, 300]).Select(s => TimeSpan.FromSeconds(s))];

    private readonly Lock _gate = new(); // guards what follows
    private IReadOnlyList<AgentInfo> _probed = [.. drivers.Select(d => Info(d, new AgentProbe(false, Advice: "Not looked for yet.")))];
    private ITimer? _again;
    private int _asked;
    private bool _asking;
    private bool _disposed;

    /// <summary>What sessions heard of them.</summary>
    public KnownModels Models { get; } = new();

    public IEnumerable<string> Ids => drivers.Select(d => d.Description.Id);

    /// <summary>What the last look found.</summary>
    public IReadOnlyList<AgentInfo> Known
    {
        get
        {
            lock (_gate)
            {
                return [.. _probed.Select(WithModels)];
            }
        }
    }

    public IAgentDriver? Find(string id) => drivers.FirstOrDefault(d => d.Description.Id == id);

    /// <summary>Looks for all agents' programs.</summary>
    public async Task<IReadOnlyList<AgentInfo>> ProbeAsync(CancellationToken cancellationToken)
    {
        await LookAsync(drivers, cancellationToken);
        lock (_gate)
        {
            _asked = 0;
            AskAgain();
        }

        return Known;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _again?.Dispose();
        }
    }

    private async Task LookAsync(IReadOnlyList<IAgentDriver> which, CancellationToken cancellationToken)
    {
        var found = await Task.WhenAll(which.Select(async d => Info(d, await d.ProbeAsync(cancellationToken))));
        lock (_gate)
        {
            _probed = [.. _probed.Select(old => found.FirstOrDefault(f => f.Id == old.Id) is { } now ? Later(old, now) : old)];
        }
    }

    /// <summary>What an agent said before still counts while it takes too long to say it again.</summary>
    private static AgentInfo Later(AgentInfo old, AgentInfo now) => now.Unanswered
        && old is { Installed: true, Version: not null } ? old : now;

    /// <summary>Under the lock.</summary>
    private void AskAgain()
    {
        if (_disposed || _asking || _asked >= AskAgainAfter.Count || !_probed.Any(a => a.Unanswered))
        {
            return;
        }

        _again ??= time.CreateTimer(_ => _ = AskUnansweredAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _again.Change(AskAgainAfter[_asked++], Timeout.InfiniteTimeSpan);
    }

    private async Task AskUnansweredAsync()
    {
        List<IAgentDriver> unanswered;
        lock (_gate)
        {
            if (_disposed || _asking)
            {
                return;
            }

            _asking = true;
            unanswered = [.. drivers.Where(d => _probed.Any(a => a.Unanswered && a.Id == d.Description.Id))];
        }

        try
        {
            await LookAsync(unanswered, CancellationToken.None); // each look has a limit
        }
        catch (Exception)
        {
            unanswered.Clear(); // whatever it was: what could not be looked at is looked at again, and nobody waits for it
        }
        finally
        {
            lock (_gate)
            {
                _asking = false;
                AskAgain();
            }
        }
    }

    private AgentInfo WithModels(AgentInfo agent)
    {
        var ofOwner = own is not null && Find(agent.Id) is { } driver ? own.ModelsFor(driver) : [];
        agent = agent with { KnownModels = [.. Models.Of(agent.Id), .. ofOwner] };
        return agent.Efforts.Count == 0 ? agent with { Efforts = Models.EffortsOf(agent.Id) ?? [] } : agent;
    }

    private static AgentInfo Info(IAgentDriver driver, AgentProbe probe)
    {
        var agent = driver.Description;
        return new AgentInfo(
            agent.Id, agent.Name, probe.Installed, probe.Version, probe.Advice, agent.Modes, agent.Models, agent.Questions, agent.Plans,
            agent.Resume, agent.HostTools,
            agent.Fork, agent.Steer, agent.Images, agent.Commands, agent.Conversations, agent.Usage, agent.Cost)
        {
            Efforts = agent.Efforts,
            Unanswered = probe.Unanswered,
            Rewind = agent.Rewind,
            ConversationContinue = agent.Continues,
            ConversationCopy = AgentTerms.Copy(agent.Copies),
        };
    }
}
