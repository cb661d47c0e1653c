using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Tests.Shared;
using PocketCoder.Processes;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;

namespace PocketCoder.Agents.Tests.Acp;

/// <summary>The real Gemini CLI over ACP against the scripted model.</summary>
[Trait("Category", "Slow")]
public sealed class RealGeminiTests(RealAcpFixture acp) : IClassFixture<RealAcpFixture>
{
    [Fact]
    public async Task A_picture_reaches_the_model()
    {
        using var home = acp.NewGeminiHome();
        await using var run = await RealAcpFixture.StartAsync(home);
        await acp.SeesPictureAsync(run, home.Project);
    }

    [Fact]
    public async Task The_probe_finds_the_tested_version()
    {
        using var home = acp.NewGeminiHome();
        Assert.Equal(new AgentProbe(true, "0.61.0", acp.Gemini, null),
            await Probing.AskAsync(time => new AcpDriver(AcpAgent.Gemini, time, home.Environment)));
    }

    [Fact]
    public async Task Turns_stream_their_text_and_commands_and_edits_ask_and_run_only_as_allowed()
    {
        using var home = acp.NewGeminiHome();
        await using var run = await RealAcpFixture.StartAsync(home);
        var ready = await run.NextAsync<AgentReady>();
        Assert.Equal(("0.61.0", "default"), (ready.Version, ready.Mode));

        var first = await run.TurnAsync("hello old friend");
        Assert.Equal((TurnOutcome.Completed, null), (first.Outcome, first.Error));
        Assert.Equal("You said: hello old friend", run.Text);
        Assert.Equal(GeminiHome.Key, acp.Model.Requests.First(r => r.Prompt == "hello old friend").Key);

        await run.PromptAsync("BASH: echo 42 > out.txt\nBASH: touch never\nSAY: done");
        var allowed = await run.NextAsync<AgentApprovalAsked>();
        Assert.Equal(new AgentSubject.Command("echo 42 > out.txt", home.Project), allowed.Subject);
        Assert.False(File.Exists(home.InProject("out.txt")));
        await run.AnswerAsync(allowed.RequestId, new AgentAnswer.Allow(allowed.InputJson));
        var denied = await run.NextAsync<AgentApprovalAsked>();
        Assert.True(File.Exists(home.InProject("out.txt")), string.Join('\n', run.All));
        Assert.Equal("42\n", await File.ReadAllTextAsync(home.InProject("out.txt")));
        await run.AnswerAsync(denied.RequestId, new AgentAnswer.Deny("no"));
        await run.NextAsync<AgentTurnEnded>();
        Assert.False(File.Exists(home.InProject("never")));

        var file = home.InProject("a.txt");
        await run.PromptAsync($"WRITE: {file} | one\\ntwo\\n\nEDIT: {file} | two | zwei\nSAY: done");
        string? before = null;
        for (var i = 0; i < 2; i++)
        {
            var asked = await run.AllowNextAsync();
            var change = Assert.IsType<AgentSubject.Edit>(asked.Subject).Change;
            Assert.Equal((file, before), (change.Path, change.Before));
            await run.NextAsync<AgentToolResult>(r => r.ToolUseId == asked.ToolUseId);
            Assert.Equal(change.After, await File.ReadAllTextAsync(file));
            before = change.After;
        }

        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Equal("one\nzwei\n", before);
    }

    [Fact]
    public async Task An_interrupt_ends_a_stream_a_question_and_a_running_command_and_a_killed_one_leaves_nothing_behind()
    {
        using var home = acp.NewGeminiHome();
        var run = await RealAcpFixture.StartAsync(home);
        await run.StopAStreamAndAQuestionAsync();
        var pid = await run.RunLongCommandAsync(home.Project);
        Assert.True(await ProcessGroup.KillAsync(run.Process.Process!, TimeSpan.Zero, TimeProvider.System));
        await run.NextAsync<AgentEnded>();
        await Wait.UntilAsync(() => ProcessGroup.Identify(pid) is null, "the command to be gone");
        Assert.False(File.Exists(home.InProject("never")));

        var unknown = await Assert.ThrowsAsync<AgentException>(() => RealAcpFixture.StartAsync(
            home, RealAcpFixture.Start(home.Project) with { ResumeId = Guid.CreateVersion7().ToString("D") }));
        Assert.True(unknown.Error == AgentError.NotFound, unknown.Message);
    }

    [Fact]
    public async Task A_conversation_is_resumed()
    {
        using var home = acp.NewGeminiHome();
        string id;
        await using (var run = await RealAcpFixture.StartAsync(home))
        {
            id = (await run.NextAsync<AgentReady>()).NativeId;
            await run.TurnAsync("remember the lighthouse");
        }

        await using var again = await RealAcpFixture.StartAsync(home, RealAcpFixture.Start(home.Project) with { ResumeId = id });
        Assert.Equal(id, (await again.NextAsync<AgentReady>()).NativeId);
        Assert.Equal(TurnOutcome.Completed, (await again.TurnAsync("still there?")).Outcome);
        Assert.Equal("You said: still there?", again.Text);
    }

    [Fact]
    public async Task A_mode_that_asks_nobody_is_refused_and_a_sandboxed_session_too()
    {
        using var home = acp.NewGeminiHome();
        await using var run = await RealAcpFixture.StartAsync(home, RealAcpFixture.Start(home.Project) with { Mode = "plan" });
        Assert.Contains(run.Of<AgentReady>(), r => r.Mode == "plan");
        Assert.Equal(AgentError.Refused,
            (await Assert.ThrowsAsync<AgentException>(async () => await run.Process.SetModeAsync("yolo", CancellationToken.None))).Error);
        var gated = RealAcpFixture.Start(home.Project) with { HostTools = [new HostTool("bash", "x", "{}")] };
        Assert.Equal(AgentError.Refused, (await Assert.ThrowsAsync<AgentException>(() => RealAcpFixture.StartAsync(home, gated))).Error);
    }
}
