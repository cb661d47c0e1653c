using PocketCoder.Agents;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Sessions;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Sessions;

/// <summary>An agent that has not answered is asked again, and what it said before counts meanwhile.</summary>
public sealed class AgentCatalogTests
{
    private static readonly AgentProbe s_silent = new(Installed: true, Path: "/bin/x", Advice: "/bin/x has not answered yet.")
    { Unanswered = true };

    private readonly ManualTime _time = new();

    [Fact]
    public async Task One_that_has_not_answered_is_asked_again_until_it_does()
    {
        var driver = new Answering([s_silent, s_silent, new AgentProbe(true, "1.2.3", "/bin/x")]);
        using var catalog = new AgentCatalog([driver], _time);
        var first = Assert.Single(await catalog.ProbeAsync(CancellationToken.None));
        Assert.True(first is { Installed: true, Unanswered: true, Version: null });
        _time.Advance(AgentCatalog.AskAgainAfter[0]);
        await Wait.UntilAsync(() => driver.Asked == 2 && _time.ArmedTimers == 1, "it was asked again");
        Assert.True(Assert.Single(catalog.Known).Unanswered);
        _time.Advance(AgentCatalog.AskAgainAfter[1]);
        await Wait.UntilAsync(() => catalog.Known[0].Version == "1.2.3", "it answered");
        await Wait.UntilAsync(() => _time.ArmedTimers == 0, "nothing is left to ask");
        Assert.Equal(3, driver.Asked);
    }

    [Fact]
    public async Task It_is_not_asked_for_ever_and_what_it_said_once_still_counts()
    {
        var driver = new Answering([new AgentProbe(true, "1.2.3", "/bin/x"), s_silent]);
        using var catalog = new AgentCatalog([driver], _time);
        await catalog.ProbeAsync(CancellationToken.None);
        Assert.True(Assert.Single(
            await catalog.ProbeAsync(CancellationToken.None)) is { Installed: true, Unanswered: false, Version: "1.2.3" });
        Assert.Equal(0, _time.ArmedTimers);

        var never = new Answering([s_silent]);
        using var other = new AgentCatalog([never], _time);
        await other.ProbeAsync(CancellationToken.None);
        for (var i = 0; i < AgentCatalog.AskAgainAfter.Count; i++)
        {
            _time.Advance(AgentCatalog.AskAgainAfter[i]);
            await Wait.UntilAsync(() => never.Asked == i + 2 && _time.ArmedTimers == (i + 1 < AgentCatalog.AskAgainAfter.Count ? 1 : 0),
                "it was asked");
        }

        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(AgentCatalog.AskAgainAfter.Count + 1, never.Asked);
    }

    private sealed class Answering(IReadOnlyList<AgentProbe> answers) : IAgentDriver
    {
        private int _asked;

        public int Asked => Volatile.Read(ref _asked);

        public AgentDescription Description { get; } = new("x", "X");

        public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken)
            => Task.FromResult(answers[Math.Min(Interlocked.Increment(ref _asked), answers.Count) - 1]);

        public Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
