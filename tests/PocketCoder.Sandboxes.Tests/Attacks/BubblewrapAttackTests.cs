namespace PocketCoder.Sandboxes.Tests.Attacks;

/// <summary>One suite for all cases.</summary>
public sealed class BubblewrapUnderAttack : IAsyncLifetime
{
    private readonly Ground _ground = new();

    public AttackSuite Suite { get; private set; } = null!;

    public async ValueTask InitializeAsync()
        => Suite = await AttackSuite.StartAsync(
            _ground.Backend, _ground.Root, Ground.IsRoot ? Ground.Owner : null, TimeProvider.System, default);

    public async ValueTask DisposeAsync()
    {
        await Suite.DisposeAsync();
        await _ground.DisposeAsync();
    }
}

public sealed class BubblewrapAttackTests(BubblewrapUnderAttack fixture) : IClassFixture<BubblewrapUnderAttack>
{
    public static TheoryData<string> Ids => [.. AttackSuite.All.Select(a => a.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Two_rings_of_bubblewrap_hold_against(string attack)
    {
        var result = await fixture.Suite.RunAsync(AttackSuite.All.Single(a => a.Id == attack), default);
        Assert.True(result.Verdict == AttackVerdict.Held, $"{result.Verdict}: {result.Detail}");
    }

    [Fact]
    public void There_are_at_least_forty_five_attacks_with_names_of_their_own()
    {
        Assert.True(AttackSuite.All.Count >= 45, $"{AttackSuite.All.Count}");
        Assert.Equal(AttackSuite.All.Count, AttackSuite.All.Select(a => a.Id).Distinct().Count());
    }
}
