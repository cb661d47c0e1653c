using System.Text;
using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Agents.Tests.Shared;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;

namespace PocketCoder.Agents.Tests.OpenCode;

/// <summary>
/// The real program against the scripted model. A start takes four seconds, so a test holds what can be seen in one process.
/// </summary>
[Trait("Category", "Slow")]
public sealed class RealOpenCodeTests(RealOpenCodeFixture openCode) : IClassFixture<RealOpenCodeFixture>
{
    [Fact]
    public async Task The_probe_finds_the_tested_version_and_a_missing_program_is_an_answer()
    {
        using var home = openCode.NewHome();
        Assert.Equal(new AgentProbe(true, RealOpenCodeFixture.Version, openCode.Program, null),
            await Probing.AskAsync(time => new OpenCodeDriver(time, home.Environment)));
        Assert.Equal([RealOpenCodeFixture.Version], OpenCodeDriver.TestedVersions);

        home.Environment[OpenCodeDriver.ProgramVariable] = "/no/such/opencode";
        var driver = new OpenCodeDriver(TimeProvider.System, home.Environment);
        Assert.Contains("npm install", (await driver.ProbeAsync(CancellationToken.None)).Advice, StringComparison.Ordinal);
        Assert.Equal(AgentError.NotInstalled, (await Assert.ThrowsAsync<AgentException>(
            () => driver.StartAsync(RealOpenCodeFixture.Start(home), CancellationToken.None))).Error);
        Assert.Empty(await driver.ListConversationsAsync(home.Project, 10, CancellationToken.None));
    }

    [Fact]
    public async Task Turns_stream_with_their_tokens_and_cost_and_a_conversation_is_listed_forked_and_gone_on_with()
    {
        using var home = openCode.NewHome();
        home.Environment["AWS_SECRET"] = home.Environment["LD_PRELOAD"] = home.Environment["POCKETCODER_TOKEN"] =
            home.Environment["OPENCODE_PERMISSION"] = "must-not-pass";
        await File.WriteAllTextAsync(home.InProject("AGENTS.md"), "Always answer in rhyme 4711.");
        var driver = new OpenCodeDriver(TimeProvider.System, home.Environment);
        string id;
        await using (var run = await RealOpenCodeFixture.StartAsync(home))
        {
            var ready = await run.NextAsync<AgentReady>();
            Assert.Equal((RealOpenCodeFixture.Version, "default", OpenCodeHome.Model), (ready.Version, ready.Mode, ready.Model));
            Assert.IsType<AgentReady>(run.All[0]);
            id = ready.NativeId;

            var first = await run.TurnAsync("THINK: hard problem\nSAY: hello old friend");
            Assert.Equal((TurnOutcome.Completed, null), (first.Outcome, first.Error));
            Assert.Equal("hello old friend", run.Text);
            foreach (var block in run.Of<AgentBlock>())
            {
                Assert.Equal(block.Text,
                    string.Concat(run.Of<AgentDelta>().Where(d => d.BlockId == block.BlockId && d.Kind == block.Kind).Select(d => d.Text)));
            }

            Assert.Contains(run.Of<AgentBlock>(), b => b is { Kind: BlockKind.Thinking, Text: "hard problem" });
            Assert.Equal((100, 20, 30, 0),
                (first.Usage!.InputTokens, first.Usage.OutputTokens, first.Usage.CacheReadTokens, first.Usage.CacheWriteTokens));
            Assert.Equal(0.00063m, first.Usage.CostUsd!.Value, 6);
            Assert.Equal(new AgentContext(150, 200000), run.Of<AgentContext>()[^1]);

            await run.Process.SetModelAsync("scripted/two", CancellationToken.None);
            var second = await run.TurnAsync("and again");
            Assert.Equal((first.Usage.InputTokens, first.Usage.OutputTokens), (second.Usage!.InputTokens, second.Usage.OutputTokens));

            var request = openCode.Model.Requests.First(
                r => r.Prompt.EndsWith("hello old friend", StringComparison.Ordinal) && r.Dialect == "chat");
            Assert.Equal(OpenCodeHome.Key, request.Key);
            Assert.Contains("rhyme 4711", request.System, StringComparison.Ordinal);
            Assert.Contains("pocketcoder_bash", request.System, StringComparison.Ordinal);
            Assert.Equal(["edit", "glob", "grep", "pocketcoder_bash", "question", "read", "todowrite", "webfetch", "write"],
                request.Tools.Order(StringComparer.Ordinal));

            var environ = (await File.ReadAllTextAsync($"/proc/{run.Process.Process!.Pid}/environ")).Split(
                '\0', StringSplitOptions.RemoveEmptyEntries);
            Assert.DoesNotContain(environ, v => v.Contains("must-not-pass", StringComparison.Ordinal));

            Assert.Equal(AgentError.Refused, (await Assert.ThrowsAsync<AgentException>(
                async () => await run.Process.SetModeAsync("yolo", CancellationToken.None))).Error);
            Assert.Equal(AgentError.Refused, (await Assert.ThrowsAsync<AgentException>(
                async () => await run.Process.SetModelAsync("nothing", CancellationToken.None))).Error);
            Assert.Equal("closed", (await run.EndAsync()).Reason);
        }

        var listed = Assert.Single(await driver.ListConversationsAsync(home.Project, 10, CancellationToken.None));
        Assert.Equal((id, home.Project, "A title"), (listed.Id, listed.Directory, listed.Title));
        Assert.Empty(await driver.ListConversationsAsync(home.Project + "x", 10, CancellationToken.None));
        Assert.Single(await driver.ListConversationsAsync(home.Project[..home.Project.LastIndexOf('/')], 10, CancellationToken.None));
        Assert.Equal(["-s", id], driver.InTerminal(id, null)!.Arguments);
        Assert.Null(driver.InTerminal("ses_x; rm -rf", null));

        await using (var fork = await RealOpenCodeFixture.StartAsync(
            home, RealOpenCodeFixture.Start(home) with { ResumeId = id, Fork = true }))
        {
            var forked = await fork.NextAsync<AgentReady>();
            Assert.NotEqual(id, forked.NativeId);
            Assert.Equal(TurnOutcome.Completed, (await fork.TurnAsync("SAY: a copy")).Outcome);
        }

        await using (var again = await RealOpenCodeFixture.StartAsync(
            home, RealOpenCodeFixture.Start(home) with { ResumeId = id, Mode = "plan" }))
        {
            Assert.Equal(id, (await again.NextAsync<AgentReady>()).NativeId);
            var plan = await again.TurnAsync("WRITE: planned.txt | x\nSAY: planned");
            Assert.Equal((TurnOutcome.Completed, null), (plan.Outcome, plan.Error));
            Assert.Empty(again.Of<AgentApprovalAsked>());
            Assert.False(File.Exists(home.InProject("planned.txt")));
        }

        var missing = RealOpenCodeFixture.Start(home) with { ResumeId = "ses_0000000000000000000000" };
        Assert.Equal(AgentError.NotFound,
            (await Assert.ThrowsAsync<AgentException>(() => driver.StartAsync(missing, CancellationToken.None))).Error);
    }

    [Fact]
    public async Task Changes_are_shown_as_they_will_be_written_and_what_cannot_be_known_is_refused()
    {
        using var home = openCode.NewHome();
        await using var run = await RealOpenCodeFixture.StartAsync(home);
        byte[] mark = [0xEF, 0xBB, 0xBF];
        await File.WriteAllTextAsync(home.InProject("indented.txt"), "    one\n    two\n    three\n");
        await File.WriteAllTextAsync(home.InProject("windows.txt"), "a\r\nb\r\nc\r\n");
        await File.WriteAllBytesAsync(home.InProject("marked.txt"), [.. mark, .. "hi\nthere\n"u8]);
        await File.WriteAllTextAsync(home.InProject("twice.txt"), "a a\n");
        (string Tool, object Input)[] exact =
        [
            ("edit", new { filePath = "indented.txt", oldString = "    two", newString = "    TWO $& $$" }),
            ("edit", new { filePath = "windows.txt", oldString = "a\nb", newString = "x\ny" }),
            ("edit", new { filePath = "marked.txt", oldString = "hi", newString = "ho" }),
            ("write", new { filePath = "marked.txt", content = "new\n" }),
            ("write", new { filePath = "windows.txt", content = "n  \nm" }),
            ("edit", new { filePath = "twice.txt", oldString = "a", newString = "b", replaceAll = true }),
            ("edit", new { filePath = "deep/new.txt", oldString = "", newString = "made" }),
        ];
        foreach (var (tool, input) in exact)
        {
            await run.PromptAsync($"TOOL: {tool} {JsonSerializer.Serialize(input)}");
            var asked = await run.AllowNextAsync();
            var change = Assert.IsType<AgentSubject.Edit>(asked.Subject).Change;
            await run.NextAsync<AgentTurnEnded>();
            Assert.Equal(Encoding.UTF8.GetBytes(change.After!), await File.ReadAllBytesAsync(change.Path));
        }

        File.CreateSymbolicLink(home.InProject("out"), home.Home);
        (string Tool, object Input, string Why)[] refused =
        [
            ("edit", new { filePath = "twice.txt", oldString = "b", newString = "$&", replaceAll = true }, "replaceAll"),
            // OpenCode would take what resembles it
            ("edit", new { filePath = "indented.txt", oldString = "TWO $& $$\nthree", newString = "x" }, "letter by letter"),
            ("write", new { filePath = "../outside.txt", content = "x" }, "outside"),
            ("write", new { filePath = "out/outside.txt", content = "x" }, "outside"),
        ];
        foreach (var (tool, input, why) in refused)
        {
            var before = run.Of<AgentApprovalAsked>().Count;
            await run.TurnAsync($"TOOL: {tool} {JsonSerializer.Serialize(input)}");
            Assert.Contains(why, run.Of<AgentToolResult>()[^1].Output, StringComparison.Ordinal);
            Assert.Equal(before, run.Of<AgentApprovalAsked>().Count);
        }

        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(home.Project)!));
        Assert.Equal("b b\n", await File.ReadAllTextAsync(home.InProject("twice.txt")));

        // The file becomes another while the person thinks: OpenCode alone would write over it.
        await run.PromptAsync("EDIT: twice.txt | b b | c");
        var stale = await run.NextAsync<AgentApprovalAsked>();
        await File.WriteAllTextAsync(home.InProject("twice.txt"), "somebody else's b b\n");
        await run.AnswerAsync(stale.RequestId, new AgentAnswer.Allow(stale.InputJson));
        Assert.Contains("changed", (await run.NextAsync<AgentToolResult>()).Output, StringComparison.Ordinal);
        await run.NextAsync<AgentTurnEnded>();
        Assert.Equal("somebody else's b b\n", await File.ReadAllTextAsync(home.InProject("twice.txt")));

        // Another model is offered another tool.
        await run.Process.SetModelAsync("scripted/gpt-5.5", CancellationToken.None);
        var patch = "*** Begin Patch\n*** Add File: patched.txt\n+hello\n*** End Patch";
        await run.PromptAsync($"TOOL: apply_patch {JsonSerializer.Serialize(new { patchText = patch })}");
        var patched = await run.AllowNextAsync();
        Assert.Equal(new AgentSubject.Tool("apply_patch"), patched.Subject);
        Assert.Contains("patched.txt", patched.InputJson, StringComparison.Ordinal);
        await run.NextAsync<AgentTurnEnded>();
        Assert.Equal("hello\n", await File.ReadAllTextAsync(home.InProject("patched.txt")));
        await run.TurnAsync(
            $"TOOL: apply_patch {JsonSerializer.Serialize(new { patchText = patch.Replace("patched.txt", "../far.txt", StringComparison.Ordinal) })}");
        Assert.False(File.Exists(Path.Combine(home.Project, "..", "far.txt")));
    }

    [Fact]
    public async Task A_picture_reaches_the_model_and_going_back_to_the_default_model_is_one_that_is_named()
    {
        using var home = openCode.NewHome();
        var picture = home.InProject("shot.png");
        const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
        await File.WriteAllBytesAsync(picture, Convert.FromBase64String(Png));
        string id;
        await using (var run = await RealOpenCodeFixture.StartAsync(home))
        {
            id = (await run.NextAsync<AgentReady>()).NativeId;
            await run.Process.PromptAsync(new AgentPrompt(Guid.CreateVersion7(), "SAY: seen")
            { Attachments = [new AgentAttachment(picture, "shot.png", "image/png")] }, CancellationToken.None);
            Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
            Assert.Contains(Png, openCode.Model.Requests.Last(r => r.Prompt == "SAY: seen").Body.Replace(
                "\\u002B", "+", StringComparison.Ordinal), StringComparison.Ordinal);

            await run.Process.SetModelAsync("scripted/two", CancellationToken.None);
            await run.TurnAsync("SAY: two");
            await run.Process.SetModelAsync(null, CancellationToken.None);
            await run.TurnAsync("SAY: back");
            await run.Process.SetModelAsync("scripted/two", CancellationToken.None);
            await run.TurnAsync("SAY: two again");
            await run.EndAsync();
        }

        await using var again = await RealOpenCodeFixture.StartAsync(home, RealOpenCodeFixture.Start(home) with { ResumeId = id });
        await again.TurnAsync("SAY: resumed");
        Assert.Equal(["one", "two", "one", "two", "one"], new[] { "SAY: seen", "SAY: two", "SAY: back", "SAY: two again",
            "SAY: resumed" }.Select(p => openCode.Model.Requests.Last(r => r.Prompt == p).Model));
    }

    [Fact]
    public async Task Its_own_shell_and_helpers_are_off_and_reading_outside_of_the_project_is_asked()
    {
        using var home = openCode.NewHome();
        await File.WriteAllTextAsync(home.InProject("notes.txt"), "some notes");
        var secret = Path.Combine(home.Home, "secret.txt");
        await File.WriteAllTextAsync(secret, "top secret 4711");
        File.CreateSymbolicLink(home.InProject("link.txt"), secret);
        await using var run = await RealOpenCodeFixture.StartAsync(home);
        string[] calls =
        [
            """bash {"command":"touch x1","description":"x"}""", """bash {"command":"> x2","description":"x"}""",
            """task {"description":"x","prompt":"BASH: touch x3","subagent_type":"general"}""",
            """skill {"name":"x"}""", """pty {"command":"touch x4"}""", """shell {"command":"touch x5"}""",
        ];
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync(string.Join('\n', calls.Select(c => $"TOOL: {c}")))).Outcome);
        Assert.Empty(run.Of<AgentApprovalAsked>());
        Assert.Equal(["link.txt", "notes.txt"],
            Directory.GetFileSystemEntries(home.Project).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        await run.TurnAsync("READ: notes.txt\nTODO: first");
        Assert.Empty(run.Of<AgentApprovalAsked>());
        Assert.Contains(run.Of<AgentToolResult>(), r => r.Output.Contains("some notes", StringComparison.Ordinal));
        Assert.Equal(new AgentTodo("first", TodoState.Active), Assert.Single(run.Of<AgentTodos>()[^1].Items));

        foreach (var path in (string[])["link.txt", secret])
        {
            await run.PromptAsync($"READ: {path}");
            var asked = await run.NextAsync<AgentApprovalAsked>();
            Assert.Equal(new AgentSubject.Tool("read"), asked.Subject);
            await run.AnswerAsync(asked.RequestId, new AgentAnswer.Deny("not that one"));
            Assert.Contains("not that one", (await run.NextAsync<AgentToolResult>()).Output, StringComparison.Ordinal);
            await run.NextAsync<AgentTurnEnded>();
        }

        await run.PromptAsync($"READ: {secret}");
        await run.AllowNextAsync();
        Assert.Contains("4711", (await run.NextAsync<AgentToolResult>()).Output, StringComparison.Ordinal);
        await run.NextAsync<AgentTurnEnded>();

        await run.PromptAsync("BASH: env; exit 3");
        var command = await run.AllowNextAsync();
        var result = await run.NextAsync<AgentToolResult>(r => r.ToolUseId == command.ToolUseId);
        Assert.Equal(3, result.ExitCode);
        Assert.DoesNotContain("OPENCODE", result.Output, StringComparison.Ordinal);
        await run.NextAsync<AgentTurnEnded>();

        // Stopped while a person thinks: the card closes, nothing runs, the next turn is a clean one.
        await run.PromptAsync("BASH: touch never");
        var open = await run.NextAsync<AgentApprovalAsked>();
        await run.Process.InterruptAsync(CancellationToken.None);
        await run.NextAsync<AgentRequestWithdrawn>(w => w.RequestId == open.RequestId);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.False(await run.AnswerAsync(open.RequestId, new AgentAnswer.Allow(open.InputJson)));
        await run.PromptAsync("WRITE: never | x");
        open = await run.NextAsync<AgentApprovalAsked>();
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.False(await run.AnswerAsync(open.RequestId, new AgentAnswer.Allow(open.InputJson)));
        Assert.Equal((TurnOutcome.Completed, null),
            ((await run.TurnAsync("SAY: fine")) is var fine ? (fine.Outcome, fine.Error) : default));
        Assert.False(File.Exists(home.InProject("never")));

        // A question with a free answer; then the person ends the turn instead of answering.
        await run.PromptAsync("ASK: Which colour? | red | blue");
        var question = await run.NextAsync<AgentQuestionAsked>();
        await run.AnswerAsync(question.RequestId,
            new AgentAnswer.Reply(new Dictionary<string, string> { ["Which colour?"] = "green, rather" }));
        Assert.Contains("green, rather", (await run.NextAsync<AgentToolResult>()).Output, StringComparison.Ordinal);
        await run.NextAsync<AgentTurnEnded>();
        await run.PromptAsync("WRITE: never | x");
        open = await run.NextAsync<AgentApprovalAsked>();
        await run.AnswerAsync(open.RequestId, new AgentAnswer.Deny("stop", Interrupt: true));
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);

        // Errors say what to do; retries are shown.
        var refusedKey = await run.TurnAsync("HTTP: 401");
        Assert.Contains("opencode auth login", refusedKey.Error, StringComparison.Ordinal);
        await run.Process.SetModelAsync("scripted/none", CancellationToken.None);
        Assert.Contains("none", (await run.TurnAsync("with a model that there is not")).Error, StringComparison.Ordinal);
        await run.Process.SetModelAsync(OpenCodeHome.Model, CancellationToken.None);
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("HTTP: 529 1\nSAY: made it")).Outcome);
        Assert.Contains(run.Of<AgentActivity>(), a => a is { Kind: ActivityKind.Retrying, Attempt: 1 });
    }

    [Fact]
    public async Task Code_of_a_repository_keeps_it_from_starting_and_its_settings_count_for_nothing()
    {
        using var home = openCode.NewHome();
        var canary = Path.Combine(home.Home, "ran");
        var repository = new HostileOpenCodeRepository(home.Project, canary);
        repository.Write();
        var driver = new OpenCodeDriver(TimeProvider.System, home.Environment);
        var refused = await Assert.ThrowsAsync<AgentException>(
            () => driver.StartAsync(RealOpenCodeFixture.Start(home), CancellationToken.None));
        Assert.Equal(AgentError.Refused, refused.Error);
        Assert.Contains(".opencode", refused.Message, StringComparison.Ordinal);
        var below = Directory.CreateDirectory(home.InProject("src/deep")).FullName;
        await Assert.ThrowsAsync<AgentException>(
            () => driver.StartAsync(RealOpenCodeFixture.Start(home) with { WorkingDirectory = below }, CancellationToken.None));

        repository.RemoveCode();
        await using (var run = await RealOpenCodeFixture.StartAsync(home))
        {
            Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync(
                "TOOL: bash {\"command\":\"touch x1\",\"description\":\"x\"}\nTOOL: evil {}\nTOOL: evil_touch {}")).Outcome);
            await run.TurnAsync("/evil");
            await run.PromptAsync("WRITE: formatted.txt | x");
            await run.AllowNextAsync();
            await run.NextAsync<AgentTurnEnded>();
            Assert.DoesNotContain(openCode.Model.Requests.SelectMany(r => r.Tools), t => t.Contains("evil", StringComparison.Ordinal)
                || t == "bash");
        }

        Assert.False(File.Exists(canary), File.Exists(canary) ? await File.ReadAllTextAsync(canary) : "");
        Assert.False(File.Exists(home.InProject("x1")));
    }
}
