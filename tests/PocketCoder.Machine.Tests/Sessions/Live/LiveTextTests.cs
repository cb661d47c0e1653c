using System.Globalization;
using Microsoft.Data.Sqlite;
using PocketCoder.Agents;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Homes;

namespace PocketCoder.Machine.Tests.Sessions.Live;

/// <summary>What a person saw of an answer stays, once, however its turn ended, and whatever the agent's driver says at the end.</summary>
public sealed class LiveTextTests
{
    private const string Long = "w1 w2 w3";

    /// <summary>What drivers say of a block that the end cuts off.</summary>
    public enum Manner
    {
        /// <summary>Claude Code, Codex, OpenCode: it is given up.</summary>
        GivesUp,

        /// <summary>ACP, Cursor: it is finished as far as it came.</summary>
        Finishes,

        /// <summary>Nothing: the process is gone before it could.</summary>
        Silent,
    }

    public enum End
    {
        Stopped,
        StopIgnored,
        Silence,
        AgentGone,
        Failed,
        Completed,
        DaemonStopped,
        DaemonKilled,
    }

    public static TheoryData<Manner, End> Ends
    {
        get
        {
            var cells = new TheoryData<Manner, End>();
            foreach (var manner in Enum.GetValues<Manner>())
            {
                foreach (var end in Enum.GetValues<End>())
                {
                    cells.Add(manner, end);
                }
            }

            return cells;
        }
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task What_was_seen_stays_once_and_is_marked_as_cut(Manner manner, End end)
    {
        var narrator = new Narrator();
        var time = new ManualTime();
        var folder = Directory.CreateTempSubdirectory("pc-project-");
        await using var daemon = await TestDaemon.StartAsync(
            time, drivers: [narrator], limits: new TurnLimits { Silence = TimeSpan.FromMinutes(3) });
        await daemon.Daemon.AsOwner().AddProjectAsync(folder.FullName, "project", CancellationToken.None);
        var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        var voice = await narrator.NextAsync();
        AgentEvent[] last = manner switch
        {
            Manner.GivesUp => [new AgentBlockDropped("b2"), new AgentBlockDropped("sub")],
            Manner.Finishes => [new AgentBlock("b2", BlockKind.Text, Long) { Cut = true },
                new AgentBlock("sub", BlockKind.Thinking, "below", "tool") { Cut = true }],
            _ => [],
        };
        narrator.OnStop = end == End.StopIgnored ? null : v => v.Say([.. last, new AgentTurnEnded(TurnOutcome.Cancelled)]);

        voice.Say(new AgentDelta("b1", BlockKind.Thinking, "hm"), new AgentBlock("b1", BlockKind.Thinking, "hm, well"));
        voice.Say(Long.Split(' ').Select((w, i) => new AgentDelta("b2", BlockKind.Text, i == 0 ? w : $" {w}")));
        voice.Say(new AgentDelta("sub", BlockKind.Thinking, "below", "tool"));
        await SeenAsync(phone.Device, Long, "below");
        var home = daemon.Options.Home;
        switch (end)
        {
            case End.Stopped:
                await phone.CancelAsync(session);
                break;
            case End.StopIgnored:
                await phone.CancelAsync(session);
                await AdvanceAsync(time, phone, session);
                break;
            case End.Silence:
                await AdvanceAsync(time, phone, session);
                break;
            case End.AgentGone:
                voice.Say([.. last, new AgentEnded(137, "killed")]);
                break;
            case End.Failed or End.Completed:
                voice.Say([.. last, new AgentTurnEnded(end == End.Failed ? TurnOutcome.Failed : TurnOutcome.Completed)]);
                break;
            case End.DaemonStopped:
                await phone.DisposeAsync();
                await daemon.RestartAsync();
                phone = await daemon.PhoneAsync("again");
                break;
            case End.DaemonKilled:
                time.Advance(TimeSpan.FromMilliseconds(250));
                await OnDiskAsync(home, Long.Length + "below".Length);
                home = Copied(home);
                break;
        }

        IReadOnlyList<AgentEventPayload> events;
        if (end == End.DaemonKilled)
        {
            await using var successor = await TestDaemon.StartAsync(time, home: home.Root, drivers: [narrator]);
            await using var reader = await successor.PhoneAsync("reader");
            events = await TranscriptAsync(reader, session);
            Assert.Equal("", Pieces(successor.Options.Home));
        }
        else
        {
            await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session.State is SessionState.Idle or SessionState.Failed,
                "the turn's end");
            events = await TranscriptAsync(phone, session);
            Assert.Equal("", Pieces(home));
        }

        var said = events.Where(e => e is TextEvent or ThinkingEvent).ToList();
        Assert.Equal(
            [("hm, well", false), (Long, true), ("below", true)],
            said.Select(e => e is TextEvent text ? (text.Text, text.Cut) : (((ThinkingEvent)e).Text, ((ThinkingEvent)e).Cut)));
        Assert.Equal("tool", said[2].ParentToolUseId);
        Assert.All(said, e => Assert.NotNull(e.TurnId));
        Assert.IsType<DoneEvent>(events[^1] is TurnEvent or ErrorEvent ? events.Last(e => e is DoneEvent) : events[^1]);
        Assert.True(Index(events, said[^1]) < Index(events, events.Last(e => e is DoneEvent)), "it belongs to its turn");
        await phone.DisposeAsync();
        folder.Delete();
    }

    [Fact]
    public async Task What_is_said_anew_after_a_broken_stream_replaces_what_was_seen_and_stays_when_it_is_not()
    {
        await using var story = await Story.StartAsync();
        var voice = story.Voice;
        voice.Say(new AgentDelta("b", BlockKind.Text, "first try"), new AgentBlockDropped("b"));
        await SeenAsync(story.Phone.Device, "first try");
        voice.Say(new AgentDelta("b", BlockKind.Text, "second try"), new AgentBlock("b", BlockKind.Text, "second try, whole"));
        voice.Say(new AgentDelta("c", BlockKind.Text, "third"), new AgentBlockDropped("c"), new AgentDelta("d", BlockKind.Text, "fourth"),
            new AgentBlockDropped("d"));
        voice.Say(new AgentTurnEnded(TurnOutcome.Failed) { Error = "no network" });
        await story.Phone.DoneAsync();
        var said = await story.TextsAsync();
        Assert.Equal([("second try, whole", false), ("third", true), ("fourth", true)], said);
    }

    [Fact]
    public async Task What_a_correction_cut_off_stands_before_what_was_said_after_it()
    {
        await using var story = await Story.StartAsync();
        story.Voice.Say(new AgentDelta("b", BlockKind.Text, "the long way rou"), new AgentDelta("c", BlockKind.Text, "the short way"),
            new AgentBlock("c", BlockKind.Text, "the short way."));
        story.Voice.Say(new AgentBlockDropped("b"), new AgentTurnEnded(TurnOutcome.Completed));
        await story.Phone.DoneAsync();
        Assert.Equal([("the long way rou", true), ("the short way.", false)], await story.TextsAsync());
    }

    [Fact]
    public async Task A_name_that_a_later_process_uses_again_takes_nothing_from_the_earlier_text()
    {
        await using var story = await Story.StartAsync();
        story.Voice.Say(new AgentDelta("b1", BlockKind.Text, "one"), new AgentBlock("b1", BlockKind.Text, "one"),
            new AgentEnded(1, "gone"));
        await story.Phone.DoneAsync();
        await story.Phone.PromptAsync(story.Session, "again");
        var next = await story.Narrator.NextAsync();
        next.Say(new AgentDelta("b1", BlockKind.Text, "two"), new AgentBlock("b1", BlockKind.Text, "two"),
            new AgentTurnEnded(TurnOutcome.Completed));
        await story.Phone.DoneAsync();
        Assert.Equal(2, (await TranscriptAsync(story.Phone, story.Session)).OfType<TextEvent>().Select(t => t.BlockId)
            .Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task Text_of_any_size_and_of_any_characters_ends_its_turn()
    {
        await using var story = await Story.StartAsync();
        var huge = string.Concat(Enumerable.Repeat("\u0001é\ud83d\ude00", 300_000));
        story.Voice.Say(new AgentDelta("b", BlockKind.Text, huge), new AgentBlock("b", BlockKind.Text, huge));
        story.Voice.Say(huge.Chunk(70_001).Select(c => new AgentDelta("c", BlockKind.Text, new string(c))));
        story.Voice.Say(Enumerable.Range(0, 1000)
            .Select(i => new AgentDelta(string.Create(CultureInfo.InvariantCulture, $"x{i}"), BlockKind.Thinking, "x")));
        story.Voice.Say(new AgentTurnEnded(TurnOutcome.Completed));
        Assert.Equal(TurnState.Completed, (await story.Phone.DoneAsync()).Outcome);
        var texts = await story.TextsAsync();
        Assert.Equal((true, true), (texts[0].Cut, texts[0].Text.Length > 500_000));
        Assert.StartsWith(texts[0].Text[..400_000], huge, StringComparison.Ordinal);
        Assert.Equal((true, true), (texts[1].Cut, texts[1].Text.Length > 500_000));
        Assert.Equal("", Pieces(story.Daemon.Options.Home));
    }

    /// <summary>
    /// Random answers with random ends: all that was shown and not said anew is there, once, in the order in which it ended.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Whatever_agents_say_nothing_seen_is_lost_and_nothing_is_there_twice(int seed)
    {
        await using var story = await Story.StartAsync();
        var random = new Random(seed);
        var voice = story.Voice;
        for (var turn = 0; turn < 12; turn++)
        {
            // by voice: text and thinking of the agent, and of a sub-agent
            var open = new Dictionary<int, (string Id, string Text, bool GivenUp)>();
            var expected = new List<string>();
            for (var i = random.Next(1, 40); i > 0; i--)
            {
                var speaker = random.Next(4);
                var kind = speaker < 2 ? BlockKind.Text : BlockKind.Thinking;
                var parent = speaker % 2 == 1 ? "tool" : null;
                var isOpen = open.TryGetValue(speaker, out var block);
                switch (random.Next(5))
                {
                    case 0 when isOpen && !block.GivenUp:
                        voice.Say(new AgentBlockDropped(block.Id));
                        open[speaker] = block with { GivenUp = true };
                        break;
                    case 1 when isOpen && !block.GivenUp:
                        voice.Say(new AgentBlock(block.Id, kind, block.Text + "!", parent));
                        expected.Add(block.Text + "!");
                        open.Remove(speaker);
                        KeepThought(speaker);
                        break;
                    case 2 when isOpen && block.GivenUp:
                        // Said anew, at once and whole.
                        voice.Say(new AgentBlock($"b{turn}.{i}", kind, "anew", parent));
                        expected.Add("anew");
                        open.Remove(speaker);
                        KeepThought(speaker);
                        break;
                    case > 1 when !block.GivenUp:
                        block = (isOpen ? block.Id : $"b{turn}.{i}", $"{block.Text}{turn}.{i} ", false);
                        voice.Say(new AgentDelta(block.Id, kind, $"{turn}.{i} ", parent));
                        open[speaker] = block;
                        break;
                }
            }

            // Once the answer is there, a thought that was given up is not thought anew.
            void KeepThought(int speaker)
            {
                if (speaker < 2 && open.TryGetValue(speaker + 2, out var thought) && thought.GivenUp)
                {
                    expected.Add(thought.Text);
                    open.Remove(speaker + 2);
                }
            }

            expected.AddRange(open.Values.Select(b => b.Text));
            if (random.Next(3) == 0)
            {
                voice.Say(new AgentEnded(1, "gone"));
            }
            else
            {
                voice.Say(new AgentTurnEnded(random.Next(2) == 0 ? TurnOutcome.Completed : TurnOutcome.Failed));
            }

            var done = await story.Phone.DoneAsync();
            var events = (await TranscriptAsync(story.Phone, story.Session)).Where(e => e.TurnId == done.TurnId);
            Assert.Equal(expected.Order(StringComparer.Ordinal), events.Select(TextOf).OfType<string>().Order(StringComparer.Ordinal));
            Assert.Equal("", Pieces(story.Daemon.Options.Home));
            await story.Phone.PromptAsync(story.Session, "next");
            if (done.Outcome == TurnState.Interrupted)
            {
                voice = await story.Narrator.NextAsync();
            }
            else
            {
                await voice.PromptedAsync(CancellationToken.None).WaitAsync(Wait.Limit);
            }
        }
    }

    private static string? TextOf(AgentEventPayload payload) => payload switch
    {
        TextEvent text => text.Text,
        ThinkingEvent thinking => thinking.Text,
        _ => null,
    };

    private static int Index(IReadOnlyList<AgentEventPayload> events, AgentEventPayload one) => events.ToList().IndexOf(one);

    /// <summary>Waits until a device was shown these texts live, whole.</summary>
    private static async Task SeenAsync(TestDevice device, params string[] texts)
    {
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        await device.NextAsync(
            e =>
            {
                if (e.Type == MessageTypes.AgentDelta)
                {
                    var block = e.Payload!.Value.GetProperty("blockId").GetString()!;
                    seen[block] = seen.GetValueOrDefault(
                        block, "")[..e.Payload.Value.GetProperty("offset").GetInt32()] + e.Payload.Value.GetProperty("text").GetString();
                }

                return texts.All(seen.ContainsValue);
            },
            "the live text");
    }

    private static Task AdvanceAsync(ManualTime time, Phone phone, Guid session) => Wait.UntilAsync(
        async () =>
        {
            time.Advance(TimeSpan.FromSeconds(5));
            return (await phone.GetAsync(session)).Turns[0].FinishedAt is not null;
        },
        "the turn's end");

    private static async Task<IReadOnlyList<AgentEventPayload>> TranscriptAsync(Phone phone, Guid session)
    {
        var head = (await phone.GetAsync(session)).Session.Head;
        await phone.Device.SubscribeAsync($"session/{session}");
        var events = new List<AgentEventPayload>();
        long seq = 0;
        while (seq < head)
        {
            var next = await phone.Device.NextAsync(e => e.Type == MessageTypes.AgentEvent && e.Seq == seq + 1, "the next event");
            seq = next.Seq!.Value;
            events.Add(System.Text.Json.JsonSerializer.Deserialize(next.Payload!.Value, ProtocolJson.Default.AgentEventPayload)!);
        }

        return events;
    }

    private static Task OnDiskAsync(Home home, int length) => Wait.UntilAsync(() => Pieces(home).Length == length, "the text on disk");

    private static string Pieces(Home home)
    {
        using var connection = new SqliteConnection($"Data Source={home.Database};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(group_concat(CAST(text AS TEXT), ''), '') FROM live_text";
        return (string)command.ExecuteScalar()!;
    }

    /// <summary>The home as a kill at this moment leaves it.</summary>
    private static Home Copied(Home from)
    {
        var to = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);
        foreach (var file in (string[])[from.Database, from.Database + "-wal", from.MachineKey, from.LedgerHead])
        {
            File.Copy(file, Path.Combine(to.Root, Path.GetFileName(file)));
        }

        return to;
    }

    private sealed class Story(TestDaemon daemon, Phone phone, Narrator narrator, Narrator.Voice voice, Guid session, DirectoryInfo folder)
        : IAsyncDisposable
    {
        public TestDaemon Daemon => daemon;

        public Phone Phone => phone;

        public Narrator Narrator => narrator;

        public Narrator.Voice Voice => voice;

        public Guid Session => session;

        public static async Task<Story> StartAsync()
        {
            var narrator = new Narrator();
            var folder = Directory.CreateTempSubdirectory("pc-project-");
            var daemon = await TestDaemon.StartAsync(drivers: [narrator]);
            await daemon.Daemon.AsOwner().AddProjectAsync(folder.FullName, "project", CancellationToken.None);
            var phone = await daemon.PhoneAsync();
            var session = await phone.StartAsync("hello");
            return new Story(daemon, phone, narrator, await narrator.NextAsync(), session, folder);
        }

        public async Task<IReadOnlyList<(string Text, bool Cut)>> TextsAsync()
            => [.. (await TranscriptAsync(phone, session)).OfType<TextEvent>().Select(t => (t.Text, t.Cut))];

        public async ValueTask DisposeAsync()
        {
            await phone.DisposeAsync();
            await daemon.DisposeAsync();
            folder.Delete();
        }
    }
}
