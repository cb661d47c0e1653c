using PocketCoder.Machine.Notifications;
using PocketCoder.Push;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Notifications;

/// <summary>Who left, or was replaced, gets nothing more, whatever somebody who looked before has in hand.</summary>
public sealed class SubscribersTests
{
    private readonly PushQueue _queue = new(
        (_, _, _) => Task.FromResult(new PushOutcome(PushResult.Accepted, 200, null, "")), (_, _) => { }, TimeProvider.System);

    [Fact]
    public void One_that_was_removed_after_it_was_found_gets_nothing_more()
    {
        var all = new Subscribers(_queue);
        var found = One("topic");
        all.Put("notify/a", found);
        Offer(all, found, "waits");
        Assert.Equal(1, _queue.Count);

        all.Remove("notify/a");
        Assert.Equal(0, _queue.Count);
        Offer(all, found, "looked before");
        Assert.Equal(0, _queue.Count);
        Assert.True(all.None);
    }

    [Fact]
    public void One_in_whose_place_another_came_gets_nothing_more_and_the_other_does()
    {
        var all = new Subscribers(_queue);
        var (old, now) = (One("topic"), One("topic")); // the same address: it is the object that counts
        all.Put("notify/a", old);
        Offer(all, old, "waits");
        all.Put("notify/a", now);
        Assert.Equal(0, _queue.Count);
        Offer(all, old, "looked before");
        Assert.Equal(0, _queue.Count);
        Offer(all, now, "looks now");
        Assert.Equal(1, _queue.Count);
    }

    [Fact]
    public async Task Whatever_the_order_of_a_removal_and_offers_nothing_waits_in_the_end()
    {
        for (var round = 0; round < 200; round++)
        {
            var all = new Subscribers(_queue);
            var found = One("topic");
            all.Put("notify/a", found);
            using var together = new Barrier(2);
            await Task.WhenAll(
                Task.Run(() =>
                {
                    Assert.True(together.SignalAndWait(Wait.Limit));
                    all.Remove("notify/a");
                }),
                Task.Run(() =>
                {
                    Assert.True(together.SignalAndWait(Wait.Limit));
                    for (var i = 0; i < 20; i++)
                    {
                        Offer(all, found, $"t{i}");
                    }
                }));
            Assert.Equal(0, _queue.Count);
        }
    }

    private static Subscriber One(string topic)
        => new(NtfyTopic.Of($"https://n.example/{topic}", null), NotificationSettings.Usual);

    private static void Offer(Subscribers all, Subscriber one, string topic) => all.Offer(
        "notify/a", one, new PushMessage("x"u8.ToArray(), TimeSpan.FromHours(1), PushUrgency.High, topic, null),
        DateTimeOffset.MaxValue, false);
}
