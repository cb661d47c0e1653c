using System.Collections.Concurrent;
using PocketCoder.Testing;
using PocketCoder.Testing.Push;

namespace PocketCoder.Push.Tests;

/// <summary>What waits for a push service.</summary>
public sealed class QueueTests : IAsyncDisposable
{
    private readonly ManualTime _time = new();
    private readonly ConcurrentQueue<string> _sent = new();
    private readonly ConcurrentQueue<PushResult> _ended = new();
    private readonly CancellationTokenSource _end = new();
    private readonly PushQueue _queue;
    private readonly PushSubscription _to;
    private Func<string, PushOutcome> _answer = _ => new(PushResult.Accepted, 201, null, "");
    private Task _running = Task.CompletedTask;

    public QueueTests()
    {
        _queue = new PushQueue(SendAsync, (_, outcome) => _ended.Enqueue(outcome.Result), _time);
        using var receiver = new PushReceiver("https://push.example.net/x");
        _to = PushSubscription.Of(receiver.Endpoint, receiver.PublicKey, receiver.Auth, PushAllowed.None);
    }

    [Fact]
    public async Task The_newest_of_a_topic_takes_the_place_of_an_older_one()
    {
        Offer("phone", "a", "1");
        Offer("phone", "b", "2");
        Offer("phone", "a", "3");
        Offer("tablet", "a", "4");
        Run();
        await Wait.UntilAsync(() => _sent.Count == 3, "three were sent");
        Assert.Equal(["2", "3", "4"], _sent.Order());
    }

    [Fact]
    public void Without_room_spare_ones_go_first_then_the_oldest()
    {
        Offer("phone", "spare", "s", spare: true);
        for (var i = 1; i < PushQueue.Capacity; i++)
        {
            Assert.Null(Offer("phone", $"t{i}", "x"));
        }

        Assert.Equal("spare", Offer("phone", "more", "x")?.Message.Topic);
        Assert.Equal("t1", Offer("phone", "still more", "x")?.Message.Topic);
        Assert.Equal(PushQueue.Capacity, _queue.Count);
    }

    [Fact]
    public async Task A_busy_push_service_is_asked_again_after_its_own_pause_and_keeps_no_other_device_waiting()
    {
        _answer = text => text == "busy" ? new(PushResult.TryLater, 429, TimeSpan.FromSeconds(40), "") : new(PushResult.Accepted, 201, null, "");
        Offer("phone", "a", "busy");
        Offer("phone", "b", "after");
        Offer("tablet", "a", "other");
        Run();
        await Wait.UntilAsync(() => _sent.Contains("other") && _ended.Contains(PushResult.TryLater) && _time.ArmedTimers > 0, "the first try");
        Assert.DoesNotContain("after", _sent);
        _answer = _ => new(PushResult.Accepted, 201, null, "");
        await Wait.UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            return _sent.Contains("after");
        }, "the second try");
        Assert.Equal(["busy", "busy", "after"], _sent.Where(s => s != "other"));
    }

    [Fact]
    public async Task What_fails_again_and_again_is_given_up()
    {
        _answer = _ => new(PushResult.TryLater, null, null, "");
        Offer("phone", "a", "x");
        Run();
        await Wait.UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            return _ended.Count == PushQueue.MostTries;
        }, "all tries");
        Assert.Equal(0, _queue.Count);
    }

    [Fact]
    public async Task A_subscription_that_is_over_takes_its_other_messages_along()
    {
        _answer = _ => new(PushResult.Gone, 410, null, "");
        Offer("phone", "a", "1");
        Offer("phone", "b", "2");
        Run();
        await Wait.UntilAsync(() => _ended.Count == 1 && _queue.Count == 0, "the rest is gone");
        Assert.Equal(["1"], _sent);
    }

    [Fact]
    public async Task What_is_worth_nothing_any_more_and_what_is_forgotten_is_not_sent()
    {
        Offer("phone", "late", "late", until: _time.GetUtcNow() + TimeSpan.FromSeconds(5));
        Offer("tablet", "a", "forgotten");
        _queue.Forget("tablet");
        _time.Advance(TimeSpan.FromSeconds(6));
        Offer("watch", "a", "sent");
        Run();
        await Wait.UntilAsync(() => _sent.Contains("sent"), "the one that counts");
        Assert.Equal(["sent"], _sent);
    }

    [Fact]
    public async Task A_fault_in_sending_ends_one_message_and_not_the_queue()
    {
        _answer = text => text == "bad" ? throw new InvalidOperationException() : new(PushResult.Accepted, 201, null, "");
        for (var i = 0; i < 8; i++)
        {
            Offer("phone", $"t{i}", "bad");
        }

        Offer("phone", "good", "good");
        Run();
        await Wait.UntilAsync(() => _sent.Contains("good"), "the good one");
        Assert.Equal(8, _ended.Count(r => r == PushResult.Refused));
    }

    [Fact]
    public async Task What_is_being_sent_while_its_receiver_is_forgotten_is_not_tried_again_and_keeps_nobody_waiting()
    {
        using var sent = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        _answer = _ =>
        {
            sent.Set();
            Assert.True(go.Wait(Wait.Limit));
            return new(PushResult.TryLater, 503, TimeSpan.FromHours(1), "");
        };
        Offer("phone", "a", "old");
        var running = Task.Run(Run); // its first message is sent where it is started
        Assert.True(sent.Wait(Wait.Limit));
        _queue.Forget("phone");
        _answer = _ => new(PushResult.Accepted, 201, null, "");
        Offer("phone", "b", "new");
        go.Set();
        await running;
        await Wait.UntilAsync(() => _ended.Count == 2, "both ended"); // the new one waits for no pause of the old one
        Assert.Equal(["old", "new"], _sent);
        Assert.Equal(0, _queue.Count);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        _end.Dispose();
    }

    private void Run() => _running = _queue.RunAsync(_end.Token);

    private PushJob? Offer(string receiver, string topic, string text, bool spare = false, DateTimeOffset? until = null)
        => _queue.Offer(new PushJob(
            receiver, _to, new PushMessage(System.Text.Encoding.UTF8.GetBytes(text), TimeSpan.FromMinutes(1), PushUrgency.Normal, topic),
            until ?? DateTimeOffset.MaxValue, spare));

    private Task<PushOutcome> SendAsync(PushTarget to, PushMessage message, CancellationToken ct)
    {
        var text = System.Text.Encoding.UTF8.GetString(message.Payload.Span);
        _sent.Enqueue(text);
        return Task.FromResult(_answer(text));
    }
}
