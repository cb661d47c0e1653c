using PocketCoder.Agents.OpenCode;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.AgentSandboxes;

/// <summary>
/// The real OpenCode of a sandboxed session: held to our tools, in a sandbox of its own, with the model broker as its only network.
/// </summary>
[Trait("Category", "Slow")]
public sealed class RealOpenCodeSandboxTests
{
    private const string StoredKey = "sk-stored-key-in-the-machine-45";

    private static readonly string[] s_offered =
    [
        "edit", "glob", "grep", "pocketcoder_bash", "pocketcoder_job_input", "pocketcoder_job_kill", "pocketcoder_job_list",
        "pocketcoder_job_output", "pocketcoder_send_file", "question", "read",
        "todowrite", "write",
    ];

    [Fact]
    public async Task With_a_stored_key_it_edits_and_runs_after_approval_and_goes_on_after_it_was_killed()
    {
        await using var story = await Story.StartAsync(StoredKey);
        await File.WriteAllTextAsync(story.Home.InProject("notes.txt"), "old text\n");
        var session = await story.NewAsync("""
            TOOL: edit {"filePath":"notes.txt","oldString":"old","newString":"new"}
            TOOL: pocketcoder_bash {"command":"cat notes.txt; env; exit 3","description":"look"}
            TOOL: pocketcoder_bash {"command":"touch never"}
            SAY: done
            """);
        await story.AllowAnEditAndACommandAsync(session, story.Home.InProject("notes.txt"));
        var result = await story.Device.NextEventAsync<ToolResultEvent>(e => e.Output.Contains("HOME=", StringComparison.Ordinal));
        Assert.DoesNotContain("OPENCODE", result.Output, StringComparison.Ordinal);
        await story.Device.DecideAsync(await story.AskedAsync(), DecisionVerdict.Deny);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.False(File.Exists(story.Home.InProject("never")));
        Assert.Equal([StoredKey], story.Model.Requests.Select(r => r.Key).Distinct());
        Assert.All(story.Model.Requests.Where(r => r.Dialect == "responses"),
            r => Assert.Equal(s_offered, r.Tools.Order(StringComparer.Ordinal)));
        Assert.Equal(ModelAccess.Key, (await story.InfoAsync(session)).Models);
        Assert.Contains(await story.StartsAsync(), d => d.GetProperty("place").GetString() == "ring"
            && d.GetProperty("models").GetString() == "key");
        await story.UsageAgreesAsync(session, besides: 1); // what it calls the session, it does not count

        var pid = Assert.Single(Story.Pids(story.StateOf(session)));
        foreach (var file in (string[])["environ", "cmdline"])
        {
            var words = await File.ReadAllTextAsync($"/proc/{pid}/{file}");
            Assert.All((string[])[StoredKey, OpenCodeHome.Key, story.Home.Home + "/", "POCKETCODER"],
                w => Assert.DoesNotContain(w, words, StringComparison.Ordinal));
        }

        Assert.Equal(["lo"], (await File.ReadAllLinesAsync($"/proc/{pid}/net/dev")).Skip(2).Select(l => l.Split(':')[0].Trim()));

        await story.PromptAsync(session, "TOOL: pocketcoder_bash {\"command\":\"touch stopped\"}");
        var waiting = await story.AskedAsync();
        await story.Device.AskAsync(MessageTypes.AgentCancel, new AgentCancelRequest(session), ProtocolJson.Default.AgentCancelRequest,
            ProtocolJson.Default.AgentCancelResponse);
        Assert.Equal(TurnState.Cancelled, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        // too late, whether that is said or not
        await Record.ExceptionAsync(() => story.Device.DecideAsync(waiting, DecisionVerdict.Allow));

        await story.KillAgentAsync(session);
        await story.PromptAsync(session, "SAY: and again");
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Contains(await story.StartsAsync(), d => d.GetProperty("place").GetString() == "ring"
            && d.GetProperty("resumed").GetBoolean());
        Assert.False(File.Exists(story.Home.InProject("stopped")));
    }

    [Fact]
    public async Task Nothing_of_a_hostile_repository_runs_and_its_own_tools_stay_off()
    {
        await using var story = await Story.StartAsync(StoredKey);
        var canary = story.Home.InProject("canary.txt");
        await File.WriteAllTextAsync(canary, "");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(canary, (UnixFileMode)0b110_110_110); // whoever runs in the sandbox could write it
        }

        new HostileOpenCodeRepository(story.Home.Project, canary).Write();
        var session = await story.NewAsync("""
            TOOL: bash {"command":"touch x1","description":"x"}
            TOOL: task {"description":"x","prompt":"TOOL: pocketcoder_bash {}","subagent_type":"general"}
            TOOL: webfetch {"url":"http://127.0.0.1:4096/","format":"text"}
            TOOL: evil {}
            TOOL: evil_touch {}
            TOOL: skill {"name":"evil"}
            TOOL: read {"filePath":"/etc/passwd"}
            TOOL: write {"filePath":"formatted.txt","content":"x"}
            SAY: done
            """);
        await story.ReadAsync(session);
        var write = await story.AskedAsync();
        // the first thing that is asked at all
        Assert.Equal("formatted.txt", Path.GetFileName(Assert.IsType<EditSubject>(write.Subject).Path));
        await story.Device.DecideAsync(write, DecisionVerdict.Allow);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        await story.PromptAsync(session, "/evil");
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal("", await File.ReadAllTextAsync(canary));
        Assert.Equal("x", await File.ReadAllTextAsync(story.Home.InProject("formatted.txt")));
        Assert.False(File.Exists(story.Home.InProject("x1")));
        Assert.All(story.Model.Requests.Where(r => r.Dialect == "responses"),
            r => Assert.Equal(s_offered, r.Tools.Order(StringComparer.Ordinal)));
        Assert.DoesNotContain(story.Model.Requests.SelectMany(r => r.ToolResults), r => r.Contains("root:x:0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_knows_of_its_models_what_the_persons_own_list_says()
    {
        await using var story = await Story.StartAsync(StoredKey, home => File.WriteAllText(
            Path.Combine(Directory.CreateDirectory(Path.Combine(home.Home, ".cache", "opencode")).FullName, "models.json"),
            """
            {"openai":{"id":"openai","npm":"@ai-sdk/openai","name":"OpenAI","env":["OPENAI_API_KEY"],"models":{"gpt-4.1":{"id":"gpt-4.1","name":"GPT-4.1","attachment":true,"reasoning":false,"tool_call":true,
            "temperature":true,"release_date":"2025-04-14","modalities":{"input":["text"],"output":["text"]},"open_weights":false,"cost":{"input":2,"output":8},"limit":{"context":77777,"output":4000}}}}}
            """));
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal(77777, (await story.InfoAsync(session)).Context?.WindowTokens);
    }

    [Fact]
    public async Task Without_a_sandbox_a_sandboxed_session_is_refused_and_says_what_to_do()
    {
        await using var story = await Story.StartAsync(
            null, home => File.WriteAllText(home.SettingsFile, """{"model":"groq/some"} // not one that the machine knows"""));
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        Assert.Contains("pocketcoder secrets set", (await story.Device.NextEventAsync<ErrorEvent>()).Message, StringComparison.Ordinal);
        Assert.Empty(story.Model.Requests);
    }

    [Fact]
    public async Task What_opens_its_doors_is_worth_nothing_outside_of_the_sandbox_and_is_shown_to_nobody()
    {
        await using var story = await Story.StartAsync(StoredKey);
        File.CreateSymbolicLink(story.Home.InProject("l-env"), "/proc/self/environ");
        var session = await story.NewAsync("READ: l-env\nSAY: read");
        await story.ReadAsync(session);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        var pid = Assert.Single(Story.Pids(story.StateOf(session)));
        var environment = (await File.ReadAllTextAsync($"/proc/{pid}/environ")).Split('\0');
        var password = environment.Single(v => v.StartsWith("OPENCODE_SERVER_PASSWORD=", StringComparison.Ordinal)).Split('=')[1];
        Assert.DoesNotContain(story.Model.Requests, r => r.Body.Contains(password, StringComparison.Ordinal));

        // Nothing on this machine's loopback listens for them: its server is reached by its sandbox only.
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Authorization = new(
            "Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"opencode:{password}")));
        foreach (var port in System.Net.NetworkInformation.IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners()
            .Where(l => System.Net.IPAddress.IsLoopback(l.Address)).Select(l => l.Port).Distinct().Take(64))
        {
            try
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
                var answer = await client.GetStringAsync(
                    new Uri($"http://127.0.0.1:{port}{ScriptedModelServer.OpenCodeProbe}"), limit.Token);
                Assert.DoesNotContain("ses_", answer, StringComparison.Ordinal);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                // refused, not HTTP, or silent
            }
        }

        // And should it come into a text after all, it is taken out of what people see.
        await story.PromptAsync(session, $"SAY: it is {password} indeed");
        var text = await story.Device.NextEventAsync<TextEvent>(e => e.Text.Contains("indeed", StringComparison.Ordinal));
        Assert.Equal("it is [secret:of a process] indeed", text.Text);
    }

    private sealed class Story(OpenCodeHome home, SandboxStory.Parts parts) : SandboxStory(parts)
    {
        public OpenCodeHome Home { get; } = home;

        public static async Task<Story> StartAsync(string? key, Action<OpenCodeHome>? change = null)
        {
            var model = await ScriptedModelServer.StartAsync();
            var home = new OpenCodeHome(await RealAgents.ProgramAsync("opencode"), model.Address);
            await File.WriteAllTextAsync(home.SettingsFile, """{"model":"openai/gpt-4.1"}""");
            home.Environment["OPENAI_BASE_URL"] = model.Address + "/v1";
            change?.Invoke(home);
            return new Story(home, await BeginAsync(
                model, new OpenCodeDriver(TimeProvider.System, home.Environment), home.Project, "openai", key));
        }

        public Task KillAgentAsync(Guid session) => KillAsync(() => Pids(StateOf(session)));

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            Home.Dispose();
        }

        /// <summary>Processes that are the program itself, with that folder for its files.</summary>
        public static IReadOnlyList<int> Pids(string state) => PidsOf((arguments, environment)
            => Path.GetFileName(arguments[0]).StartsWith("opencode", StringComparison.Ordinal)
                && environment.Contains($"XDG_DATA_HOME={state}/data"));
    }
}
