using System.Globalization;
using PocketCoder.Protocol;

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

    internal static int Seed()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("CRASH_SEED"), NumberStyles.None, CultureInfo.InvariantCulture,
            out var given) ? given : Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        return seed;
    }

    internal static void Tell(CrashRun run) => TestContext.Current.TestOutputHelper?.WriteLine(run.Summary);
}
