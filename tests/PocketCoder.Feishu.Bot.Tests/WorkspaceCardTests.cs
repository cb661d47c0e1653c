using System.Text.Json.Nodes;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>The workspace card of a group shows how its session stands, and not how it stood.</summary>
public sealed class WorkspaceCardTests
{
    [Fact]
    public async Task It_follows_a_turn_and_the_queue_and_changes_nothing_meanwhile()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        var card = await StatusAsync(bot, group);
        await bot.MessageAsync("long: 6000", chat: group);
        var running = await IsAsync(bot, card, c => c.Title.Contains("Running", StringComparison.Ordinal) && c.Has("task.stop"));
        Assert.Equal(["task.compose", "task.stop"], running.Verbs.Order(StringComparer.Ordinal));
        await bot.MessageAsync("and then this", chat: group);
        await IsAsync(bot, card, c => c.Title.Contains("queue 1", StringComparison.Ordinal));

        // A stop holds what waits: the settings stay until nothing does.
        await bot.PressAsync(await IsAsync(bot, card, c => c.Has("task.stop")), "task.stop");
        var held = await IsAsync(
            bot, card, c => c.Title.Contains("Idle", StringComparison.Ordinal) && c.Title.Contains("queue 1", StringComparison.Ordinal));
        Assert.Equal(["task.compose"], held.Verbs);
        await bot.PressAsync(await bot.CardAsync(group, "Queued", c => c.Has("queue.remove")), "queue.remove");
        var idle = await IsAsync(bot, card, c => c.Title.Contains("Idle", StringComparison.Ordinal) && c.Has("workspace.agent"));
        Assert.False(idle.Has("task.stop"));

        // Its buttons are as good as ever.
        await bot.PressAsync(idle, "workspace.agent");
        await IsAsync(bot, card, c => c.Has("workspace.apply_agent"));
    }

    [Fact]
    public async Task It_shows_that_something_waits_for_a_decision()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        var card = await StatusAsync(bot, group);
        await bot.MessageAsync("run: touch it.txt", chat: group);
        await IsAsync(bot, card, c => c.Title.Contains("Waiting", StringComparison.Ordinal));
        await bot.PressAsync(await bot.CardAsync(group, "Approval", c => c.Has("approval.allow")), "approval.allow");
        await IsAsync(bot, card, c => c.Title.Contains("Idle", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_form_that_somebody_fills_in_is_not_drawn_over()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        var card = await StatusAsync(bot, group);
        await bot.PressAsync(card, "workspace.type_folder");
        var form = await IsAsync(bot, card, c => c.Has("workspace.apply_folder"));
        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        var other = await StatusAsync(bot, group);
        await bot.MessageAsync("hello again", chat: group);
        await bot.CardAsync(group, "Complete", c => c.Text.Contains("hello again", StringComparison.Ordinal));
        await IsAsync(bot, other, c => c.Title.Contains("Idle", StringComparison.Ordinal));
        Assert.Equal(form.Verbs, bot.Cards(group).Single(c => c.Message == card.Message).Verbs);
        await bot.PressAsync(form, "workspace.apply_folder", form: new JsonObject { ["folder"] = "a" });
        await IsAsync(bot, card, c => c.Title.Contains("demo/a", StringComparison.Ordinal));
    }

    [Fact]
    public async Task After_a_restart_it_is_put_right()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        var card = await StatusAsync(bot, group);
        await bot.MessageAsync("long: 6000", chat: group);
        await IsAsync(bot, card, c => c.Title.Contains("Running", StringComparison.Ordinal));
        await bot.RestartAsync();
        await IsAsync(bot, card, c => !c.Title.Contains("Running", StringComparison.Ordinal) && c.Has("workspace.session"));
    }

    [Fact]
    public async Task One_that_was_taken_back_is_left_alone_and_the_next_one_follows()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        var gone = await StatusAsync(bot, group);
        Assert.True(bot.Platform.Messages.TryRemove(gone.Message, out _));
        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        var card = await StatusAsync(bot, group);
        await bot.MessageAsync("long: 6000", chat: group);
        await IsAsync(bot, card, c => c.Title.Contains("Running", StringComparison.Ordinal));
    }

    private static async Task<SeenCard> StatusAsync(TestBot bot, string group)
    {
        var known = bot.Cards(group).Select(c => c.Message).ToHashSet(StringComparer.Ordinal);
        await bot.MessageAsync("/status", chat: group);
        return await bot.CardAsync(group, "Workspace", c => !known.Contains(c.Message));
    }

    private static async Task<SeenCard> IsAsync(TestBot bot, SeenCard card, Func<SeenCard, bool> fits)
        => await bot.CardAsync(card.Chat, "", c => c.Message == card.Message && fits(c));
}
