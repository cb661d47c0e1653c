using System.Text.Json.Nodes;
using PocketCoder.Protocol;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>A group that the platform does not make, and buttons whose time is over.</summary>
public sealed class GroupTests
{
    private const string Direct = $"{TestBot.Direct}_ou_ada";
    private const string Chats = "/open-apis/im/v1/chats";

    [Fact]
    public async Task A_new_project_whose_group_is_refused_stays_says_so_and_can_be_bound()
    {
        await using var bot = await TestBot.StartAsync();
        var root = Directory.CreateTempSubdirectory("pc-root-");
        foreach (var home in await bot.Owner.ListRootsAsync(CancellationToken.None))
        {
            await bot.Owner.RemoveRootAsync(home, CancellationToken.None);
        }

        await bot.Owner.AddRootAsync(root.FullName, CancellationToken.None);
        await bot.PairAsync(scopes: [Scope.View, Scope.Prompt, Scope.Manage]);
        await bot.MessageAsync("hi");
        await bot.PressAsync(await bot.CardAsync(Direct, "Projects"), "project.new");
        var form = await bot.CardAsync(Direct, "New project");
        bot.Platform.NextCode(Chats, 99991672);
        var pressed = await bot.PressAsync(
            form, "project.create", form: new JsonObject { ["name"] = "shop", ["agent"] = "stub" });
        await bot.TextAsync(Direct, "“shop” was made, but no group for it");
        Assert.Contains(bot.Texts(Direct), t => t.Contains("im:chat:create", StringComparison.Ordinal));
        var list = await bot.CardAsync(
            Direct, "Projects", c => c.Message == form.Message && c.Text.Contains("shop", StringComparison.Ordinal));
        Assert.Empty(bot.Platform.Chats);

        await bot.DeliverAsync(pressed, "card"); // done already
        var shop = (await bot.Owner.ListProjectsAsync(CancellationToken.None)).Single(p => p.Name == "shop").ProjectId.ToString("N");
        await bot.PressAsync(list, "project.open", which: b => (string?)b["p"] == shop);
        var project = await bot.CardAsync(Direct, "shop", c => c.Has("project.bind_group"));
        await bot.PressAsync(project, "project.bind_group");
        await bot.CardAsync(Direct, "shop", c => !c.Has("project.bind_group"));
        await bot.CardAsync(Assert.Single(bot.Platform.Chats).Key, "Workspace: shop");
        Assert.Single(bot.Texts(Direct), t => t.Contains("no group", StringComparison.Ordinal));
        root.Delete(recursive: true);
    }

    [Fact]
    public async Task A_refused_group_does_not_use_up_the_button_and_binding_once_more_works()
    {
        await using var bot = await TestBot.StartAsync();
        await bot.PairAsync();
        await bot.MessageAsync("hello");
        await bot.PressAsync(await bot.CardAsync(Direct, "Projects"), "project.open");
        var card = await bot.CardAsync(Direct, "demo", c => c.Has("project.bind_group"));
        bot.Platform.NextCode(Chats, 232017);
        await bot.PressAsync(card, "project.bind_group");
        await bot.TextAsync(Direct, "made no group for “demo”");
        var again = await bot.CardAsync(
            Direct, "demo", c => c.Message == card.Message && c.Has("project.bind_group") && Nonce(c) != Nonce(card));
        Assert.Empty(bot.Platform.Chats);
        await bot.PressAsync(again, "project.bind_group");
        await bot.CardAsync(Direct, "demo", c => !c.Has("project.bind_group"));
        await bot.CardAsync(Assert.Single(bot.Platform.Chats).Key, "Workspace: demo");
    }

    [Fact]
    public async Task A_button_whose_time_is_over_does_nothing()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("run: touch no.txt", chat: group);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.allow"));
        bot.Notes.Over = "n/"; // what is kept of buttons, after 14 days
        await bot.PressAsync(asked, "approval.allow");
        await bot.TextAsync(group, "too old");
        Assert.False(File.Exists(Path.Combine(bot.Folder, "no.txt")));
        Assert.Equal(ApprovalState.Pending, Assert.Single(await bot.PendingAsync()).State);
        bot.Notes.Over = null;
        await bot.PressAsync(asked, "approval.reject");
        await bot.CardAsync(group, "Rejected", c => c.Message == asked.Message);
    }

    private static string Nonce(SeenCard card) => (string)card.Button("project.bind_group")["n"]!;
}
