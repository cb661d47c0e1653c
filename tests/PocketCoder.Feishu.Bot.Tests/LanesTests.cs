using PocketCoder.Feishu.Bot.Inbox;
using PocketCoder.Testing;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>What is done for one chat waits for what is before it, and holds up no other chat.</summary>
public sealed class LanesTests
{
    [Fact]
    public async Task A_lane_is_in_order_others_go_on_and_what_is_too_much_is_refused()
    {
        using var stop = new CancellationTokenSource();
        await using var lanes = new Lanes(stop.Token);
        var (done, goOn) = (new List<int>(), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var (begun, other) = (new TaskCompletionSource(), new TaskCompletionSource());
        Assert.True(lanes.Add("a", async () =>
        {
            begun.SetResult();
            await goOn.Task;
            done.Add(0);
        }));
        await begun.Task.WaitAsync(Wait.Limit);

        Assert.All(Enumerable.Range(1, 3), n => Assert.True(lanes.Add("a", () => Did(n), most: 3)));
        Assert.False(lanes.Add("a", () => Did(4), most: 3));
        Assert.True(lanes.Add("b", () =>
        {
            other.SetResult();
            return Task.CompletedTask;
        }));
        await other.Task.WaitAsync(Wait.Limit);
        Assert.Empty(done);

        goOn.SetResult();
        await lanes.DisposeAsync();
        Assert.Equal([0, 1, 2, 3], done);

        Task Did(int n)
        {
            done.Add(n);
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task What_waits_when_it_stops_is_not_begun()
    {
        using var stop = new CancellationTokenSource();
        var lanes = new Lanes(stop.Token);
        var (goOn, begun, next) = (new TaskCompletionSource(), new TaskCompletionSource(), false);
        lanes.Add("a", () =>
        {
            begun.SetResult();
            return goOn.Task;
        });
        lanes.Add("a", () => Task.FromResult(next = true));
        await begun.Task.WaitAsync(Wait.Limit);
        await stop.CancelAsync();
        goOn.SetResult();
        await lanes.DisposeAsync();
        Assert.False(next);
    }
}
