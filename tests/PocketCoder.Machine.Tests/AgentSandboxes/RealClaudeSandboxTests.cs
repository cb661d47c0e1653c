using System.Text.Json;
using PocketCoder.Agents.Claude;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Tests.Attachments;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.AgentSandboxes;

/// <summary>The real Claude Code of a sandboxed session: in a sandbox of its own, with the model broker as its only network.</summary>
[Trait("Category", "Slow")]
public sealed class RealClaudeSandboxTests
{
    private const string StoredKey = "sk-stored-key-in-the-machine-42";

    [Fact]
    public async Task With_a_stored_key_it_answers_edits_after_approval_and_goes_on_after_it_was_killed()
    {
        await using var story = await Story.StartAsync(StoredKey);
        await File.WriteAllTextAsync(story.Home.InProject("notes.txt"), "old text\n");
        var session = await story.NewAsync(
            "READ: notes.txt\nEDIT: notes.txt | old | new\nBASH: cat notes.txt; env; cat /proc/self/environ");
        await story.AllowAnEditAndACommandAsync(session, story.Home.InProject("notes.txt"));
        var output = (await story.Device.NextEventAsync<ToolResultEvent>(e => e.Output.Contains("HOME=", StringComparison.Ordinal))).Output;
        Assert.StartsWith("new text\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("ANTHROPIC", output, StringComparison.Ordinal);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal([StoredKey], story.Model.Requests.Select(r => r.Key).Distinct());
        Assert.Empty(story.Model.Unexpected);
        Assert.Equal(ModelAccess.Key, (await story.InfoAsync(session)).Models);

        var report = await story.Daemon.Daemon.AsOwner().UsageAsync(CancellationToken.None);
        await Wait.UntilAsync(
            async () => (report = await story.Daemon.Daemon.AsOwner()
                .UsageAsync(CancellationToken.None)).Sessions is [{ Used.Requests: >= 3 }], "the use is recorded");
        Assert.Equal(session.ToString(), report.Sessions[0].Id);
        Assert.True(report.Sessions[0].Used is { InputTokens: > 0, OutputTokens: > 0, OwnLogin: 0 });
        await story.UsageAgreesAsync(session);

        await story.KillAgentAsync(session);
        var before = story.Model.Requests.Count;
        await story.PromptAsync(session, "SAY: and again");
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.True(story.Model.Requests.Count > before);
        Assert.Contains(await story.StartsAsync(), d => d.GetProperty("place").GetString() == "ring"
            && d.GetProperty("models").GetString() == "key" && d.GetProperty("resumed").GetBoolean());

        await story.Daemon.RestartAsync();
        var kept = await story.Daemon.Daemon.AsOwner().UsageAsync(CancellationToken.None);
        Assert.Equal(story.Model.Requests.Count, kept.Sessions[0].Used.Requests);
        Assert.Equal(kept.Sessions[0].Used, Assert.Single(kept.Projects).Used);
        Assert.Equal(kept.Sessions[0].Used.Requests, kept.Days.Sum(d => d.Used.Requests)); // midnight may lie in between
    }

    [Fact]
    public async Task With_a_key_of_the_daemons_environment_that_key_stays_outside_too()
    {
        await using var story = await Story.StartAsync(null);
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal([ClaudeHome.Key], story.Model.Requests.Select(r => r.Key).Distinct());
        Assert.Equal(ModelAccess.OwnKey, (await story.InfoAsync(session)).Models);
        var inside = Story.AgentEnvironment(session);
        Assert.Contains("ANTHROPIC_BASE_URL=http://127.0.0.1:8787/anthropic", inside);
        Assert.DoesNotContain(inside, v => v.Contains(ClaudeHome.Key, StringComparison.Ordinal)
            || v.StartsWith("POCKETCODER", StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_a_login_only_the_login_is_passed_through_and_marked_everywhere()
    {
        await using var story = await Story.StartAsync(null, home =>
        {
            home.Environment.Remove("ANTHROPIC_API_KEY");
            Directory.CreateDirectory(home.ConfigDirectory);
            File.WriteAllText(
                Path.Combine(home.ConfigDirectory, ".credentials.json"),
                """{"claudeAiOauth":{"accessToken":"access-of-the-person","refreshToken":"refresh-of-the-person","expiresAt":4102444800000,"scopes":["user:inference"]}}""");
        });
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        Assert.Contains("own login", (await story.Device.NextEventAsync<NoticeEvent>(n => n.Level == NoticeLevel.Warning)).Text,
            StringComparison.Ordinal);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal(["Bearer access-of-the-person"], story.Model.Requests.Select(r => r.Key).Distinct());
        Assert.Equal(ModelAccess.OwnLogin, (await story.InfoAsync(session)).Models);
        Assert.Equal("own_login", Assert.Single(await story.StartsAsync()).GetProperty("models").GetString());
        var inside = Story.AgentEnvironment(session);
        Assert.Contains("CLAUDE_CODE_OAUTH_TOKEN=access-of-the-person", inside);
        Assert.DoesNotContain(inside, v => v.Contains("refresh-of-the-person", StringComparison.Ordinal));
        Assert.DoesNotContain(
            Directory.EnumerateFiles(story.Daemon.Options.Home.AgentFiles, "*", SearchOption.AllDirectories),
            f => File.ReadAllText(f).Contains("refresh-of-the-person", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_any_credential_the_turn_says_what_to_do()
    {
        await using var story = await Story.StartAsync(null, home => home.Environment.Remove("ANTHROPIC_API_KEY"));
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        Assert.Contains("pocketcoder secrets set anthropic", (await story.Device.NextEventAsync<ErrorEvent>()).Message,
            StringComparison.Ordinal);
        Assert.Empty(story.Model.Requests);
    }

    [Fact]
    public async Task A_login_that_ran_out_is_told_before_anything_starts()
    {
        await using var story = await Story.StartAsync(null, home =>
        {
            home.Environment.Remove("ANTHROPIC_API_KEY");
            Directory.CreateDirectory(home.ConfigDirectory);
            File.WriteAllText(Path.Combine(home.ConfigDirectory, ".credentials.json"),
                """{"claudeAiOauth":{"accessToken":"old","expiresAt":1767225600000}}""");
        });
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        Assert.Contains("ran out at 2026-01-01", (await story.Device.NextEventAsync<ErrorEvent>()).Message, StringComparison.Ordinal);
        Assert.Empty(story.Model.Requests);
    }

    [Fact]
    public async Task A_login_that_was_renewed_outside_is_taken_up_with_the_next_prompt()
    {
        string? credentials = null;
        await using var story = await Story.StartAsync(null, home =>
        {
            home.Environment.Remove("ANTHROPIC_API_KEY");
            Directory.CreateDirectory(home.ConfigDirectory);
            credentials = Path.Combine(home.ConfigDirectory, ".credentials.json");
            File.WriteAllText(credentials, """{"claudeAiOauth":{"accessToken":"first-token","expiresAt":4102444800000}}""");
        });
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);

        await File.WriteAllTextAsync(credentials!, """{"claudeAiOauth":{"accessToken":"second-token","expiresAt":4102444800000}}""");
        var before = story.Model.Requests.Count;
        await story.PromptAsync(session, "SAY: again");
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal(["Bearer second-token"], story.Model.Requests.Skip(before).Select(r => r.Key).Distinct());
        Assert.Equal([false, true], (await story.StartsAsync()).Select(s => s.GetProperty("resumed").GetBoolean()).Order());
    }

    [Fact]
    public async Task A_budget_with_too_little_left_asks_the_person_before_each_request_and_a_no_stops_the_agent()
    {
        await using var story = await Story.StartAsync(StoredKey);
        await story.Daemon.Daemon.AsOwner().SetBudgetAsync(
            new BudgetSetRequest(BudgetScope.Session, null, BudgetAction.Ask, null, 100), CancellationToken.None);
        var session = await story.NewAsync("TODO: one\nSAY: never said");
        await story.BudgetAsksBeforeEachRequestAsync(session);
    }

    [Fact]
    public async Task A_session_without_a_sandbox_uses_the_stored_key_through_a_loopback_port()
    {
        await using var story = await Story.StartAsync(StoredKey);
        var session = await story.NewAsync("SAY: hello", SandboxKind.None);
        await story.ReadAsync(session);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal([StoredKey], story.Model.Requests.Select(r => r.Key).Distinct());
        var environment = Story.AgentEnvironment(session);
        Assert.Contains(environment, v => v.StartsWith("ANTHROPIC_BASE_URL=http://127.0.0.1:", StringComparison.Ordinal));
        Assert.DoesNotContain(environment, v => v.Contains(StoredKey, StringComparison.Ordinal)
            || v.Contains(ClaudeHome.Key, StringComparison.Ordinal));
        Assert.Equal(ModelAccess.Key, (await story.InfoAsync(session)).Models);
    }

    [Fact]
    public async Task A_fork_goes_on_from_a_copy_of_the_rings_files_and_a_picture_gets_through()
    {
        await using var story = await Story.StartAsync(StoredKey);
        await story.ForkFromACopyWithAPictureAsync();
    }

    /// <summary>A daemon with the real program, a project and a phone.</summary>
    private sealed class Story(SandboxStory.Parts parts, ClaudeHome home) : SandboxStory(parts)
    {
        public ClaudeHome Home { get; } = home;

        public static async Task<Story> StartAsync(string? key, Action<ClaudeHome>? change = null)
        {
            var model = await ScriptedModelServer.StartAsync();
            var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
            change?.Invoke(home);
            return new Story(await BeginAsync(
                model, new ClaudeDriver(TimeProvider.System, home.Environment), home.Project, "anthropic", key), home);
        }

        public Task KillAgentAsync(Guid session) => KillAsync(() => Pids(session));

        public static IReadOnlyList<string> AgentEnvironment(Guid session)
            => [.. Pids(session).SelectMany(
                pid => File.ReadAllText($"/proc/{pid}/environ").Split('\0', StringSplitOptions.RemoveEmptyEntries))];

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            Home.Dispose();
        }

        /// <summary>Processes that are the program itself (its launchers have it further back in their arguments).</summary>
        private static IReadOnlyList<int> Pids(Guid session)
            => PidsOf((arguments, _) => arguments[0].Contains("claude", StringComparison.Ordinal)
                && arguments.Contains(session.ToString()));
    }
}
