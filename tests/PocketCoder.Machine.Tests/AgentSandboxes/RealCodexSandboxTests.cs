using System.Text.Json;
using PocketCoder.Agents.Codex;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Tests.Attachments;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.AgentSandboxes;

/// <summary>The real Codex of a sandboxed session: in a sandbox of its own, with the model broker as its only network.</summary>
[Trait("Category", "Slow")]
public sealed class RealCodexSandboxTests
{
    private const string StoredKey = "sk-stored-key-in-the-machine-43";

    [Fact]
    public async Task With_a_stored_key_it_edits_and_runs_after_approval_and_goes_on_after_it_was_killed_and_after_a_restart()
    {
        await using var story = await Story.StartAsync(StoredKey);
        await File.WriteAllTextAsync(story.Home.InProject("notes.txt"), "old text\n");
        var session = await story.NewAsync("EDIT: notes.txt | old | new\nBASH: cat notes.txt; env; cat /proc/self/environ");
        await story.AllowAnEditAndACommandAsync(session, story.Home.InProject("notes.txt"));
        var output = (await story.Device.NextEventAsync<ToolResultEvent>(e => e.Output.Contains("HOME=", StringComparison.Ordinal))).Output;
        Assert.Contains("new text\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("OPENAI", output, StringComparison.Ordinal);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal([StoredKey], story.Model.Requests.Select(r => r.Key).Distinct());
        Assert.Empty(story.Model.Unexpected);
        Assert.Equal(ModelAccess.Key, (await story.InfoAsync(session)).Models);

        var state = story.StateOf(session);
        var pid = Assert.Single(Story.Pids(state));
        foreach (var file in (string[])["environ", "cmdline"])
        {
            var words = await File.ReadAllTextAsync($"/proc/{pid}/{file}");
            Assert.All((string[])[StoredKey, CodexHome.Key, story.Home.ConfigDirectory, "POCKETCODER"],
                w => Assert.DoesNotContain(w, words, StringComparison.Ordinal));
        }

        var cards = (await File.ReadAllLinesAsync($"/proc/{pid}/net/dev")).Skip(2).Select(l => l.Split(':')[0].Trim());
        Assert.Equal(["lo"], cards);
        Assert.DoesNotContain(story.Home.Home, await File.ReadAllTextAsync($"/proc/{pid}/mountinfo"), StringComparison.Ordinal);
        // locks are held
        var files = Directory.EnumerateFiles(state, "*", SearchOption.AllDirectories)
            .Where(f => new FileInfo(f).LinkTarget is null && !f.EndsWith(".lock", StringComparison.Ordinal)).ToList();
        Assert.Contains(files, f => Path.GetFileName(f).StartsWith("rollout-", StringComparison.Ordinal));
        Assert.DoesNotContain(files, f => File.ReadAllText(f).Contains(StoredKey, StringComparison.Ordinal));

        var report = await story.UsageAsync();
        await Wait.UntilAsync(async () => (report = await story.UsageAsync()).Sessions is [{ Used.Requests: >= 3 }], "the use is recorded");
        Assert.Equal(session.ToString(), report.Sessions[0].Id);
        Assert.True(report.Sessions[0].Used is { InputTokens: > 0, OutputTokens: > 0, OwnLogin: 0 });
        await story.UsageAgreesAsync(session);

        await story.KillAgentAsync(story.StateOf(session));
        await story.PromptAsync(session, "SAY: and again");
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Contains(await story.StartsAsync(), d => d.GetProperty("place").GetString() == "ring"
            && d.GetProperty("models").GetString() == "key" && d.GetProperty("resumed").GetBoolean());

        await story.Daemon.RestartAsync();
        await using var again = await story.Device.AgainAsync(story.Daemon.Url);
        await again.SubscribeAsync($"session/{session}");
        await again.NextEventAsync<DoneEvent>();
        await again.NextEventAsync<DoneEvent>();
        await again.AskAsync(
            MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), "SAY: once more"),
            ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);
        Assert.Equal(TurnState.Completed, (await again.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal([StoredKey], story.Model.Requests.Select(r => r.Key).Distinct());
        await Wait.UntilAsync(async () => (await story.UsageAsync()).Sessions[0].Used.Requests == story.Model.Requests.Count,
            "all of it is counted");
    }

    [Fact]
    public async Task What_runs_in_its_place_finds_neither_keys_nor_logins_nor_any_network_but_the_broker()
    {
        await using var story = await Story.StartAsync(StoredKey, home =>
        {
            File.WriteAllText(Path.Combine(home.ConfigDirectory, "auth.json"), """{"tokens":{"access_token":"login-of-the-person"}}""");
            var program = Path.Combine(Directory.CreateDirectory(Path.Combine(home.Home, "bin")).FullName, "codex");
            File.WriteAllText(program, $$"""
                #!/bin/bash
                exec > "$CODEX_HOME/found.txt" 2> /dev/null
                cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\0' '\n' | grep -a -e '[s]k-stored-key' -e '[s]k-scripted-98' && echo IN-PROC
                timeout 20 grep -ras -e '[s]k-stored-key' -e '[s]k-scripted-98' /tmp /home /run /etc /dev/shm "$CODEX_HOME" "$PWD" && echo IN-FILES
                cat "{{home.ConfigDirectory}}/auth.json" && echo LOGIN
                (exec 3<>/dev/tcp/127.0.0.1/{{new Uri(home.Environment["OPENAI_BASE_URL"]).Port}}) && echo HOST-LOOPBACK
                (exec 3<>/dev/tcp/10.255.255.1/80) && echo NETWORK
                (exec 3<>/dev/udp/192.0.2.1/53) && echo DATAGRAMS
                getent hosts localhost.example.org && echo NAMES
                ask() { exec 4<>/dev/tcp/127.0.0.1/8787; printf 'POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer mine\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' "$1" "${#2}" "$2" >&4; timeout 20 grep -m1 -a -o -e "$3" <&4; }
                ask /openai/v1/files '{}' 'HTTP/1.1 [0-9]*'
                ask /openai/v1/responses '{"model":"gpt-5.5","stream":true,"tools":[{"type":"web_search"}],"input":"x"}' 'HTTP/1.1 [0-9]*'
                ask /openai/v1/responses '{"model":"gpt-5.5","stream":true,"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"SAY: through"}]}]}' 'event: response.completed'
                echo END
                """);
            if (!OperatingSystem.IsWindows())
            {
                const UnixFileMode all = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead
                    | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
                foreach (var passed in (string[])[program, Path.GetDirectoryName(program)!, home.Home, Path.GetDirectoryName(home.Home)!])
                {
                    // the sandbox's user is another one when the tests run as root
                    File.SetUnixFileMode(passed, all | UnixFileMode.UserWrite);
                }
            }

            home.Environment["POCKETCODER_CODEX"] = program;
        });
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        var failure = await story.Device.NextEventAsync<ErrorEvent>();
        Assert.Contains("Codex ended before it was ready", failure.Message, StringComparison.Ordinal);
        Assert.Equal(["HTTP/1.1 403", "HTTP/1.1 403", "event: response.completed", "END"],
            await File.ReadAllLinesAsync(Path.Combine(story.StateOf(session), "found.txt")));
        Assert.Equal(StoredKey, Assert.Single(story.Model.Requests).Key);
    }

    [Fact]
    public async Task With_a_key_of_the_daemons_environment_that_key_stays_outside_too()
    {
        await using var story = await Story.StartAsync(
            null, home => File.WriteAllText(home.SettingsFile, "model = \"gpt-5.4\"\n[projects]\n"));
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal([CodexHome.Key], story.Model.Requests.Select(r => r.Key).Distinct());
        var info = await story.InfoAsync(session);
        Assert.Equal((ModelAccess.OwnKey, "gpt-5.4"), (info.Models, info.Model));
        var words = await File.ReadAllTextAsync($"/proc/{Assert.Single(Story.Pids(story.StateOf(session)))}/environ");
        Assert.DoesNotContain(CodexHome.Key, words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_provider_of_the_persons_own_settings_it_is_no_sandbox_which_is_said_and_with_a_key_it_does_not_change_over()
    {
        await using var story = await Story.StartAsync(null, home =>
        {
            var settings = $"""
                model = "gpt-5.5"
                model_provider = "mine"
                [model_providers.mine]
                name = "Mine"
                base_url = "{home.Environment["OPENAI_BASE_URL"]}"
                wire_api = "responses"
                env_key = "OPENAI_API_KEY"
                supports_websockets = false

                """;
            File.WriteAllText(home.SettingsFile, settings);
        });
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        Assert.Contains("not in a sandbox: its settings name a provider",
            (await story.Device.NextEventAsync<NoticeEvent>(n => n.Level == NoticeLevel.Warning)).Text, StringComparison.Ordinal);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal(ModelAccess.Direct, (await story.InfoAsync(session)).Models);
        var start = Assert.Single(await story.StartsAsync());
        Assert.Equal(("host", "direct"), (start.GetProperty("place").GetString(), start.GetProperty("models").GetString()));
        Assert.Single(Story.Pids(story.Home.ConfigDirectory));

        await story.Daemon.Daemon.AsOwner().SetSecretAsync("openai", StoredKey, CancellationToken.None);
        await story.KillAgentAsync(story.Home.ConfigDirectory);
        var before = story.Model.Requests.Count;
        await story.PromptAsync(session, "SAY: further");
        Assert.Contains("Start a new session, or take the key away", (await story.Device.NextEventAsync<ErrorEvent>()).Message,
            StringComparison.Ordinal);
        Assert.Equal(before, story.Model.Requests.Count);
    }

    [Fact]
    public async Task A_budget_with_too_little_left_asks_the_person_before_each_request_and_a_no_stops_the_agent()
    {
        await using var story = await Story.StartAsync(StoredKey);
        await story.Daemon.Daemon.AsOwner().SetBudgetAsync(
            new BudgetSetRequest(BudgetScope.Session, null, BudgetAction.Ask, null, 100), CancellationToken.None);
        var session = await story.NewAsync("TODO: one\nSAY: said after a yes");
        await story.BudgetAsksBeforeEachRequestAsync(session);
    }

    [Fact]
    public async Task Without_any_credential_the_turn_says_what_to_do()
    {
        await using var story = await Story.StartAsync(null, home => home.Environment.Remove("OPENAI_API_KEY"));
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        Assert.Contains("pocketcoder secrets set openai", (await story.Device.NextEventAsync<ErrorEvent>()).Message,
            StringComparison.Ordinal);
        Assert.Empty(story.Model.Requests);
    }

    [Fact]
    public async Task A_session_without_a_sandbox_uses_the_stored_key_through_a_loopback_port()
    {
        await using var story = await Story.StartAsync(StoredKey);
        var session = await story.NewAsync("SAY: hello", SandboxKind.None);
        await story.ReadAsync(session);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal([StoredKey], story.Model.Requests.Select(r => r.Key).Distinct());
        Assert.Equal(ModelAccess.Key, (await story.InfoAsync(session)).Models);
        var pid = Assert.Single(Story.Pids(story.Home.ConfigDirectory));
        var variables = (await File.ReadAllTextAsync($"/proc/{pid}/environ")).Split('\0');
        var token = Assert.Single(variables, v => v.StartsWith("OPENAI_API_KEY=", StringComparison.Ordinal)).Split('=')[1];
        Assert.Equal(64, token.Length);
        Assert.DoesNotContain(token, await File.ReadAllTextAsync($"/proc/{pid}/cmdline"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fork_goes_on_from_a_copy_of_the_rings_files_and_a_picture_gets_through()
    {
        await using var story = await Story.StartAsync(StoredKey);
        await story.ForkFromACopyWithAPictureAsync();
    }

    /// <summary>A daemon with the real program, a project and a phone.</summary>
    private sealed class Story(SandboxStory.Parts parts, CodexHome home) : SandboxStory(parts)
    {
        public CodexHome Home { get; } = home;

        public static async Task<Story> StartAsync(string? key, Action<CodexHome>? change = null)
        {
            var model = await ScriptedModelServer.StartAsync();
            var home = new CodexHome(await RealAgents.ProgramAsync("codex"), model.Address);
            File.WriteAllText(home.SettingsFile, "model = \"gpt-5.5\"\n"); // no provider of its own
            home.Environment["OPENAI_BASE_URL"] = model.Address + "/v1";
            change?.Invoke(home);
            return new Story(await BeginAsync(model, new CodexDriver(TimeProvider.System, home.Environment), home.Project, "openai", key),
                home);
        }

        public Task KillAgentAsync(string codexHome) => KillAsync(() => Pids(codexHome));

        /// <summary>Processes that are the program itself, with that folder for its files.</summary>
        public static IReadOnlyList<int> Pids(string codexHome)
            => PidsOf((arguments, environment) => Path.GetFileName(arguments[0]) == "codex"
                && environment.Contains($"CODEX_HOME={codexHome}"));

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            Home.Dispose();
        }
    }
}
