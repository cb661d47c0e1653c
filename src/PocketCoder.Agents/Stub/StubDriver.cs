using PocketCoder.Processes;

namespace PocketCoder.Agents.Stub;

/// <summary>
/// An agent without a model, inside the daemon: it does what the prompt's lines say, through the same questions and approvals as a real
/// one. For trying PocketCoder out and for tests. What it understands: docs/agents.md.
/// </summary>
public sealed class StubDriver : IAgentDriver
{
    private readonly TimeProvider _time;
    private readonly IReadOnlyDictionary<string, string> _environment;

    /// <param name="time">Paces <c>long:</c> and limits commands.</param>
    /// <param name="environment">What its commands see; null: the allowed part of the daemon's own.</param>
    public StubDriver(TimeProvider time, IReadOnlyDictionary<string, string>? environment = null)
    {
        _time = time;
        _environment = environment ?? EnvironmentAllowList.SelectFromOwn();
    }

    public AgentDescription Description { get; } = new("stub", "Demo agent")
    {
        Models = true,
        FixedModels = [.. StubProcess.Models.Select(m => m.Id)],
        Efforts = ["low", "high"],
        Questions = true,
        Plans = true,
        Resume = true,
        Steer = true,
        Fork = true,
        Rewind = true,
        Images = true,
        Commands = true,
        Usage = true,
        HostTools = true,
        RepositorySettings = RepositorySettings.LeftOff,
    };

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken)
        => Task.FromResult(new AgentProbe(Installed: true, Version: "1"));

    public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        if (!Path.IsPathFullyQualified(start.WorkingDirectory) || !Directory.Exists(start.WorkingDirectory))
        {
            throw new AgentException(AgentError.FailedToStart, $"The project's directory {start.WorkingDirectory} does not exist.");
        }

        var process = new StubProcess(start, _environment, _time);
        await process.AnnounceAsync(cancellationToken);
        return process;
    }
}
