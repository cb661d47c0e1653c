using PocketCoder.Agents;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>The real program against the scripted model: nothing sensitive without an answer, and exactly what was answered.</summary>
[Trait("Category", "Slow")]
public sealed class RealClaudeApprovalTests(RealClaudeFixture claude) : IClassFixture<RealClaudeFixture>
{
    [Fact]
    public async Task Every_command_asks_also_a_harmless_one_and_runs_only_as_allowed()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.PromptAsync("BASH: ls\nBASH: echo $((40+2)) > out.txt; exit 3\nBASH: touch never");

        var harmless = await run.NextAsync<AgentApprovalAsked>();
        Assert.Equal(new AgentSubject.Command("ls", home.Project), harmless.Subject);
        Assert.Contains("\"command\":\"ls\"", harmless.InputJson, StringComparison.Ordinal);
        var result = await run.AnswerThreeCommandsAsync(home.Project, harmless);
        Assert.True(result.IsError);
        Assert.Contains("not on a Sunday", result.Output, StringComparison.Ordinal);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.False(File.Exists(home.InProject("never")));
        Assert.Equal(0, run.Of<AgentToolResult>().First(r => r.ToolUseId == harmless.ToolUseId).ExitCode);
    }

    [Fact]
    public async Task An_approval_of_something_else_is_a_refusal_and_a_denial_can_end_the_turn()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.RefuseSomethingElseAndStopAsync(home.Project);
    }

    [Fact]
    public async Task File_changes_show_before_and_after_and_the_file_becomes_what_was_shown()
    {
        using var home = claude.NewHome();
        var file = home.InProject("a.txt");
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.PromptAsync(
            $"WRITE: {file} | one\\ntwo\\nthree\\n\nEDIT: {file} | two | zwei\nEDIT: {file} | one |\nWRITE: {file} | new\\n");
        await run.AllowChangesAsync(file, 4);
        Assert.Equal(["one\ntwo\nthree\n", "one\nzwei\nthree\n", "zwei\nthree\n", "new\n"],
            run.Of<AgentToolUse>().Select(t => t.Change?.After));
    }

    [Fact]
    public async Task A_file_that_changed_while_the_human_looked_is_not_written()
    {
        using var home = claude.NewHome();
        var file = home.InProject("a.txt");
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.PromptAsync($"WRITE: {file} | from the agent\\n");
        var asked = await run.NextAsync<AgentApprovalAsked>();
        await File.WriteAllTextAsync(file, "from a person\n");
        await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson));
        var result = await run.NextAsync<AgentToolResult>();
        Assert.Contains("changed after it was shown", result.Output, StringComparison.Ordinal);
        Assert.Equal("from a person\n", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task Reading_outside_the_project_asks_also_through_a_link()
    {
        using var home = claude.NewHome();
        var secret = Path.Combine(home.Home, "secret.txt");
        await File.WriteAllTextAsync(secret, "s3cret");
        File.CreateSymbolicLink(home.InProject("innocent.txt"), secret);
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.PromptAsync(
            $"READ: {secret}\nREAD: {home.InProject("innocent.txt")}\nTOOL: Glob {{\"pattern\":\"/etc/*\"}}\nTOOL: Grep {{\"pattern\":\"x\",\"path\":\"..\"}}");
        for (var i = 0; i < 4; i++)
        {
            var asked = await run.NextAsync<AgentApprovalAsked>();
            Assert.IsType<AgentSubject.Tool>(asked.Subject);
            await run.AnswerAsync(asked.RequestId, new AgentAnswer.Deny("private"));
        }

        await run.NextAsync<AgentTurnEnded>();
        Assert.All(run.Of<AgentToolResult>(), r => Assert.True(r.IsError));
        Assert.DoesNotContain("s3cret", string.Concat(claude.Model.Requests.SelectMany(r => r.ToolResults)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_question_is_answered_by_a_choice_and_refused_by_words()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.PromptAsync("ASK: Which colour? | red | blue\nASK: Which size? | small | large");
        var colour = await run.NextAsync<AgentQuestionAsked>();
        Assert.Equal(["red", "blue"], Assert.Single(colour.Questions).Options.Select(o => o.Label));
        await Assert.ThrowsAsync<ArgumentException>(() => run.AnswerAsync(colour.RequestId, new AgentAnswer.Allow("{}")));
        await run.AnswerAsync(colour.RequestId, new AgentAnswer.Reply(new Dictionary<string, string> { ["Which colour?"] = "blue" }));
        Assert.Contains("\"blue\"", (await run.NextAsync<AgentToolResult>()).Output, StringComparison.Ordinal);

        var size = await run.NextAsync<AgentQuestionAsked>();
        await run.AnswerAsync(size.RequestId, new AgentAnswer.Deny("you choose"));
        Assert.Contains("you choose", (await run.NextAsync<AgentToolResult>()).Output, StringComparison.Ordinal);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
    }

    [Fact]
    public async Task A_plan_is_rejected_then_accepted_and_the_edits_after_it_still_ask_in_every_mode()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home, RealClaudeFixture.Start(home) with { Mode = "plan" });
        await run.PromptAsync(
            $"BASH: echo while planning\nPLAN: 1. first try\nPLAN: 2. second try\nWRITE: {home.InProject("planned.txt")} | x\\n\nBASH: ls");
        var early = await run.NextAsync<AgentApprovalAsked>(); // plan mode does not gate commands by itself
        await run.AnswerAsync(early.RequestId, new AgentAnswer.Deny("not while planning"));

        var first = await run.NextAsync<AgentPlanProposed>();
        Assert.Equal("1. first try", first.Plan);
        await run.AnswerAsync(first.RequestId, new AgentAnswer.Deny("think again"));
        var second = await run.NextAsync<AgentPlanProposed>();
        await Assert.ThrowsAsync<ArgumentException>(
            () => run.AnswerAsync(second.RequestId, new AgentAnswer.AcceptPlan("bypassPermissions")));
        await run.AnswerAsync(second.RequestId, new AgentAnswer.AcceptPlan("acceptEdits"));
        Assert.Equal("acceptEdits", (await run.NextAsync<AgentModeChanged>()).Mode);

        var write = await run.AllowNextAsync();
        Assert.IsType<AgentSubject.Edit>(write.Subject);
        Assert.IsType<AgentSubject.Command>((await run.AllowNextAsync()).Subject);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.True(File.Exists(home.InProject("planned.txt")));
    }

    [Fact]
    public async Task What_can_not_be_gated_is_refused_without_a_question()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home);
        string[] calls =
        [
            """Bash {"command":"touch bg","description":"x","run_in_background":true}""", """Workflow {"script":"x"}""",
            """Monitor {"command":"touch mon","description":"x"}""",
            """CronCreate {"cron":"* * * * *","prompt":"x"}""", """Skill {"skill":"simplify"}""", """EnterWorktree {"name":"x"}""",
            """mcp__evil__x {}""", """SendMessage {"to":"x","message":"y"}""",
        ];
        var end = await run.TurnAsync(string.Join('\n', calls.Select(c => $"TOOL: {c}")));
        Assert.Equal(TurnOutcome.Completed, end.Outcome);
        Assert.Empty(run.Of<AgentApprovalAsked>());
        Assert.Equal(calls.Length, run.Of<AgentToolResult>().Count);
        Assert.All(run.Of<AgentToolResult>(), r => Assert.True(r.IsError, r.Output));
        Assert.Empty(Directory.GetFileSystemEntries(home.Project));
    }
}
