using System.Globalization;
using System.Text.Json.Nodes;
using PocketCoder.Agents.Stub;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>Buttons of projects and turns, pressed until what they are for has happened.</summary>
public sealed class ButtonStoryTests
{
    private const string Direct = $"{TestBot.Direct}_ou_ada";

    [Fact]
    public async Task An_archived_project_is_out_of_the_list_and_comes_back()
    {
        await using var bot = await TestBot.StartAsync();
        await bot.GroupAsync(scopes: [Scope.View, Scope.Prompt, Scope.Manage]);
        var project = await bot.CardAsync(Direct, "demo", c => c.Has("project.archive"));
        await bot.PressAsync(project, "project.archive");
        var archived = await bot.CardAsync(Direct, "demo", c => c.Has("project.unarchive"));
        Assert.False(archived.Has("project.archive"));
        await bot.MessageAsync("hi");
        await bot.CardAsync(Direct, "Projects", c => !c.Has("project.open"));

        await bot.PressAsync(archived, "project.unarchive");
        await bot.CardAsync(Direct, "demo", c => c.Has("project.archive"));
        await bot.MessageAsync("hi");
        await bot.CardAsync(Direct, "Projects", c => c.Has("project.open"));
    }

    [Fact]
    public async Task A_deleted_project_s_sessions_are_gone_and_one_that_works_refuses()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync(scopes: [Scope.View, Scope.Prompt, Scope.Manage]);
        await bot.MessageAsync("long: 600", chat: group);
        var running = await bot.CardAsync(group, "Running", c => c.Has("task.stop"));
        await bot.MessageAsync("hi");
        await bot.PressAsync(await bot.CardAsync(Direct, "Projects"), "project.manage");
        await bot.PressAsync(await bot.CardAsync(Direct, "Manage"), "project.delete");
        await bot.PressAsync(await bot.CardAsync(Direct, "Manage", c => c.Has("project.delete_sure")), "project.delete_sure");
        await bot.TextAsync(Direct, "Stop it first");
        Assert.Single(await bot.Owner.ListProjectsAsync(CancellationToken.None));
        Assert.Single(await bot.Owner.ListAllSessionsAsync(CancellationToken.None));

        await bot.PressAsync(running, "task.stop");
        await bot.CardAsync(group, "Stopped");
        var again = await bot.CardAsync(Direct, "Manage", c => c.Has("project.delete")); // the same card, with new buttons
        await bot.PressAsync(again, "project.delete");
        await bot.PressAsync(await bot.CardAsync(Direct, "Manage", c => c.Has("project.delete_sure")), "project.delete_sure");
        await bot.CardAsync(Direct, "Manage", c => !c.Has("project.delete") && !c.Has("project.delete_sure"));
        Assert.Empty(await bot.Owner.ListProjectsAsync(CancellationToken.None));
        Assert.Empty(await bot.Owner.ListAllSessionsAsync(CancellationToken.None));
        Assert.True(Directory.Exists(bot.Folder));
    }

    [Fact]
    public async Task A_prompt_is_composed_in_a_form_and_run_is_a_word_for_one()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("/status", chat: group);
        await bot.PressAsync(await bot.CardAsync(group, "Workspace"), "task.compose");
        var form = await bot.CardAsync(group, "New prompt", c => c.Has("task.submit"));
        await bot.PressAsync(form, "task.submit", form: new JsonObject { ["prompt"] = "written in a form" });
        await bot.CardAsync(group, "Complete", c => c.Text.Contains("written in a form", StringComparison.Ordinal));
        await bot.MessageAsync("/run /status", chat: group);
        await bot.CardAsync(group, "Complete", c => c.Text.Contains("/status", StringComparison.Ordinal));
        Assert.Equal(["written in a form", "/status"], (await bot.TurnsAsync()).Select(t => t.Content));
    }

    [Fact]
    public async Task A_turn_that_was_cut_off_is_continued_from_its_card_once()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("long: 600", chat: group);
        await bot.CardAsync(group, "Running");
        await bot.RestartAsync();
        var failed = await bot.CardAsync(group, "Failed", c => c.Has("task.continue"));
        var pressed = await bot.PressAsync(failed, "task.continue");
        await bot.DeliverAsync(pressed, "card");
        await bot.CardAsync(group, "Complete");
        await bot.MessageAsync("hello", chat: group); // what was done twice would be before it
        await Wait.UntilAsync(() => bot.Cards(group).Count(c => c.Title.Contains("Complete", StringComparison.Ordinal)) == 2, "two turns");
        Assert.Equal(3, (await bot.TurnsAsync()).Count);
    }

    [Fact]
    public async Task How_much_an_agent_thinks_is_chosen_for_the_next_session_and_changed_in_one()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await ChooseAsync("ultra", group, bot); // it would have each prompt refused that begins a session
        await bot.CardAsync(group, "Agent", c => c.Text.Contains("has no “ultra”", StringComparison.Ordinal));
        await ChooseAsync("high", group, bot);
        await bot.CardAsync(group, "Workspace");
        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        Assert.Equal("high", await EffortAsync());

        await ChooseAsync("ultra", group, bot);
        await bot.CardAsync(group, "Agent", c => c.Text.Contains("ultra", StringComparison.Ordinal)); // refused, with the choices
        Assert.Equal("high", await EffortAsync());
        await ChooseAsync("", group, bot); // left empty
        await bot.CardAsync(group, "Workspace");
        Assert.Equal("high", await EffortAsync());
        await ChooseAsync("low", group, bot);
        await bot.CardAsync(group, "Workspace");
        Assert.Equal("low", await EffortAsync());

        async Task<string?> EffortAsync() => Assert.Single(await bot.Owner.ListSessionsAsync(CancellationToken.None)).Effort;
    }

    /// <summary>The platform of the tests refuses what is no valid card, is too large or has too many tables.</summary>
    [Fact]
    [Trait("Category", "Slow")]
    public async Task Two_hundred_thousand_characters_are_shown_to_their_end_page_by_page()
    {
        await using var bot = await TestBot.StartAsync(new StubDriver(new NoWaiting()));
        var folder = Directory.CreateTempSubdirectory("pc-long-");
        await bot.Owner.AddProjectAsync(folder.FullName, "demo", force: true, CancellationToken.None);
        var group = await bot.GroupAsync();
        await bot.MessageAsync("long: 40000", chat: group);
        var over = await bot.CardAsync(group, "Complete", c => c.Has("task.open"));
        var pages = int.Parse(over.Title[(over.Title.LastIndexOf('/') + 1)..over.Title.LastIndexOf(']')], CultureInfo.InvariantCulture);
        Assert.InRange(pages, 80, 200);
        await bot.PressAsync(over, "task.open", which: b => (string?)b["g"] == "1");
        await bot.CardAsync(group, "Complete", c => c.Title.Contains("[2/", StringComparison.Ordinal));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Many_tables_emoji_and_text_from_right_to_left_are_shown()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        var tables = string.Join("\n\n", Enumerable.Range(1, 6).Select(i => $"| a | b |\n|---|---|\n| {i} | 🧑‍🚀 שלום \u202e |"));
        await bot.MessageAsync($"{tables}\n\nthe end", chat: group);
        var card = await bot.CardAsync(group, "Complete", c => c.Text.Contains("the end", StringComparison.Ordinal));
        Assert.Contains("🧑‍🚀 שלום", card.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("\u202e", card.Text, StringComparison.Ordinal);
    }

    private static async Task ChooseAsync(string effort, string group, TestBot bot)
    {
        await bot.MessageAsync("/status", chat: group);
        var workspace = await bot.CardAsync(group, "Workspace", c => c.Has("workspace.agent"));
        await bot.PressAsync(workspace, "workspace.agent");
        var form = await bot.CardAsync(group, "Agent", c => c.Message == workspace.Message && c.Has("workspace.apply_agent"));
        await bot.PressAsync(form, "workspace.apply_agent", form: new JsonObject { ["set_effort"] = effort });
        await Wait.UntilAsync(
            () => bot.Cards(group).Single(c => c.Message == workspace.Message) is var now
                && (now.Has("workspace.agent")
                    || (now.Has("workspace.apply_agent") && (string)now.Buttons[0]["n"]! != (string)form.Buttons[0]["n"]!)),
            "its answer");
    }

    /// <summary>The demo agent speaks at once, instead of a word each 10 ms.</summary>
    private sealed class NoWaiting : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            => base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? TimeSpan.Zero : dueTime, period);
    }
}
