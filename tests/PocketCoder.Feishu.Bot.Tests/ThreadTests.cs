using System.Text.Json.Nodes;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>What belongs to a thread, a topic or an answer stays there.</summary>
public sealed class ThreadTests
{
    private const string Thread = "omt_people";

    [Fact]
    public async Task A_prompt_in_a_thread_has_its_cards_its_decision_and_its_end_in_that_thread()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("run: touch no.txt", chat: group, thread: Thread);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.allow"));
        Assert.Equal(Thread, bot.MessageOf(asked).Thread);
        await bot.PressAsync(asked, "approval.reject");
        await bot.CardAsync(group, "Rejected", c => c.Message == asked.Message);
        await bot.PressAsync(asked, "approval.allow"); // from inside the thread, which the press does not say
        await bot.TextAsync(group, "done already");
        var turn = await bot.CardAsync(group, "Complete");
        await bot.MessageAsync("/stop", chat: group, thread: Thread);
        await bot.TextAsync(group, "Nothing runs here");
        Assert.Equal(Thread, bot.MessageOf(turn).Thread);
        Assert.Equal(4, bot.InThread(group, Thread).Count); // the turn, the approval, two refusals

        // What is not in the thread is where it always was.
        await bot.MessageAsync("hello", chat: group);
        var outside = await bot.CardAsync(group, "Complete", c => c.Message != turn.Message);
        Assert.Equal((null, null), (bot.MessageOf(outside).Thread, bot.MessageOf(outside).Parent));
        Assert.Equal(4, bot.InThread(group, Thread).Count);
    }

    [Fact]
    public async Task A_restart_does_not_lose_the_thread()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("run: touch made.txt", chat: group, thread: Thread);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.allow"));
        await bot.RestartAsync();
        await bot.CardAsync(group, "Withdrawn", c => c.Message == asked.Message);
        var failed = await bot.CardAsync(group, "Failed", c => c.Has("task.continue"));
        await bot.PressAsync(failed, "task.continue");
        var next = await bot.CardAsync(group, "Task:", c => c.Message != failed.Message);
        Assert.Equal((Thread, Thread), (bot.MessageOf(failed).Thread, bot.MessageOf(next).Thread));
    }

    [Fact]
    public async Task In_a_group_of_topics_each_prompt_s_cards_are_in_its_topic()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        bot.Platform.Topics[group] = true;
        await bot.MessageAsync("hello", chat: group, thread: "omt_one");
        await bot.CardAsync(group, "Complete");
        await bot.MessageAsync("/status", chat: group, thread: "omt_two");
        var workspace = await bot.CardAsync(group, "Workspace", c => bot.MessageOf(c).Thread is not null);
        Assert.Single(bot.InThread(group, "omt_one"));
        Assert.Equal("omt_two", bot.MessageOf(workspace).Thread);

        // A prompt from the form of a card there belongs to the card's topic.
        await bot.PressAsync(workspace, "task.compose");
        var form = await bot.CardAsync(group, "", c => c.Message == workspace.Message && c.Has("task.submit"));
        await bot.PressAsync(form, "task.submit", form: new JsonObject { ["prompt"] = "hello from a form" });
        var turn = await bot.CardAsync(group, "Complete", c => c.Text.Contains("from a form", StringComparison.Ordinal));
        Assert.Equal("omt_two", bot.MessageOf(turn).Thread);
    }

    [Fact]
    public async Task An_answer_without_a_thread_has_its_card_below_it()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("hello", chat: group, parent: "om_somebody_s");
        var turn = bot.MessageOf(await bot.CardAsync(group, "Complete"));
        Assert.Null(turn.Thread);
        Assert.StartsWith("om_of_ev_", turn.Parent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_the_answered_message_is_gone_the_card_is_in_the_chat()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        for (var way = 0; way < 3; way++) // the streamed card, the card, the text
        {
            bot.Platform.NextCode("/open-apis/im/v1/messages/om_of_ev", 230011);
        }

        await bot.MessageAsync("hello", chat: group, thread: Thread);
        var turn = bot.MessageOf(await bot.CardAsync(group, "Complete"));
        Assert.Equal((group, null), (turn.Receiver, turn.Thread));
        Assert.Empty(bot.InThread(group, Thread));
    }
}
