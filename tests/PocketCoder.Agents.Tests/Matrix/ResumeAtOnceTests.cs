using PocketCoder.Agents;
using PocketCoder.Agents.Tests.Acp;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Tests.Matrix;

/// <summary>
/// No session's process ends before what it needs to resume is on disk: each real agent is ended the instant its turn is over (as when it
/// is the one too many that is kept), and the next process tells the model all that was said before.
/// </summary>
[Trait("Category", "Slow")]
public sealed class ResumeAtOnceTests(RealAcpFixture fixture) : IClassFixture<RealAcpFixture>
{
    private const int Rounds = 4;

    public static TheoryData<string> Columns => [.. MatrixAgent.Columns];

    [Theory]
    [MemberData(nameof(Columns))]
    public async Task Ended_at_once_after_each_turn_it_remembers_all_of_them(string column)
        => await RememberAsync(column, "SAY: well", run => run.Process.DisposeAsync().AsTask());

    /// <summary>
    /// Claude Code writes its transcript a moment after it told the end of a turn, so it is ended by closing its input (above), and a
    /// SIGKILL at that moment can cost that turn.
    /// </summary>
    [Theory]
    [InlineData("Codex")]
    [InlineData("OpenCode")]
    [InlineData("Gemini CLI")]
    public async Task Killed_at_once_after_each_turn_it_remembers_all_of_them(string column)
        => await RememberAsync(column, "SAY: well",
            run => ProcessGroup.KillAsync(run.Process.Process!, TimeSpan.Zero, TimeProvider.System));

    /// <summary>What failed or was stopped was said, too: the conversation is there, and goes on.</summary>
    [Theory]
    [MemberData(nameof(Columns))]
    public async Task Ended_after_a_first_turn_that_failed_or_was_stopped_the_conversation_goes_on(string column)
    {
        foreach (var first in (string[])["HTTP: 401", "SLOW: 20\nLONG: 3000"])
        {
            using var agent = await MatrixAgent.NewAsync(column, fixture);
            string id;
            await using (var run = await agent.StartAsync())
            {
                id = (await run.NextAsync<AgentReady>()).NativeId;
                await run.PromptAsync(first);
                if (first.Contains("LONG", StringComparison.Ordinal))
                {
                    await run.NextAsync<AgentDelta>();
                    await run.Process.InterruptAsync(CancellationToken.None);
                }

                Assert.NotEqual(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
            }

            await using var again = await agent.StartAsync(id);
            Assert.Equal(TurnOutcome.Completed, (await again.TurnAsync("and now well")).Outcome);
        }
    }

    private async Task RememberAsync(string column, string does, Func<AgentRun, Task> end)
    {
        using var agent = await MatrixAgent.NewAsync(column, fixture);
        string? id = null;
        var words = new List<string>();
        for (var round = 0; round < Rounds; round++)
        {
            words.Add($"word{Guid.CreateVersion7():N}");
            await using var run = await agent.StartAsync(id);
            id = (await run.NextAsync<AgentReady>()).NativeId;
            var prompt = $"remember {words[^1]}\n{does}";
            Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync(prompt)).Outcome);
            await end(run);
            var body = fixture.Model.Requests.Last(
                r => r.Body.Contains(words[^1], StringComparison.Ordinal) && !r.Dialect.EndsWith("-side", StringComparison.Ordinal)).Body;
            Assert.True(words.TrueForAll(w => body.Contains(w, StringComparison.Ordinal)),
                $"{column}, round {round + 1}: the model was not told all that was said before");
        }
    }
}
