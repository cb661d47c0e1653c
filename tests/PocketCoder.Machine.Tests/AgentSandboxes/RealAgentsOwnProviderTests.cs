using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Codex;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Models;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.AgentSandboxes;

/// <summary>
/// The real Claude Code, Codex and Gemini CLI in sandboxes of their own, with a model of a provider that the owner named. OpenCode:
/// RealOpenCodeOwnProviderTests.
/// </summary>
[Trait("Category", "Slow")]
public sealed class RealAgentsOwnProviderTests
{
    private const string Key = "sk-of-my-own-server-0123456789";
    private const string Model = "local-coder"; // no list of any agent has it

    [Theory]
    [InlineData("claude", ProviderDialect.Anthropic, "")]
    [InlineData("codex", ProviderDialect.OpenaiResponses, "/v1")]
    [InlineData("gemini", ProviderDialect.Gemini, "")]
    public async Task It_runs_after_approval_asks_that_server_only_by_the_servers_name_and_is_counted_under_ours(
        string agent, ProviderDialect dialect, string path)
    {
        await using var story = await Story.StartAsync(agent);
        await story.SetAsync(dialect, path, Key);
        var session = await story.NewAsync("BASH: echo it works; env\nSAY: done", model: $"lan/{Model}");
        await story.ReadAsync(session);
        await story.Device.DecideAsync(await story.AskedAsync(), DecisionVerdict.Allow);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);

        Assert.Empty(story.Usual.Requests);
        Assert.Equal([Key], story.Model.Requests.Select(r => r.Key).Distinct());
        Assert.All(story.Model.Requests, r => Assert.Contains(
            Model, agent == "gemini" ? r.Path : r.Body, StringComparison.Ordinal));
        Assert.DoesNotContain(story.Model.Requests, r => r.Body.Contains("lan/", StringComparison.Ordinal));
        Assert.Equal([], story.Model.Unexpected);
        var info = await story.InfoAsync(session);
        Assert.Equal((ModelAccess.Key, $"lan/{Model}"), (info.Models, info.Model));
        Assert.True(info.Context?.WindowTokens is null or 128_000, $"{info.Context}");
        Assert.Contains(await story.StartsAsync(), d => d.GetProperty("place").GetString() == "ring");
        await Wait.UntilAsync(
            async () => (await story.UsageAsync()).Total.Requests == story.Model.Requests.Count, "all of it is counted");
        var used = await story.UsageAsync();
        Assert.All(used.Models, m => Assert.StartsWith("lan/", m.Name, StringComparison.Ordinal));
        Assert.Equal((0L, 0L), (used.Total.Unpriced, used.Total.Uncounted));

        var pids = Story.Pids(story.StateOf(session));
        Assert.NotEmpty(pids);
        foreach (var pid in pids)
        {
            foreach (var file in (string[])["environ", "cmdline"])
            {
                var words = await File.ReadAllTextAsync($"/proc/{pid}/{file}");
                Assert.DoesNotContain(Key, words, StringComparison.Ordinal);
                Assert.DoesNotContain(new Uri(story.Model.Address).Authority, words, StringComparison.Ordinal);
            }
        }

        // The next prompt, and one after the agent began anew, go on there.
        var before = story.Model.Requests.Count;
        await story.SetAsync(dialect, path, "sk-another-one-of-that-server-0");
        await story.PromptAsync(session, "SAY: and again");
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal(["sk-another-one-of-that-server-0"], story.Model.Requests.Skip(before).Select(r => r.Key).Distinct());
        Assert.Contains(story.Model.Requests.Skip(before), r => r.Body.Contains("it works", StringComparison.Ordinal));

        using (var owner = story.Owner())
        {
            await owner.RemoveProviderAsync("lan", default);
        }

        before = story.Model.Requests.Count;
        await story.PromptAsync(session, "SAY: gone");
        Assert.Contains("was removed", (await story.Device.NextEventAsync<ErrorEvent>()).Message, StringComparison.Ordinal);
        Assert.Equal((before, 0), (story.Model.Requests.Count, story.Usual.Requests.Count));
    }

    [Theory]
    [InlineData("claude", ProviderDialect.OpenaiChat, "anthropic")]
    [InlineData("codex", ProviderDialect.OpenaiChat, "openai-responses")]
    [InlineData("gemini", ProviderDialect.Anthropic, "gemini")]
    public async Task A_provider_of_another_dialect_is_not_offered_and_refused_with_the_one_that_is_needed(
        string agent, ProviderDialect dialect, string needed)
    {
        await using var story = await Story.StartAsync(agent);
        await story.SetAsync(dialect, "", Key);
        Assert.DoesNotContain(await story.OfferedAsync(), m => m.StartsWith("lan/", StringComparison.Ordinal));
        var session = await story.NewAsync("SAY: hello", model: $"lan/{Model}");
        await story.ReadAsync(session);
        var failed = await story.Device.NextEventAsync<ErrorEvent>();
        Assert.Contains($"It asks providers that speak {needed}.", failed.Message, StringComparison.Ordinal);
        Assert.Empty(story.Model.Requests);
        Assert.Empty(story.Usual.Requests);
    }

    [Fact]
    public async Task It_is_offered_changed_within_the_provider_only_and_refused_without_a_sandbox()
    {
        await using var story = await Story.StartAsync("claude");
        await story.SetAsync(ProviderDialect.Anthropic, "", Key);
        Assert.Contains($"lan/{Model}", await story.OfferedAsync());

        var open = await story.NewAsync("SAY: hello", SandboxKind.None, $"lan/{Model}");
        await story.ReadAsync(open);
        Assert.Contains("sandboxed session", (await story.Device.NextEventAsync<ErrorEvent>()).Message, StringComparison.Ordinal);
        Assert.Equal(TurnState.Failed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Empty(story.Model.Requests);
        Assert.Empty(story.Usual.Requests);

        var session = await story.NewAsync("SAY: hello", model: $"lan/{Model}");
        await story.ReadAsync(session);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        foreach (var other in (string[])["sonnet", "", "lan/unheard-of"])
        {
            var refused = await Assert.ThrowsAnyAsync<Exception>(() => story.ChooseAsync(session, other));
            Assert.Contains($"This session asks lan, which has: lan/{Model}, lan/second.", refused.Message, StringComparison.Ordinal);
        }

        await story.ChooseAsync(session, "lan/second");
        await story.PromptAsync(session, "SAY: again");
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Contains("\"second\"", story.Model.Requests[^1].Body, StringComparison.Ordinal);
        Assert.Equal("lan/second", (await story.InfoAsync(session)).Model);
        Assert.Equal(
            [$"lan/{Model}", "lan/second"], (await story.OfferedAsync()).Where(m => m.StartsWith("lan/", StringComparison.Ordinal)));
    }

    private sealed class Story(SandboxStory.Parts parts, ScriptedModelServer usual, IDisposable home) : SandboxStory(parts)
    {
        /// <summary>Where the agent's own settings lead, with a key: nothing may come here.</summary>
        public ScriptedModelServer Usual { get; } = usual;

        public static async Task<Story> StartAsync(string agent)
        {
            var (model, usual) = (await ScriptedModelServer.StartAsync(), await ScriptedModelServer.StartAsync());
            switch (agent)
            {
                case "claude":
                    var claude = new ClaudeHome(await RealClaude.ProgramAsync(), usual.Address);
                    claude.Environment["ANTHROPIC_DEFAULT_HAIKU_MODEL"] = "claude-of-the-person";
                    return new Story(
                        await BeginAsync(model, new ClaudeDriver(TimeProvider.System, claude.Environment), claude.Project, "anthropic", null),
                        usual, claude);
                case "codex":
                    var codex = new CodexHome(await RealAgents.ProgramAsync("codex"), usual.Address);
                    return new Story(
                        await BeginAsync(model, new CodexDriver(TimeProvider.System, codex.Environment), codex.Project, "openai", null),
                        usual, codex);
                default:
                    var gemini = new GeminiHome(await RealAgents.ProgramAsync("gemini"), usual.Address);
                    return new Story(
                        await BeginAsync(
                            model, new AcpDriver(AcpAgent.Gemini, TimeProvider.System, gemini.Environment), gemini.Project, "google", null),
                        usual, gemini);
            }
        }

        public ControlClient Owner() => new(new InProcessTransport(Daemon.Daemon.Owner));

        public async Task SetAsync(ProviderDialect dialect, string path, string key)
        {
            using var owner = Owner();
            OwnModel[] models =
            [
                .. ((string[])[RealAgentsOwnProviderTests.Model, "second"]).Select(
                    m => new OwnModel(m) { ContextTokens = 128_000, Price = new OwnPrice(1, 4) }),
            ];
            await owner.SetProviderAsync(new ProviderSetRequest("lan", dialect, Model.Address + path, models, key), CancellationToken.None);
        }

        public async Task<IReadOnlyList<string>> OfferedAsync()
        {
            var answer = await Device.AskAsync(
                MessageTypes.AgentsList, new AgentsListRequest(), ProtocolJson.Default.AgentsListRequest,
                ProtocolJson.Default.AgentsListResponse);
            return [.. answer.Agents.SelectMany(a => a.KnownModels).Select(m => m.Id)];
        }

        public Task<AgentSessionSetResponse> ChooseAsync(Guid session, string model) => Device.AskAsync(
            MessageTypes.AgentSessionSet, new AgentSessionSetRequest(session) { Model = model },
            ProtocolJson.Default.AgentSessionSetRequest, ProtocolJson.Default.AgentSessionSetResponse);

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await Usual.DisposeAsync();
            home.Dispose();
        }

        public static IReadOnlyList<int> Pids(string state) => PidsOf((_, environment) => environment.Any(
            v => v == $"CLAUDE_CONFIG_DIR={state}" || v == $"CODEX_HOME={state}" || v == $"GEMINI_CLI_HOME={state}"));
    }
}
