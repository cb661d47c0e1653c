using PocketCoder.Testing.Claude;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>As <see cref="KillTests"/>, with an agent that has files and processes of its own.</summary>
[Trait("Category", "Slow")]
[Trait("Takes", "minutes")]
public sealed class RealAgentKillTests
{
    [Fact]
    public async Task Killed_with_the_real_Claude_Code_at_work_nothing_acknowledged_is_lost_or_doubled()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
        await using var run = await CrashRun.StartAsync(
            KillTests.Seed(), Vocabulary.Claude, maxSessions: 4, home.Environment, home.Project);
        await run.KillAsync(10, first: 6); // the second half of the moments: approvals, executions, a running command
        KillTests.Tell(run);
        Assert.True(run.Tally.Kills >= 10);
        Assert.True(run.Tally.Orphans > 0, "no agent outlived a daemon");
        Assert.True(run.Tally.Resumed > 0, "nothing was cut off");
    }
}
