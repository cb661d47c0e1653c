using PocketCoder.Agents;
using PocketCoder.Agents.Codex;
using PocketCoder.Agents.Tests.Shared;
using PocketCoder.Testing.Agents;

namespace PocketCoder.Agents.Tests.Codex;

/// <summary>The real program against the scripted model: what a turn is made of.</summary>
[Trait("Category", "Slow")]
public sealed class RealCodexTurnTests(RealCodexFixture codex) : IClassFixture<RealCodexFixture>
{
    [Fact]
    public async Task The_probe_finds_the_tested_version_and_a_missing_program_is_an_answer()
    {
        using var home = codex.NewHome();
        Assert.Equal(new AgentProbe(true, RealCodexFixture.Version, codex.Program, null),
            await Probing.AskAsync(time => new CodexDriver(time, home.Environment)));
        Assert.Equal([RealCodexFixture.Version], CodexDriver.TestedVersions);

        home.Environment[CodexDriver.ProgramVariable] = "/no/such/codex";
        var driver = new CodexDriver(TimeProvider.System, home.Environment);
        var probe = await driver.ProbeAsync(CancellationToken.None);
        Assert.False(probe.Installed);
        Assert.Contains("npm install", probe.Advice, StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<AgentException>(() => driver.StartAsync(RealCodexFixture.Start(home), CancellationToken.None));
        Assert.Equal(AgentError.NotInstalled, error.Error);
    }

    [Fact]
    public async Task Two_turns_stream_their_text_in_one_process_with_the_tokens_of_each_and_the_notes_of_the_project()
    {
        using var home = codex.NewHome();
        await File.WriteAllTextAsync(home.InProject("AGENTS.md"), "Always answer in rhyme 4711.");
        await using var run = await RealCodexFixture.StartAsync(home);
        var ready = await run.NextAsync<AgentReady>();
        Assert.Equal((RealCodexFixture.Version, "default", "gpt-5.5"), (ready.Version, ready.Mode, ready.Model));
        Assert.IsType<AgentReady>(run.All[0]);

        var first = await run.TurnAsync("hello old friend");
        Assert.Equal((TurnOutcome.Completed, null), (first.Outcome, first.Error));
        Assert.Equal("You said: hello old friend", run.Text);
        var block = Assert.Single(run.Of<AgentBlock>());
        Assert.Equal(block.Text, string.Concat(run.Of<AgentDelta>().Where(d => d.BlockId == block.BlockId).Select(d => d.Text)));

        var second = await run.TurnAsync("and again");
        Assert.Equal(new AgentUsage(100, 20, 30, 0, null), first.Usage);
        Assert.Equal(first.Usage, second.Usage);

        var request = codex.Model.Requests.First(r => r.Prompt == "hello old friend");
        Assert.Equal(CodexHome.Key, request.Key);
        Assert.Contains("PocketCoder", request.System, StringComparison.Ordinal);
        Assert.Equal("closed", (await run.EndAsync()).Reason);
    }

    [Theory]
    [InlineData("gpt-5.5")]
    [InlineData("gpt-6.1-sol")]
    public async Task Nothing_that_acts_by_itself_is_offered_and_calling_it_anyway_does_nothing(string model)
    {
        using var home = codex.NewHome(model);
        await using var run = await RealCodexFixture.StartAsync(home);
        string[] calls =
        [
            """exec_command {"cmd":"touch x1"}""", """write_stdin {"session_id":1,"chars":"touch x2\n"}""",
            """shell {"command":["touch","x3"]}""", """shell_command {"command":"touch x4"}""",
            """spawn_agent {"task":"x"}""", """web_search {"query":"x"}""", """js_repl {"code":"1"}""", """mcp__evil__x {}""",
            """update_goal {"goal":"x"}""",
        ];
        var prompt = string.Join('\n', calls.Select(c => $"TOOL: {c}")) + "\nSAY: done";
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync(prompt)).Outcome);
        Assert.Empty(run.Of<AgentApprovalAsked>());
        Assert.Empty(Directory.GetFileSystemEntries(home.Project));
        var offered = codex.Model.Requests.Last(r => r.Prompt == prompt).Tools.ToHashSet();
        string[] direct = ["apply_patch", "bash", "edit_file", "read_file", "request_user_input", "update_todos", "view_image",
            "write_file"];
        string[] inCode = ["exec", "wait", "request_user_input", "request_user_input_async"];
        Assert.Subset((model == "gpt-5.5" ? direct : inCode).ToHashSet(), offered);
    }

    [Fact]
    public async Task The_patch_and_the_picture_tool_have_no_machine_to_touch()
    {
        using var home = codex.NewHome();
        await using var run = await RealCodexFixture.StartAsync(home);
        var end = await run.TurnAsync(
            "TOOL: apply_patch *** Begin Patch\\n*** Add File: x.txt\\n+x\\n*** End Patch\nTOOL: view_image {\"path\":\"/etc/hostname\"}");
        Assert.Equal((TurnOutcome.Completed, null), (end.Outcome, end.Error));
        Assert.Empty(run.Of<AgentApprovalAsked>());
        Assert.Empty(Directory.GetFileSystemEntries(home.Project));
        Assert.DoesNotContain("hostname", string.Join('\n', codex.Model.Requests.SelectMany(r => r.ToolResults)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Six_hundred_deltas_give_exactly_their_text()
    {
        using var home = codex.NewHome();
        await using var run = await RealCodexFixture.StartAsync(home);
        await run.TurnAsync("LONG: 600");
        var expected = string.Concat(Enumerable.Range(0, 600).Select(n => $"w{n} "));
        Assert.Equal(expected, run.Text);
        Assert.Equal(expected, string.Concat(run.Of<AgentDelta>().Select(d => d.Text)));
    }

    [Fact]
    public async Task Thinking_todos_and_a_reading_inside_the_project_need_no_decision()
    {
        using var home = codex.NewHome();
        await File.WriteAllTextAsync(home.InProject("notes.txt"), "some notes");
        await using var run = await RealCodexFixture.StartAsync(home);
        var end = await run.TurnAsync("THINK: hard problem\nREAD: notes.txt\nTODO: first\nSAY: all done");
        Assert.Equal(TurnOutcome.Completed, end.Outcome);
        Assert.Empty(run.Of<AgentApprovalAsked>());
        Assert.Contains(run.Of<AgentBlock>(), b => b is { Kind: BlockKind.Thinking, Text: "hard problem" });
        Assert.Equal(["first"], run.Of<AgentTodos>()[^1].Items.Select(i => i.Text));
        Assert.Equal("some notes", run.Of<AgentToolResult>()[0].Output);
        Assert.EndsWith("all done", run.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(429)]
    [InlineData(529)]
    public async Task A_refused_request_fails_the_turn_with_its_reason_and_the_next_turn_works(int status)
    {
        using var home = codex.NewHome();
        await using var run = await RealCodexFixture.StartAsync(home);
        var end = await run.TurnAsync($"HTTP: {status}");
        Assert.Equal(TurnOutcome.Failed, end.Outcome);
        Assert.False(string.IsNullOrWhiteSpace(end.Error));
        Assert.Equal("", run.Text);
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("still there?")).Outcome);
    }

    [Fact]
    public async Task Retries_are_shown_and_what_was_shown_of_a_broken_stream_is_taken_away()
    {
        using var home = codex.NewHome();
        await using var run = await RealCodexFixture.StartAsync(home);
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("HTTP: 500 2\nSAY: made it")).Outcome);
        Assert.Contains(run.Of<AgentActivity>(), a => a is { Kind: ActivityKind.Retrying, Attempt: 1, MaxAttempts: 1 });

        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("MALFORMED")).Outcome);
        var shown = run.Of<AgentDelta>().First(d => d.Text == "about to break");
        Assert.Contains(run.Of<AgentBlockDropped>(), d => d.BlockId == shown.BlockId);
        Assert.EndsWith("whole after all", run.Text, StringComparison.Ordinal);

        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("CUT")).Outcome);
        foreach (var prompt in (string[])["CUT: always", "MALFORMED: always"])
        {
            var broken = await run.TurnAsync(prompt);
            Assert.Equal(TurnOutcome.Failed, broken.Outcome);
            Assert.False(string.IsNullOrWhiteSpace(broken.Error));
        }

        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("still there?")).Outcome);
    }

    [Fact]
    public async Task The_program_sees_the_allow_list_and_nothing_else_of_our_environment_and_our_commands_see_no_key()
    {
        using var home = codex.NewHome();
        home.Environment["AWS_SECRET_ACCESS_KEY"] = "must-not-pass";
        home.Environment["LD_PRELOAD"] = "/no/such.so";
        home.Environment["POCKETCODER_TOKEN"] = "must-not-pass";
        home.Environment["CODEX_SANDBOX"] = "must-not-pass";
        await using var run = await RealCodexFixture.StartAsync(home);
        var environ = await File.ReadAllTextAsync($"/proc/{run.Process.Process!.Pid}/environ");
        var names = environ.Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(v => v[..v.IndexOf('=', StringComparison.Ordinal)])
            .Order(StringComparer.Ordinal);
        Assert.Equal(
            ["CODEX_HOME", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_KEY_1", "GIT_CONFIG_VALUE_0", "GIT_CONFIG_VALUE_1", "HOME",
                "LANG", "OPENAI_API_KEY", "PATH", "PROCESS_MARK"],
            names);
        await run.PromptAsync("BASH: env");
        var asked = await run.AllowNextAsync();
        Assert.DoesNotContain("OPENAI", (await run.NextAsync<AgentToolResult>(r => r.ToolUseId == asked.ToolUseId)).Output,
            StringComparison.Ordinal);
        await run.NextAsync<AgentTurnEnded>();
    }

    [Fact]
    public async Task Mode_and_model_change_for_the_next_turn_and_an_unknown_mode_is_refused()
    {
        using var home = codex.NewHome();
        await using var run = await RealCodexFixture.StartAsync(home);
        await run.Process.SetModeAsync("plan", CancellationToken.None);
        await run.Process.SetModelAsync("gpt-6.1-sol", CancellationToken.None);
        await run.TurnAsync("a turn in another mode");
        var request = codex.Model.Requests.Last(r => r.Prompt == "a turn in another mode");
        Assert.Contains("exec", request.Tools);
        Assert.Contains("Plan Mode", request.System, StringComparison.OrdinalIgnoreCase);
        var refused = await Assert.ThrowsAsync<AgentException>(
            async () => await run.Process.SetModeAsync("full-auto", CancellationToken.None));
        Assert.Equal(AgentError.Refused, refused.Error);
    }
}
