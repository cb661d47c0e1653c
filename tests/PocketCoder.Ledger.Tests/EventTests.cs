using System.Text;

namespace PocketCoder.Ledger.Tests;

public sealed class EventTests
{
    [Fact]
    public async Task Numbers_start_at_one_and_the_epoch_stays_over_a_restart()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var first = await AppendAsync(ledger, "a", 1);
        var other = await AppendAsync(ledger, "b", 1);
        var second = await AppendAsync(ledger, "a", 2);
        Assert.Equal((1L, 1L, 2L), (first.Seq, other.Seq, second.Seq));
        Assert.Equal(first.Epoch, second.Epoch);
        Assert.NotEqual(first.Epoch, other.Epoch);
        Assert.Matches("^[0-9a-f]{16}$", first.Epoch);
        await ledger.ReopenAsync();
        Assert.Equal(new StreamPosition(first.Epoch, 3), await AppendAsync(ledger, "a", 3));
    }

    [Fact]
    public async Task A_client_resumes_from_its_cursor_page_by_page_without_gap_or_double()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.Store.WriteAsync(
            t =>
            {
                for (var i = 1; i <= 2500; i++)
                {
                    t.AppendEvent("s", Encoding.UTF8.GetBytes($$"""{"n":{{i}}}"""));
                    t.AppendEvent("noise", "0"u8);
                }
            },
            TestLedger.None);
        var seen = new List<string>();
        var after = 100L;
        for (EventPage page; (page = await ledger.Store.ReadEventsAsync("s", after, 1000, TestLedger.None)).Events.Count > 0;)
        {
            Assert.Equal((2500L, 1L), (page.LastSeq, page.FirstKept));
            Assert.Equal(after + 1, page.Events[0].Seq);
            Assert.Equal(ledger.Clock.Now, page.Events[0].At);
            seen.AddRange(page.Events.Select(e => Encoding.UTF8.GetString(e.Utf8Body.Span)));
            after = page.Events[^1].Seq;
        }

        Assert.Equal(Enumerable.Range(101, 2400).Select(i => $$"""{"n":{{i}}}"""), seen);
    }

    [Fact]
    public async Task An_unknown_stream_is_empty_and_a_cursor_beyond_the_end_gets_nothing()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var none = await ledger.Store.ReadEventsAsync("nobody", 5, 10, TestLedger.None);
        Assert.Equal((null, 0L, 1L, 0), (none.Epoch, none.LastSeq, none.FirstKept, none.Events.Count));
        await AppendAsync(ledger, "s", 1);
        var beyond = await ledger.Store.ReadEventsAsync("s", long.MaxValue, 10, TestLedger.None);
        Assert.Equal((1L, 0), (beyond.LastSeq, beyond.Events.Count));
    }

    [Fact]
    public async Task Trimmed_numbers_are_not_given_again_and_the_reader_is_told()
    {
        await using var ledger = await TestLedger.OpenAsync();
        for (var i = 1; i <= 5; i++)
        {
            await AppendAsync(ledger, "s", i);
        }

        await ledger.Store.WriteAsync(t => t.TrimEvents("s", 3), TestLedger.None);
        var page = await ledger.Store.ReadEventsAsync("s", 1, 10, TestLedger.None);
        Assert.Equal([4L, 5], page.Events.Select(e => e.Seq));
        Assert.True(page.Missed(1));
        Assert.False(page.Missed(3));

        await ledger.Store.WriteAsync(t => t.TrimEvents("s", 99), TestLedger.None);
        await ledger.ReopenAsync();
        page = await ledger.Store.ReadEventsAsync("s", 5, 10, TestLedger.None);
        Assert.Equal((5L, 6L, 0), (page.LastSeq, page.FirstKept, page.Events.Count));
        Assert.Equal(6, (await AppendAsync(ledger, "s", 6)).Seq);
    }

    [Fact]
    public async Task A_deleted_stream_comes_back_with_another_epoch()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var old = await AppendAsync(ledger, "s", 1);
        var kept = await AppendAsync(ledger, "t", 1);
        var fresh = await ledger.Store.WriteAsync(
            t =>
            {
                t.AppendEvent("s", "2"u8);
                t.DeleteStream("s");
                return t.AppendEvent("s", "3"u8);
            },
            TestLedger.None);
        Assert.Equal(1, fresh.Seq);
        Assert.NotEqual(old.Epoch, fresh.Epoch);
        Assert.Equal(["3"], (await ledger.Store.ReadEventsAsync("s", 0, 10, TestLedger.None)).Events.Select(
            e => Encoding.UTF8.GetString(e.Utf8Body.Span)));
        Assert.Equal(kept with { Seq = 2 }, await AppendAsync(ledger, "t", 2));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("1 2")]
    [InlineData("{\"a\":}")]
    public async Task What_is_no_json_is_refused_and_takes_no_number(string body)
    {
        await using var ledger = await TestLedger.OpenAsync();
        await Failing.WithAsync(
            LedgerError.InvalidData, () => ledger.Store.WriteAsync(t => t.AppendEvent("s", Encoding.UTF8.GetBytes(body)), TestLedger.None));
        await Failing.WithAsync(
            LedgerError.InvalidData, () => ledger.Store.WriteAsync(t => t.AppendEvent("s", [(byte)'"', 0xff, (byte)'"']), TestLedger.None));
        Assert.Equal(1, (await AppendAsync(ledger, "s", 1)).Seq);
    }

    [Fact]
    public async Task Large_events_come_back_whole_up_to_the_limit()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var most = Encoding.UTF8.GetBytes($"\"{new string('x', LedgerLimits.MaxEventBytes - 2)}\"");
        await ledger.Store.WriteAsync(t => t.AppendEvent("s", most), TestLedger.None);
        await Failing.WithAsync(
            LedgerError.TooLarge, () => ledger.Store.WriteAsync(t => t.AppendEvent("s", [.. most, (byte)' ']), TestLedger.None));
        var page = await ledger.Store.ReadEventsAsync("s", 0, 10, TestLedger.None);
        Assert.True(Assert.Single(page.Events).Utf8Body.Span.SequenceEqual(most));
    }

    [Fact]
    public async Task Any_mixture_of_works_leaves_what_a_simple_model_says()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        await using var ledger = await TestLedger.OpenAsync(o => o with { GroupLimit = 8 });
        var model = new Dictionary<string, (long Last, List<long> Kept)>(StringComparer.Ordinal);
        for (var round = 0; round < 60; round++)
        {
            var writes = new List<Task>();
            for (var w = 0; w < 10; w++)
            {
                var steps = Enumerable.Range(0, random.Next(1, 6))
                    .Select(_ => (Kind: random.Next(10), Stream: $"s{random.Next(4)}", Cut: random.Next(1, 30))).ToArray();
                var fails = random.Next(4) == 0;
                writes.Add(ledger.Store.WriteAsync(t => Apply(t, steps, fails), TestLedger.None));
                if (!fails)
                {
                    Model(steps);
                }
            }

            foreach (var write in writes)
            {
                await write.ContinueWith(
                    t => t.Exception?.InnerException is null or TimeZoneNotFoundException ? 0 : throw t.Exception, TaskScheduler.Default);
            }
        }

        foreach (var (name, (last, kept)) in model)
        {
            var page = await ledger.Store.ReadEventsAsync(name, 0, 10_000, TestLedger.None);
            Assert.True(page.LastSeq == last && page.Events.Select(e => e.Seq).SequenceEqual(kept),
                $"seed {seed}, stream {name}: last {page.LastSeq}, expected {last}");
        }

        static void Apply(LedgerTransaction t, (int Kind, string Stream, int Cut)[] steps, bool fails)
        {
            foreach (var (kind, stream, cut) in steps)
            {
                if (kind == 0)
                {
                    t.DeleteStream(stream);
                }
                else if (kind == 1)
                {
                    t.TrimEvents(stream, cut);
                }
                else
                {
                    t.AppendEvent(stream, "{}"u8);
                }
            }

            if (fails)
            {
                throw new TimeZoneNotFoundException();
            }
        }

        void Model((int Kind, string Stream, int Cut)[] steps)
        {
            foreach (var (kind, stream, cut) in steps)
            {
                var (last, kept) = model.GetValueOrDefault(stream, (0, []));
                if (kind == 0)
                {
                    model[stream] = (0, []);
                }
                else if (kind == 1)
                {
                    kept.RemoveAll(s => s <= cut);
                    model[stream] = (last, kept);
                }
                else
                {
                    kept.Add(last + 1);
                    model[stream] = (last + 1, kept);
                }
            }
        }
    }

    private static Task<StreamPosition> AppendAsync(TestLedger ledger, string stream, int n)
        => ledger.Store.WriteAsync(t => t.AppendEvent(stream, Encoding.UTF8.GetBytes($"{n}")), TestLedger.None);
}
