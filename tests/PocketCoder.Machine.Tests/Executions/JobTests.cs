using System.Text.Json;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Executions;

/// <summary>Commands in the background: they belong to the session, not to the turn.</summary>
public sealed class JobTests
{
    [Fact]
    public async Task A_job_goes_on_after_its_turn_and_its_real_end_is_recorded_and_told_at_the_next_turn()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync(
            Job("echo begun; until [ -e go ]; do sleep 0.05; done; echo over; exit 3"), SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Assert.True(Assert.IsType<CommandSubject>(asked.Subject).Background);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);

        var answer = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.Contains("job-1", answer.Output, StringComparison.Ordinal);
        Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
        var job = Assert.Single(await JobsAsync(phone, session));
        Assert.Equal(("job-1", asked.ApprovalId), (job.Job, job.ApprovalId));
        Assert.Equal(["approval_requested", "approval_decided", "execution_started"], await phone.LedgerAsync(asked.ApprovalId));

        await File.WriteAllTextAsync(phone.PathOf("go"), "");
        var ended = (await phone.BecameAsync(ApprovalState.Finished)).Approval;
        Assert.Equal(3, ended.Execution!.ExitCode);
        Assert.Equal("job-1", ended.Execution.Job);
        Assert.Empty(await JobsAsync(phone, session));
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await phone.LedgerAsync(asked.ApprovalId));
        Assert.Equal("begun\nover\n", await OutputAsync(phone, asked.ApprovalId));

        await phone.PromptAsync(session, "hello");
        Assert.Contains("job-1: exit code: 3", (await phone.Device.NextEventAsync<TextEvent>(
            e => e.Text.Contains("The machine says", StringComparison.Ordinal))).Text, StringComparison.Ordinal);
        await phone.DoneAsync();
        await phone.PromptAsync(session, "again");
        Assert.DoesNotContain("job-1", (await phone.Device.NextEventAsync<TextEvent>()).Text, StringComparison.Ordinal); // once
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task The_agent_reads_a_job_by_range_waits_for_it_lists_it_and_ends_it()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync(
            Job("printf 0123456789; until [ -e go ]; do sleep 0.05; done; printf abc"), SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        await Wait.UntilAsync(async () => (await JobsAsync(phone, session))[0].Bytes == 10, "the first output");

        Assert.EndsWith("]\n0123456789", await ToolAsync(phone, session, """tool: job_output {"job":"job-1"}"""), StringComparison.Ordinal);
        // read already
        Assert.EndsWith("]\n", await ToolAsync(phone, session, """tool: job_output {"job":"job-1"}"""), StringComparison.Ordinal);
        Assert.EndsWith("]\n6789", await ToolAsync(phone, session, """tool: job_output {"job":"job-1","since":6}"""),
            StringComparison.Ordinal);
        Assert.StartsWith("job-1: running; printf", await ToolAsync(phone, session, "tool: job_list {}"), StringComparison.Ordinal);

        await phone.PromptAsync(session, """tool: job_output {"job":"job-1","wait":600000}""");
        await phone.Device.NextEventAsync<ToolUseEvent>();
        await File.WriteAllTextAsync(phone.PathOf("go"), "");
        var waited = (await phone.Device.NextEventAsync<ToolResultEvent>()).Output;
        Assert.Contains("exit code: 0", waited, StringComparison.Ordinal);
        Assert.EndsWith("]\nabc", waited, StringComparison.Ordinal);
        await phone.DoneAsync();

        await phone.PromptAsync(session, Job("sleep 1000"));
        var second = await phone.AskedAsync();
        await phone.Device.DecideAsync(second, DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.Equal("job-2: ended: the agent stopped it; sleep 1000",
            await ToolAsync(phone, session, """tool: job_kill {"job":"job-2"}"""));
        Assert.Contains("There is no such job", await ToolAsync(phone, session, """tool: job_output {"job":"job-9"}"""),
            StringComparison.Ordinal);
        Assert.Equal("the agent", await StoppedByAsync(phone, second.ApprovalId));
    }

    [Fact]
    public async Task Input_for_a_job_is_decided_on_by_its_exact_bytes_and_an_allowance_covers_that_job_only()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync(
            Job("while IFS= read -r line; do echo \"got $line\"; done; echo end", stdin: "first\n"), SandboxKind.Bubblewrap);
        var started = await phone.AskedAsync();
        Assert.Equal("first\n", ((CommandSubject)started.Subject).Stdin);
        await phone.Device.DecideAsync(started, DecisionVerdict.Allow);
        await phone.DoneAsync();

        await phone.PromptAsync(session, """tool: job_input {"job":"job-1","text":"yes\n"}""");
        var input = await phone.AskedAsync();
        Assert.Equal(ApprovalKind.JobInput, input.Kind);
        var subject = Assert.IsType<JobInputSubject>(input.Subject);
        Assert.Equal(("job-1", "yes\n", false), (subject.Job, subject.Text, subject.Close));
        await phone.Device.DecideAsync(input, DecisionVerdict.Allow, DecisionScope.Session);
        Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await phone.LedgerAsync(input.ApprovalId));

        // covered
        Assert.Equal("Written to job-1.",
            await ToolAsync(phone, session, """tool: job_input {"job":"job-1","text":"more\n","close":true}"""));
        // it may come before the turn's
        await Wait.UntilAsync(async () => (await phone.LedgerAsync(started.ApprovalId)).Contains("execution_finished"), "the job's end");
        Assert.Equal("got first\ngot yes\ngot more\nend\n", await OutputAsync(phone, started.ApprovalId));

        await phone.PromptAsync(session, Job("cat", stdin: ""));
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        await phone.PromptAsync(session, """tool: job_input {"job":"job-2","text":"x"}""");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Deny, reason: "not that"); // another job: asked anew
        Assert.Contains("not that", (await phone.Device.NextEventAsync<ToolResultEvent>()).Output, StringComparison.Ordinal);
        Assert.Equal(0, Assert.Single(await JobsAsync(phone, session)).Bytes);
    }

    [Fact]
    public async Task A_person_stops_a_job_and_no_more_than_eight_run_at_once()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync(string.Join('\n', Enumerable.Repeat(Job("sleep 1000"), 9)), SandboxKind.Bubblewrap);
        var first = await phone.AskedAsync();
        await phone.Device.DecideAsync(first, DecisionVerdict.Allow, DecisionScope.Session);
        Assert.Contains("8 jobs run already", (await phone.Device.NextEventAsync<ToolResultEvent>(e => e.Failed)).Output,
            StringComparison.Ordinal);
        await phone.DoneAsync();
        Assert.Equal(8, (await JobsAsync(phone, session)).Count);

        Assert.True(await StopAsync(phone, session, first.ApprovalId));
        Assert.False(await StopAsync(phone, session, first.ApprovalId));
        Assert.Equal(7, (await JobsAsync(phone, session)).Count);
        Assert.Equal("phone", await StoppedByAsync(phone, first.ApprovalId));
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => StopAsync(phone, Guid.CreateVersion7(), first.ApprovalId));
        Assert.Equal(ErrorCode.SessionNotFound, refused.Error.Code);
    }

    [Fact]
    public async Task Jobs_end_with_the_session_and_with_the_machine()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync(Job("while :; do date +%N > beat; sleep 0.05; done"), SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.DoneAsync();
        await phone.Device.AskAsync(
            MessageTypes.AgentSessionSet, new AgentSessionSetRequest(session, Archived: true), ProtocolJson.Default.AgentSessionSetRequest,
            ProtocolJson.Default.AgentSessionSetResponse);
        Assert.Empty(await JobsAsync(phone, session));
        Assert.Equal("the end of the session", await StoppedByAsync(phone, asked.ApprovalId));

        await phone.PromptAsync(session, Job("while :; do date +%N > beat; sleep 0.05; done"));
        var second = await phone.AskedAsync();
        await phone.Device.DecideAsync(second, DecisionVerdict.Allow);
        await phone.DoneAsync();
        await daemon.RestartAsync();
        await using var again = new Phone(
            await phone.Device.AgainAsync(daemon.Url), new MachineStateResponse(null!, [phone.Project], [], [], [], null!));
        Assert.Equal("the machine", await StoppedByAsync(again, second.ApprovalId));
        await again.Device.SubscribeAsync($"session/{session}");
        await again.PromptAsync(session, "hello");
        await again.Device.NextEventAsync<TextEvent>(e => e.Text.Contains("job-2: ended", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stopping_a_turn_leaves_its_jobs_alone()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync(Job("sleep 1000") + "\nrun: sleep 1000", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.Device.NextEventAsync<ApprovalEvent>(e => e.Approval is { State: ApprovalState.Running, Execution.Job: null });
        await phone.CancelAsync(session);
        Assert.Equal(TurnState.Cancelled, (await phone.DoneAsync()).Outcome);
        Assert.Single(await JobsAsync(phone, session));
    }

    private static string Job(string command, string? stdin = null)
        => "tool: bash " + JsonSerializer.Serialize(new Dictionary<string, object?>(StringComparer.Ordinal)
        { ["command"] = command, ["run_in_background"] = true, ["stdin"] = stdin });

    private static async Task<string> ToolAsync(Phone phone, Guid session, string prompt)
    {
        await phone.PromptAsync(session, prompt);
        var output = (await phone.Device.NextEventAsync<ToolResultEvent>()).Output;
        await phone.DoneAsync();
        return output;
    }

    private static async Task<IReadOnlyList<JobInfo>> JobsAsync(Phone phone, Guid session) => (await phone.Device.AskAsync(
        MessageTypes.JobsList, new JobsListRequest(session), ProtocolJson.Default.JobsListRequest,
        ProtocolJson.Default.JobsListResponse)).Jobs;

    private static async Task<bool> StopAsync(Phone phone, Guid session, Guid approval) => (await phone.Device.AskAsync(
        MessageTypes.JobStop, new JobStopRequest(session, approval), ProtocolJson.Default.JobStopRequest,
        ProtocolJson.Default.JobStopResponse)).Stopped;

    private static async Task<string> OutputAsync(Phone phone, Guid approval)
        => System.Text.Encoding.UTF8.GetString(Convert.FromBase64String((await phone.Device.AskAsync(
        MessageTypes.ExecutionOutput, new ExecutionOutputRequest(approval), ProtocolJson.Default.ExecutionOutputRequest,
        ProtocolJson.Default.ExecutionOutputResponse)).Data));

    private static async Task<string?> StoppedByAsync(Phone phone, Guid approval)
    {
        var rows = await phone.Device.AskAsync(
            MessageTypes.LedgerList, new LedgerListRequest(Limit: 200, ApprovalId: approval), ProtocolJson.Default.LedgerListRequest,
            ProtocolJson.Default.LedgerListResponse);
        return rows.Rows.Select(r => JsonDocument.Parse(r.Body).RootElement).Single(
            r => r.GetProperty("kind").GetString() == "execution_finished").GetProperty("data").GetProperty("stoppedBy").GetString();
    }
}
