using System.Text.Json.Nodes;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Bot.Talking;
using PocketCoder.Feishu.Cards;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>What people do with the bot, on the fake platform and a real daemon with the demo agent.</summary>
public sealed class BotStoryTests
{
    private const string Direct = $"{TestBot.Direct}_ou_ada";

    [Fact]
    public async Task A_person_pairs_gives_a_project_a_group_prompts_decides_and_sees_the_end()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        Assert.Equal(["ou_ada"], bot.Platform.Chats[group]); // the one who wanted it owns it
        await bot.CardAsync(group, "Workspace: demo");

        await bot.MessageAsync("run: echo hi > said.txt", chat: group);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.allow"));
        Assert.Contains("echo hi > said.txt", asked.Text, StringComparison.Ordinal);
        await bot.PressAsync(asked, "approval.allow");

        var decided = await bot.CardAsync(group, "Allowed");
        Assert.Equal(asked.Message, decided.Message); // the same message shows the outcome
        Assert.Empty(decided.Buttons);
        await bot.CardAsync(group, "Complete");
        Assert.Equal("hi\n", await File.ReadAllTextAsync(Path.Combine(bot.Folder, "said.txt")));

        // Another prompt goes on in the same session.
        await bot.MessageAsync("hello again", chat: group);
        await Wait.UntilAsync(() => bot.Cards(group).Count(c => c.Title.Contains("Complete", StringComparison.Ordinal)) == 2, "two turns");
        var session = Assert.Single(await bot.Owner.ListSessionsAsync(CancellationToken.None));
        Assert.Equal(0, session.Queued);
        Assert.True((await bot.Owner.VerifyLedgerAsync(CancellationToken.None)).Intact);
    }

    [Fact]
    public async Task A_new_project_gets_its_folder_its_group_and_its_workspace()
    {
        await using var bot = await TestBot.StartAsync();
        var root = Directory.CreateTempSubdirectory("pc-root-");
        foreach (var home in await bot.Owner.ListRootsAsync(CancellationToken.None))
        {
            await bot.Owner.RemoveRootAsync(home, CancellationToken.None);
        }

        await bot.Owner.AddRootAsync(root.FullName, CancellationToken.None);
        await bot.PairAsync(scopes: [Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage]);
        await bot.MessageAsync("hi");
        await bot.PressAsync(await bot.CardAsync(Direct, "Projects"), "project.new");
        var form = await bot.CardAsync(Direct, "New project");
        await bot.PressAsync(form, "project.create", form: new JsonObject { ["name"] = "shop", ["agent"] = "stub" });

        await bot.CardAsync(Direct, "Projects", c => c.Text.Contains("shop", StringComparison.Ordinal));
        var group = Assert.Single(bot.Platform.Chats).Key;
        await bot.CardAsync(group, "Workspace: shop");
        Assert.True(Directory.Exists(Path.Combine(root.FullName, "shop", ".git")));
        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        root.Delete(recursive: true);
    }

    [Fact]
    public async Task An_approval_that_is_decided_elsewhere_shows_it_in_the_group_and_a_late_press_does_nothing()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("run: touch no.txt", chat: group);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.allow"));

        await bot.PairAsync("ou_bo");
        await bot.PressAsync(asked, "approval.reject", "ou_bo"); // another one of the group
        var decided = await bot.CardAsync(group, "Rejected");
        Assert.Contains("bo", decided.Text, StringComparison.Ordinal);
        await bot.PressAsync(asked, "approval.allow");
        await bot.TextAsync(group, "done already");
        await bot.CardAsync(group, "Complete");
        Assert.False(File.Exists(Path.Combine(bot.Folder, "no.txt")));
    }

    [Fact]
    public async Task What_comes_a_hundred_times_is_done_once()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        var sent = await bot.MessageAsync("run: echo x >> lines.txt", chat: group);
        for (var i = 0; i < 50; i++)
        {
            await bot.DeliverAsync(sent);
        }

        var pressed = await bot.PressAsync(await bot.CardAsync(group, "Approval", c => c.Has("approval.allow")), "approval.allow");
        for (var i = 0; i < 50; i++)
        {
            await bot.DeliverAsync(pressed, "card");
            await bot.DeliverAsync(sent);
        }

        await bot.CardAsync(group, "Complete");
        await bot.MessageAsync("hello", chat: group); // whatever was done twice would be before it
        await Wait.UntilAsync(() => bot.Cards(group).Count(c => c.Title.Contains("Complete", StringComparison.Ordinal)) == 2, "two turns");
        Assert.Equal("x\n", await File.ReadAllTextAsync(Path.Combine(bot.Folder, "lines.txt")));
        Assert.Equal(2, bot.Cards(group).Count(c => c.Title.Contains("Task:", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_restart_in_the_middle_loses_nothing_and_repeats_nothing()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("run: touch made.txt", chat: group);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.allow"));

        await bot.RestartAsync();
        await bot.CardAsync(group, "Withdrawn"); // nobody decided: not done
        await bot.CardAsync(group, "Failed", c => c.Has("task.continue"));
        await bot.PressAsync(asked, "approval.allow");
        await bot.TextAsync(group, "⚠");
        Assert.False(File.Exists(Path.Combine(bot.Folder, "made.txt")));

        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        Assert.Equal(2, bot.Cards(group).Count(c => c.Title.Contains("Task:", StringComparison.Ordinal)));
        Assert.Single(bot.Cards(group), c => c.Title.Contains("Approval", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_taken_before_a_restart_is_done_after_it()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        bot.Platform.Next("/open-apis/im/v1/messages", new FakeFault(Hangs: true)); // its answer never comes
        await bot.MessageAsync("/status", chat: group);
        await bot.MessageAsync("hello", chat: group);
        await bot.RestartAsync();

        await bot.CardAsync(group, "Complete");
        Assert.Equal(2, bot.Cards(group).Count(c => c.Title.Contains("Workspace", StringComparison.Ordinal)));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_turns_card_goes_on_where_the_answer_to_its_sending_was_lost()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        for (var i = 0; i < 4; i++)
        {
            bot.Platform.Next("/open-apis/im/v1/messages", new FakeFault(502, Does: true)); // as often as one request is tried
        }

        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        Assert.Single(bot.Cards(group), c => c.Title.Contains("Task:", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task While_the_platform_is_away_nothing_is_lost_and_all_comes_in_order()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        foreach (var path in (string[])["/open-apis/cardkit/v1/cards", "/open-apis/im/v1/messages"])
        {
            for (var i = 0; i < 6; i++)
            {
                bot.Platform.Next(path, new FakeFault(503));
            }
        }

        await bot.MessageAsync("one", chat: group);
        await bot.MessageAsync("two", chat: group);
        await Wait.UntilAsync(() => bot.Cards(group).Count(c => c.Title.Contains("Complete", StringComparison.Ordinal)) == 2, "two turns");
        var turns = bot.Cards(group).Where(c => c.Title.Contains("Complete", StringComparison.Ordinal)).ToList();
        Assert.Contains("one", turns[0].Text, StringComparison.Ordinal);
        Assert.Contains("two", turns[1].Text, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_long_output_has_pages_while_it_runs_and_when_it_is_over()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync(string.Join('\n', Enumerable.Range(1, 900).Select(i => $"what the agent says in line {i}")), chat: group);
        var over = await bot.CardAsync(group, "Complete", c => c.Title.Contains("[1/", StringComparison.Ordinal));
        await bot.PressAsync(over, "task.open", which: b => (string?)b["g"] == "1");
        var second = await bot.CardAsync(group, "Complete", c => c.Title.Contains("[2/", StringComparison.Ordinal));
        Assert.NotEqual(over.Text, second.Text);
        await bot.PressAsync(second, "task.open", which: b => (string?)b["g"] == "0");
        await bot.CardAsync(group, "Complete", c => c.Title.Contains("[1/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_running_turn_is_steered_and_stopped_from_its_card_and_what_waits_is_taken_away()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("long: 600", chat: group);
        var running = await bot.CardAsync(group, "Running", c => c.Has("task.steer"));
        await bot.MessageAsync("and then this", chat: group);
        var waiting = await bot.CardAsync(group, "Queued", c => c.Has("queue.remove"));
        await bot.PressAsync(running, "task.steer", form: new JsonObject { ["prompt"] = "be short" });
        await bot.TextAsync(group, "has heard it");
        await bot.PressAsync(waiting, "queue.remove");
        await bot.CardAsync(group, "Stopped", c => c.Message == waiting.Message);
        await bot.PressAsync(
            await bot.CardAsync(group, "Running", c => c.Message == running.Message && c.Has("task.stop")
                && (string)c.Buttons[0]["n"]! != (string)running.Buttons[0]["n"]!),
            "task.stop");
        await bot.CardAsync(group, "Stopped", c => c.Message == running.Message);
    }

    [Fact]
    public async Task What_waited_and_was_begun_meanwhile_is_not_said_once_more()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("silent: 3", chat: group); // it ends by itself, after the other one waits
        await bot.CardAsync(group, "Running");
        await bot.MessageAsync("long: 600", chat: group);
        var waiting = await bot.CardAsync(group, "Queued", c => c.Has("queue.steer"));
        await bot.CardAsync(group, "Running", c => c.Message == waiting.Message);
        await bot.PressAsync(waiting, "queue.steer");
        await bot.TextAsync(group, "done already");
        Assert.DoesNotContain(bot.Texts(group), t => t.Contains("has heard it", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_done_when_the_machine_ended_is_not_done_at_the_next_start()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("long: 600", chat: group);
        var running = await bot.CardAsync(group, "Running");
        bot.Notes.KeepsAll = true;
        await bot.MessageAsync("/stop", chat: group);
        await bot.CardAsync(group, "Stopped", c => c.Message == running.Message);
        await bot.RestartAsync(() =>
        {
            bot.Notes.KeepsAll = false;
            return Task.CompletedTask;
        });

        await bot.MessageAsync("hello", chat: group); // whatever is done again would be before it
        await bot.CardAsync(group, "Complete");
        Assert.Empty(bot.Texts(group));
    }

    [Fact]
    public async Task Agent_session_help_status_and_usage_are_a_press_away()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        await bot.MessageAsync("/status", chat: group);
        async Task<SeenCard> WorkspaceAsync(Func<SeenCard, bool>? fits = null) => await bot.CardAsync(group, "Workspace: demo", fits);

        await bot.PressAsync(await WorkspaceAsync(c => c.Has("workspace.agent")), "workspace.agent");
        var agent = await bot.CardAsync(group, "Agent: demo", c => c.Has("workspace.apply_agent"));
        await bot.PressAsync(agent, "workspace.apply_agent", form: new JsonObject { ["agent"] = "stub" });
        await bot.PressAsync(await WorkspaceAsync(c => c.Message == agent.Message), "workspace.session");
        var sessions = await bot.CardAsync(group, "Session", c => c.Has("workspace.new_session"));
        await bot.PressAsync(sessions, "workspace.new_session");
        await WorkspaceAsync(c => c.Message == agent.Message);
        await bot.MessageAsync("another", chat: group);
        await Wait.UntilAsync(() => bot.Cards(group).Count(c => c.Title.Contains("Complete", StringComparison.Ordinal)) == 2, "two turns");
        Assert.Equal(2, (await bot.Owner.ListSessionsAsync(CancellationToken.None)).Count);

        await bot.MessageAsync("/help", chat: group);
        await bot.PressAsync(await bot.CardAsync(group, "Help"), "status");
        await bot.CardAsync(group, "Status", c => c.Text.Contains("Version", StringComparison.Ordinal));
        await bot.MessageAsync("/help");
        await bot.PressAsync(await bot.CardAsync(Direct, "Help"), "usage");
        await bot.CardAsync(Direct, "Usage");
    }

    [Fact]
    public async Task A_folder_beneath_the_root_is_typed_and_the_next_prompt_begins_a_session_there()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        Directory.CreateDirectory(Path.Combine(bot.Folder, "packages/web"));
        await bot.MessageAsync("/status", chat: group);

        await bot.PressAsync(await bot.CardAsync(group, "Workspace: demo", c => c.Has("workspace.type_folder")), "workspace.type_folder");
        var form = await bot.CardAsync(group, "Working folder", c => c.Has("workspace.apply_folder"));
        await bot.PressAsync(form, "workspace.apply_folder", form: new JsonObject { ["folder"] = "../elsewhere" });
        form = await bot.CardAsync(
            group, "Working folder", c => c.Message == form.Message && c.Text.Contains("beneath the project", StringComparison.Ordinal));
        await bot.PressAsync(form, "workspace.apply_folder", form: new JsonObject { ["folder"] = "packages/web/" });
        await bot.CardAsync(
            group, "Workspace: demo", c => c.Message == form.Message && c.Title.Contains("demo/packages/web", StringComparison.Ordinal));

        await bot.MessageAsync("run: touch here.txt", chat: group);
        await bot.PressAsync(await bot.CardAsync(group, "Approval", c => c.Has("approval.allow")), "approval.allow");
        await bot.CardAsync(group, "Complete", c => c.Title.Contains("demo/packages/web", StringComparison.Ordinal));
        Assert.True(File.Exists(Path.Combine(bot.Folder, "packages/web/here.txt")));
        var sessions = await bot.Owner.ListSessionsAsync(CancellationToken.None);
        Assert.Equal([null, "packages/web"], sessions.OrderBy(s => s.CreatedAt).Select(s => s.Folder));

        // One that is not there: the machine says so, and no session begins.
        await bot.MessageAsync("/status", chat: group);
        var workspace = await bot.CardAsync(
            group, "Workspace: demo", c => c.Message != form.Message && c.Text.Contains("packages/web", StringComparison.Ordinal));
        await bot.PressAsync(workspace, "workspace.recent");
        var recent = await bot.CardAsync(group, "Recent folders", c => c.Text.Contains("packages/web", StringComparison.Ordinal));
        Assert.Equal(2, recent.Buttons.Count(b => (string?)b["a"] == "workspace.apply_folder"));
        await bot.PressAsync(recent, "workspace.apply_folder", which: b => (string?)b["d"] == "/");
        var again = await bot.CardAsync(
            group, "Workspace: demo", c => c.Message == recent.Message && !c.Title.Contains("packages", StringComparison.Ordinal));
        await bot.PressAsync(again, "workspace.type_folder");
        form = await bot.CardAsync(group, "Working folder", c => c.Message == again.Message);
        await bot.PressAsync(form, "workspace.apply_folder", form: new JsonObject { ["folder"] = "nowhere" });
        await bot.CardAsync(group, "Workspace: demo", c => c.Title.Contains("demo/nowhere", StringComparison.Ordinal));
        await bot.MessageAsync("hello", chat: group);
        await bot.TextAsync(group, "does not exist");
        Assert.Equal(2, (await bot.Owner.ListSessionsAsync(CancellationToken.None)).Count);
    }

    [Fact]
    public async Task A_project_is_hidden_shown_and_taken_away_when_it_is_said_twice()
    {
        await using var bot = await TestBot.StartAsync();
        await bot.GroupAsync(scopes: [Scope.View, Scope.Prompt, Scope.Manage]);
        await bot.MessageAsync("hi");
        await bot.PressAsync(await bot.CardAsync(Direct, "Projects"), "project.manage");
        await bot.PressAsync(await bot.CardAsync(Direct, "Manage"), "project.hide");
        await bot.PressAsync(await bot.CardAsync(Direct, "Manage", c => c.Has("project.show")), "project.show");
        var manage = await bot.CardAsync(Direct, "Manage", c => c.Has("project.hide"));
        await bot.PressAsync(manage, "project.delete");
        Assert.Single(await bot.Owner.ListProjectsAsync(CancellationToken.None));
        await bot.PressAsync(await bot.CardAsync(Direct, "Manage", c => c.Has("project.delete_sure")), "project.delete_sure");
        await bot.CardAsync(Direct, "Manage", c => !c.Has("project.delete") && !c.Has("project.delete_sure"));
        Assert.Empty(await bot.Owner.ListProjectsAsync(CancellationToken.None));
        Assert.True(Directory.Exists(bot.Folder)); // never the folder
    }

    [Fact]
    public async Task Files_and_images_go_with_the_next_prompt_of_who_sent_them()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        bot.Platform.Files["file_1"] = [.. Enumerable.Range(0, 300 * 1024).Select(i => (byte)i)];
        bot.Platform.Files["img_1"] = [0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n'];
        await bot.MessageAsync("""{"file_key":"file_1","file_name":"../../notes.bin"}""", chat: group, kind: "file");
        await bot.TextAsync(group, "your next prompt");
        await bot.MessageAsync(
            """{"title":"","content":[[{"tag":"text","text":"what is this?"},{"tag":"img","image_key":"img_1"}]]}""", chat: group, kind: "post");

        await bot.CardAsync(group, "Complete");
        var attached = (await bot.TurnsAsync())[0].Attachments;
        Assert.Equal([300 * 1024, 8], attached.Select(a => (int)a.Bytes));
        Assert.DoesNotContain('/', attached[0].Name);
        Assert.Equal("image/png", attached[1].MediaType);
        await bot.MessageAsync("and now without", chat: group);
        await Wait.UntilAsync(() => bot.Cards(group).Count(c => c.Title.Contains("Complete", StringComparison.Ordinal)) == 2, "two turns");
        Assert.Empty((await bot.TurnsAsync())[1].Attachments);
    }

    [Fact]
    public async Task A_group_of_somebody_s_is_bound_and_unbound_by_a_word()
    {
        await using var bot = await TestBot.StartAsync();
        await bot.PairAsync();
        await bot.PairAsync("ou_bo");
        await bot.PairAsync("ou_eye", scopes: [Scope.View]);
        await bot.MessageAsync("hello", chat: "oc_team");
        await bot.TextAsync("oc_team", "/bind PROJECT");
        await bot.MessageAsync("/bind demo", "ou_eve", "oc_team"); // not paired
        await bot.MessageAsync("/bind demo", "ou_eye", "oc_team");
        await bot.TextAsync("oc_team", "right to prompt");
        await bot.MessageAsync("/bind demon", chat: "oc_team");
        await bot.TextAsync("oc_team", "not registered");
        Assert.Empty(bot.Cards("oc_team"));

        await bot.MessageAsync("/bind demo", chat: "oc_team");
        await bot.CardAsync("oc_team", "Workspace: demo");
        await bot.MessageAsync("/bind demo", "ou_bo", "oc_other");
        await bot.TextAsync("oc_other", "has a group already");
        await bot.MessageAsync("hello", chat: "oc_team");
        await bot.CardAsync("oc_team", "Complete");

        await bot.MessageAsync("/unbind", "ou_bo", "oc_team");
        await bot.TextAsync("oc_team", "Only who bound this group");
        await bot.MessageAsync("/unbind", chat: "oc_team");
        await bot.TextAsync("oc_team", "no project any more");
        await bot.MessageAsync("/bind demo", "ou_bo", "oc_other");
        await bot.CardAsync("oc_other", "Workspace: demo");
        Assert.Single(await bot.Owner.ListSessionsAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Folders_are_kept_to_choose_from_and_the_default_is_the_root()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("/status", chat: group);
        var workspace = await bot.CardAsync(group, "Workspace: demo", c => c.Has("workspace.presets"));
        await bot.PressAsync(workspace, "workspace.presets");
        await AddAsync("a/b");
        await AddAsync("c");
        await AddAsync("../d");
        Assert.Equal(["a/b", "c"], Kept(await PresetsAsync(c => c.Text.Contains("beneath the project", StringComparison.Ordinal))));
        await bot.PressAsync(await PresetsAsync(), "workspace.remove_preset", which: b => (string?)b["d"] == "a/b");
        await bot.PressAsync(
            await PresetsAsync(c => Kept(c) is ["c"]), "workspace.use_preset", which: b => (string?)b["d"] == "c");
        await bot.CardAsync(group, "Workspace: demo", c => c.Title.Contains("demo/c", StringComparison.Ordinal));

        // In the direct chat, where the project is.
        await bot.MessageAsync("hello");
        await bot.PressAsync(await bot.CardAsync(Direct, "Projects"), "project.open");
        await bot.PressAsync(
            await bot.CardAsync(Direct, "demo", c => c.Has("workspace.default_folder")), "workspace.default_folder");
        await bot.PressAsync(await bot.CardAsync(Direct, "Use default", c => c.Has("workspace.use_default")), "workspace.use_default");
        await bot.CardAsync(Direct, "Workspace: demo", c => !c.Title.Contains("demo/c", StringComparison.Ordinal));

        Task<SeenCard> PresetsAsync(Func<SeenCard, bool>? fits = null)
            => bot.CardAsync(group, "Presets", c => c.Has("workspace.add_preset") && (fits?.Invoke(c) ?? true));

        async Task AddAsync(string folder)
        {
            var before = await PresetsAsync();
            await bot.PressAsync(before, "workspace.add_preset", form: new JsonObject { ["folder"] = folder });
            await PresetsAsync(c => Nonce(c) != Nonce(before));
        }

        static string? Nonce(SeenCard card) => (string?)card.Button("workspace.add_preset")["n"];

        static string[] Kept(SeenCard card)
            => [.. card.Buttons.Where(b => (string?)b["a"] == "workspace.remove_preset").Select(b => (string)b["d"]!)];
    }

    [Fact]
    public async Task What_needs_a_group_says_so_before_there_is_one()
    {
        await using var bot = await TestBot.StartAsync();
        await bot.PairAsync();
        await bot.MessageAsync("hello");
        await bot.PressAsync(await bot.CardAsync(Direct, "Projects"), "project.open");
        await bot.PressAsync(await bot.CardAsync(Direct, "demo", c => c.Has("workspace.presets")), "workspace.presets");
        await bot.TextAsync(Direct, "has none yet");
    }

    /// <summary>Each thing that a card offers has something that does it, or no card of the bot's has it.</summary>
    [Fact]
    public void Every_button_is_answered_or_left_out()
    {
        var known = Handler().Routes.Select(r => r.Verb);
        Assert.Equal(Enum.GetValues<CardVerb>().Order(), known.Concat(CardSender.Without).Order());
    }

    /// <summary>
    /// A button counts once, so whoever may not press it must be refused before it is used up: else a member with less rights takes it from
    /// the others. What needs no right changes only what one sees oneself.
    /// </summary>
    [Fact]
    public void Every_button_that_changes_something_says_what_it_needs()
        => Assert.Equal(
            [CardVerb.HideProject, CardVerb.ShowProject],
            Handler().Routes.Where(r => r is { Changes: true, Needs: null }).Select(r => r.Verb).Order());

    private static ChatHandler Handler() => new(
            null!, null!, null!, new ProjectActions(null!, null!, null!, null!, null!, null!, null!),
            new WorkspaceActions(null!, null!, null!, null!, null!, null!),
            new PromptActions(null!, null!, null!, null!, null!, null!, null!, null!),
            new ApprovalActions(null!, null!), new RoleActions(null!, null!), new FileActions(null!, null!),
            new FolderActions(null!, null!, null!, null!), new NoticeActions());
}
