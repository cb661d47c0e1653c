using System.Text.Json;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Runs;

/// <summary>A project's rules for one-shot commands, through the whole daemon.</summary>
public sealed class CommandRuleTests
{
    [Fact]
    public async Task Rules_let_run_ask_and_refuse_and_the_ledger_says_which_one_it_was()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var other = await daemon.PairAsync("other", Scope.View, Scope.Decide);
        await other.SubscribeAsync("machine", other.Hello.Instance, 0);
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        var policy = new CommandPolicy(
            CommandVerdict.Allow, [new(CommandVerdict.Deny, "rm *"), new(CommandVerdict.Ask, "touch *"),
                new(CommandVerdict.Allow, "echo *")]);
        // running is not loosening
        Assert.Equal(ErrorCode.Unauthorized, (await Assert.ThrowsAsync<WireErrorException>(() => SetAsync(other, policy))).Error.Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<WireErrorException>(
            () => SetAsync(phone.Device, policy with { Rules = [new(CommandVerdict.Deny, "a\nb")] }))).Error.Code);
        Assert.Equal(policy.Rules, (await SetAsync(phone.Device, policy)).Rules);

        // Allowed: it runs, and another device hears of it.
        var echo = runner.Request("echo hi");
        Assert.Equal(0, (await runner.RunAsync(echo)).Exit.ExitCode);
        Assert.Equal("allow: echo *", RuleOf((await runner.LedgerAsync(echo.RunId))[0]));
        Assert.Equal((CommandRunState.Running, "phone", "echo hi"), await HeardAsync(other, echo.RunId));
        Assert.Equal((CommandRunState.Exited, "phone", "echo hi"), await HeardAsync(other, echo.RunId));

        // Denied: nothing begins, for the owner neither.
        var remove = runner.Request("rm README.md");
        var denied = (await Assert.ThrowsAsync<WireErrorException>(() => runner.ExecAsync(remove))).Error;
        Assert.Equal((ErrorCode.Unauthorized, "deny: rm *"), (denied.Code, denied.Details!["rule"]));
        Assert.Equal("command_refused", Assert.Single(await runner.LedgerAsync(remove.RunId)).GetProperty("kind").GetString());
        Assert.Equal(ErrorCode.Unauthorized, (await Assert.ThrowsAsync<ControlException>(
            () => daemon.Daemon.AsOwner().Commands.ExecAsync(runner.Request("rm README.md"), CancellationToken.None))).Code);
        Assert.True(File.Exists(phone.PathOf("README.md")));

        // Asked about: the machine runs it when it is allowed, once, under its id.
        var touch = runner.Request("touch made; echo done");
        var asked = await AskedAsync(phone.Device, runner, touch);
        Assert.Equal(("touch made; echo done", MessageTypes.CommandExec),
            (((CommandSubject)asked.Subject).Command, ((CommandSubject)asked.Subject).Tool));
        Assert.False(File.Exists(phone.PathOf("made")));
        await other.DecideAsync(asked, DecisionVerdict.Allow);
        await Wait.UntilAsync(async () => (await ApprovalAsync(phone.Device, asked.ApprovalId)).State == ApprovalState.Finished, "its end");
        Assert.Equal(0, (await ApprovalAsync(phone.Device, asked.ApprovalId)).Execution!.ExitCode);
        Assert.True(File.Exists(phone.PathOf("made")));
        Assert.Equal("done\n", string.Concat((await runner.ReadAsync(touch.RunId)).Chunks.Select(c => c.Text)));
        Assert.False((await runner.ExecAsync(touch)).Started);
        Assert.Equal("ask: touch *", RuleOf((await runner.LedgerAsync(touch.RunId))[0]));

        // Allowed, but no more when it would begin.
        var late = await AskedAsync(phone.Device, runner, runner.Request("touch late"));
        await SetAsync(phone.Device, policy with { Rules = [new(CommandVerdict.Deny, "touch *")] });
        await phone.Device.DecideAsync(late, DecisionVerdict.Allow);
        await Wait.UntilAsync(async () => (await ApprovalAsync(phone.Device, late.ApprovalId)).State == ApprovalState.Withdrawn,
            "the refusal");
        Assert.False(File.Exists(phone.PathOf("late")));

        await daemon.RestartAsync();
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        var kept = await again.AskAsync(MessageTypes.CommandPolicyGet, new CommandPolicyGetRequest(runner.Project),
            ProtocolJson.Default.CommandPolicyGetRequest, ProtocolJson.Default.CommandPolicyGetResponse);
        Assert.Equal([new CommandRule(CommandVerdict.Deny, "touch *")], kept.Policy.Rules);

        async Task<CommandPolicy> SetAsync(TestDevice device, CommandPolicy wanted) => (await device.AskAsync(
            MessageTypes.CommandPolicySet, new CommandPolicySetRequest(runner.Project, wanted),
            ProtocolJson.Default.CommandPolicySetRequest, ProtocolJson.Default.CommandPolicySetResponse)).Policy;
    }

    /// <summary>A command that a rule asks about is held to the files it runs, as an agent's is.</summary>
    [Fact]
    public async Task A_command_that_is_asked_about_does_not_run_when_its_script_changed_meanwhile()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        await phone.Device.AskAsync(
            MessageTypes.CommandPolicySet,
            new CommandPolicySetRequest(runner.Project, new CommandPolicy(CommandVerdict.Allow, [new(CommandVerdict.Ask, "sh *")])),
            ProtocolJson.Default.CommandPolicySetRequest,
            ProtocolJson.Default.CommandPolicySetResponse);
        await File.WriteAllTextAsync(phone.PathOf("outer.sh"), "sh inner.sh\n");
        await File.WriteAllTextAsync(phone.PathOf("inner.sh"), "touch ran.txt\n");
        var asked = await AskedAsync(phone.Device, runner, runner.Request("sh outer.sh"));
        Assert.Equal(["outer.sh", "inner.sh"], ((CommandSubject)asked.Subject).Scripts!.Select(s => Path.GetFileName(s.Path)));
        await File.AppendAllTextAsync(phone.PathOf("inner.sh"), "\n");
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await Wait.UntilAsync(async () => (await ApprovalAsync(phone.Device, asked.ApprovalId)).State == ApprovalState.Withdrawn,
            "the refusal");
        Assert.False(File.Exists(phone.PathOf("ran.txt")));
    }

    private static string? RuleOf(JsonElement row) => row.GetProperty("data").GetProperty("rule").GetString();

    private static async Task<(CommandRunState, string, string)> HeardAsync(TestDevice device, Guid run)
    {
        var heard = await device.NextAsync(e => e.Type == MessageTypes.MachineEvent && e.Payload!.Value.GetProperty("kind")
            .GetString() == "command_run" && e.Payload!.Value.GetProperty("runId").GetGuid() == run, "a word about the run");
        var change = (CommandRunChanged)heard.Payload!.Value.Deserialize(ProtocolJson.Default.MachineEvent)!;
        return (change.State, change.By, change.Command);
    }

    private static async Task<ApprovalInfo> AskedAsync(TestDevice device, Runner runner, CommandExecRequest request)
    {
        var required = (await Assert.ThrowsAsync<WireErrorException>(() => runner.ExecAsync(request))).Error;
        Assert.Equal(ErrorCode.ApprovalRequired, required.Code);
        return await ApprovalAsync(device, Guid.Parse(required.Details!["approvalId"]));
    }

    private static async Task<ApprovalInfo> ApprovalAsync(TestDevice device, Guid approval)
    {
        var all = await device.AskAsync(MessageTypes.ApprovalsList, new ApprovalsListRequest(Pending: false),
            ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse);
        return all.Approvals.Single(a => a.ApprovalId == approval);
    }
}
