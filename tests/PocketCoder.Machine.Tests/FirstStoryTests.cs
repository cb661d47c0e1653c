using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests;

public sealed class FirstStoryTests
{
    [Fact]
    public async Task A_paired_device_prompts_decides_and_sees_the_command_run()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        var state = await phone.AskAsync(MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse);
        var project = Assert.Single(state.Projects);

        var session = Guid.CreateVersion7();
        await phone.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), project.ProjectId, "stub", "run: echo from-the-stub > proof.txt"),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        await phone.SubscribeAsync($"session/{session}");

        var asked = await phone.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending);
        var proof = Path.Combine(project.Path, "proof.txt");
        Assert.Equal("echo from-the-stub > proof.txt", Assert.IsType<CommandSubject>(asked.Approval.Subject).Command);
        Assert.False(File.Exists(proof));

        await phone.DecideAsync(asked.Approval, DecisionVerdict.Allow);
        var finished = await phone.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Finished);
        Assert.Equal(0, finished.Approval.Execution!.ExitCode);
        Assert.Equal("from-the-stub\n", await File.ReadAllTextAsync(proof));
        var done = await phone.NextEventAsync<DoneEvent>();
        Assert.Equal(TurnState.Completed, done.Outcome);

        var verified = await phone.AskAsync(MessageTypes.LedgerVerify, new LedgerVerifyRequest(), ProtocolJson.Default.LedgerVerifyRequest,
            ProtocolJson.Default.LedgerVerifyResponse);
        Assert.True(verified.Intact, verified.Problem);
        var rows = await phone.AskAsync(
            MessageTypes.LedgerList, new LedgerListRequest(ApprovalId: asked.Approval.ApprovalId), ProtocolJson.Default.LedgerListRequest,
            ProtocolJson.Default.LedgerListResponse);
        Assert.Equal(
            ["execution_finished", "execution_started", "approval_decided", "approval_requested"],
            rows.Rows.Select(r => System.Text.Json.JsonDocument.Parse(r.Body).RootElement.GetProperty("kind").GetString()));
    }
}
