using System.Text.Json.Nodes;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>The bot in Chinese, from the first message to a result: no card and no answer falls back into English.</summary>
public sealed class ChineseTests
{
    [Fact]
    public async Task A_whole_story_is_in_Chinese()
    {
        await using var bot = await TestBot.StartAsync(CardLanguage.Chinese);
        var direct = TestBot.DirectOf("ou_ada");
        await bot.MessageAsync("你好");
        await bot.TextAsync(direct, "配对");
        var offer = await bot.Owner.OfferChatAsync(new ChatPairingOfferRequest("feishu", null, "阿达"), CancellationToken.None);
        await bot.MessageAsync($"pair {offer.Code}");
        await bot.TextAsync(direct, "您已配对，名称为 阿达。");
        await bot.MessageAsync("你好");
        await bot.PressAsync(await bot.CardAsync(direct, "项目"), "project.open");
        await bot.PressAsync(await bot.CardAsync(direct, "demo", c => c.Has("project.bind_group")), "project.bind_group");
        await bot.CardAsync(direct, "demo", c => !c.Has("project.bind_group"));
        var group = bot.Platform.Chats.Keys.Single();
        var workspace = await bot.CardAsync(group, "工作区", c => c.Has("workspace.agent"));
        await bot.PressAsync(workspace, "workspace.presets");
        var presets = await bot.CardAsync(group, "预设目录", c => c.Message == workspace.Message);
        await bot.PressAsync(presets, "workspace.add_preset", form: new JsonObject { ["folder"] = "../外面" });
        await bot.CardAsync(group, "预设目录", c => c.Message == workspace.Message && c.Text.Contains("目录", StringComparison.Ordinal));

        await bot.MessageAsync("run: touch 文件.txt", chat: group);
        var asked = await bot.CardAsync(group, "审批", c => c.Has("approval.allow"));
        Assert.Contains("风险", asked.Text, StringComparison.Ordinal);
        await bot.PressAsync(asked, "approval.allow");
        await bot.CardAsync(group, "已完成");
        Assert.True(File.Exists(Path.Combine(bot.Folder, "文件.txt")));
        await bot.MessageAsync("/stop", chat: group);
        await bot.TextAsync(group, "⚠ ");

        string[] english = ["Workspace", "Approval", "Complete", "Running", "Idle", "Projects", "Risk:", "Allow", "Reject", "Folder", "Nothing"];
        foreach (var chat in (string[])[direct, group])
        {
            Assert.All(bot.Cards(chat), c => Assert.DoesNotContain(english, w => c.Title.Contains(w, StringComparison.Ordinal)));
            Assert.All(bot.Texts(chat), t => Assert.DoesNotContain(english, w => t.Contains(w, StringComparison.Ordinal)));
        }
    }
}
