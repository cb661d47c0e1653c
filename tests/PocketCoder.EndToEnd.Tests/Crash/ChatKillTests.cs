using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Entries;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;
using PocketCoder.Testing.Homes;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>
/// The real program with the Feishu bot, killed with SIGKILL between any two steps of a prompt: what was written is done, once, nothing
/// runs twice or undecided, and each card shows how it ended.
/// </summary>
[Trait("Category", "Slow")]
public sealed class ChatKillTests
{
    /// <summary>
    /// On a busy machine the kill may come when the agent has the message already; then it is not done again, and that is right.
    /// </summary>
    private const int MostTries = 5;

    private static readonly Dictionary<string, string> s_environment = [];

    /// <summary>When it is killed.</summary>
    private enum Death
    {
        /// <summary>The platform was told that the message was taken.</summary>
        Taken,

        /// <summary>The approval is in the chat.</summary>
        Asked,

        /// <summary>The platform was told that the button's press was taken.</summary>
        Pressed,

        /// <summary>It is decided, and the platform has not changed the card yet.</summary>
        Unshown,

        /// <summary>The card shows the decision.</summary>
        Decided,

        /// <summary>The card shows the turn's end.</summary>
        Over,
    }

    [Fact]
    public async Task Killed_between_any_two_steps_everything_is_done_once_and_shown_as_it_ended()
    {
        await using var platform = await FakeFeishu.StartAsync();
        var home = Home.At(Directory.CreateTempSubdirectory("pccrash-").FullName);
        var port = Ports.Free();
        var daemon = await DaemonProcess.StartAsync(home, port, s_environment, demo: true);
        try
        {
            using (var control = new ControlClient(home))
            {
                await control.SetEntryAsync(
                    new EntrySetRequest(
                        EntrySetting.Platform, new EntrySetting(FakeFeishu.AppId, platform.Address.ToString(), "en", true),
                        FakeFeishu.AppSecret),
                    CancellationToken.None);
            }

            await AgainAsync();
            var chats = new FakeChats(platform);
            using (var control = new ControlClient(home))
            {
                var offer = await control.OfferChatAsync(
                    new ChatPairingOfferRequest(EntrySetting.Platform, null, "ada"), CancellationToken.None);
                await chats.ComeInAsync(offer.Code, "ou_ada");
            }

            var group = await chats.BindAsync("demo", "ou_ada");
            var (unshown, rounds) = ("", 0);
            foreach (var death in Enum.GetValues<Death>())
            {
                var left = death == Death.Taken ? MostTries : 1;
                do
                {
                    await RoundAsync(death, $"word-{death}-{left}".ToLowerInvariant());
                }
                while (--left > 0 && !Said().Any(s => s.StartsWith("word-taken", StringComparison.Ordinal)));
            }

            Assert.Equal(Said().Distinct(StringComparer.Ordinal), Said());
            Assert.Contains(Said(), s => s.StartsWith("word-taken", StringComparison.Ordinal)); // it was done after the next start
            Assert.DoesNotContain("word-asked-1", Said()); // nobody decided
            Assert.Contains("word-over-1", Said());
            var late = chats.Cards(group).Single(c => c.Message == unshown); // allowed, or withdrawn where the agent never heard of it
            Assert.True(
                late.Title.StartsWith("[Allowed]", StringComparison.Ordinal)
                    || late.Title.StartsWith("[Withdrawn]", StringComparison.Ordinal),
                late.Title);
            Assert.Empty(late.Buttons);
            Assert.Equal(rounds, Turns(chats, group).Count());
            var (exit, output) = await DaemonProcess.RunAsync(home, s_environment, "ledger", "verify");
            Assert.True(exit == 0, output);

            async Task RoundAsync(Death death, string word)
            {
                var sent = await chats.MessageAsync($"run: echo {word} >> said.txt", chat: group);
                var events = new List<(string Payload, string Kind)> { (sent, "event") };
                if (death >= Death.Asked)
                {
                    var asked = await chats.CardAsync(group, "Approval", c => c.Has("approval.allow") && Is(c, word));
                    using var hold = death == Death.Unshown ? platform.Hold("PATCH", $"/open-apis/im/v1/messages/{asked.Message}") : null;
                    if (death >= Death.Pressed)
                    {
                        events.Add((await chats.PressAsync(asked, "approval.allow"), "card"));
                    }

                    if (hold is not null)
                    {
                        await Wait.UntilAsync(() => hold.Held > 0, "it is decided, and its card is to be changed");
                        await daemon.DisposeAsync();
                        await Wait.UntilAsync(() => hold.Gone == hold.Held, "nobody waits for it any more");
                        Assert.True(chats.Cards(group).Single(c => c.Message == asked.Message).Has("approval.allow"));
                        unshown = asked.Message;
                    }

                    if (death >= Death.Decided)
                    {
                        await chats.CardAsync(group, "Allowed", c => c.Message == asked.Message);
                    }

                    if (death == Death.Over)
                    {
                        await chats.CardAsync(group, "Complete", c => Turns(chats, group).LastOrDefault()?.Message == c.Message);
                    }
                }

                await AgainAsync();
                foreach (var (payload, kind) in events)
                {
                    await chats.DeliverAsync(payload, kind); // as a platform does that was not sure
                }

                await SettledAsync(chats, group, ++rounds);
            }

            string[] Said() => Path.Combine(home.Demo, "said.txt") is var file && File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        finally
        {
            await daemon.DisposeAsync();
            await ProcessGroup.ReapAsync(Survivors.In(home.Root), TimeSpan.Zero, TimeProvider.System);
            await HomeRemains.ClearAsync(home.Sandboxes, home.Root, home.AgentFiles, home.Attached);
        }

        async Task AgainAsync()
        {
            await daemon.DisposeAsync();
            await Wait.UntilAsync(() => platform.Connections.Open == 0, "the platform sees that the connection is gone");
            daemon = await DaemonProcess.StartAsync(home, port, s_environment, demo: true);
            await Wait.UntilAsync(() => platform.Connections.Open == 1, "the bot is connected again");
        }
    }

    /// <summary>Every turn has a card that shows its end, and every approval an outcome; those that wait are allowed.</summary>
    private static async Task SettledAsync(FakeChats chats, string group, int turns)
    {
        var pressed = new HashSet<string>(StringComparer.Ordinal);
        await Wait.SeeAsync(
            async () =>
            {
                foreach (var card in chats.Cards(group).Where(c => c.Has("approval.allow") && pressed.Add(c.Message)).ToList())
                {
                    await chats.PressAsync(card, "approval.allow");
                }

                return string.Join('\n', chats.Cards(group).Select(c => c.Title));
            },
            titles => titles.Split('\n') is var all && all.Count(t => t.Contains("Task:", StringComparison.Ordinal)) == turns
                && all.All(t => !t.StartsWith("[Running", StringComparison.Ordinal) && !t.StartsWith("[Waiting", StringComparison.Ordinal)
                    && !t.StartsWith("[Queued", StringComparison.Ordinal)),
            "every card shows how it ended");
    }

    private static IEnumerable<SeenCard> Turns(FakeChats chats, string group)
        => chats.Cards(group).Where(c => c.Title.Contains("Task:", StringComparison.Ordinal));

    private static bool Is(SeenCard card, string word) => card.Text.Contains(word, StringComparison.Ordinal);
}
