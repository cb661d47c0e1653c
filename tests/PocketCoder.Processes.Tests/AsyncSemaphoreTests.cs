using PocketCoder.Testing;

namespace PocketCoder.Processes.Tests;

public sealed class AsyncSemaphoreTests
{
    [Fact]
    public async Task So_many_hold_it_at_once_and_the_others_get_it_in_their_order()
    {
        var two = new AsyncSemaphore(2);
        await two.WaitAsync();
        Assert.True(await two.WaitAsync(TimeSpan.Zero));
        Assert.False(await two.WaitAsync(TimeSpan.Zero));
        var (first, second) = (two.WaitAsync(), two.WaitAsync());
        two.Release();
        await first.WaitAsync(Wait.Limit);
        Assert.False(second.IsCompleted);
        two.Release();
        await second.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task A_wait_that_its_token_ends_takes_nothing()
    {
        var one = new AsyncSemaphore();
        await one.WaitAsync();
        using var leaves = new CancellationTokenSource();
        var (gone, stays) = (one.WaitAsync(leaves.Token), one.WaitAsync());
        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone.WaitAsync(Wait.Limit));
        one.Release();
        await stays.WaitAsync(Wait.Limit);
        Assert.False(await one.WaitAsync(TimeSpan.Zero));
    }

    [Fact]
    public async Task It_can_not_be_given_back_more_often_than_it_was_taken()
    {
        var one = new AsyncSemaphore();
        Assert.Throws<SemaphoreFullException>(one.Release);
        await one.WaitAsync();
        one.Release();
        Assert.Throws<SemaphoreFullException>(one.Release);
        Assert.True(await one.WaitAsync(TimeSpan.Zero));
    }
}
