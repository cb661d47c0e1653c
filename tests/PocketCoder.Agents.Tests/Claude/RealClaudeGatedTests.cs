using PocketCoder.Agents;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>The real program with its own shell off and ours on.</summary>
[Trait("Category", "Slow")]
public sealed class RealClaudeGatedTests(RealClaudeFixture claude) : IClassFixture<RealClaudeFixture>
{
    private static readonly HostTool s_bash = new(
        "bash",
        "Runs a command.",
        """{"type":"object","properties":{"command":{"type":"string"},"description":{"type":"string"}},"required":["command"],"additionalProperties":false}""");

    [Fact]
    public async Task Its_own_shell_is_gone_and_ours_is_called_with_what_the_model_wrote()
    {
        using var home = claude.NewHome();
        await using var run = await StartAsync(home);
        await run.PromptAsync("BASH: echo one\nTOOL: Bash {\"command\":\"echo two\",\"run_in_background\":true}");

        var call = await run.NextAsync<AgentHostCall>();
        Assert.Equal("bash", call.ToolName);
        Assert.Contains("\"command\":\"echo one\"", call.InputJson, StringComparison.Ordinal);
        var use = run.Of<AgentToolUse>().Single(u => u.ToolUseId == call.ToolUseId);
        Assert.Equal(("bash", ToolKind.Execute, "echo one"), (use.Name, use.Kind, use.Title));
        Assert.True(await run.AnswerAsync(call.RequestId, new AgentAnswer.HostResult("one\n[exit code: 0]", IsError: false)));
        Assert.False(await run.AnswerAsync(call.RequestId, new AgentAnswer.HostResult("again", IsError: false)));
        Assert.Equal("one\n[exit code: 0]", (await run.NextAsync<AgentToolResult>(r => r.ToolUseId == call.ToolUseId)).Output);

        // What it learned to call Bash is ours as well, and what it adds against the schema comes through for us to refuse.
        var alias = await run.NextAsync<AgentHostCall>();
        Assert.Contains("run_in_background", alias.InputJson, StringComparison.Ordinal);
        await run.AnswerAsync(alias.RequestId, new AgentAnswer.Deny("The user denied this: not today"));
        var denied = await run.NextAsync<AgentToolResult>(r => r.ToolUseId == alias.ToolUseId);
        Assert.Contains("not today", denied.Output, StringComparison.Ordinal);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Empty(run.Of<AgentApprovalAsked>());
        Assert.DoesNotContain(claude.Model.Requests.Where(r => r.Prompt.StartsWith("BASH: echo one", StringComparison.Ordinal))
            .SelectMany(r => r.Tools), t => t is "Bash" or "WebFetch" or "WebSearch" or "Monitor");
    }

    [Fact]
    public async Task An_interrupt_withdraws_the_call_and_the_next_turn_goes_on_in_the_same_process()
    {
        using var home = claude.NewHome();
        await using var run = await StartAsync(home);
        await run.PromptAsync("BASH: echo never");
        var call = await run.NextAsync<AgentHostCall>();
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.Equal(call.RequestId, (await run.NextAsync<AgentRequestWithdrawn>()).RequestId);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.False(await run.AnswerAsync(call.RequestId, new AgentAnswer.HostResult("too late", IsError: false)));
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("SAY: on")).Outcome);
    }

    [Fact]
    public async Task Resuming_keeps_the_gate()
    {
        using var home = claude.NewHome();
        var start = RealClaudeFixture.Start(home) with { HostTools = [s_bash] };
        await using (var first = await RealClaudeFixture.StartAsync(home, start))
        {
            Assert.Equal(TurnOutcome.Completed, (await first.TurnAsync("SAY: hello")).Outcome);
        }

        await using var again = await RealClaudeFixture.StartAsync(home, start with { ResumeId = start.SessionId.ToString("D") });
        await again.PromptAsync("BASH: echo resumed");
        var call = await again.NextAsync<AgentHostCall>();
        await again.AnswerAsync(call.RequestId, new AgentAnswer.HostResult("ok", IsError: false));
        Assert.Equal(TurnOutcome.Completed, (await again.NextAsync<AgentTurnEnded>()).Outcome);
    }

    [Fact]
    public async Task A_subagent_has_the_same_gate()
    {
        using var home = claude.NewHome();
        await using var run = await StartAsync(home);
        await run.PromptAsync("AGENT: BASH: echo from below");
        var call = await run.NextAsync<AgentHostCall>();
        Assert.Contains("echo from below", call.InputJson, StringComparison.Ordinal);
        await run.AnswerAsync(call.RequestId, new AgentAnswer.HostResult("below", IsError: false));
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Empty(run.Of<AgentApprovalAsked>());
    }

    private static Task<AgentRun> StartAsync(ClaudeHome home)
        => RealClaudeFixture.StartAsync(home, RealClaudeFixture.Start(home) with { HostTools = [s_bash] });
}
