using PocketCoder.Agents.Claude;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.Claude;

/// <summary>The real Claude Code behind the whole daemon, prompted and decided on by a device.</summary>
[Trait("Category", "Slow")]
public sealed class ClaudeStoryTests
{
    [Fact]
    public async Task Claude_streams_asks_runs_only_what_was_allowed_edits_and_remembers_after_a_restart()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
        await using var daemon = await TestDaemon.StartAsync(drivers: [new ClaudeDriver(TimeProvider.System, home.Environment)]);
        var project = (await daemon.Daemon.AsOwner().AddProjectAsync(home.Project, "api", CancellationToken.None)).Project;
        var device = await daemon.PairAsync();
        var session = Guid.CreateVersion7();

        await device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), project.ProjectId, "claude",
                "LONG: 50\nBASH: echo allowed > allowed.txt\nWRITE: made.txt | by claude"),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        await device.SubscribeAsync($"session/{session}");

        await device.NextAsync(e => e.Type == MessageTypes.AgentDelta, "live text");
        var command = (await device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;
        Assert.Equal("echo allowed > allowed.txt", Assert.IsType<CommandSubject>(command.Subject).Command);
        Assert.Equal(SandboxKind.None, command.Sandbox);
        Assert.False(File.Exists(Path.Combine(home.Project, "allowed.txt")));
        await device.DecideAsync(command, DecisionVerdict.Allow);
        Assert.Equal(
            0, (await device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Finished)).Approval.Execution!.ExitCode);
        Assert.Equal("allowed\n", await File.ReadAllTextAsync(Path.Combine(home.Project, "allowed.txt")));

        var edit = (await device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;
        var subject = Assert.IsType<EditSubject>(edit.Subject);
        Assert.True(subject.Creates);
        Assert.Equal("by claude", subject.Diff!.Hunks[0].Lines[0].Text);
        await device.DecideAsync(edit, DecisionVerdict.Deny, reason: "no new files");
        Assert.Equal(TurnState.Completed, (await device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.False(File.Exists(Path.Combine(home.Project, "made.txt")));

        await daemon.RestartAsync();
        await using var again = await device.AgainAsync(daemon.Url);
        await device.DisposeAsync();
        await again.SubscribeAsync($"session/{session}");
        await again.NextEventAsync<DoneEvent>();
        await again.AskAsync(
            MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), "still there?"),
            ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);
        Assert.Equal(TurnState.Completed, (await again.NextEventAsync<DoneEvent>()).Outcome);
        Assert.True((await again.AskAsync(MessageTypes.LedgerVerify, new LedgerVerifyRequest(), ProtocolJson.Default.LedgerVerifyRequest,
            ProtocolJson.Default.LedgerVerifyResponse)).Intact);
    }
}
