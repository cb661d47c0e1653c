using System.Text.Json.Nodes;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>What a member of a group may do there is said by who bound it, and held to by the machine.</summary>
public sealed class RoleTests
{
    private static readonly (string, string) s_bo = ("ou_bo", "Bo");
    private static readonly Scope[] s_all = Enum.GetValues<Scope>();

    [Fact]
    public async Task A_viewer_sees_and_does_nothing_and_takes_no_button_from_the_others()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.PairAsync("ou_bo");
        await bot.MessageAsync("/role @_user_1 viewer", chat: group, named: s_bo);
        await bot.TextAsync(group, "Bo: viewer");

        await bot.MessageAsync("hello", "ou_bo", group);
        await bot.TextAsync(group, "Your role in this group");
        Assert.Empty(await bot.Owner.ListSessionsAsync(CancellationToken.None));

        await bot.MessageAsync("run: touch a.txt", chat: group);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.allow"));
        await bot.PressAsync(asked, "approval.allow", "ou_bo");
        await bot.TextAsync(group, "right to decide");
        await bot.MessageAsync("/approve " + Assert.Single(await bot.PendingAsync()).Digest[..8], "ou_bo", group);
        await bot.MessageAsync("/stop", "ou_bo", group);
        await Wait.UntilAsync(() => bot.Texts(group).Count(t => t.Contains("Your role in this group", StringComparison.Ordinal)) == 3, "three");
        Assert.Equal(ApprovalState.Pending, Assert.Single(await bot.PendingAsync()).State);

        await bot.PressAsync(asked, "approval.allow"); // the same button, by who may
        await bot.CardAsync(group, "Complete");
    }

    [Fact]
    public async Task A_role_is_for_others_and_only_by_who_bound_the_group_or_manages()
    {
        await using var bot = await TestBot.StartAsync();
        await bot.PairAsync("ou_eye", scopes: [Scope.View, Scope.Prompt, Scope.Decide]);
        await bot.PairAsync();
        var group = await bot.BindAsync("demo", "ou_ada");
        await bot.PairAsync("ou_bo", scopes: s_all);

        await bot.MessageAsync("/role @_user_1 viewer", "ou_eye", group, named: s_bo);
        await bot.TextAsync(group, "can give roles");
        await bot.MessageAsync("/role @_user_1 viewer", "ou_bo", group, named: ("ou_ada", "Ada"));
        await bot.TextAsync(group, "has no role here");
        await bot.MessageAsync("/role everyone chief", chat: group);
        await bot.TextAsync(group, "/role @PERSON ROLE");
        await bot.MessageAsync("/role everyone decide", "ou_bo", group); // may manage
        await bot.TextAsync(group, "Everyone else: view decide");

        // Now they may manage no longer, and so not take it back.
        await bot.MessageAsync("/role everyone none", "ou_bo", group);
        await Wait.UntilAsync(() => bot.Texts(group).Count(t => t.Contains("can give roles", StringComparison.Ordinal)) == 2, "a refusal");
        await bot.MessageAsync("/unbind", "ou_bo", group);
        await bot.TextAsync(group, "Only who bound this group, or somebody who may manage projects, can unbind");
        await bot.MessageAsync("/role @_user_1 operator", chat: group, named: s_bo);
        await bot.TextAsync(group, "Bo: operator");
        await bot.MessageAsync("hello", "ou_bo", group);
        await bot.CardAsync(group, "Complete");

        // They began the session; the group is still whose it was.
        await bot.MessageAsync("/role everyone none", "ou_bo", group);
        await Wait.UntilAsync(() => bot.Texts(group).Count(t => t.Contains("can give roles", StringComparison.Ordinal)) == 3, "a refusal");
        await bot.RestartAsync();
        await bot.MessageAsync("/role", "ou_eye", group);
        await bot.TextAsync(group, "You: view decide");
    }

    [Fact]
    public async Task A_role_counts_for_the_project_in_the_direct_chat_too()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.PairAsync("ou_bo", scopes: s_all);
        await bot.MessageAsync("/role @_user_1 viewer", chat: group, named: s_bo);
        await bot.TextAsync(group, "Bo: viewer");

        var direct = TestBot.DirectOf("ou_bo");
        await bot.MessageAsync("hello", "ou_bo");
        var home = await bot.CardAsync(direct, "Projects");
        await bot.PressAsync(home, "project.manage", "ou_bo");
        var manage = await bot.CardAsync(direct, "Manage", c => c.Has("project.delete"));
        var forged = (JsonObject)manage.Button("project.delete").DeepClone();
        forged["a"] = "project.delete_sure";
        await bot.DeliverAsync(FakeEvents.Click("ev_forged", "ou_bo", direct, manage.Message, forged, null), "card");
        await bot.TextAsync(direct, "right to manage");
        Assert.Single(await bot.Owner.ListProjectsAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData("@Bo viewer", "Bo", "view")]
    [InlineData("viewer @Bo", "Bo", "view")]
    [InlineData("@Bo @Bo viewer operator", "Bo viewer", null)]
    [InlineData("@Bo viewer operator", "Bo viewer", "view prompt decide")]
    [InlineData("@Bo decide DECIDE", "Bo", "view decide")]
    [InlineData("@Bo admin", "Bo", "view prompt decide manage")]
    [InlineData("@Bo none", "Bo", "")]
    [InlineData("@Bo", "Bo", null)]
    [InlineData("@Bo owner", "Bo", null)]
    [InlineData("@Bo viewer operator", "Bo", null)]
    [InlineData("@Bo everyone viewer", "Bo", null)]
    [InlineData("everyone viewer", null, "view")]
    [InlineData("everyone none", null, "")]
    [InlineData("everyone", null, null)]
    [InlineData("viewer", null, null)]
    [InlineData("@Bo viewer", null, null)] // written, not named
    [InlineData("", null, null)]
    public void A_role_is_read_or_refused(string text, string? name, string? scopes)
    {
        var change = RoleWords.Read(text, name is null ? [] : [new NamedItem("ou_x", name)]);
        Assert.Equal(scopes, change is null ? null : string.Join(' ', change.Scopes ?? []).ToLowerInvariant());
        Assert.Equal(change is null || name is null ? [] : ["ou_x"], change?.People.Select(p => p.Account) ?? []);
    }

    /// <summary>Whatever is read: no scope that there is not, always the right to see, and nobody who was not named.</summary>
    [Fact]
    public void Any_words_give_a_role_or_none()
    {
        string[] words = ["@Bo", "@", "Bo", "viewer", "operator", "admin", "none", "everyone", "view", "manage", "0", "15", "-1", "\u202e", ""];
        var random = new Random(15);
        var read = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Join(' ', random.GetItems(words, random.Next(6)));
            var change = RoleWords.Read(text, random.Next(2) == 0 ? [] : [new NamedItem("ou_x", "Bo")]);
            Assert.All(change?.People ?? [], p => Assert.Equal("ou_x", p.Account));
            Assert.All(change?.Scopes ?? [], s => Assert.True(Enum.IsDefined(s)));
            Assert.True(change?.Scopes is not { } scopes || scopes.Contains(Scope.View));
            read += change is null ? 0 : 1;
        }

        Assert.InRange(read, 1, 19_999);
    }
}
