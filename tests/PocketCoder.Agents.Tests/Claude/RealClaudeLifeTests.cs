using System.Globalization;
using PocketCoder.Agents;
using PocketCoder.Agents.Claude;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>The real program against the scripted model: interrupts, ends, resumes.</summary>
[Trait("Category", "Slow")]
public sealed class RealClaudeLifeTests(RealClaudeFixture claude) : IClassFixture<RealClaudeFixture>
{
    [Fact]
    public async Task An_interrupt_ends_a_stream_a_question_and_a_running_command_and_the_process_lives_on()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home);

        await run.StopAStreamAndAQuestionAsync();
        var pid = await run.RunLongCommandAsync(home.Project, "; touch never");
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.True((await run.NextAsync<AgentToolResult>()).Interrupted);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        await Wait.UntilAsync(() => ProcessGroup.Identify(pid) is null, "the command to be gone");

        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("still there?")).Outcome);
        Assert.False(File.Exists(home.InProject("never")));
    }

    [Fact]
    public async Task A_killed_process_takes_its_running_command_along_says_so_and_is_resumed()
    {
        using var home = claude.NewHome();
        var start = RealClaudeFixture.Start(home);
        await using var first = await RealClaudeFixture.StartAsync(home, start);
        await first.TurnAsync("remember the word lighthouse");
        var pid = await first.RunLongCommandAsync(home.Project);

        Assert.True(await ProcessGroup.KillAsync(first.Process.Process! with { Mark = null }, TimeSpan.Zero, TimeProvider.System));
        var ended = await first.NextAsync<AgentEnded>();
        Assert.Equal(137, ended.ExitCode);
        await Wait.UntilAsync(() => ProcessGroup.Identify(pid) is null, "the command to be gone");
        var late = await Assert.ThrowsAsync<AgentException>(() => first.PromptAsync("anyone?"));
        Assert.Equal(AgentError.Ended, late.Error);

        await using var second = await RealClaudeFixture.StartAsync(home, start with { ResumeId = first.Of<AgentReady>()[^1].NativeId });
        Assert.Equal(TurnOutcome.Completed, (await second.TurnAsync("what was the word?")).Outcome);
        Assert.Equal(first.Of<AgentReady>()[0].NativeId, second.Of<AgentReady>()[^1].NativeId);
    }

    [Fact]
    public async Task Disposing_in_the_middle_of_a_command_ends_the_command()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.EndInTheMiddleOfACommandAsync(home.Project);
    }

    [Fact]
    public async Task A_conversation_that_is_open_elsewhere_is_not_resumed()
    {
        using var home = claude.NewHome();
        var start = RealClaudeFixture.Start(home);
        await using var first = await RealClaudeFixture.StartAsync(home, start);
        await first.TurnAsync("hello");
        var resume = start with { ResumeId = start.SessionId.ToString("D") };
        var refused = await Assert.ThrowsAsync<AgentException>(() => RealClaudeFixture.StartAsync(home, resume));
        Assert.Equal(AgentError.OpenElsewhere, refused.Error);
        Assert.Contains(first.Process.Process!.Pid.ToString(CultureInfo.InvariantCulture), refused.Message, StringComparison.Ordinal);

        await first.EndAsync();
        var taken = await Assert.ThrowsAsync<AgentException>(() => RealClaudeFixture.StartAsync(home, start)); // the id is used up
        Assert.Equal(AgentError.FailedToStart, taken.Error);
        Assert.Contains("resume", taken.Message, StringComparison.Ordinal);

        var elsewhere = resume with { WorkingDirectory = home.Home };
        var notFound = await Assert.ThrowsAsync<AgentException>(() => RealClaudeFixture.StartAsync(home, elsewhere));
        Assert.True(notFound.Error == AgentError.NotFound, notFound.Message);
        var unknown = resume with { ResumeId = Guid.CreateVersion7().ToString("D") };
        Assert.Equal(AgentError.NotFound,
            (await Assert.ThrowsAsync<AgentException>(() => RealClaudeFixture.StartAsync(home, unknown))).Error);
        var flag = resume with { ResumeId = "--dangerously-skip-permissions" };
        Assert.Equal(AgentError.NotFound, (await Assert.ThrowsAsync<AgentException>(() => RealClaudeFixture.StartAsync(home, flag))).Error);

        await using var again = await RealClaudeFixture.StartAsync(home, resume);
        Assert.Equal(TurnOutcome.Completed, (await again.TurnAsync("hello again")).Outcome);
    }
}
