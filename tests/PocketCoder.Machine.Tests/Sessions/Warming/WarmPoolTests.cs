using System.Collections.Concurrent;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Sessions.Warming;

public sealed class WarmPoolTests
{
    private readonly ManualTime _time = new();
    private readonly ConcurrentDictionary<int, long> _sizes = [];
    private readonly ConcurrentQueue<(int Agent, string Why)> _ended = [];
    private readonly Dictionary<int, Guid> _sessions = [];

    [Fact]
    public void One_too_many_ends_the_one_that_was_used_the_longest_ago()
    {
        using var pool = Pool(new WarmLimits { Agents = 2 });
        Rest(pool, 1);
        Rest(pool, 2);
        Rest(pool, 1); // used again
        Rest(pool, 3);
        Assert.Equal([2], _ended.Select(e => e.Agent));
        Assert.Contains("at most 2", _ended.Single().Why, StringComparison.Ordinal);

        pool.Leave(Session(3)); // works
        Rest(pool, 4);
        Assert.Single(_ended);
    }

    [Fact]
    public void With_none_to_keep_each_ends_at_once_and_none_is_started_ahead()
    {
        using var pool = Pool(new WarmLimits { Agents = 0 });
        Assert.False(pool.TryReserve(Session(1), _ => { }));
        Rest(pool, 1);
        Assert.Equal([1], _ended.Select(e => e.Agent));
    }

    [Fact]
    public void A_start_ahead_takes_the_place_of_the_one_used_the_longest_ago_but_not_of_other_starts()
    {
        using var pool = Pool(new WarmLimits { Agents = 2 });
        Rest(pool, 1);
        Rest(pool, 2);
        Assert.True(Reserve(pool, 3));
        Assert.Equal([1], _ended.Select(e => e.Agent));
        Assert.True(Reserve(pool, 4));
        Assert.Equal([1, 2], _ended.Select(e => e.Agent));
        Assert.False(Reserve(pool, 5));
        Assert.True(Reserve(pool, 4)); // it has its place
        Rest(pool, 3); // it is there
        Assert.True(Reserve(pool, 5));
        Assert.Equal([1, 2, 4], _ended.Select(e => e.Agent));
    }

    [Fact]
    public void A_session_that_is_only_opened_gets_a_free_place_and_no_other_one_ends_for_it()
    {
        using var pool = Pool(new WarmLimits { Agents = 2 });
        Rest(pool, 1);
        Assert.True(pool.TryReserve(Session(2), why => _ended.Enqueue((2, why)), onlyFree: true));
        Assert.True(pool.TryReserve(Session(2), why => _ended.Enqueue((2, why)), onlyFree: true)); // it has its place
        Assert.False(pool.TryReserve(Session(3), why => _ended.Enqueue((3, why)), onlyFree: true));
        Assert.Empty(_ended);
        Assert.True(Reserve(pool, 3)); // somebody is about to write there
        Assert.Equal([1], _ended.Select(e => e.Agent));
    }

    [Fact]
    public void Memory_is_measured_soon_after_a_turn_and_every_half_minute_and_the_oldest_end_until_it_is_enough()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var pool = Pool(new WarmLimits { Agents = 10, MemoryBytes = 300 << 20 });
        foreach (var agent in (int[])[1, 2, 3])
        {
            _sizes[agent] = 90 << 20;
            Rest(pool, agent);
        }

        _sizes[4] = 130 << 20;
        Rest(pool, 4);
        Assert.Empty(_ended);
        _time.Advance(WarmPool.LookAfter);
        Assert.Equal([1, 2], _ended.Select(e => e.Agent)); // 400, 310, 220
        Assert.Contains("use 400 MB of at most 300", _ended.First().Why, StringComparison.Ordinal);

        _sizes[3] = 200 << 20; // it grew meanwhile
        _time.Advance(WarmPool.LookEvery);
        Assert.Equal([1, 2, 3], _ended.Select(e => e.Agent));
    }

    [Fact]
    public void Turns_in_quick_succession_share_one_look_and_do_not_put_it_off()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var looks = 0;
        using var pool = new WarmPool(new WarmLimits(), _time, processes =>
        {
            looks++;
            return [.. processes.Select(_ => 0L)];
        });
        for (var turn = 0; turn < 25; turn++)
        {
            Rest(pool, 1);
            _time.Advance(WarmPool.LookAfter / 10);
        }

        Assert.Equal(2, looks);
    }

    [Fact]
    public void Nothing_is_looked_at_when_nothing_is_kept()
    {
        var pool = Pool(new WarmLimits());
        Assert.Equal(0, _time.ArmedTimers);
        Rest(pool, 1);
        Assert.Equal(1, _time.ArmedTimers);
        pool.Leave(Session(1));
        _time.Advance(WarmPool.LookEvery);
        Assert.Equal(0, _time.ArmedTimers);
        pool.Dispose();
        Rest(pool, 2);
        Assert.False(pool.TryReserve(Session(3), _ => { }));
        Assert.Empty(_ended);
    }

    private WarmPool Pool(WarmLimits limits) => new(
        limits, _time, processes => [.. processes.Select(p => _sizes.GetValueOrDefault(p.Pid))]);

    private Guid Session(int agent) => _sessions.TryGetValue(agent, out var known) ? known : _sessions[agent] = Guid.CreateVersion7();

    private void Rest(WarmPool pool, int agent)
        => pool.Rest(Session(agent), new ProcessIdentity(agent, 0, "boot"), why => _ended.Enqueue((agent, why)));

    private bool Reserve(WarmPool pool, int agent) => pool.TryReserve(Session(agent), why => _ended.Enqueue((agent, why)));
}
