using System.Threading.Channels;
using PocketCoder.Agents;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Snapshots;

/// <summary>What an agent may not get by the way: rights, and edits other than the approved ones.</summary>
public sealed class ProtectionTests
{
    [Theory]
    [InlineData("write: .vscode/tasks.json | {}")]
    [InlineData("write: .git/hooks/pre-commit | x")]
    [InlineData("write: sub/.envrc | x")]
    [InlineData("run: echo x > .mcp.json")]
    [InlineData("run: rm -r .claude")]
    public async Task Protected_configuration_is_decided_once_and_no_allowance_covers_it(string prompt)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync(prompt);
        var asked = await phone.AskedAsync();
        Assert.Null(asked.Reach);
        Assert.Equal(RiskTier.Destructive, asked.Risk!.Tier);

        var wide = await Assert.ThrowsAsync<PocketCoder.Testing.Devices.WireErrorException>(
            () => phone.Device.DecideAsync(asked, DecisionVerdict.Allow, DecisionScope.Session));
        Assert.Equal(ErrorCode.InvalidRequest, wide.Error.Code);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.DoneAsync();
        await phone.PromptAsync(session, prompt);
        Assert.Equal(ApprovalState.Pending, (await phone.AskedAsync()).State);
    }

    [Fact]
    public async Task A_command_in_a_sandbox_can_commit_but_not_change_what_others_obey_unless_that_was_allowed()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using (var w = new Workspace())
        {
            await w.ShAsync("git init -q .; git config user.email a@b; git config user.name n; mkdir .claude .vscode; echo '{}' > .claude/settings.json; echo '{}' > .vscode/tasks.json; echo x > .envrc; chmod -R go-rwx .claude",
                phone.Project.Path);
        }

        // Its text does not show what it writes.
        await File.WriteAllTextAsync(phone.PathOf("sly.sh"), """
            (echo evil > .git/hooks/post-commit) 2>/dev/null && echo BROKEN hook
            (echo evil >> .git/config) 2>/dev/null && echo BROKEN config
            (echo evil > .claude/settings.json) 2>/dev/null && echo BROKEN claude
            (echo evil > .vscode/more.json) 2>/dev/null && echo BROKEN vscode
            (echo evil > .envrc) 2>/dev/null && echo BROKEN envrc
            mv .git .git2 2>/dev/null && echo BROKEN moved
            mv .git/hooks .git/h 2>/dev/null && echo BROKEN hooks moved
            rm -rf .vscode 2>/dev/null && echo BROKEN removed
            git add sly.sh && git commit -qm committed && echo committed
            cat .claude/settings.json
            echo made > .mcp.json
            true
            """);
        var session = await phone.StartAsync("run: sh sly.sh", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);

        // What was not there could not be bound: it is told, before the result is.
        var notice = await phone.Device.NextEventAsync<NoticeEvent>(e => e.Level == NoticeLevel.Warning);
        Assert.Contains(".mcp.json", notice.Text, StringComparison.Ordinal);
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.DoesNotContain("BROKEN", result.Output, StringComparison.Ordinal);
        Assert.Contains("committed\n{}", result.Output, StringComparison.Ordinal);
        Assert.Contains("alarm_raised", await phone.LedgerAsync(asked.ApprovalId));

        await phone.PromptAsync(session, "run: echo y > .envrc; echo z > .vscode/new.json");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        Assert.Equal(0, (await phone.Device.NextEventAsync<ToolResultEvent>()).ExitCode);
        Assert.Equal("y\n", await File.ReadAllTextAsync(phone.PathOf(".envrc")));
    }

    [Fact]
    public async Task A_file_that_the_agent_writes_otherwise_than_approved_is_an_alarm()
    {
        await using var daemon = await TestDaemon.StartAsync(drivers: [new LyingDriver()]);
        var folder = Directory.CreateTempSubdirectory("pc-lies-");
        try
        {
            await daemon.Daemon.AsOwner().AddProjectAsync(folder.FullName, "project", CancellationToken.None);
            await using var phone = await daemon.PhoneAsync();
            await phone.StartAsync("go");
            var asked = await phone.AskedAsync();
            await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);

            var notice = await phone.Device.NextEventAsync<NoticeEvent>(e => e.Level == NoticeLevel.Warning);
            Assert.Contains("is not what was approved", notice.Text, StringComparison.Ordinal);
            await phone.DoneAsync();
            Assert.Contains("alarm_raised", await phone.LedgerAsync(asked.ApprovalId));
            Assert.True((await phone.VerifyAsync()).Intact);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_file_with_a_byte_order_mark_is_not_taken_for_changed()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllBytesAsync(phone.PathOf("bom.txt"), [0xEF, 0xBB, 0xBF, (byte)'a', (byte)'\n']);
        await phone.StartAsync("write: bom.txt | b");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.BecameAsync(ApprovalState.Finished);
        Assert.Equal("b", await File.ReadAllTextAsync(phone.PathOf("bom.txt")));
    }

    /// <summary>Asks for one edit and does another.</summary>
    private sealed class LyingDriver : IAgentDriver
    {
        public AgentDescription Description { get; } = new("stub", "Liar");

        public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => Task.FromResult(new AgentProbe(Installed: true));

        public Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
            => Task.FromResult<IAgentProcess>(new Liar(start));
    }

    private sealed class Liar(AgentStart start) : IAgentProcess
    {
        private readonly Channel<AgentEvent> _events = Channel.CreateUnbounded<AgentEvent>();
        private readonly FileChange _change = new(Path.Combine(start.WorkingDirectory, "note.txt"), null, "harmless");

        public ProcessIdentity? Process => null;

        public ChannelReader<AgentEvent> Events => _events.Reader;

        public ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
        {
            _events.Writer.TryWrite(new AgentReady("liar"));
            _events.Writer.TryWrite(
                new AgentToolUse("t1", "write", ToolKind.Edit, "note.txt", "{}") { Path = _change.Path, Change = _change });
            _events.Writer.TryWrite(new AgentApprovalAsked("r1", "t1", "write", new AgentSubject.Edit(_change), "{}"));
            return ValueTask.CompletedTask;
        }

        public async ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
        {
            await File.WriteAllTextAsync(_change.Path, "harmful", cancellationToken);
            _events.Writer.TryWrite(new AgentToolResult("t1", IsError: false, "done"));
            _events.Writer.TryWrite(new AgentTurnEnded(TurnOutcome.Completed));
            return true;
        }

        public ValueTask InterruptAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync()
        {
            _events.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }
    }
}
