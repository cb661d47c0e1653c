using PocketCoder.Feishu.Api;
using PocketCoder.Testing;

namespace PocketCoder.Feishu.Tests.Api;

public sealed class RateLimitTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void In_no_span_are_there_more_than_allowed_and_the_order_is_that_of_asking()
    {
        var limit = new RateLimit(5, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), _time);
        Assert.Equal(
            [0, 0, 0, 0, 0, 1000, 1000, 1000, 1000, 1000, 2000], Enumerable.Range(0, 11).Select(_ => limit.Take().TotalMilliseconds));
        Assert.False(limit.IsIdle);
        _time.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal(500, limit.Take().TotalMilliseconds);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(limit.IsIdle);
        Assert.Equal(TimeSpan.Zero, limit.Take());
    }

    [Fact]
    public void Who_would_wait_too_long_is_refused_and_takes_no_place()
    {
        var limit = new RateLimit(1, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(15), _time);
        Assert.Equal([0, 10], [limit.Take().TotalSeconds, limit.Take().TotalSeconds]);
        var error = Assert.Throws<FeishuException>(() => limit.Take());
        Assert.Equal((FeishuError.RateLimited, TimeSpan.FromSeconds(20), true), (error.Error, error.RetryAfter, error.Retryable));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(15, limit.Take().TotalSeconds);
    }

    [Fact]
    public void A_pause_holds_for_all_that_follow()
    {
        var limit = new RateLimit(5, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), _time);
        limit.Pause(TimeSpan.FromSeconds(7));
        limit.Pause(TimeSpan.FromSeconds(3));
        Assert.Equal(7, limit.Take().TotalSeconds);
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(0, limit.Take().TotalSeconds);
    }

    [Fact]
    public async Task One_message_has_a_limit_of_its_own_and_another_does_not_wait_for_it()
    {
        var limits = new RateLimits(_time);
        for (var i = 0; i < RateLimits.PerMessage; i++)
        {
            await limits.WaitAsync("om_1", RateLimits.PerMessage, CancellationToken.None);
        }

        var sixth = limits.WaitAsync("om_1", RateLimits.PerMessage, CancellationToken.None);
        Assert.False(sixth.IsCompleted);
        await limits.WaitAsync("om_2", RateLimits.PerMessage, CancellationToken.None);
        await limits.WaitAsync(null, 0, CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(1));
        await sixth.WaitAsync(Wait.Limit, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_whole_app_has_fifty_a_second_and_a_thousand_a_minute()
    {
        var limits = new RateLimits(_time);
        for (var second = 0; second < RateLimits.PerMinute / RateLimits.PerSecond; second++)
        {
            for (var i = 0; i < RateLimits.PerSecond; i++)
            {
                Assert.True(limits.WaitAsync(null, 0, CancellationToken.None).IsCompletedSuccessfully);
            }

            _time.Advance(TimeSpan.FromSeconds(1));
        }

        // A thousand in twenty seconds: the next would wait for forty, which is too long.
        await Assert.ThrowsAsync<FeishuException>(() => limits.WaitAsync(null, 0, CancellationToken.None));
        _time.Advance(TimeSpan.FromSeconds(40));
        Assert.True(limits.WaitAsync(null, 0, CancellationToken.None).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Messages_that_nobody_changes_are_forgotten_and_too_many_at_once_are_refused()
    {
        var limits = new RateLimits(_time);
        for (var i = 0; i < 2048; i++)
        {
            await WithoutWaitingAsync(limits, $"om_{i}");
        }

        var error = await Assert.ThrowsAsync<FeishuException>(() => limits.WaitAsync("one more", RateLimits.PerMessage, CancellationToken.None));
        Assert.Equal(FeishuError.RateLimited, error.Error);
        _time.Advance(TimeSpan.FromMinutes(1));
        await limits.WaitAsync("one more", RateLimits.PerMessage, CancellationToken.None);
    }

    /// <summary>Takes the message's place; the app's own limit is not what is looked at.</summary>
    private static async Task WithoutWaitingAsync(RateLimits limits, string message)
    {
        using var stop = new CancellationTokenSource();
        var waiting = limits.WaitAsync(message, RateLimits.PerMessage, stop.Token);
        await stop.CancelAsync();
        await waiting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
