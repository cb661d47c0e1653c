using PocketCoder.Agents.Claude;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>The real Claude Code behind the bot, with somebody at the app beside the chat.</summary>
[Trait("Category", "Slow")]
public sealed class RealAgentTests
{
    [Fact]
    public async Task What_it_asks_is_decided_in_the_chat_or_in_the_app_and_the_other_sees_it()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
        await using var bot = await TestBot.StartAsync(new ClaudeDriver(TimeProvider.System, home.Environment));
        await bot.Owner.AddProjectAsync(home.Project, "api", force: true, CancellationToken.None);
        var offer = await bot.Owner.PairAsync(new PairingRequest([Scope.View, Scope.Prompt, Scope.Decide], null), CancellationToken.None);
        await using var phone = await TestDevice.PairAsync(offer.Links[0], "my phone");
        await bot.PairAsync();
        var group = await bot.BindAsync("api", "ou_ada");

        // Begun in the chat and allowed there: the app sees who did.
        await bot.MessageAsync("BASH: echo one > one.txt\nWRITE: two.txt | by claude", chat: group);
        var command = await AskedAsync("one.txt");
        var session = Assert.Single(await bot.Owner.ListSessionsAsync(CancellationToken.None)).AgentSessionId;
        await phone.SubscribeAsync($"session/{session}");
        await bot.PressAsync(command, "approval.allow");
        var allowed = (await phone.NextEventAsync<ApprovalEvent>(e => e.Approval.Decision is not null)).Approval;
        Assert.Equal((DecisionVerdict.Allow, "ada"), (allowed.Decision!.Verdict, allowed.Decision.By));
        await bot.CardAsync(group, "Allowed", c => c.Message == command.Message);

        // Begun in the chat and denied in the app: the chat sees it, and its button is good for nothing any more.
        var edit = await AskedAsync("two.txt");
        var asked = (await phone.NextEventAsync<ApprovalEvent>(
            e => e.Approval.State == ApprovalState.Pending && e.Approval.ApprovalId != allowed.ApprovalId)).Approval;
        await phone.DecideAsync(asked, DecisionVerdict.Deny, reason: "no new files");
        var denied = await bot.CardAsync(group, "Rejected", c => c.Message == edit.Message);
        Assert.Empty(denied.Buttons);
        Assert.Contains("my phone", denied.Text, StringComparison.Ordinal);
        await bot.PressAsync(edit, "approval.allow");
        await bot.TextAsync(group, "⚠");
        await bot.CardAsync(group, "Complete");

        // Begun in the app and allowed in the chat.
        await phone.AskAsync(
            MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), "BASH: echo three > three.txt"),
            ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);
        await bot.PressAsync(await AskedAsync("three.txt"), "approval.allow");
        await Wait.UntilAsync(() => bot.Cards(group).Count(c => c.Title.Contains("Complete", StringComparison.Ordinal)) == 2, "both turns");

        Assert.Equal("one\n", await File.ReadAllTextAsync(home.InProject("one.txt")));
        Assert.False(File.Exists(home.InProject("two.txt")));
        Assert.Equal("three\n", await File.ReadAllTextAsync(home.InProject("three.txt")));
        Assert.True((await bot.Owner.VerifyLedgerAsync(CancellationToken.None)).Intact);

        Task<Testing.Feishu.SeenCard> AskedAsync(string about) => bot.CardAsync(
            group, "Approval", c => c.Has("approval.allow") && c.Text.Contains(about, StringComparison.Ordinal));
    }
}
