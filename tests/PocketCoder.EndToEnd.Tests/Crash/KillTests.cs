using System.Globalization;
using PocketCoder.Protocol;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>
/// The promise of docs/architecture.md: nothing lost, nothing twice, however the daemon ends. <c>CRASH_SEED</c> repeats a run's choices.
/// </summary>
[Trait("Category", "Slow")]
[Trait("Takes", "minutes")]
public sealed class KillTests
{
    [Fact]
    public async Task Killed_at_fifty_moments_nothing_acknowledged_is_lost_or_doubled()
    {
        await using var run = await CrashRun.StartAsync(
            Seed(), Vocabulary.Stub, maxSessions: 40, new Dictionary<string, string>(StringComparer.Ordinal));
        await run.KillAsync(50);
        Tell(run);
        Assert.True(run.Tally.Kills >= 50);
        Assert.True(run.Tally.Orphans > 0, "no kill met a running command");
        Assert.True(run.Tally.Resumed > 0, "nothing was cut off");
    }

    [Fact]
    public async Task Killed_with_the_real_Claude_Code_at_work_nothing_acknowledged_is_lost_or_doubled()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
        await using var run = await CrashRun.StartAsync(Seed(), Vocabulary.Claude, maxSessions: 4, home.Environment, home.Project);
        await run.KillAsync(10, first: 6); // the second half of the moments: approvals, executions, a running command
        Tell(run);
        Assert.True(run.Tally.Kills >= 10);
        Assert.True(run.Tally.Orphans > 0, "no agent outlived a daemon");
        Assert.True(run.Tally.Resumed > 0, "nothing was cut off");
    }

    private static int Seed()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("CRASH_SEED"), NumberStyles.None, CultureInfo.InvariantCulture,
            out var given) ? given : Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        return seed;
    }

    private static void Tell(CrashRun run) => TestContext.Current.TestOutputHelper?.WriteLine(run.Summary);
}
