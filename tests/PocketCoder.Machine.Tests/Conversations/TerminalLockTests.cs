using PocketCoder.Machine.ControlPlane;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Conversations;

/// <summary>While a terminal has a session's conversation, the session waits: with a real process in the terminal's place.</summary>
public sealed class TerminalLockTests
{
    [Fact]
    public async Task Prompts_wait_while_a_terminal_has_the_conversation_also_over_a_restart_and_go_on_when_its_last_process_is_gone()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        await using var terminal = Sleep();
        await using var agent = Sleep();

        var held = await Owner(daemon).HoldAsync(session, new HoldRequest("", terminal.Identity.Pid, null, End: true));
        Assert.Equal((true, "open in a terminal", SessionState.Idle), (held.InTerminal, held.Activity, held.State));
        await Owner(daemon).HoldAsync(session, new HoldRequest("", agent.Identity.Pid, terminal.Identity.Pid, End: false));
        await phone.PromptAsync(session, "and then");
        Assert.Equal((true, 1, false), Short(await InfoAsync(daemon, session)));
        var fork = new AgentSessionForkRequest(
            session, Guid.CreateVersion7(), Guid.CreateVersion7(), "a copy of what the terminal writes", null);
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.AskAsync(MessageTypes.AgentSessionFork, fork,
            ProtocolJson.Default.AgentSessionForkRequest, ProtocolJson.Default.AgentSessionForkResponse));
        Assert.Equal(ErrorCode.SessionOpenElsewhere, refused.Error.Code);

        var second = await Assert.ThrowsAsync<ControlException>(
            () => Owner(daemon).HoldAsync(session, new HoldRequest("", Environment.ProcessId, null, End: true)));
        Assert.Equal(ErrorCode.SessionOpenElsewhere, second.Code);
        Assert.Equal(ErrorCode.SessionOpenElsewhere,
            (await Assert.ThrowsAsync<ControlException>(() => Owner(daemon).ResumeAsync(session, end: true))).Code);

        await daemon.RestartAsync();
        Assert.Equal((true, 1, false), Short(await InfoAsync(daemon, session)));

        await terminal.KillAsync(TimeSpan.Zero); // the CLI is killed; the agent's own program lives on in the terminal
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        await again.SubscribeAsync($"session/{session}");
        await again.NextEventAsync<DoneEvent>();
        Assert.Equal((true, 1, false), Short(await InfoAsync(daemon, session)));

        await agent.KillAsync(TimeSpan.Zero);
        Assert.Contains("was closed", (await again.NextEventAsync<NoticeEvent>(
            n => n.Text.Contains("terminal was", StringComparison.Ordinal))).Text, StringComparison.Ordinal);
        await again.NextEventAsync<TextEvent>(t => t.Text == "and then");
        Assert.False((await InfoAsync(daemon, session)).InTerminal);
    }

    [Fact]
    public async Task Whoever_leaves_in_good_order_is_gone_at_once_and_nobody_takes_a_conversation_from_a_turn_or_for_a_dead_process()
    {
        await using var daemon = await TestDaemon.StartAsync(time: new ManualTime()); // nothing that looks now and then
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: echo waits");
        var asked = await phone.AskedAsync();
        Assert.Equal(ErrorCode.Conflict, (await Assert.ThrowsAsync<ControlException>(
            () => Owner(daemon).HoldAsync(session, new HoldRequest("", Environment.ProcessId, null, End: true)))).Code);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await phone.DoneAsync();

        Assert.Equal(ErrorCode.Conflict, (await Assert.ThrowsAsync<ControlException>(
            () => Owner(daemon).HoldAsync(session, new HoldRequest("", Environment.ProcessId, null, End: false)))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<ControlException>(
            () => Owner(daemon).HoldAsync(session, new HoldRequest("", int.MaxValue, null, End: true)))).Code);
        await Owner(daemon).HoldAsync(session, new HoldRequest("", Environment.ProcessId, null, End: true));
        await phone.PromptAsync(session, "afterwards");
        Assert.True((await InfoAsync(daemon, session)).InTerminal);

        await Owner(daemon).ReleaseAsync(session, Environment.ProcessId);
        await phone.Device.NextEventAsync<TextEvent>(t => t.Text == "afterwards");
        await Owner(daemon).ReleaseAsync(session, Environment.ProcessId); // twice is once
    }

    private static OwnersSessions Owner(TestDaemon daemon) => daemon.Daemon.AsOwner().Sessions;

    private static OwnedProcess Sleep()
        => OwnedProcess.Start(new ProcessStart
        {
            Program = "/bin/sleep",
            Arguments = ["300"],
            WorkingDirectory = "/",
            Environment = new Dictionary<string, string>()
        }, TimeProvider.System);

    private static Task<SessionInfo> InfoAsync(TestDaemon daemon, Guid session)
        => Task.FromResult(Owner(daemon).ListAll().Single(s => s.AgentSessionId == session));

    private static (bool InTerminal, int Queued, bool Held) Short(SessionInfo info) => (info.InTerminal, info.Queued, info.Held);
}
