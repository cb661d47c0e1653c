using PocketCoder.Agents.Claude;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.Claude;

/// <summary>The real Claude Code, whose provider is overloaded for ever.</summary>
[Trait("Category", "Slow")]
public sealed class ClaudeRetryTests
{
    [Fact]
    public async Task Claude_that_would_retry_for_ever_is_stopped_at_the_budget_and_tells_why()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
        await using var daemon = await TestDaemon.StartAsync(
            drivers: [new ClaudeDriver(TimeProvider.System, home.Environment)], limits: new TurnLimits { Retries = 1 });
        var project = (await daemon.Daemon.AsOwner().AddProjectAsync(home.Project, "api", CancellationToken.None)).Project;
        await using var phone = await daemon.PhoneAsync();
        var session = Guid.CreateVersion7();
        await phone.Device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), project.ProjectId, "claude", "HTTP: 529 1000"),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        await phone.Device.SubscribeAsync($"session/{session}");
        await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session.Quiet is
        {
            Kind: QuietKind.Retrying, Attempt: 1,
            MaxAttempts: > 1, NextAt: not null, Detail: "overloaded 529"
        }, "the retry is told");
        Assert.Equal(TurnState.Failed, (await phone.DoneAsync()).Outcome);
        var detail = await phone.GetAsync(session);
        Assert.Equal("Stopped after 2 failed requests to the model provider (overloaded 529). Check the provider's status, then send the prompt again.",
            Assert.Single(detail.Turns).Error);
        Assert.Equal(SessionState.Failed, detail.Session.State);
    }
}
