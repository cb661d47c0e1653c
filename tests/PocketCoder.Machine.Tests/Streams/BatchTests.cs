using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Streams;

/// <summary>Events that a device missed, several in one message, and how much of them is in memory while it takes its time.</summary>
public sealed class BatchTests
{
    [Fact]
    public async Task Missed_events_come_once_and_in_order_in_messages_that_fit_into_a_frame()
    {
        await using var place = await Place.MakeAsync();
        await place.AddAsync(10_000);

        var sent = await place.FollowAsync(after: 100, until: 10_000, batches: true);

        Assert.Equal(Enumerable.Range(101, 9_900).Select(i => (long)i), sent.SelectMany(SeqsOf));
        Assert.All(sent, message => Assert.InRange(message.Length, 1, 64 * 1024 - 26)); // what one frame of 64 KiB has room for
        Assert.Equal("event 101", Text(sent[0], 0));
        Assert.InRange(sent.Count, 1, 9_900 / 50);
        Assert.Equal(sent.Count, place.Stream.Written);
    }

    [Fact]
    public async Task A_device_that_does_not_ask_for_batches_gets_a_message_an_event()
    {
        await using var place = await Place.MakeAsync();
        await place.AddAsync(1_500);

        var sent = await place.FollowAsync(after: 0, until: 1_500, batches: false);

        Assert.Equal(Enumerable.Range(1, 1_500).Select(i => (long)i), sent.Select(m => Read(m).Seq!.Value));
        Assert.All(sent, message => Assert.Equal(MessageTypes.AgentEvent, Read(message).Type));
    }

    [Fact]
    public async Task A_large_event_is_a_message_of_its_own_between_batches()
    {
        await using var place = await Place.MakeAsync();
        await place.AddAsync(10);
        await place.Store.WriteAsync(change => change.Event(
            place.Session, new NoticeEvent(NoticeLevel.Info, new string('x', Limits.BatchBytes)) { At = change.Now }));
        await place.AddAsync(10);

        var sent = await place.FollowAsync(after: 0, until: 21, batches: true);

        Assert.Equal([MessageTypes.AgentEvents, MessageTypes.AgentEvent, MessageTypes.AgentEvents], sent.Select(m => Read(m).Type));
        Assert.Equal(Enumerable.Range(1, 21).Select(i => (long)i), sent.SelectMany(SeqsOf));
    }

    [Fact]
    public async Task A_device_that_takes_nothing_makes_the_machine_read_one_page_and_no_more()
    {
        await using var place = await Place.MakeAsync();
        await place.AddAsync(20_000);
        var offered = 0;
        var paging = new AsyncSemaphore();
        await using var subscription = Subscription.ToSession(
            place.Stream,
            0,
            place.Store,
            async (_, stop) =>
            {
                Interlocked.Increment(ref offered);
                await Wait.ForeverAsync(stop);
            },
            paging,
            CancellationToken.None,
            batches: true);
        subscription.Start();

        await Wait.UntilAsync(() => offered == 1, "the first message is offered");

        Assert.False(await paging.WaitAsync(TimeSpan.Zero)); // the page is held, so that no other stream of the device reads one
        Assert.Equal(1, place.Stream.Written); // nothing is written ahead of what is taken
    }

    [Fact]
    public async Task A_page_ends_with_the_bytes_it_may_have_and_has_one_event_at_least()
    {
        await using var place = await Place.MakeAsync();
        await place.AddAsync(100);

        var some = await place.Store.EventsAsync(place.Stream.Name, 0, 1_000, CancellationToken.None, mostBytes: 1_500);
        var one = await place.Store.EventsAsync(place.Stream.Name, 50, 1_000, CancellationToken.None, mostBytes: 1);

        Assert.InRange(some.Events.Sum(e => e.Utf8Body.Length), 1_500, 1_500 + some.Events[0].Utf8Body.Length + 10);
        Assert.Equal(51, Assert.Single(one.Events).Seq);
    }

    [Fact]
    public async Task Batches_and_live_text_come_to_a_device_in_the_order_of_the_stream()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("one");
        await phone.DoneAsync();
        for (var i = 0; i < 20; i++)
        {
            await phone.PromptAsync(session, $"prompt {i}");
            await phone.DoneAsync();
        }

        var head = (await phone.GetAsync(session)).Session.Head;
        await using var away = await phone.Device.AgainAsync(daemon.Url);
        var before = away.Messages;
        await away.SubscribeAsync($"session/{session}", batches: true);
        for (var expected = 1L; expected <= head; expected++)
        {
            Assert.Equal(expected, (await away.NextAsync(e => e.Type == MessageTypes.AgentEvent, $"event {expected}")).Seq);
        }

        Assert.InRange(away.Messages - before, 1, (int)head / 4);

        await phone.PromptAsync(session, "long: 20");
        var text = "";
        while (true)
        {
            var next = await away.NextAsync(e => e.Type is MessageTypes.AgentDelta or MessageTypes.AgentEvent, "text");
            if (next.Type == MessageTypes.AgentDelta)
            {
                text += next.Payload!.Value.GetProperty("text").GetString();
            }
            else if (next.Payload!.Value.Deserialize(ProtocolJson.Default.AgentEventPayload) is TextEvent whole)
            {
                Assert.StartsWith(text, whole.Text, StringComparison.Ordinal);
                break;
            }
        }
    }

    [Fact]
    public async Task The_cursor_of_another_session_starts_over_in_batches_too()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var one = await phone.StartAsync("one");
        await phone.DoneAsync();
        var other = await phone.StartAsync("other");
        await phone.DoneAsync();
        await using var device = await phone.Device.AgainAsync(daemon.Url);

        var answer = await device.AskAsync(
            MessageTypes.Subscribe, new SubscribeRequest($"session/{other}", phone.Device.LastEpoch(one), 1, Batches: true),
            ProtocolJson.Default.SubscribeRequest, ProtocolJson.Default.SubscribeResponse);

        Assert.True(answer.Reset);
        Assert.Equal(1, (await device.NextAsync(e => e.Type == MessageTypes.AgentEvent, "the first event")).Seq);
    }

    private static Envelope Read(byte[] message) => JsonSerializer.Deserialize(message, ProtocolJson.Default.Envelope)!;

    private static IEnumerable<long> SeqsOf(byte[] message)
    {
        var envelope = Read(message);
        var count = envelope.Type == MessageTypes.AgentEvents
            ? envelope.Payload!.Value.Deserialize(ProtocolJson.Default.AgentEventsPayload)!.Events.Count : 1;
        return Enumerable.Range(0, count).Select(i => envelope.Seq!.Value + i);
    }

    private static string? Text(byte[] message, int index)
        => Read(message).Payload!.Value.GetProperty("events")[index].GetProperty("text").GetString();

    /// <summary>A database with one session's stream, and nothing of it in memory.</summary>
    private sealed class Place(DirectoryInfo folder, LedgerStore ledger, Store store, Guid session) : IAsyncDisposable
    {
        public Store Store { get; } = store;

        public Guid Session { get; } = session;

        public SessionStream Stream { get; private set; } = null!;

        private long _last;

        public static async Task<Place> MakeAsync()
        {
            var folder = Directory.CreateTempSubdirectory("pc-");
            var ledger = await LedgerStore.OpenAsync(
                new LedgerOptions(Path.Combine(folder.FullName, "x.db"), "m"), TimeProvider.System, CancellationToken.None);
            return new Place(folder, ledger, new Store(ledger, new StreamHub("instance"), "none", TimeProvider.System, static body => body),
                Guid.CreateVersion7());
        }

        public async Task AddAsync(int events)
        {
            await Store.WriteAsync(change =>
            {
                for (var i = 0; i < events; i++)
                {
                    change.Event(Session, new NoticeEvent(NoticeLevel.Info, $"event {++_last}") { At = change.Now });
                }
            });
            Stream = await Store.StreamAsync(Session, CancellationToken.None); // opened afterwards: all of it is in the database only
        }

        public async Task<IReadOnlyList<byte[]>> FollowAsync(long after, long until, bool batches)
        {
            var sent = new List<byte[]>();
            var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var subscription = Subscription.ToSession(
                Stream,
                after,
                Store,
                (message, _) =>
                {
                    sent.Add(message);
                    if (SeqsOf(message).Last() == until)
                    {
                        all.SetResult();
                    }

                    return ValueTask.CompletedTask;
                },
                null,
                CancellationToken.None,
                batches);
            subscription.Start();
            await all.Task.WaitAsync(Wait.Limit);
            return sent;
        }

        public async ValueTask DisposeAsync()
        {
            await ledger.DisposeAsync();
            folder.Delete(recursive: true);
        }
    }
}
