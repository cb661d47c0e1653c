using PocketCoder.Agents.Stub;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Sessions;

/// <summary>Somebody takes an agent out of the machine's configuration: what it did is still there.</summary>
public sealed class AbsentAgentTests
{
    [Fact]
    public async Task Sessions_of_an_agent_that_is_gone_are_read_as_ever_say_why_they_do_not_go_on_and_do_once_it_is_back()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        var before = await phone.GetAsync(session);

        await daemon.RestartAsync(drivers: []);
        await using (var without = await daemon.PhoneAsync("second"))
        {
            var there = await without.GetAsync(session);
            Assert.Equal((before.Session.Title, before.Session.Agent, SessionState.Idle),
                (there.Session.Title, there.Session.Agent, there.Session.State));
            Assert.Equal(before.Turns.Select(t => t.TurnId), there.Turns.Select(t => t.TurnId));
            var turn = await without.PromptAsync(session, "go on");
            await Wait.UntilAsync(async () => (await without.GetAsync(session)).Turns.Any(
                t => t.TurnId == turn.TurnId && t.State == TurnState.Failed), "the turn fails");

            var owner = daemon.Daemon.AsOwner().Sessions;
            Assert.Equal(ErrorCode.AgentNotInstalled,
                (await Assert.ThrowsAsync<ControlException>(() => owner.ResumeAsync(session, end: true))).Code);
            var another = new SessionStartRequest(
                Guid.CreateVersion7(), Guid.CreateVersion7(), phone.Project.Name, null, "hello", null, null, null);
            Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<ControlException>(
                () => owner.StartAsync(another, phone.Project.ProjectId, CancellationToken.None))).Code);
            Assert.Equal(session, Assert.Single(owner.ListAll()).AgentSessionId);
        }

        await daemon.RestartAsync(drivers: [new StubDriver(TimeProvider.System)]);
        await using var again = await daemon.PhoneAsync("third");
        var last = await again.PromptAsync(session, "hello again");
        await Wait.UntilAsync(async () => (await again.GetAsync(session)).Turns.Any(
            t => t.TurnId == last.TurnId && t.State == TurnState.Completed), "it goes on");
    }
}
