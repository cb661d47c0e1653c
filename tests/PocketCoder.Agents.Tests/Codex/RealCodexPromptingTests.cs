using PocketCoder.Agents;

namespace PocketCoder.Agents.Tests.Codex;

/// <summary>The real program against the scripted model: steering, effort, models, how full the thread is.</summary>
public sealed class RealCodexPromptingTests(RealCodexFixture codex) : IClassFixture<RealCodexFixture>
{
    [Fact]
    public async Task A_running_turn_takes_words_a_finished_one_does_not_and_effort_models_and_context_are_told()
    {
        using var home = codex.NewHome();
        await using var run = await RealCodexFixture.StartAsync(home, RealCodexFixture.Start(home) with { Effort = "low" });

        await run.PromptAsync("SLOW: 20\nLONG: 3000");
        await run.NextAsync<AgentDelta>();
        Assert.True(await run.SteerAsync("SAY: steered reply"));
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Contains("steered reply", run.Text, StringComparison.Ordinal);
        Assert.Single(run.Of<AgentTurnEnded>());
        Assert.False(await run.SteerAsync("SAY: too late"));

        await run.Process.SetEffortAsync("high", CancellationToken.None);
        await run.TurnAsync("SAY: thinks more");
        Assert.DoesNotContain("too late", run.Text, StringComparison.Ordinal);
        Assert.Equal(["low", "high"], new[] { "SAY: steered reply", "SAY: thinks more" }.Select(p => codex.Model.Requests.Last(r => r.Prompt == p).Effort));

        var model = run.Of<AgentReady>().SelectMany(r => r.Models).First(m => m.Id == "gpt-5.5");
        Assert.Contains("high", model.Efforts!);
        var context = run.Of<AgentContext>()[^1];
        Assert.True(context is { UsedTokens: > 0, WindowTokens: > 100_000 }, context.ToString());
    }
}
