using System.Text.Json.Nodes;
using System.Threading.Channels;
using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>Buttons and forms that are pressed too late, left empty, or filled with what is not there.</summary>
public sealed class PressTests
{
    [Fact]
    public async Task What_waits_is_said_to_the_running_turn_and_waits_no_longer()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("long: 600", chat: group);
        var running = await bot.CardAsync(group, "Running");
        await bot.MessageAsync("be short", chat: group);
        var waiting = await bot.CardAsync(group, "Queued", c => c.Has("queue.steer"));
        var pressed = await bot.PressAsync(waiting, "queue.steer");
        await bot.DeliverAsync(pressed, "card");
        await bot.TextAsync(group, "has heard it");
        await bot.CardAsync(group, "Stopped", c => c.Message == waiting.Message);
        await bot.PressAsync(await bot.CardAsync(group, "Running", c => c.Message == running.Message && c.Has("task.stop")), "task.stop");
        await bot.CardAsync(group, "Stopped", c => c.Message == running.Message);
        Assert.Single(bot.Texts(group), t => t.Contains("has heard it", StringComparison.Ordinal));
        Assert.Equal([TurnState.Cancelled, TurnState.Cancelled], (await bot.TurnsAsync()).Select(t => t.State));
    }

    /// <summary>The turn ends before the agent hears it.</summary>
    [Fact]
    public async Task What_can_not_be_said_into_a_turn_waits_and_the_chat_says_so()
    {
        await using var bot = await TestBot.StartAsync(new Deaf());
        var folder = Directory.CreateTempSubdirectory("pc-deaf-");
        await bot.Owner.AddProjectAsync(folder.FullName, "demo", force: true, CancellationToken.None);
        var group = await bot.GroupAsync();
        await bot.MessageAsync("silent: 3", chat: group);
        await bot.CardAsync(group, "Running");
        await bot.MessageAsync("and then this", chat: group);
        await bot.PressAsync(await bot.CardAsync(group, "Queued", c => c.Has("queue.steer")), "queue.steer");
        await bot.TextAsync(group, "it waits as a prompt");
        await bot.CardAsync(group, "Complete", c => c.Text.Contains("and then this", StringComparison.Ordinal));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_preset_that_is_not_kept_any_more_is_told_and_not_used()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        var first = await PresetsAsync(await WorkspaceAsync(bot, group));
        await bot.PressAsync(first, "workspace.add_preset", form: new JsonObject { ["folder"] = "c" });
        first = await bot.CardAsync(group, "Presets", c => c.Message == first.Message && c.Has("workspace.use_preset"));
        var second = await PresetsAsync(await WorkspaceAsync(bot, group));
        await bot.PressAsync(second, "workspace.remove_preset");
        await bot.CardAsync(group, "Presets", c => c.Message == second.Message && !c.Has("workspace.remove_preset"));

        await bot.PressAsync(first, "workspace.use_preset");
        var told = await bot.CardAsync(
            group, "Presets", c => c.Message == first.Message && c.Text.Contains("not kept any more", StringComparison.Ordinal));
        Assert.False(told.Has("workspace.use_preset"));
        Assert.DoesNotContain("demo/c", (await WorkspaceAsync(bot, group)).Title, StringComparison.Ordinal);

        async Task<SeenCard> PresetsAsync(SeenCard workspace)
        {
            await bot.PressAsync(workspace, "workspace.presets");
            return await bot.CardAsync(group, "Presets", c => c.Message == workspace.Message && c.Has("workspace.add_preset"));
        }
    }

    [Theory]
    [InlineData("no id at all")]
    [InlineData("0198c1d0000070008000000000000001")]
    public async Task A_session_that_is_not_there_is_told_with_those_that_are(string typed)
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        var workspace = await WorkspaceAsync(bot, group);
        await bot.PressAsync(workspace, "workspace.session");
        var list = await bot.CardAsync(group, "Session", c => c.Message == workspace.Message && c.Has("workspace.type_session"));
        await bot.PressAsync(list, "workspace.type_session");
        var form = await bot.CardAsync(
            group, "Session", c => c.Message == workspace.Message && c.Has("workspace.apply_session") && !c.Has("workspace.type_session"));
        await bot.PressAsync(form, "workspace.apply_session", form: new JsonObject { ["session"] = typed });
        await bot.CardAsync(
            group, "Session", c => c.Message == workspace.Message && c.Text.Contains("session is gone", StringComparison.OrdinalIgnoreCase));
        Assert.Single(await bot.Owner.ListSessionsAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_request_is_opened_from_its_turn_and_shown_once_more_with_new_buttons()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("run: touch opened.txt", chat: group);
        var asked = await bot.CardAsync(group, "Approval", c => c.Has("approval.allow"));
        await bot.PressAsync(await bot.CardAsync(group, "Task", c => c.Has("approval.open")), "approval.open");
        var again = await bot.CardAsync(group, "Approval", c => c.Message != asked.Message && c.Has("approval.allow"));
        await bot.PressAsync(again, "approval.allow");
        await bot.CardAsync(group, "Complete");
        Assert.False(bot.Cards(group).Single(c => c.Message == again.Message).Has("approval.allow"));
        Assert.True(File.Exists(Path.Combine(bot.Folder, "opened.txt")));
    }

    [Fact]
    public async Task An_empty_prompt_begins_nothing()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.PressAsync(await WorkspaceAsync(bot, group), "task.compose");
        var form = await bot.CardAsync(group, "New prompt", c => c.Has("task.submit"));
        await bot.PressAsync(form, "task.submit", form: new JsonObject { ["prompt"] = "  " });
        await bot.MessageAsync("   ", chat: group);
        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        Assert.Equal(["hello"], (await bot.TurnsAsync()).Select(t => t.Content));
    }

    [Fact]
    public async Task Another_model_goes_on_with_the_session_and_is_what_its_card_says()
    {
        await using var bot = await TestBot.StartAsync();
        var group = await bot.GroupAsync();
        await bot.MessageAsync("hello", chat: group);
        await bot.CardAsync(group, "Complete");
        var workspace = await WorkspaceAsync(bot, group);
        await bot.PressAsync(workspace, "workspace.agent");
        var form = await bot.CardAsync(group, "Agent", c => c.Message == workspace.Message && c.Has("workspace.apply_agent"));
        var before = Assert.Single(await bot.Owner.ListSessionsAsync(CancellationToken.None));
        var other = StubModels().First(m => m != before.Model);
        await bot.PressAsync(form, "workspace.apply_agent", form: new JsonObject { ["model"] = other });
        await bot.CardAsync(group, "Workspace", c => c.Message == workspace.Message && c.Text.Contains(other, StringComparison.Ordinal));
        Assert.Equal(other, Assert.Single(await bot.Owner.ListSessionsAsync(CancellationToken.None)).Model);

        static IReadOnlyList<string> StubModels() => [.. new StubDriver(TimeProvider.System).Description.FixedModels];
    }

    private static async Task<SeenCard> WorkspaceAsync(TestBot bot, string group)
    {
        var known = bot.Cards(group).Select(c => c.Message).ToHashSet(StringComparer.Ordinal);
        await bot.MessageAsync("/status", chat: group);
        return await bot.CardAsync(group, "Workspace", c => !known.Contains(c.Message) && c.Has("workspace.presets"));
    }

    /// <summary>The demo agent, whose turns hear nothing.</summary>
    private sealed class Deaf : IAgentDriver
    {
        private readonly StubDriver _inner = new(TimeProvider.System);

        public AgentDescription Description => _inner.Description;

        public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => _inner.ProbeAsync(cancellationToken);

        public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
            => new DeafProcess(await _inner.StartAsync(start, cancellationToken));
    }

    private sealed class DeafProcess(IAgentProcess inner) : IAgentProcess
    {
        public ProcessIdentity? Process => inner.Process;

        public ChannelReader<AgentEvent> Events => inner.Events;

        public ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
            => inner.PromptAsync(prompt, cancellationToken);

        public ValueTask InterruptAsync(CancellationToken cancellationToken) => inner.InterruptAsync(cancellationToken);

        public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
            => inner.AnswerAsync(requestId, answer, cancellationToken);

        public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken) => inner.SetModeAsync(mode, cancellationToken);

        public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken) => inner.SetModelAsync(model, cancellationToken);

        public ValueTask<bool> SteerAsync(AgentPrompt prompt, CancellationToken cancellationToken) => ValueTask.FromResult(false);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
