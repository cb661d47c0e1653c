using PocketCoder.Agents.Claude;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.Claude;

/// <summary>The real Claude Code with its own shell off: every command is asked for, decided on, and run by us in a real sandbox.</summary>
[Trait("Category", "Slow")]
public sealed class ClaudeGatedTests
{
    private static readonly string[] s_ours =
    [
        "mcp__pocketcoder__bash", "mcp__pocketcoder__job_output", "mcp__pocketcoder__job_list", "mcp__pocketcoder__job_kill",
        "mcp__pocketcoder__job_input", "mcp__pocketcoder__send_file",
    ];

    [Fact]
    public async Task It_is_offered_our_tools_at_start_and_resume_and_runs_only_what_was_allowed()
    {
        await using var story = await Story.StartAsync();
        await story.NewAsync("BASH: printf 'żółć 日本 👩‍👩‍👧\\n'; echo err >&2; exit 4\nBASH: touch never.txt");
        var allowed = await story.AskedAsync();
        Assert.Equal(SandboxKind.Bubblewrap, allowed.Sandbox);
        await story.Device.DecideAsync(allowed, DecisionVerdict.Allow);
        var result = await story.Device.NextEventAsync<ToolResultEvent>();
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("żółć 日本 👩‍👩‍👧\n", result.Output, StringComparison.Ordinal);
        await story.Device.DecideAsync(await story.AskedAsync(), DecisionVerdict.Deny, reason: "not needed");
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.False(File.Exists(Path.Combine(story.Home.Project, "never.txt")));
        var told = story.Model.Requests.Last(r => r.ToolResults.Count == 2).ToolResults;
        Assert.Equal("żółć 日本 👩‍👩‍👧\nerr\n[exit code: 4]", told[0]);
        Assert.Contains("not needed", told[1], StringComparison.Ordinal);
        AssertOffered(story, 0);

        var before = story.Model.Requests.Count;
        await story.RestartAsync();
        await story.PromptAsync("BASH: echo again");
        await story.Device.DecideAsync(await story.AskedAsync(), DecisionVerdict.Allow);
        Assert.Equal("again\n", (await story.Device.NextEventAsync<ToolResultEvent>()).Output);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        AssertOffered(story, before);
        Assert.True((await story.Device.AskAsync(MessageTypes.LedgerVerify, new LedgerVerifyRequest(),
            ProtocolJson.Default.LedgerVerifyRequest, ProtocolJson.Default.LedgerVerifyResponse)).Intact);
    }

    [Fact]
    public async Task A_job_outlives_the_turn_is_read_and_ended_and_the_model_is_told()
    {
        await using var story = await Story.StartAsync();
        await story.NewAsync("""
            TOOL: mcp__pocketcoder__bash {"command":"echo begun; until [ -e go ]; do sleep 0.05; done; echo over","run_in_background":true}
            TOOL: Bash {"command":"sleep 1000","run_in_background":true}
            BASH: echo beside
            """);
        for (var i = 0; i < 3; i++)
        {
            await story.Device.DecideAsync(await story.AskedAsync(), DecisionVerdict.Allow);
        }

        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal("beside\n[exit code: 0]", story.Model.Requests.Last(r => r.ToolResults.Count == 3).ToolResults[2]);
        await File.WriteAllTextAsync(Path.Combine(story.Home.Project, "go"), "");
        await story.Device.NextEventAsync<ApprovalEvent>(e => e.Approval is { State: ApprovalState.Finished, Execution.Job: "job-1" });

        await story.PromptAsync("""
            TOOL: mcp__pocketcoder__job_output {"job":"job-1"}
            TOOL: mcp__pocketcoder__job_list {}
            TOOL: mcp__pocketcoder__job_kill {"job":"job-2"}
            """);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        var told = story.Model.Requests.Last(r => r.ToolResults.Count == 3).ToolResults;
        Assert.StartsWith("[job-1: exit code: 0;", told[0], StringComparison.Ordinal);
        Assert.EndsWith("begun\nover\n", told[0], StringComparison.Ordinal);
        Assert.Contains("job-2: running; sleep 1000", told[1], StringComparison.Ordinal);
        Assert.StartsWith("job-2: ended: the agent stopped it", told[2], StringComparison.Ordinal);
        Assert.Empty((await story.Device.AskAsync(MessageTypes.JobsList, new JobsListRequest(), ProtocolJson.Default.JobsListRequest,
            ProtocolJson.Default.JobsListResponse)).Jobs);
    }

    [Fact]
    public async Task A_hundred_megabytes_reach_the_person_whole_and_the_model_head_and_tail()
    {
        await using var story = await Story.StartAsync();
        await story.NewAsync("BASH: echo first; head -c 104857600 /dev/zero | tr '\\0' 'x'; echo; echo last");
        var asked = await story.AskedAsync();
        await story.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var result = await story.Device.NextEventAsync<ToolResultEvent>();
        const long total = 104_857_600 + 6 + 1 + 5;
        Assert.Equal((total, true, 0), (result.OutputBytes, result.OutputTruncated, result.ExitCode));
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);

        Assert.Equal("first\nxx", await OutputAsync(story, asked.ApprovalId, 0, 8, total));
        Assert.Equal("xx\nlast\n", await OutputAsync(story, asked.ApprovalId, total - 8, 4096, total));
        var told = story.Model.Requests.Last(r => r.ToolResults.Count == 1).ToolResults[0];
        TestContext.Current.TestOutputHelper?.WriteLine($"the model got {told.Length}: {told[..Math.Min(300, told.Length)]}");
        Assert.InRange(told.Length, 1, (300 * 1024) + 200);
        Assert.StartsWith("first\n", told, StringComparison.Ordinal);
        Assert.EndsWith("last\n[exit code: 0]", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_commands_in_one_message_are_two_decisions_with_their_own_results()
    {
        await using var story = await Story.StartAsync();
        await story.NewAsync("BASH&: sleep 0.2; echo one; exit 1\nBASH: echo two");
        await story.Device.DecideAsync(await story.AskedAsync(), DecisionVerdict.Allow);
        await story.Device.DecideAsync(await story.AskedAsync(), DecisionVerdict.Allow);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal(["one\n[exit code: 1]", "two\n[exit code: 0]"],
            story.Model.Requests.Last(r => r.ToolResults.Count == 2).ToolResults.Order(StringComparer.Ordinal));
    }

    private static void AssertOffered(Story story, int since)
    {
        var asked = story.Model.Requests.Skip(since).Where(r => r.Tools.Contains("mcp__pocketcoder__bash")).ToList();
        Assert.NotEmpty(asked);
        Assert.All(asked, r => Assert.Equal(s_ours.Order(StringComparer.Ordinal),
            r.Tools.Where(t => t.StartsWith("mcp__", StringComparison.Ordinal)).Order(StringComparer.Ordinal)));
        Assert.All(asked, r => Assert.DoesNotContain(
            r.Tools, t => t is "Bash" or "BashOutput" or "KillShell" or "Monitor" or "WebFetch" or "WebSearch"));
    }

    private static async Task<string> OutputAsync(Story story, Guid approval, long offset, int limit, long total)
    {
        var part = await story.Device.AskAsync(
            MessageTypes.ExecutionOutput, new ExecutionOutputRequest(approval, offset, limit), ProtocolJson.Default.ExecutionOutputRequest,
            ProtocolJson.Default.ExecutionOutputResponse);
        Assert.Equal((total, total, false), (part.Kept, part.Total, part.Running));
        return System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(part.Data));
    }

    /// <summary>A daemon with the real program, a scripted model, a project and a phone.</summary>
    private sealed class Story(ScriptedModelServer model, ClaudeHome home, TestDaemon daemon, Guid project, TestDevice device)
        : IAsyncDisposable
    {
        private readonly Guid _session = Guid.CreateVersion7();

        public ScriptedModelServer Model => model;

        public ClaudeHome Home => home;

        public TestDevice Device { get; private set; } = device;

        public static async Task<Story> StartAsync()
        {
            var model = await ScriptedModelServer.StartAsync();
            var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
            var daemon = await TestDaemon.StartAsync(drivers: [new ClaudeDriver(TimeProvider.System, home.Environment)]);
            var project = (await daemon.Daemon.AsOwner().AddProjectAsync(home.Project, "api", CancellationToken.None)).Project;
            return new Story(model, home, daemon, project.ProjectId, await daemon.PairAsync());
        }

        public async Task NewAsync(string prompt)
        {
            await Device.AskAsync(
                MessageTypes.AgentSessionNew,
                new AgentSessionNewRequest(_session, Guid.CreateVersion7(), project, "claude", prompt, Sandbox: SandboxKind.Bubblewrap),
                ProtocolJson.Default.AgentSessionNewRequest,
                ProtocolJson.Default.AgentSessionNewResponse);
            await Device.SubscribeAsync($"session/{_session}");
        }

        public Task<AgentMessageResponse> PromptAsync(string prompt) => Device.AskAsync(
            MessageTypes.AgentMessage, new AgentMessageRequest(_session, Guid.CreateVersion7(), prompt),
            ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);

        public async Task<ApprovalInfo> AskedAsync()
            => (await Device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;

        public async Task RestartAsync()
        {
            var old = Device;
            await daemon.RestartAsync();
            Device = await old.AgainAsync(daemon.Url);
            await old.DisposeAsync();
            await Device.SubscribeAsync($"session/{_session}");
            await Device.NextEventAsync<DoneEvent>();
        }

        public async ValueTask DisposeAsync()
        {
            await Device.DisposeAsync();
            await daemon.DisposeAsync();
            home.Dispose();
            await model.DisposeAsync();
        }
    }
}
