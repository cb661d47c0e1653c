using PocketCoder.Agents;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Codex;

/// <summary>The real program against the scripted model: nothing sensitive without an answer, and exactly what was answered.</summary>
[Trait("Category", "Slow")]
public sealed class RealCodexApprovalTests(RealCodexFixture codex) : IClassFixture<RealCodexFixture>
{
    [Fact]
    public async Task Every_command_asks_also_a_harmless_one_and_runs_only_as_allowed()
    {
        using var home = codex.NewHome();
        await using var run = await RealCodexFixture.StartAsync(home);
        await run.PromptAsync("BASH: ls\nBASH: echo $((40+2)) > out.txt; exit 3\nBASH: touch never");

        var harmless = await run.NextAsync<AgentApprovalAsked>();
        Assert.Equal(new AgentSubject.Command("ls", home.Project), harmless.Subject);
        Assert.Equal("A scripted command", harmless.Reason);
        var result = await run.AnswerThreeCommandsAsync(home.Project, harmless);
        Assert.Equal((true, false, "not on a Sunday"), (result.IsError, result.Interrupted, result.Output));
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.False(File.Exists(home.InProject("never")));
        Assert.Contains("not on a Sunday", run.Text, StringComparison.Ordinal); // the model was told
    }

    [Fact]
    public async Task An_approval_of_something_else_is_a_refusal_and_a_denial_can_end_the_turn()
    {
        using var home = codex.NewHome();
        await using var run = await RealCodexFixture.StartAsync(home);
        await run.RefuseSomethingElseAndStopAsync(home.Project);
    }

    [Fact]
    public async Task File_changes_show_before_and_after_and_the_file_becomes_what_was_shown()
    {
        using var home = codex.NewHome();
        var file = home.InProject("deep/a.txt");
        await using var run = await RealCodexFixture.StartAsync(home);
        await run.PromptAsync("WRITE: deep/a.txt | one\\ntwo\\nthree\\n\nEDIT: deep/a.txt | two | zwei\nWRITE: deep/a.txt | new\\n");
        await run.AllowChangesAsync(file, 3);
        Assert.Equal(["one\ntwo\nthree\n", "one\nzwei\nthree\n", "new\n"], run.Of<AgentToolUse>().Select(t => t.Change?.After));
    }

    [Fact]
    public async Task A_file_that_changed_while_the_human_looked_is_not_written_and_nothing_is_written_outside_the_project()
    {
        using var home = codex.NewHome();
        var file = home.InProject("a.txt");
        await using var run = await RealCodexFixture.StartAsync(home);
        await run.PromptAsync("WRITE: a.txt | from the agent\\n\nWRITE: ../outside.txt | x");
        var asked = await run.NextAsync<AgentApprovalAsked>();
        await File.WriteAllTextAsync(file, "from a person\n");
        await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson));
        Assert.Contains("changed after it was shown", (await run.NextAsync<AgentToolResult>()).Output, StringComparison.Ordinal);
        Assert.Equal("from a person\n", await File.ReadAllTextAsync(file));
        Assert.Contains("outside the project", (await run.NextAsync<AgentToolResult>()).Output, StringComparison.Ordinal);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Single(run.Of<AgentApprovalAsked>());
    }

    [Fact]
    public async Task Reading_outside_the_project_asks_also_through_a_link()
    {
        using var home = codex.NewHome();
        var secret = Path.Combine(home.Home, "secret.txt");
        await File.WriteAllTextAsync(secret, "s3cret-of-codex");
        File.CreateSymbolicLink(home.InProject("innocent.txt"), secret);
        await using var run = await RealCodexFixture.StartAsync(home);
        await run.PromptAsync($"READ: {secret}\nREAD: innocent.txt\nREAD: {secret}");
        for (var i = 0; i < 2; i++)
        {
            var asked = await run.NextAsync<AgentApprovalAsked>();
            Assert.IsType<AgentSubject.Tool>(asked.Subject);
            await run.AnswerAsync(asked.RequestId, new AgentAnswer.Deny("private"));
        }

        var allowed = await run.AllowNextAsync();
        Assert.Equal("s3cret-of-codex", (await run.NextAsync<AgentToolResult>(r => r.ToolUseId == allowed.ToolUseId)).Output);
        await run.NextAsync<AgentTurnEnded>();
        Assert.Equal([true, true, false], run.Of<AgentToolResult>().Select(r => r.IsError));
    }

    [Fact]
    public async Task A_question_is_answered_by_a_choice_and_refused_by_words()
    {
        using var home = codex.NewHome();
        await using var run = await RealCodexFixture.StartAsync(home);
        await run.PromptAsync("ASK: Which colour? | red | blue\nASK: Which size? | small | large");
        var colour = await run.NextAsync<AgentQuestionAsked>();
        Assert.Equal(["red", "blue"], Assert.Single(colour.Questions).Options.Select(o => o.Label));
        await Assert.ThrowsAsync<ArgumentException>(() => run.AnswerAsync(colour.RequestId, new AgentAnswer.Allow("{}")));
        await run.AnswerAsync(colour.RequestId, new AgentAnswer.Reply(new Dictionary<string, string> { ["Which colour?"] = "blue" }));

        var size = await run.NextAsync<AgentQuestionAsked>();
        await run.AnswerAsync(size.RequestId, new AgentAnswer.Deny("you choose"));
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        var told = codex.Model.Requests.Last(r => r.Prompt.StartsWith("ASK: Which colour?", StringComparison.Ordinal)).ToolResults;
        Assert.Contains("blue", told[0], StringComparison.Ordinal);
        Assert.Contains("you choose", told[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plan_is_rejected_then_accepted_within_one_turn_and_what_follows_still_asks()
    {
        using var home = codex.NewHome();
        await using var run = await RealCodexFixture.StartAsync(home, RealCodexFixture.Start(home) with { Mode = "plan" });
        await run.PromptAsync("PLAN: 1. first try");
        var first = await run.NextAsync<AgentPlanProposed>();
        Assert.Equal("1. first try", first.Plan.Trim());
        await run.AnswerAsync(first.RequestId, new AgentAnswer.Deny("PLAN: 2. second try"));
        var second = await run.NextAsync<AgentPlanProposed>();
        Assert.Empty(run.Of<AgentTurnEnded>());

        codex.Model.Scripts["The person accepted the plan. Carry it out."] = "WRITE: planned.txt | x\\n";
        await run.AnswerAsync(second.RequestId, new AgentAnswer.AcceptPlan());
        Assert.Equal("default", (await run.NextAsync<AgentModeChanged>()).Mode);
        Assert.IsType<AgentSubject.Edit>((await run.AllowNextAsync()).Subject);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.True(File.Exists(home.InProject("planned.txt")));

        await run.Process.SetModeAsync("plan", CancellationToken.None);
        await run.PromptAsync("PLAN: 3. a third");
        var third = await run.NextAsync<AgentPlanProposed>();
        await run.Process.InterruptAsync(CancellationToken.None); // while the plan waits nothing runs that could be interrupted
        Assert.Equal(third.RequestId, (await run.NextAsync<AgentRequestWithdrawn>()).RequestId);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("still there?")).Outcome);
    }

    [Fact]
    public async Task Malformed_calls_are_refused_without_a_question()
    {
        using var home = codex.NewHome();
        await using var run = await RealCodexFixture.StartAsync(home);
        string[] calls =
        [
            """bash {"command":"touch bg","run_in_background":true}""", """bash {"command":["touch","x"]}""", """bash {}""",
            """write_file {"path":"x","content":"y","mode":"0777"}""",
            """edit_file {"path":"missing.txt","old_string":"a","new_string":"b"}""", """read_file {"path":"/proc/self/mem","extra":1}""",
        ];
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync(string.Join('\n', calls.Select(c => $"TOOL: {c}")))).Outcome);
        Assert.Empty(run.Of<AgentApprovalAsked>());
        Assert.Equal(calls.Length, run.Of<AgentToolResult>().Count);
        Assert.All(run.Of<AgentToolResult>(), r => Assert.True(r.IsError, r.Output));
        Assert.Empty(Directory.GetFileSystemEntries(home.Project));
    }
}
