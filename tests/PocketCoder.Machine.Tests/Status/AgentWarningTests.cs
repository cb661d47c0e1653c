using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Status;

/// <summary>Which missing agents <c>status</c> and devices warn of: those that somebody here asked for.</summary>
public sealed class AgentWarningTests
{
    [Fact]
    public async Task An_agent_that_nobody_asked_for_is_no_warning_and_one_that_a_project_or_a_session_has_is()
    {
        var home = Directory.CreateTempSubdirectory("pc-").FullName;
        await File.WriteAllTextAsync(
            Path.Combine(home, "agents.json"), """{"agents":[{"id":"own","name":"Own","command":["no-such-program-here"]}]}""");
        var agents = (string[])["stub", "asked", "used", "unasked", "own"];
        await using var daemon = await TestDaemon.StartAsync(
            home: home, drivers: [.. agents.Select(id => new Named(id, id is "stub" or "used"))]);
        Assert.Equal(["own was not found. Install it."], await AgentsAsync(daemon));

        var target = daemon.Daemon.AsOwner();
        var project = (await target.AddProjectAsync(
            Directory.CreateTempSubdirectory("pc-").FullName, "p", CancellationToken.None)).Project.ProjectId;
        await target.Sessions.SetDefaultsAsync(project, new ProjectDefaults("asked", null, null, null, null), CancellationToken.None);
        Assert.Equal(["asked was not found. Install it.", "own was not found. Install it."], await AgentsAsync(daemon));

        await target.Sessions.StartAsync(new SessionStartRequest(
            Guid.CreateVersion7(), Guid.CreateVersion7(), "p", "used", "hello", null, null, null), project, CancellationToken.None);
        await daemon.RestartAsync(drivers: [.. agents.Select(id => new Named(id, id is "stub"))]);
        Assert.Equal(["asked was not found. Install it.", "used was not found. Install it.", "own was not found. Install it."],
            await AgentsAsync(daemon));
    }

    [Fact]
    public async Task Where_no_agent_is_installed_that_is_one_warning()
    {
        await using var daemon = await TestDaemon.StartAsync(drivers: [new Named("one", false), new Named("other", false)]);

        Assert.Equal(["No agent is installed. See which there are: pocketcoder agents"], await AgentsAsync(daemon));
    }

    private static async Task<IReadOnlyList<string>> AgentsAsync(TestDaemon daemon)
        => [.. (await daemon.Daemon.AsOwner().StatusAsync(CancellationToken.None)).Warnings.Where(
            w => w.Contains("was not found", StringComparison.Ordinal) || w.Contains("No agent", StringComparison.Ordinal))];

    /// <summary>The demo agent by another name.</summary>
    private sealed class Named(string id, bool installed) : IAgentDriver
    {
        private readonly StubDriver _stub = new(TimeProvider.System);

        public AgentDescription Description => _stub.Description with { Id = id, Name = id };

        public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken)
            => Task.FromResult(new AgentProbe(installed, "1.0", null, installed ? null : "Install it."));

        public Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
            => _stub.StartAsync(start, cancellationToken);
    }
}
