using PocketCoder.Agents;
using PocketCoder.Agents.Claude;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>The real program against the scripted model: effort, models, slash commands, how full the conversation is.</summary>
[Trait("Category", "Slow")]
public sealed class RealClaudePromptingTests(RealClaudeFixture claude) : IClassFixture<RealClaudeFixture>
{
    [Fact]
    public async Task Effort_at_the_start_and_in_mid_session_is_what_the_model_is_asked_with_and_the_context_is_told()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(
            home, RealClaudeFixture.Start(home) with { Model = "opus", Effort = "low" });

        await run.TurnAsync("SAY: one-low");
        await run.Process.SetEffortAsync("max", CancellationToken.None);
        await run.TurnAsync("SAY: two-max");

        Assert.Equal(["low", "max"],
            new[] { "SAY: one-low", "SAY: two-max" }.Select(p => claude.Model.Requests.Last(r => r.Prompt == p).Effort));

        // Back to what it does when nobody chose: as a session that began without a choice.
        await run.Process.SetEffortAsync(null, CancellationToken.None);
        await run.Process.SetModelAsync(null, CancellationToken.None);
        await run.TurnAsync("SAY: three-default");
        await using (var plain = await RealClaudeFixture.StartAsync(home))
        {
            await plain.TurnAsync("SAY: plain");
        }

        var (back, usual) = (claude.Model.Requests.Last(r => r.Prompt == "SAY: three-default"),
            claude.Model.Requests.Last(r => r.Prompt == "SAY: plain"));
        Assert.Equal((usual.Model, usual.Effort), (back.Model, back.Effort));

        var refused = await Assert.ThrowsAsync<AgentException>(
            async () => await run.Process.SetEffortAsync("heroic", CancellationToken.None));
        Assert.Equal(AgentError.Refused, refused.Error);
        var ready = run.Of<AgentReady>()[0];
        Assert.Contains(ready.Models, m => m.Id == "sonnet" && m.Efforts!.Contains("xhigh"));
        var context = run.Of<AgentContext>()[^1];
        Assert.True(context is { UsedTokens: > 0, WindowTokens: >= 200_000 }, context.ToString());
    }

    [Fact]
    public async Task Every_slash_command_that_is_offered_works_here()
    {
        using var home = claude.NewHome();
        await using var run = await RealClaudeFixture.StartAsync(home);
        await run.TurnAsync("SAY: something to speak of");
        var offered = run.Of<AgentReady>()[0].Commands;
        Assert.Equal(["clear", "compact", "context", "usage"], offered.Select(c => c.Name).Order(StringComparer.Ordinal));

        foreach (var name in new[] { "context", "usage", "compact", "clear" })
        {
            var before = run.Text;
            var ended = await run.TurnAsync($"/{name}");
            var said = run.Text[before.Length..];

            Assert.True(ended.Outcome == TurnOutcome.Completed, $"/{name}: {ended.Error}");
            Assert.DoesNotContain("Unknown command", said, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("isn't available", said, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("SAY: still there")).Outcome);
    }

    [Fact]
    // what it is told meanwhile it keeps for a turn of its own (captured: queued-message-while-busy)
    public void It_is_no_agent_to_steer() => Assert.False(new ClaudeDriver(TimeProvider.System).Description.Steer);
}
