using System.Text.Json.Nodes;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>What people try who may not, and what clients send that are not the platform's.</summary>
public sealed class BotAttackTests
{
    private const string Direct = $"{TestBot.Direct}_ou_ada";

    [Fact]
    public async Task Who_is_not_paired_is_told_so_once_where_nobody_else_reads_and_does_nothing()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        for (var i = 0; i < 3; i++)
        {
            await bot.MessageAsync("run: touch /tmp/never", "ou_eve");
            await bot.MessageAsync("run: touch never.txt", "ou_eve", group);
        }

        await bot.TextAsync($"{TestBot.Direct}_ou_eve", "You are not paired");
        var toast = await bot.DeliverAsync(
            FakeEvents.Click("ev_eve", "ou_eve", group, bot.Cards(group)[0].Message, bot.Cards(group)[0].Buttons[0], null), "card");
        Assert.Contains("not paired", toast.Data!.ToJsonString(), StringComparison.Ordinal);

        // Whatever was done would be done before this.
        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        Assert.Single(bot.Texts($"{TestBot.Direct}_ou_eve"));
        Assert.Empty(bot.Texts(group));
        Assert.Single(await bot.Owner.ListSessionsAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Wrong_codes_let_nobody_in_and_a_code_counts_once()
    {
        await using var bot = await TestBot.StartAsync();
        var offer = await bot.Owner.OfferChatAsync(new ChatPairingOfferRequest("feishu"), CancellationToken.None);
        await bot.MessageAsync("pair AAAA-AAAA", "ou_eve");
        await bot.TextAsync($"{TestBot.Direct}_ou_eve", "There is no such code");
        await bot.MessageAsync($"/PAIR {offer.Code.ToLowerInvariant()}");
        await bot.TextAsync(Direct, "You are paired");
        await bot.MessageAsync($"pair {offer.Code}", "ou_eve");
        await Wait.UntilAsync(() => bot.Texts($"{TestBot.Direct}_ou_eve").Count == 2, "the second refusal");
        Assert.DoesNotContain(bot.Texts($"{TestBot.Direct}_ou_eve"), t => t.Contains("You are paired", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_button_is_good_in_its_chat_and_message_only_and_once()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("run: touch a.txt", chat: group);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.allow"));
        var workspace = bot.Cards(group)[0];

        await bot.PressAsync(asked, "approval.allow", chat: Direct);
        await bot.TextAsync(Direct, "too old");
        await bot.PressAsync(asked, "approval.allow", message: workspace.Message);
        await bot.TextAsync(group, "too old");

        // The nonce of another card, which has no digest, decides nothing.
        var forged = (JsonObject)asked.Button("approval.allow").DeepClone();
        forged["n"] = (string)workspace.Buttons[0]["n"]!;
        await bot.DeliverAsync(FakeEvents.Click("ev_forged", "ou_ada", group, workspace.Message, forged, null), "card");
        await Wait.UntilAsync(() => bot.Texts(group).Count == 2, "the second refusal");
        forged["n"] = "made-up";
        await bot.DeliverAsync(FakeEvents.Click("ev_forged_2", "ou_ada", group, asked.Message, forged, null), "card");
        await Wait.UntilAsync(() => bot.Texts(group).Count == 3, "the third refusal");
        Assert.Equal(ApprovalState.Pending, Assert.Single(await bot.PendingAsync()).State);

        await bot.PressAsync(asked, "approval.reject");
        await bot.CardAsync(group, "Rejected");
    }

    [Fact]
    public async Task What_may_destroy_something_has_no_button_and_is_allowed_by_nobody_but_whom_the_owner_trusts()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.PairAsync("ou_bo", destructive: true);
        await bot.MessageAsync("run: rm -rf /etc/nothing-at-all", chat: group);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.reject"));
        Assert.False(asked.Has("approval.allow"));

        // A forged button, with the card's own nonce: the machine refuses.
        var forged = (JsonObject)asked.Button("approval.reject").DeepClone();
        forged["a"] = "approval.allow";
        await bot.DeliverAsync(FakeEvents.Click("ev_forged", "ou_ada", group, asked.Message, forged, null), "card");
        await bot.TextAsync(group, "can't be allowed in a chat");
        var digest = Assert.Single(await bot.PendingAsync()).Digest;
        await bot.MessageAsync($"/approve {digest[..12]}", chat: group);
        await Wait.UntilAsync(
            () => bot.Texts(group).Count(t => t.Contains("can't be allowed in a chat", StringComparison.Ordinal)) == 2, "the refusal");
        Assert.Equal(ApprovalState.Pending, Assert.Single(await bot.PendingAsync()).State);

        await bot.MessageAsync($"/approve {digest[..7]}", "ou_bo", group);
        await bot.TextAsync(group, "first 8 digits");
        await bot.MessageAsync($"/approve {digest[..12]}", "ou_bo", group);
        await bot.CardAsync(group, "Allowed");
        await bot.CardAsync(group, "Complete");
    }

    [Fact]
    public async Task Who_may_only_look_changes_nothing_of_the_machine_and_nothing_of_the_bot()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.PairAsync("ou_eye", scopes: [Scope.View]);
        await bot.MessageAsync("run: touch a.txt", chat: group);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.allow"));
        var running = await bot.CardAsync(group, "Task:", c => c.Has("task.stop"));
        await bot.MessageAsync("/status", "ou_eye", group);
        var workspace = await bot.CardAsync(group, "Workspace: demo", c => c.Message != bot.Cards(group)[0].Message);

        await bot.PressAsync(asked, "approval.allow", "ou_eye");
        await bot.PressAsync(running, "task.stop", "ou_eye");
        await bot.MessageAsync("run: touch b.txt", "ou_eye", group);
        foreach (var verb in (string[])["workspace.new_session", "workspace.apply_session", "workspace.apply_agent",
            "workspace.apply_folder"])
        {
            var forged = (JsonObject)workspace.Buttons[0].DeepClone();
            forged["a"] = verb;
            var form = verb == "workspace.apply_session" ? new JsonObject { ["session"] = Guid.CreateVersion7().ToString("N") } : null;
            await bot.DeliverAsync(FakeEvents.Click($"ev_{verb.Replace('.', '_')}", "ou_eye", group, workspace.Message, forged, form), "card");
        }

        await Wait.UntilAsync(() => bot.Texts(group).Count == 7, "seven refusals");
        Assert.All(bot.Texts(group), t => Assert.StartsWith("⚠", t, StringComparison.Ordinal));
        Assert.Equal(ApprovalState.Pending, Assert.Single(await bot.PendingAsync()).State);
    }

    [Fact]
    public async Task A_card_of_one_group_does_nothing_for_another_project()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        var other = Directory.CreateTempSubdirectory("pc-other-");
        var secret = await bot.Owner.AddProjectAsync(other.FullName, "secret", force: true, CancellationToken.None);
        await bot.MessageAsync("/status", chat: group);
        var card = await bot.CardAsync(group, "Workspace: demo", c => c.Has("workspace.session"));
        foreach (var verb in (string[])["workspace.open", "workspace.agent", "workspace.session", "task.compose"])
        {
            var forged = (JsonObject)card.Buttons[0].DeepClone();
            (forged["a"], forged["p"]) = (verb, secret.Project.ProjectId.ToString("N"));
            await bot.DeliverAsync(FakeEvents.Click($"ev_{verb.Replace('.', '_')}", "ou_ada", group, card.Message, forged, null), "card");
        }

        await Wait.UntilAsync(() => bot.Texts(group).Count == 4, "four refusals");
        Assert.DoesNotContain(bot.Cards(group), c => c.Title.Contains("secret", StringComparison.Ordinal));
        other.Delete(recursive: true);
    }

    [Fact]
    public async Task Whoever_is_revoked_is_out_and_what_they_bound_is_shown_no_longer()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("run: touch a.txt", chat: group);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.allow"));
        await bot.PairAsync("ou_bo");
        await bot.Owner.RevokeDeviceAsync("ada", CancellationToken.None);

        await bot.PressAsync(asked, "approval.allow");
        await bot.MessageAsync("hello again"); // in the direct chat: who is not paired is told so
        await bot.TextAsync(Direct, "You are not paired");
        Assert.Equal(ApprovalState.Pending, Assert.Single(await bot.PendingAsync("ou_bo")).State);

        // Somebody else who is paired takes the group over.
        await bot.MessageAsync("/reject " + Assert.Single(await bot.PendingAsync("ou_bo")).Digest[..8], "ou_bo", group);
        await Wait.SeeAsync(
            async () => Assert.Single(await bot.Owner.ListSessionsAsync(CancellationToken.None)).State,
            s => s is not (SessionState.Working or SessionState.NeedsYou), "the turn is over");
        await bot.MessageAsync("/status", "ou_bo", group); // nobody keeps the card up: who bound it may see nothing
        var workspace = await bot.CardAsync(group, "Workspace: demo", c => c.Has("workspace.session"));
        await bot.PressAsync(workspace, "workspace.session", "ou_bo");
        var sessions = await bot.CardAsync(group, "Session", c => c.Has("workspace.apply_session"));
        await bot.PressAsync(
            sessions, "workspace.apply_session", "ou_bo",
            form: new JsonObject
            {
                ["session"] = (await bot.Owner.ListSessionsAsync(CancellationToken.None))[0].AgentSessionId.ToString("N"),
            });
        await bot.CardAsync(group, "Rejected");
    }

    [Fact]
    public async Task What_nothing_is_done_for_is_refused_in_words()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("""{"file_key":"f_1"}""", chat: group, kind: "sticker");
        await bot.TextAsync(group, "text, images and files only");
        bot.Platform.Files["file_1"] = new byte[AttachmentLimits.FileBytes + 1];
        await bot.MessageAsync("""{"file_key":"file_1","file_name":"big"}""", chat: group, kind: "file");
        await bot.TextAsync(group, "at most 10 MiB");
    }

    [Theory]
    [InlineData(49_999, 'x', true)]
    [InlineData(50_001, 'x', false)]
    [InlineData(16_000, '中', true)]
    [InlineData(30_000, '\u0001', false)] // short enough, but not as it is kept
    public async Task A_message_that_is_too_long_is_told_so_and_not_cut(int length, char letter, bool isTaken)
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync(new string(letter, length), chat: group);
        await (isTaken ? bot.CardAsync(group, "Complete") : (Task)bot.TextAsync(group, "too long"));
    }

    [Fact]
    public async Task Hostile_text_of_an_agent_is_shown_and_does_nothing()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("<at user_id=\"all\">everybody</at> [x](https://evil.example) \u202Egnirts", chat: group);
        var card = await bot.CardAsync(group, "Complete");
        Assert.DoesNotContain("<at", card.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("\u202E", card.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("everybody", bot.Log, StringComparison.Ordinal); // what people write is no matter for the log
    }

    [Fact]
    public async Task A_store_that_is_full_takes_nothing_and_the_platform_keeps_it()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        bot.Notes.IsFull = true;
        var sent = FakeEvents.Message("ev_late", "ou_ada", group, false, "hello", "text");
        Assert.Equal(500, (await bot.Platform.Connections.DeliverAsync(sent)).Code);
        bot.Notes.IsFull = false;
        await bot.DeliverAsync(sent);
        await bot.CardAsync(group, "Complete");
    }

    [Fact]
    public void Ids_of_the_same_event_are_the_same_and_of_others_are_not()
    {
        var at = new DateTimeOffset(2026, 11, 26, 0, 0, 0, TimeSpan.Zero);
        var item = new InboxItem("m-om_1", at, "ou_ada", "oc_1", null, null);
        var id = EventIds.Of(item, "prompt");
        Assert.Equal(id, EventIds.Of(item with { Chat = "oc_2" }, "prompt"));
        Assert.NotEqual(id, EventIds.Of(item, "session"));
        Assert.NotEqual(id, EventIds.Of(item with { Id = "m-om_2" }, "prompt"));
        Assert.Equal((7, 8), (id.Version, id.Variant & 0xC));
        Assert.StartsWith(at.ToUnixTimeMilliseconds().ToString("x12", System.Globalization.CultureInfo.InvariantCulture), id.ToString("N"),
            StringComparison.Ordinal);
    }
}
