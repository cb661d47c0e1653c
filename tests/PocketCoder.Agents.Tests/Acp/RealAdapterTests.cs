using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Acp;

/// <summary>
/// The real claude-agent-acp against the scripted model: a second agent behind the same driver, with questions, plans and todo lists.
/// </summary>
[Trait("Category", "Slow")]
public sealed class RealAdapterTests(RealAcpFixture acp) : IClassFixture<RealAcpFixture>
{
    [Fact]
    public async Task A_picture_reaches_the_model()
    {
        using var home = acp.NewClaudeHome();
        await using var run = await acp.StartAsync(home);
        await acp.SeesPictureAsync(run, home.Project);
    }

    [Fact]
    public async Task Effort_and_model_are_chosen_by_its_options_and_go_back_to_its_defaults()
    {
        using var home = acp.NewClaudeHome();
        await using var run = await acp.StartAsync(home, RealAcpFixture.Start(home.Project) with { Model = "opus", Effort = "low" });
        await run.TurnAsync("SAY: one-low");
        await run.Process.SetEffortAsync("max", CancellationToken.None);
        await run.TurnAsync("SAY: two-max");
        Assert.Equal(["low", "max"],
            new[] { "SAY: one-low", "SAY: two-max" }.Select(p => acp.Model.Requests.Last(r => r.Prompt == p).Effort));
        Assert.Equal(["low", "medium", "high", "xhigh", "max"], run.Of<AgentReady>()[^1].Efforts);
        Assert.Equal(AgentError.Refused, (await Assert.ThrowsAsync<AgentException>(
            async () => await run.Process.SetEffortAsync("heroic", CancellationToken.None))).Error);

        await run.Process.SetEffortAsync(null, CancellationToken.None);
        await run.Process.SetModelAsync(null, CancellationToken.None);
        await run.TurnAsync("SAY: three-default");
        await using (var plain = await acp.StartAsync(home))
        {
            Assert.Equal(("default", "default"), (plain.Of<AgentReady>()[0].Model, plain.Of<AgentReady>()[0].Mode));
            await plain.TurnAsync("SAY: plain");
        }

        var (back, usual) = (acp.Model.Requests.Last(r => r.Prompt == "SAY: three-default"),
            acp.Model.Requests.Last(r => r.Prompt == "SAY: plain"));
        Assert.Equal((usual.Model, usual.Effort), (back.Model, back.Effort));

        // A model that has no efforts: then none is offered.
        await run.Process.SetModelAsync("haiku", CancellationToken.None);
        await run.TurnAsync("SAY: four-haiku");
        Assert.Equal(("haiku", 0), (run.Of<AgentReady>()[^1].Model, run.Of<AgentReady>()[^1].Efforts!.Count));
        Assert.Equal(AgentError.Refused,
            (await Assert.ThrowsAsync<AgentException>(async () => await run.Process.SetEffortAsync("low", CancellationToken.None))).Error);
    }

    [Fact]
    public async Task A_turn_streams_and_a_command_asks_with_its_exact_text()
    {
        using var home = acp.NewClaudeHome();
        await using var run = await acp.StartAsync(home);
        var end = await run.TurnAsync("hello old friend");
        Assert.Equal((TurnOutcome.Completed, null), (end.Outcome, end.Error));
        Assert.Equal("You said: hello old friend", run.Text);
        Assert.True(end.Usage!.InputTokens > 0);
        Assert.Contains(run.Of<AgentReady>(), r => r.Commands.Count > 0);

        await run.PromptAsync("BASH: echo $((40+2)) > out.txt\nBASH: touch never\nSAY: done");
        var asked = await run.NextAsync<AgentApprovalAsked>();
        Assert.Equal(new AgentSubject.Command("echo $((40+2)) > out.txt", home.Project), asked.Subject);
        await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson));
        var denied = await run.NextAsync<AgentApprovalAsked>();
        Assert.Equal("42\n", await File.ReadAllTextAsync(home.InProject("out.txt")));
        await run.AnswerAsync(denied.RequestId, new AgentAnswer.Deny("no"));
        Assert.True((await run.NextAsync<AgentToolResult>(r => r.ToolUseId == denied.ToolUseId)).IsError);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.False(File.Exists(home.InProject("never")));
    }

    [Fact]
    public async Task What_it_keeps_is_listed()
    {
        using var home = acp.NewClaudeHome();
        await using (var run = await acp.StartAsync(home))
        {
            await run.TurnAsync("hello old friend");
            await Wait.UntilAsync(
                () => Directory.EnumerateFiles(home.ConfigDirectory, "*.jsonl", SearchOption.AllDirectories)
                    .Any(f => File.ReadAllText(f).Contains("You said: hello old friend", StringComparison.Ordinal)),
                "it wrote down what was said"); // it does so a moment after it says it, and is killed at the end
        }

        var found = Assert.Single(await new AcpDriver(acp.Adapter, TimeProvider.System, home.Environment).ListConversationsAsync(
            home.Project, 50, CancellationToken.None));
        Assert.Equal(("hello old friend", home.Project), (found.Title, found.Directory));
    }

    [Fact]
    public async Task An_edit_shows_the_whole_file_also_when_the_agent_tells_only_a_piece_and_a_changed_file_is_not_approved()
    {
        using var home = acp.NewClaudeHome();
        var file = home.InProject("a.txt");
        await using var run = await acp.StartAsync(home);
        await run.PromptAsync($"WRITE: {file} | one\\ntwo\\nthree\\n\nEDIT: {file} | two | zwei\nEDIT: {file} | three | drei\nSAY: done");
        foreach (var after in (string[])["one\ntwo\nthree\n", "one\nzwei\nthree\n"])
        {
            var asked = await run.AllowNextAsync();
            Assert.Equal(after, Assert.IsType<AgentSubject.Edit>(asked.Subject).Change.After);
            await run.NextAsync<AgentToolResult>(r => r.ToolUseId == asked.ToolUseId);
            Assert.Equal(after, await File.ReadAllTextAsync(file));
        }

        var stale = await run.NextAsync<AgentApprovalAsked>();
        await File.WriteAllTextAsync(file, "three, from a person\n");
        await run.AnswerAsync(stale.RequestId, new AgentAnswer.Allow(stale.InputJson));
        Assert.True((await run.NextAsync<AgentToolResult>(r => r.ToolUseId == stale.ToolUseId)).IsError);
        await run.NextAsync<AgentTurnEnded>();
        Assert.Equal("three, from a person\n", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task Questions_plans_and_todo_lists_arrive_and_are_answered()
    {
        using var home = acp.NewClaudeHome();
        await using var run = await acp.StartAsync(home);
        await run.PromptAsync("TODO: first\nASK: Which colour? | red | blue\nSAY: done");
        var asked = await run.NextAsync<AgentQuestionAsked>();
        Assert.Equal(["red", "blue"], Assert.Single(asked.Questions).Options.Select(o => o.Label));
        await run.AnswerAsync(asked.RequestId, new AgentAnswer.Reply(new Dictionary<string, string> { ["Which colour?"] = "blue" }));
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Equal("first", run.Of<AgentTodos>()[^1].Items[0].Text);
        Assert.Contains("blue", string.Join('\n', acp.Model.Requests.Last(
            r => r.Prompt.StartsWith("TODO: first", StringComparison.Ordinal)).ToolResults), StringComparison.Ordinal);

        await run.Process.SetModeAsync("plan", CancellationToken.None);
        await run.PromptAsync("PLAN: 1. do x\nSAY: done");
        var plan = await run.NextAsync<AgentPlanProposed>();
        Assert.Equal("1. do x", plan.Plan);
        await run.AnswerAsync(plan.RequestId, new AgentAnswer.AcceptPlan());
        Assert.Equal("default", (await run.NextAsync<AgentModeChanged>(m => m.Mode != "plan")).Mode);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
    }

    [Fact]
    public async Task A_failed_request_is_the_turns_error_and_a_stop_and_a_resume_work()
    {
        using var home = acp.NewClaudeHome();
        var run = await acp.StartAsync(home);
        var id = (await run.NextAsync<AgentReady>()).NativeId;
        var failed = await run.TurnAsync("HTTP: 401");
        Assert.Equal(TurnOutcome.Failed, failed.Outcome);
        Assert.False(string.IsNullOrWhiteSpace(failed.Error));
        await run.PromptAsync("SLOW: 20\nLONG: 3000");
        await run.NextAsync<AgentDelta>();
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("still there?")).Outcome);
        await run.EndAsync();

        await using var again = await acp.StartAsync(home, RealAcpFixture.Start(home.Project) with { ResumeId = id });
        Assert.Equal(TurnOutcome.Completed, (await again.TurnAsync("and now?")).Outcome);
        Assert.Equal("You said: and now?", again.Text);
    }
}
