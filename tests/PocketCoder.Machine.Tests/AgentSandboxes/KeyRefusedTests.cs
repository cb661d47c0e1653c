using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Codex;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Machine.Models;
using PocketCoder.Protocol;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.AgentSandboxes;

/// <summary>
/// A key that the provider refuses ends the turn at once, whichever agent asks and wherever it runs, and the words say which stored key it
/// was and how to replace it.
/// </summary>
public sealed class KeyRefusedTests
{
    private const string StoredKey = "sk-stored-key-that-is-wrong-401";

    public static TheoryData<string, string, SandboxKind> Agents => new()
    {
        { "claude", "anthropic", SandboxKind.Bubblewrap }, { "codex", "openai", SandboxKind.Bubblewrap },
        { "opencode", "openai", SandboxKind.Bubblewrap }, { "gemini", "google", SandboxKind.Bubblewrap },
        { "claude", "anthropic", SandboxKind.None }, { "codex", "openai", SandboxKind.None }, { "gemini", "google", SandboxKind.None },
    };

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Agents))]
    public async Task A_refused_key_ends_the_turn_after_one_request_and_names_the_key_and_how_to_replace_it(
        string agent, string provider, SandboxKind sandbox)
    {
        await using var model = await ScriptedModelServer.StartAsync();
        var (driver, folder, home) = await DriverAsync(agent, model.Address);
        using (home)
        {
            await using var story = new SandboxStory(await SandboxStory.BeginAsync(model, driver, folder, provider, StoredKey));
            var session = await story.NewAsync("SAY: hello", sandbox);
            await story.ReadAsync(session);
            Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome); // its start has a time of its own
            await story.PromptAsync(session, "HTTP: 401");
            var failure = (await story.Device.NextEventAsync<ErrorEvent>()).Message;
            Assert.Equal(TurnState.Failed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
            Assert.Contains($"the key that is stored on this machine as '{provider}'", failure, StringComparison.Ordinal);
            Assert.Contains($"pocketcoder secrets set {provider}", failure, StringComparison.Ordinal);
            Assert.DoesNotContain(StoredKey, failure, StringComparison.Ordinal);
            // one more may be under way when it is stopped
            Assert.InRange(model.Requests.Count(r => r.Prompt == "HTTP: 401" && !r.Dialect.EndsWith("-side", StringComparison.Ordinal)), 1,
                2);
        }
    }

    [Theory]
    [InlineData("API Error: 401 Invalid authentication credentials", true)]
    [InlineData("unexpected status 403 Forbidden: no access", true)]
    [InlineData("API key not valid. Please pass a valid API key.", true)]
    [InlineData("Incorrect API key provided: sk-…", true)]
    [InlineData("Overloaded 529", false)]
    [InlineData("429 Too Many Requests", false)]
    [InlineData("line 14010 of the file", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Words_that_tell_of_a_refused_credential_are_known(string? words, bool refused)
        => Assert.Equal(refused, KeyRefusals.IsRefused(words));

    [Theory]
    [InlineData(ModelAccess.Key, "stored on this machine as 'openai' (401)")]
    [InlineData(ModelAccess.OwnKey, "Codex's own settings or environment (401)")]
    [InlineData(ModelAccess.OwnLogin, "Codex's own login or key (401)")]
    [InlineData(ModelAccess.Direct, "Codex's own login or key (401)")]
    public void Each_kind_of_credential_is_named_with_the_next_step(ModelAccess access, string named)
    {
        var words = KeyRefusals.Words("openai", "Codex", access, 401);
        Assert.Contains(named, words, StringComparison.Ordinal);
        Assert.Contains("pocketcoder secrets set openai", words, StringComparison.Ordinal);
        Assert.Contains("send the prompt again", words, StringComparison.Ordinal);
    }

    private static async Task<(IAgentDriver Driver, string Folder, IDisposable Home)> DriverAsync(string agent, string address)
    {
        switch (agent)
        {
            case "claude":
                var claude = new ClaudeHome(await RealClaude.ProgramAsync(), address);
                return (new ClaudeDriver(TimeProvider.System, claude.Environment), claude.Project, claude);
            case "codex":
                var codex = new CodexHome(await RealAgents.ProgramAsync("codex"), address);
                await File.WriteAllTextAsync(codex.SettingsFile, "model = \"gpt-5.5\"\n");
                codex.Environment["OPENAI_BASE_URL"] = address + "/v1";
                return (new CodexDriver(TimeProvider.System, codex.Environment), codex.Project, codex);
            case "opencode":
                var openCode = new OpenCodeHome(await RealAgents.ProgramAsync("opencode"), address);
                await File.WriteAllTextAsync(openCode.SettingsFile, """{"model":"openai/gpt-4.1"}""");
                openCode.Environment["OPENAI_BASE_URL"] = address + "/v1";
                return (new OpenCodeDriver(TimeProvider.System, openCode.Environment), openCode.Project, openCode);
            default:
                var gemini = new GeminiHome(await RealAgents.ProgramAsync("gemini"), address);
                return (new AcpDriver(AcpAgent.Gemini, TimeProvider.System, gemini.Environment), gemini.Project, gemini);
        }
    }
}
