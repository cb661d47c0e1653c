using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Executions;

/// <summary>Sessions whose commands run in a real sandbox, by us, with exactly the approved bytes.</summary>
public sealed class SandboxTests
{
    [Fact]
    public async Task A_command_runs_isolated_with_its_real_exit_code_and_every_row_says_where()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync(
            "run: echo out; echo err >&2; hostname; ls /root /home 2>&1; echo mine > made.txt; exit 7", SandboxKind.Bubblewrap);

        var asked = await phone.AskedAsync();
        Assert.Equal(SandboxKind.Bubblewrap, asked.Sandbox);
        Assert.False(File.Exists(phone.PathOf("made.txt")));
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);

        Assert.Equal(7, (await phone.BecameAsync(ApprovalState.Finished)).Approval.Execution!.ExitCode);
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.True(result.Failed);
        Assert.Equal(7, result.ExitCode);
        Assert.Contains("out\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("err\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("hands", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(".bashrc", result.Output, StringComparison.Ordinal);
        Assert.Equal("mine\n", await File.ReadAllTextAsync(phone.PathOf("made.txt")));
        Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await phone.LedgerAsync(asked.ApprovalId));
        var rows = await phone.Device.AskAsync(
            MessageTypes.LedgerList, new LedgerListRequest(Limit: 200, ApprovalId: asked.ApprovalId),
            ProtocolJson.Default.LedgerListRequest, ProtocolJson.Default.LedgerListResponse);
        Assert.All(rows.Rows, row => Assert.Equal(
            "bubblewrap", System.Text.Json.JsonDocument.Parse(row.Body).RootElement.GetProperty("sandbox").GetString()));
        Assert.Equal(SandboxKind.Bubblewrap, (await phone.GetAsync(session)).Session.Sandbox);
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task What_was_denied_does_not_run_and_what_was_stopped_ends()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: touch never.txt", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Deny, reason: "no");
        await phone.DoneAsync();
        Assert.False(File.Exists(phone.PathOf("never.txt")));

        await phone.PromptAsync(session, "run: touch begun; while :; do sleep 0.1; date +%N > beat; done");
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await Wait.UntilAsync(() => File.Exists(phone.PathOf("beat")), "the command runs");
        await phone.CancelAsync(session);
        Assert.Equal(TurnState.Cancelled, (await phone.DoneAsync()).Outcome);
        var last = await File.ReadAllTextAsync(phone.PathOf("beat"));
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await phone.LedgerAsync(asked.ApprovalId));

        await phone.PromptAsync(session, "run: cat beat");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.Equal(last, await File.ReadAllTextAsync(phone.PathOf("beat")));
    }

    [Fact]
    public async Task Output_is_seen_while_the_command_runs()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: echo first; until [ -e go ]; do sleep 0.05; done; echo last", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);

        await phone.Device.NextAsync(
            e => e.Type == MessageTypes.AgentDelta && e.Payload.ToString()!.Contains("first", StringComparison.Ordinal), "live output");
        await File.WriteAllTextAsync(phone.PathOf("go"), "");
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.Equal("first\nlast\n", result.Output);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task Nothing_outside_the_project_is_within_reach_and_there_is_no_network()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var port = new Uri(daemon.Url).Port;
        await phone.StartAsync(
            $"run: (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>&1 && echo REACHED; cat {daemon.Options.Home.MachineKey} 2>&1 && echo READ; touch /usr/planted 2>&1 && echo PLANTED; env",
            SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        var output = (await phone.Device.NextEventAsync<ToolResultEvent>()).Output;
        Assert.DoesNotContain("REACHED", output, StringComparison.Ordinal);
        Assert.DoesNotContain("READ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("PLANTED", output, StringComparison.Ordinal);
        Assert.DoesNotContain("ANTHROPIC", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reduced_sandbox_is_a_choice_and_says_so_in_every_row()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await daemon.Daemon.SandboxesKnown;
        await using var phone = await daemon.PhoneAsync();
        var machine = (await phone.Device.AskAsync(MessageTypes.MachinesList, new MachinesListRequest(),
            ProtocolJson.Default.MachinesListRequest, ProtocolJson.Default.MachinesListResponse)).Machines[0];
        Assert.SkipUnless(machine.Sandboxes.Contains(SandboxKind.Landlock), "this kernel has no Landlock that would do");
        Assert.Equal(SandboxKind.None, machine.Sandbox);

        await phone.StartAsync($"run: echo in > made.txt; cat {daemon.Options.Home.MachineKey}; echo $?; env", SandboxKind.Landlock);
        var asked = await phone.AskedAsync();
        Assert.Equal(SandboxKind.Landlock, asked.Sandbox);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var output = (await phone.Device.NextEventAsync<ToolResultEvent>()).Output;
        if (Environment.IsPrivilegedProcess)
        {
            // It acts as the project's owner, and never as root: there is nobody it could be here.
            Assert.Contains("the sandbox could not be created", output, StringComparison.Ordinal);
            Assert.Equal(["approval_requested", "approval_decided", "alarm_raised", "execution_refused"],
                await phone.LedgerAsync(asked.ApprovalId));
            return;
        }

        Assert.Contains("Permission denied", output, StringComparison.Ordinal);
        Assert.DoesNotContain("http_proxy", output, StringComparison.Ordinal); // it has no way out, and nothing that says so
        Assert.Equal("in\n", await File.ReadAllTextAsync(phone.PathOf("made.txt")));
    }
}
