using PocketCoder.Agents;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Models;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.AgentSandboxes;

/// <summary>The real OpenCode in a sandbox of its own, with a model of a provider that the owner named.</summary>
[Trait("Category", "Slow")]
public sealed class RealOpenCodeOwnProviderTests
{
    private const string Key = "sk-of-my-own-server-0123456789";
    private const string Model = "local-coder"; // no list of any agent has it

    [Theory]
    [InlineData(ProviderDialect.OpenaiChat, "/v1", "chat", "pocketcoder_bash")]
    [InlineData(ProviderDialect.OpenaiResponses, "/v1", "responses", "pocketcoder_bash")]
    [InlineData(ProviderDialect.Anthropic, "", "anthropic", "pocketcoder_bash")]
    [InlineData(ProviderDialect.Gemini, "", "gemini", "pocketcoder_bash")]
    public async Task It_edits_and_runs_after_approval_with_the_key_outside_and_its_use_counted_under_the_providers_name(
        ProviderDialect dialect, string path, string spoken, string shell)
    {
        await using var story = await Story.StartAsync();
        await story.SetAsync(dialect, path, Key);
        await File.WriteAllTextAsync(story.Home.InProject("notes.txt"), "old text\n");
        var session = await story.NewAsync(
            $$"""
            TOOL: edit {"filePath":"notes.txt","oldString":"old","newString":"new"}
            TOOL: {{shell}} {"command":"cat notes.txt; env","description":"look"}
            SAY: done
            """,
            model: $"lan/{Model}");
        await story.ReadAsync(session);
        await story.Device.DecideAsync(await story.AskedAsync(), DecisionVerdict.Allow);
        await story.Device.DecideAsync(await story.AskedAsync(), DecisionVerdict.Allow);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal("new text\n", await File.ReadAllTextAsync(story.Home.InProject("notes.txt")));

        Assert.Equal([Key], story.Model.Requests.Select(r => r.Key).Distinct());
        Assert.Equal([spoken], story.Model.Requests.Where(r => !r.Dialect.EndsWith("-side", StringComparison.Ordinal)).Select(r => r.Dialect).Distinct());
        Assert.Equal([], story.Model.Unexpected);
        var info = await story.InfoAsync(session);
        Assert.Equal((ModelAccess.Key, $"lan/{Model}", 64_000), (info.Models, info.Model, info.Context?.WindowTokens));
        Assert.Contains(await story.StartsAsync(), d => d.GetProperty("place").GetString() == "ring");
        await Wait.UntilAsync(
            async () => (await story.UsageAsync()).Total.Requests == story.Model.Requests.Count, "all of it is counted");
        var used = await story.UsageAsync();
        Assert.All(used.Models, m => Assert.StartsWith("lan/", m.Name, StringComparison.Ordinal));
        Assert.Equal((0L, 0L), (used.Total.Unpriced, used.Total.Uncounted));
        Assert.True(used.Total.CostUsd > 0);

        foreach (var pid in Story.Pids(story.StateOf(session)))
        {
            foreach (var file in (string[])["environ", "cmdline"])
            {
                var words = await File.ReadAllTextAsync($"/proc/{pid}/{file}");
                Assert.DoesNotContain(Key, words, StringComparison.Ordinal);
                Assert.DoesNotContain(new Uri(story.Model.Address).Authority, words, StringComparison.Ordinal);
            }
        }

        Assert.All(
            Directory.EnumerateFiles(story.StateOf(session), "*", SearchOption.AllDirectories),
            f => Assert.DoesNotContain(Key, TextOf(f), StringComparison.Ordinal));
    }

    private static string TextOf(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // a socket, or a link that leads nowhere
        }
    }

    [Fact]
    public async Task Without_a_key_no_credential_is_sent_and_without_a_price_the_cost_is_unknown_and_a_dollar_budget_refuses()
    {
        await using var story = await Story.StartAsync();
        await story.SetAsync(ProviderDialect.OpenaiChat, "/v1", null, priced: false);
        var session = await story.NewAsync("SAY: hello", model: $"lan/{Model}");
        await story.ReadAsync(session);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal([null], story.Model.Requests.Select(r => r.Key).Distinct());
        await Wait.UntilAsync(async () => (await story.UsageAsync()).Total.Requests > 0, "it is counted");
        Assert.Null((await story.UsageAsync()).Total.CostUsd);
        Assert.Null((await story.InfoAsync(session)).Usage.CostUsd);

        var asked = story.Model.Requests.Count;
        await story.Daemon.Daemon.AsOwner().SetBudgetAsync(
            new BudgetSetRequest(BudgetScope.Day, null, BudgetAction.Stop, 5, null), CancellationToken.None);
        await story.PromptAsync(session, "SAY: again");
        var failed = await story.Device.NextEventAsync<ErrorEvent>();
        Assert.Contains($"lan/{Model}", failed.Message, StringComparison.Ordinal);
        Assert.Contains("no price", failed.Message, StringComparison.Ordinal);
        Assert.Equal(asked, story.Model.Requests.Count);
    }

    [Fact]
    public async Task A_provider_that_was_changed_is_asked_where_it_is_now_from_the_next_prompt_on_and_a_removed_one_not_at_all()
    {
        await using var other = await ScriptedModelServer.StartAsync();
        await using var story = await Story.StartAsync();
        await story.SetAsync(ProviderDialect.OpenaiChat, "/v1", Key);
        var session = await story.NewAsync("SAY: hello", model: $"lan/{Model}");
        await story.ReadAsync(session);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);

        var before = story.Model.Requests.Count;
        await story.SetAsync(ProviderDialect.OpenaiChat, "/v1", "sk-of-the-other-server-0123", at: other);
        await story.PromptAsync(session, "SAY: and there");
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal(before, story.Model.Requests.Count);
        Assert.Equal(["sk-of-the-other-server-0123"], other.Requests.Select(r => r.Key).Distinct());
        Assert.Contains(other.Requests, r => r.Body.Contains("SAY: hello", StringComparison.Ordinal)); // the same conversation

        using (var owner = story.Owner())
        {
            await owner.RemoveProviderAsync("lan", default);
        }

        var (there, here) = (other.Requests.Count, story.Model.Requests.Count);
        await story.PromptAsync(session, "SAY: gone");
        Assert.Contains("no key", (await story.Device.NextEventAsync<ErrorEvent>()).Message, StringComparison.Ordinal);
        Assert.Equal((there, here), (other.Requests.Count, story.Model.Requests.Count));
    }

    [Fact]
    public async Task A_model_that_was_not_named_is_refused_and_nothing_is_asked()
    {
        await using var story = await Story.StartAsync();
        await story.SetAsync(ProviderDialect.OpenaiChat, "/v1", Key);
        var session = await story.NewAsync("SAY: hello", model: "lan/unheard-of");
        await story.ReadAsync(session);
        var failed = await story.Device.NextEventAsync<ErrorEvent>();
        Assert.Contains($"lan has no such model on this machine. It has: {Model}", failed.Message, StringComparison.Ordinal);
        Assert.Empty(story.Model.Requests);
    }

    [Fact]
    public async Task A_refused_key_ends_the_turn_and_says_which_one_to_replace()
    {
        await using var story = await Story.StartAsync();
        await story.SetAsync(ProviderDialect.OpenaiChat, "/v1", Key);
        var session = await story.NewAsync("HTTP: 401", model: $"lan/{Model}");
        await story.ReadAsync(session);
        var failed = await story.Device.NextEventAsync<ErrorEvent>();
        Assert.Contains("pocketcoder secrets set provider.lan", failed.Message, StringComparison.Ordinal);
    }

    private sealed class Story(OpenCodeHome home, SandboxStory.Parts parts) : SandboxStory(parts)
    {
        public OpenCodeHome Home { get; } = home;

        /// <summary>No key of a built-in provider is anywhere: only the own one can be asked.</summary>
        public static async Task<Story> StartAsync()
        {
            var model = await ScriptedModelServer.StartAsync();
            var home = new OpenCodeHome(await RealAgents.ProgramAsync("opencode"), model.Address);
            await File.WriteAllTextAsync(home.SettingsFile, "{}");
            return new Story(
                home, await BeginAsync(model, new OpenCodeDriver(TimeProvider.System, home.Environment), home.Project, "openai", null));
        }

        public ControlClient Owner() => new(new InProcessTransport(Daemon.Daemon.Owner));

        public async Task SetAsync(
            ProviderDialect dialect, string path, string? key, bool priced = true, ScriptedModelServer? at = null)
        {
            using var owner = Owner();
            var model = new OwnModel(RealOpenCodeOwnProviderTests.Model)
            { ContextTokens = 64_000, Price = priced ? new OwnPrice(1, 4) : null };
            await owner.SetProviderAsync(
                new ProviderSetRequest("lan", dialect, (at ?? Model).Address + path, [model], key), CancellationToken.None);
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            Home.Dispose();
        }

        public static IReadOnlyList<int> Pids(string state) => PidsOf((arguments, environment)
            => Path.GetFileName(arguments[0]).StartsWith("opencode", StringComparison.Ordinal)
                && environment.Contains($"XDG_DATA_HOME={state}/data"));
    }
}
