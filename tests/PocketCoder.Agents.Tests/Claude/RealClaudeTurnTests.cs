using PocketCoder.Agents;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Tests.Shared;
using PocketCoder.Processes;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>The real program against the scripted model: what a turn is made of.</summary>
[Trait("Category", "Slow")]
public sealed class RealClaudeTurnTests(RealClaudeFixture claude) : IClassFixture<RealClaudeFixture>
{
    [Fact]
    public async Task The_probe_finds_the_tested_version()
    {
        using var home = claude.NewHome();
        var probe = await Probing.AskAsync(time => new ClaudeDriver(time, home.Environment));
        Assert.Equal(new AgentProbe(true, RealClaude.Version, claude.Program, null), probe);
        Assert.Equal([RealClaude.Version], ClaudeDriver.TestedVersions);
    }

    [Fact]
    public async Task A_missing_program_is_an_answer_of_the_probe_and_a_typed_error_of_the_start()
    {
        using var home = claude.NewHome();
        home.Environment[ClaudeDriver.ProgramVariable] = "/no/such/claude";
        var driver = new ClaudeDriver(TimeProvider.System, home.Environment);
        var probe = await driver.ProbeAsync(CancellationToken.None);
        Assert.False(probe.Installed);
        Assert.Contains("npm install", probe.Advice, StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<AgentException>(
            () => driver.StartAsync(RealClaudeFixture.Start(home), CancellationToken.None));
        Assert.Equal(AgentError.NotInstalled, error.Error);
    }

    [Fact]
    public async Task Two_turns_stream_their_text_in_one_process_with_the_cost_of_each_and_the_notes_of_the_project()
    {
        using var home = claude.NewHome();
        await File.WriteAllTextAsync(home.InProject("CLAUDE.md"), "Always answer in rhyme 4711.");
        await using var run = await RealClaudeFixture.StartAsync(home);
        var ready = await run.NextAsync<AgentReady>();
        Assert.Contains(ready.Commands, c => c.Name == "compact");

        var first = await run.TurnAsync("hello old friend");
        Assert.Equal(TurnOutcome.Completed, first.Outcome);
        Assert.Equal("You said: hello old friend", run.Text);
        var block = Assert.Single(run.Of<AgentBlock>());
        Assert.Equal(block.Text, string.Concat(run.Of<AgentDelta>().Where(d => d.BlockId == block.BlockId).Select(d => d.Text)));
        var told = run.Of<AgentReady>()[^1];
        Assert.Equal((ready.NativeId, RealClaude.Version, "default"), (told.NativeId, told.Version, told.Mode));
        Assert.DoesNotContain("Workflow", told.Tools);
        Assert.DoesNotContain("Skill", told.Tools);

        var second = await run.TurnAsync("and again");
        Assert.Equal(first.Usage!.CostUsd, second.Usage!.CostUsd); // same tokens, so the same price: not the sum
        Assert.Equal((100, 20, 30, 40),
            (second.Usage.InputTokens, second.Usage.OutputTokens, second.Usage.CacheReadTokens, second.Usage.CacheWriteTokens));
        Assert.Equal(2, run.Of<AgentReady>().Count); // nothing changed, so it is not said again

        var request = claude.Model.Requests.First(r => r.Prompt == "hello old friend");
        Assert.Contains("rhyme 4711", request.System, StringComparison.Ordinal);
        Assert.Equal(ClaudeHome.Key, request.Key);
        Assert.Equal("closed", (await run.EndAsync()).Reason);
    }

    [Fact]
    public async Task Six_hundred_deltas_give_exactly_their_text()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.TurnAsync("LONG: 600");
        var expected = string.Concat(Enumerable.Range(0, 600).Select(n => $"w{n} "));
        Assert.Equal(expected, run.Text);
        Assert.Equal(expected, string.Concat(run.Of<AgentDelta>().Select(d => d.Text)));
    }

    [Fact]
    public async Task Thinking_todos_and_a_reading_inside_the_project_need_no_decision_and_a_subagent_asks_for_its_commands()
    {
        using var home = claude.NewHome();
        await File.WriteAllTextAsync(home.InProject("notes.txt"), "some notes");
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.PromptAsync(
            $"THINK: hard problem\nREAD: {home.InProject("notes.txt")}\nTODO: first | second\nAGENT: BASH: echo from-sub\nSAY: all done");
        var asked = await run.AllowNextAsync();
        Assert.Equal("echo from-sub", Assert.IsType<AgentSubject.Command>(asked.Subject).CommandLine);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);

        Assert.Single(run.Of<AgentApprovalAsked>());
        Assert.Contains(run.Of<AgentBlock>(), b => b is { Kind: BlockKind.Thinking, Text: "hard problem" });
        Assert.Equal(["first", "second"], run.Of<AgentTodos>()[^1].Items.Select(i => i.Text));
        var sub = run.Of<AgentToolUse>().Single(t => t.Kind == ToolKind.Agent);
        Assert.Equal(sub.ToolUseId, run.Of<AgentToolUse>().Single(t => t.Kind == ToolKind.Execute).ParentToolUseId);
        Assert.Contains(run.Of<AgentToolResult>(), r => r.ParentToolUseId == sub.ToolUseId && r.Output == "from-sub");
        Assert.EndsWith("all done", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_stream_is_asked_again_and_what_was_shown_of_the_first_try_is_taken_away()
    {
        using var home = claude.NewHome();
        home.Environment["CLAUDE_CODE_MAX_RETRIES"] = "1";
        await using var run = await RealClaudeFixture.StartAsync(home);
        var end = await run.TurnAsync("MALFORMED");
        Assert.Equal(TurnOutcome.Completed, end.Outcome);
        Assert.Equal("whole after all", run.Text);
        var shown = run.Of<AgentDelta>().First(d => d.Text == "about to break");
        Assert.Contains(run.Of<AgentBlockDropped>(), d => d.BlockId == shown.BlockId);

        var broken = await run.TurnAsync("CUT: always");
        Assert.Equal(TurnOutcome.Failed, broken.Outcome);
        Assert.Contains("API Error", broken.Error, StringComparison.Ordinal);
        Assert.Equal("whole after all", run.Text); // the error is the turn's, not the agent's words
    }

    [Theory]
    [InlineData(401, "401")]
    [InlineData(400, "scripted 400")]
    public async Task A_refused_request_fails_the_turn_with_its_reason(int status, string words)
    {
        using var home = claude.NewHome();
        home.Environment["CLAUDE_CODE_MAX_RETRIES"] = "1";
        await using var run = await RealClaudeFixture.StartAsync(home);
        var end = await run.TurnAsync($"HTTP: {status}");
        Assert.Equal(TurnOutcome.Failed, end.Outcome);
        Assert.Contains(words, end.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Text);
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("still there?")).Outcome);
    }

    [Fact]
    public async Task An_overloaded_or_limited_provider_shows_the_retries_and_then_goes_on()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home);
        var end = await run.TurnAsync("HTTP: 529 1\nHTTP: 429 1\nSAY: made it");
        Assert.Equal(TurnOutcome.Completed, end.Outcome);
        Assert.Equal("made it", run.Text);
        var retries = run.Of<AgentActivity>().Where(a => a.Kind == ActivityKind.Retrying).ToList();
        Assert.Equal(["overloaded 529", "rate_limit 429"], retries.Select(r => r.Detail));
        Assert.All(retries, r => Assert.True(r.Delay > TimeSpan.Zero && r.MaxAttempts > 1));
    }

    [Fact]
    public async Task The_program_sees_the_allow_list_and_nothing_else_of_our_environment()
    {
        using var home = claude.NewHome();
        home.Environment["AWS_SECRET_ACCESS_KEY"] = "must-not-pass";
        home.Environment["LD_PRELOAD"] = "/no/such.so";
        home.Environment["POCKETCODER_TOKEN"] = "must-not-pass";
        home.Environment["CLAUDE_CODE_SHELL_PREFIX"] = "must-not-pass";
        await using var run = await RealClaudeFixture.StartAsync(home);
        var environ = await File.ReadAllTextAsync($"/proc/{run.Process.Process!.Pid}/environ");
        var names = environ.Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(v => v[..v.IndexOf('=', StringComparison.Ordinal)])
            .Order(StringComparer.Ordinal);
        Assert.Equal(
            [
                "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "CLAUDE_CONFIG_DIR",
                "DISABLE_AUTOUPDATER", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_KEY_1", "GIT_CONFIG_VALUE_0",
                "GIT_CONFIG_VALUE_1", "HOME", "LANG", "MAX_MCP_OUTPUT_TOKENS", "PATH", "PROCESS_MARK",
            ],
            names);
    }

    [Fact]
    public async Task Mode_and_model_change_for_the_next_turn_and_an_unknown_mode_is_refused()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.Process.SetModeAsync("plan", CancellationToken.None);
        await run.Process.SetModelAsync("claude-haiku-4-5", CancellationToken.None);
        await run.TurnAsync("hello");
        var ready = run.Of<AgentReady>()[^1];
        Assert.Equal(("plan", "claude-haiku-4-5"), (ready.Mode, ready.Model));
        var refused = await Assert.ThrowsAsync<AgentException>(
            async () => await run.Process.SetModeAsync("bypassPermissions", CancellationToken.None));
        Assert.Equal(AgentError.Refused, refused.Error);
    }

    [Fact]
    public async Task Clearing_the_conversation_changes_its_id_and_the_new_one_is_told()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.TurnAsync("hello");
        var before = run.Of<AgentReady>()[^1].NativeId;
        await run.TurnAsync("/clear");
        await run.TurnAsync("hello again");
        Assert.NotEqual(before, run.Of<AgentReady>()[^1].NativeId);
    }
}
