using PocketCoder.Entry;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>The platform is gone for minutes: nobody listens, the long connection is cut. The bot's clock stands unless moved.</summary>
[Trait("Category", "Slow")]
public sealed class OutageTests
{
    private static readonly string[] s_words = ["alpha", "bravo", "tango", "delta", "sierra", "victor"];

    private readonly ManualTime _time = new();

    [Fact]
    public async Task While_the_platform_is_gone_for_minutes_nothing_is_lost_nothing_comes_twice_and_all_is_in_order()
    {
        _time.JumpWall(TimeProvider.System.GetUtcNow() - _time.GetUtcNow());
        await using var bot = await TestBot.StartAsync(_time);
        var group = await bot.GroupAsync();
        await bot.MessageAsync("run: echo alpha >> lines.txt", chat: group);
        await SeenAsync("the first approval", () => bot.Cards(group).Any(c => c.Has("approval.allow")));
        await bot.MessageAsync("run: echo bravo >> lines.txt", chat: group);
        await bot.MessageAsync("prompt tango", chat: group);
        await SeenAsync("two that wait", () => Titles("[Queued").Count == 2);

        await bot.Platform.DownAsync();
        await SeenAsync("the bot sees it", () => bot.Bot.Status.State != EntryState.Ready);
        await bot.DecideAsync(Assert.Single(await bot.PendingAsync()), DecisionVerdict.Allow); // in the app
        await SeenAsync("what was decided is done", () => File.Exists(Path.Combine(bot.Folder, "lines.txt")));
        await Wait.UntilAsync(async () => (await bot.PendingAsync()).Count == 1, "the next turn asks");
        for (var minute = 0; minute < 10; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        await bot.Platform.UpAsync();
        await SeenAsync("it is connected again", () => bot.Bot.Status.State == EntryState.Ready && bot.Platform.Connections.Open == 1);
        foreach (var word in s_words[3..]) // what people wrote meanwhile
        {
            var sent = await bot.MessageAsync($"prompt {word}", chat: group);
            await bot.DeliverAsync(sent);
        }

        await SeenAsync(
            "the second approval",
            () => bot.Cards(group).Any(c => c.Has("approval.allow") && c.Text.Contains("bravo", StringComparison.Ordinal)));
        await bot.PressAsync(bot.Cards(group).Last(c => c.Has("approval.allow")), "approval.allow");
        await SeenAsync("all are over", () => Titles("[Complete").Count == 6);

        Assert.Equal(s_words, Titles("Task:").Select(WordOf));
        Assert.Equal((2, 2), (Titles("Approval").Count, Titles("[Allowed]").Count));
        Assert.Equal(["alpha", "bravo"], await File.ReadAllLinesAsync(Path.Combine(bot.Folder, "lines.txt")));
        Assert.Empty(bot.Texts(group));
        Assert.Equal(6, (await bot.TurnsAsync()).Count);

        IReadOnlyList<SeenCard> Titles(string part)
            => [.. bot.Cards(group).Where(c => c.Title.Contains(part, StringComparison.Ordinal))];

        static string WordOf(SeenCard card)
            => s_words.Single(w => card.Text.Contains(w, StringComparison.Ordinal));

        Task SeenAsync(string what, Func<bool> holds) => Wait.UntilAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(50));
                return holds();
            },
            what);
    }
}
