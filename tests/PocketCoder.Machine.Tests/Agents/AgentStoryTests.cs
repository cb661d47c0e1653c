using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Codex;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.Agents;

/// <summary>The other real agents behind the whole daemon, prompted and decided on by a device: nothing but the driver differs.</summary>
[Trait("Category", "Slow")]
public sealed class AgentStoryTests
{
    [Theory]
    [InlineData(SandboxKind.None)]
    [InlineData(SandboxKind.Bubblewrap)]
    public async Task Codex_asks_runs_only_what_was_allowed_and_remembers_after_a_restart_with_and_without_a_sandbox(SandboxKind sandbox)
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = new CodexHome(await RealAgents.ProgramAsync("codex"), model.Address);
        await StoryAsync(new CodexDriver(TimeProvider.System, home.Environment), home.Project, sandbox, "WRITE: made.txt | by the agent",
            resumes: true);
    }

    [Fact]
    public async Task Gemini_asks_and_runs_only_what_was_allowed_and_is_not_put_into_a_sandbox()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = new GeminiHome(await RealAgents.ProgramAsync("gemini"), model.Address);
        await StoryAsync(new AcpDriver(AcpAgent.Gemini, TimeProvider.System, home.Environment), home.Project, SandboxKind.None,
            $"WRITE: {home.InProject("made.txt")} | by the agent", resumes: false);
    }

    private static async Task StoryAsync(IAgentDriver driver, string folder, SandboxKind sandbox, string write, bool resumes)
    {
        await using var daemon = await TestDaemon.StartAsync(drivers: [driver]);
        await daemon.Daemon.SandboxesKnown;
        var project = (await daemon.Daemon.AsOwner().AddProjectAsync(folder, "api", CancellationToken.None)).Project;
        var device = await daemon.PairAsync();
        var session = Guid.CreateVersion7();
        await device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), project.ProjectId, driver.Description.Id,
                $"BASH: echo allowed > allowed.txt\n{write}", Sandbox: sandbox),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        await device.SubscribeAsync($"session/{session}");

        var command = (await device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;
        Assert.Equal("echo allowed > allowed.txt", Assert.IsType<CommandSubject>(command.Subject).Command);
        Assert.Equal(sandbox, command.Sandbox);
        Assert.False(File.Exists(Path.Combine(folder, "allowed.txt")));
        await device.DecideAsync(command, DecisionVerdict.Allow);
        await device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Finished);
        Assert.Equal("allowed\n", await File.ReadAllTextAsync(Path.Combine(folder, "allowed.txt")));

        var edit = (await device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;
        var subject = Assert.IsType<EditSubject>(edit.Subject);
        Assert.True(subject.Creates);
        Assert.Equal("by the agent", subject.Diff!.Hunks[0].Lines[0].Text);
        await device.DecideAsync(edit, DecisionVerdict.Deny, reason: "no new files");
        await device.NextEventAsync<DoneEvent>();
        Assert.False(File.Exists(Path.Combine(folder, "made.txt")));
        if (resumes)
        {
            await daemon.RestartAsync();
            await using var again = await device.AgainAsync(daemon.Url);
            await again.SubscribeAsync($"session/{session}");
            await again.NextEventAsync<DoneEvent>();
            await again.AskAsync(
                MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), "still there?"),
                ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);
            Assert.Equal(TurnState.Completed, (await again.NextEventAsync<DoneEvent>()).Outcome);
            Assert.True((await again.AskAsync(MessageTypes.LedgerVerify, new LedgerVerifyRequest(),
                ProtocolJson.Default.LedgerVerifyRequest, ProtocolJson.Default.LedgerVerifyResponse)).Intact);
        }

        await device.DisposeAsync();
    }
}
