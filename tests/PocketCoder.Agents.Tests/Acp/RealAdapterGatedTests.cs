using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Tests.Claude;
using PocketCoder.Agents.Tests.Shared;
using PocketCoder.Testing.Claude;

namespace PocketCoder.Agents.Tests.Acp;

/// <summary>The real claude-agent-acp with its own shell off and ours on, by MCP over a loopback port.</summary>
[Trait("Category", "Slow")]
public sealed class RealAdapterGatedTests(RealAcpFixture acp) : IClassFixture<RealAcpFixture>
{
    private static readonly HostTool s_bash = new(
        "bash", "Runs a command.",
        """{"type":"object","properties":{"command":{"type":"string"},"description":{"type":"string"}},"required":["command"],"additionalProperties":false}""");

    [Fact]
    public async Task Its_shell_is_ours_edits_ask_a_stopped_call_is_void_and_a_resume_keeps_the_gate()
    {
        using var home = acp.NewClaudeHome();
        Assert.True((await Probing.AskAsync(time => new AcpDriver(acp.Adapter, time, home.Environment))).Installed);
        string id;
        await using (var run = await StartAsync(home))
        {
            id = (await run.NextAsync<AgentReady>()).NativeId;
            await run.PromptAsync(
                $"BASH: echo $((40+2)) > own.txt\nBASH: touch never\nWRITE: {home.InProject("a.txt")} | one\\n\nSAY: done");
            var call = await run.NextAsync<AgentHostCall>();
            Assert.Equal("bash", call.ToolName);
            Assert.Contains("\"command\":\"echo $((40+2)) > own.txt\"", call.InputJson, StringComparison.Ordinal);
            var use = Assert.Single(run.Of<AgentToolUse>());
            Assert.Equal((call.ToolUseId, "bash", ToolKind.Execute, "echo $((40+2)) > own.txt"),
                (use.ToolUseId, use.Name, use.Kind, use.Title));
            Assert.True(await run.AnswerAsync(call.RequestId, new AgentAnswer.HostResult("out\n[exit code: 3]", IsError: false)));
            Assert.False(await run.AnswerAsync(call.RequestId, new AgentAnswer.HostResult("again", IsError: false)));
            Assert.Equal("out\n[exit code: 3]", (await run.NextAsync<AgentToolResult>(r => r.ToolUseId == call.ToolUseId)).Output);
            var denied = await run.NextAsync<AgentHostCall>();
            await run.AnswerAsync(denied.RequestId, new AgentAnswer.Deny("The user denied this: not today"));
            var edit = await run.AllowNextAsync();
            Assert.Equal("one\n", Assert.IsType<AgentSubject.Edit>(edit.Subject).Change.After);
            Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
            Assert.Contains("not today", string.Join('\n', acp.Model.Requests.Last(
                r => r.Prompt.StartsWith("BASH: echo $((40+2))", StringComparison.Ordinal)).ToolResults), StringComparison.Ordinal);
            Assert.False(File.Exists(home.InProject("own.txt")) || File.Exists(home.InProject("never")));

            await run.PromptAsync("BASH: touch stopped");
            var stopped = await run.NextAsync<AgentHostCall>();
            await run.Process.InterruptAsync(CancellationToken.None);
            Assert.Equal(stopped.RequestId, (await run.NextAsync<AgentRequestWithdrawn>()).RequestId);
            Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
            Assert.False(await run.AnswerAsync(stopped.RequestId, new AgentAnswer.HostResult("too late", IsError: false)));
        }

        await using var again = await StartAsync(home, id);
        await again.PromptAsync("BASH: echo resumed");
        var resumed = await again.NextAsync<AgentHostCall>();
        await again.AnswerAsync(resumed.RequestId, new AgentAnswer.HostResult("ok", IsError: false));
        Assert.Equal(TurnOutcome.Completed, (await again.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.DoesNotContain(acp.Model.Requests.SelectMany(r => r.Tools),
            t => t is "Bash" or "WebFetch" or "WebSearch" or "Monitor" or "Skill");
        Assert.Contains(acp.Model.Requests.SelectMany(r => r.Tools), t => t == "mcp__pocketcoder__bash");
    }

    [Fact]
    public async Task Nothing_of_a_hostile_repository_runs()
    {
        using var home = acp.NewClaudeHome();
        var canaries = Directory.CreateDirectory(Path.Combine(home.Home, "canaries")).FullName;
        await RealClaudeHostileTests.MakeHostileAsync(home.Project, canaries);
        await using var run = await StartAsync(home);
        await run.TurnAsync("/evil now");
        await run.PromptAsync(
            $"BASH: ls\nTOOL: mcp__evil__run {{}}\nTOOL: Skill {{\"skill\":\"evil\"}}\nTOOL: Monitor {{\"command\":\"touch {canaries}/monitor\"}}\nSAY: done");
        await run.AnswerAsync((await run.NextAsync<AgentHostCall>()).RequestId, new AgentAnswer.HostResult("", IsError: false));
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        await run.EndAsync();
        Assert.Empty(Directory.GetFileSystemEntries(canaries)); // that they do sing is shown with Claude Code itself
    }

    private Task<AgentRun> StartAsync(ClaudeHome home, string? resume = null)
        => acp.StartAsync(home, RealAcpFixture.Start(home.Project) with { HostTools = [s_bash], ResumeId = resume });
}
