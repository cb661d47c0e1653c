using PocketCoder.Agents;

namespace PocketCoder.Agents.Tests.Codex;

/// <summary>The real program against the scripted model: steering, effort, models, how full the thread is.</summary>
[Trait("Category", "Slow")]
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

        // Back to what it does when nobody chose: as a conversation that began without a choice; also when it goes on in another process.
        await run.Process.SetModelAsync("gpt-6.1-sol", CancellationToken.None);
        await run.TurnAsync("SAY: another model");
        await run.Process.SetModelAsync(null, CancellationToken.None);
        await run.Process.SetEffortAsync(null, CancellationToken.None);
        await run.TurnAsync("SAY: back");
        await run.Process.SetEffortAsync("xhigh", CancellationToken.None);
        await run.TurnAsync("SAY: left high");
        await run.EndAsync();
        await using (var again = await RealCodexFixture.StartAsync(
            home, RealCodexFixture.Start(home) with { ResumeId = run.Of<AgentReady>()[0].NativeId }))
        {
            await again.TurnAsync("SAY: resumed");
        }

        await using (var plain = await RealCodexFixture.StartAsync(home))
        {
            await plain.TurnAsync("SAY: plain");
        }

        var asked = new[] { "SAY: plain", "SAY: another model", "SAY: back", "SAY: left high", "SAY: resumed" }.Select(
            p => codex.Model.Requests.Last(r => r.Prompt == p)).Select(r => (r.Model, r.Effort)).ToList();
        Assert.Equal([asked[0], ("gpt-6.1-sol", "high"), asked[0], (asked[0].Model, "xhigh"), asked[0]], asked);
        Assert.Equal(["low", "high"],
            new[] { "SAY: steered reply", "SAY: thinks more" }.Select(p => codex.Model.Requests.Last(r => r.Prompt == p).Effort));

        var model = run.Of<AgentReady>().SelectMany(r => r.Models).First(m => m.Id == "gpt-5.5");
        Assert.Contains("high", model.Efforts!);
        var context = run.Of<AgentContext>()[^1];
        Assert.True(context is { UsedTokens: > 0, WindowTokens: > 100_000 }, context.ToString());
    }
}
