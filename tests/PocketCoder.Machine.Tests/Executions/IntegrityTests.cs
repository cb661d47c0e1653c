using System.Text.Json;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Executions;

/// <summary>What was approved is what is executed: attacks on the time between.</summary>
public sealed class IntegrityTests
{
    [Fact]
    public async Task A_script_that_changed_after_the_approval_does_not_run_and_raises_an_alarm()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("build.sh"), "echo harmless > ran.txt\n");
        await phone.StartAsync("run: cd . && bash build.sh", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        var script = Assert.Single(((CommandSubject)asked.Subject).Scripts!);
        Assert.Equal((phone.PathOf("build.sh"), 24L), (script.Path, script.Bytes!.Value));

        await File.WriteAllTextAsync(phone.PathOf("build.sh"), "echo evil > ran.txt\n");
        await RefusedAsync(phone, asked, "build.sh, which it runs, changed");
        Assert.False(File.Exists(phone.PathOf("ran.txt")));
    }

    [Theory]
    [InlineData("./tool")]
    [InlineData("env X=1 timeout 5 ./tool")]
    [InlineData("bash -c 'sh tool'")]
    [InlineData("python3 -u tool")]
    [InlineData("source tool")]
    public async Task However_a_script_is_started_it_is_held_to_what_it_was(string command)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("tool"), "#!/bin/sh\necho one\n");
        await phone.StartAsync($"run: {command}", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Assert.NotNull(Assert.Single(((CommandSubject)asked.Subject).Scripts!).Sha256);
        await File.AppendAllTextAsync(phone.PathOf("tool"), "echo two\n");
        await RefusedAsync(phone, asked, "tool, which it runs, changed");
    }

    [Fact]
    public async Task An_allowance_for_the_session_does_not_cover_a_script_that_became_another()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("x.sh"), "echo one\n");
        var session = await phone.StartAsync("run: sh x.sh", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow, DecisionScope.Session);
        await phone.DoneAsync();
        await phone.PromptAsync(session, "run: sh x.sh");
        await phone.BecameAsync(ApprovalState.Finished); // not asked again
        await phone.DoneAsync();

        await File.WriteAllTextAsync(phone.PathOf("x.sh"), "echo two\n");
        await phone.PromptAsync(session, "run: sh x.sh");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Deny);
        await phone.DoneAsync();
    }

    [Fact]
    public async Task A_folder_that_was_swapped_by_a_link_after_the_approval_is_noticed()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        Directory.CreateDirectory(phone.PathOf("build"));
        Directory.CreateDirectory(phone.PathOf("precious"));
        await phone.StartAsync("""tool: bash {"command":"touch made","cwd":"build"}""", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Assert.Equal(phone.PathOf("build"), ((CommandSubject)asked.Subject).Cwd);
        Directory.Move(phone.PathOf("build"), phone.PathOf("gone"));
        File.CreateSymbolicLink(phone.PathOf("build"), "precious");
        await RefusedAsync(phone, asked, "the folder it was to run in is another one");
        Assert.Empty(Directory.EnumerateFileSystemEntries(phone.PathOf("precious")));
    }

    [Fact]
    public async Task A_folder_of_the_same_name_in_its_place_is_another_folder()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        Directory.CreateDirectory(phone.PathOf("build"));
        await phone.StartAsync("""tool: bash {"command":"touch made","cwd":"build"}""", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Directory.Move(phone.PathOf("build"), phone.PathOf("gone"));
        Directory.CreateDirectory(phone.PathOf("build"));
        await RefusedAsync(phone, asked, "the folder it was to run in is another one");
    }

    [Theory]
    [InlineData("..")]
    [InlineData("/etc")]
    [InlineData("out")]
    [InlineData("missing")]
    [InlineData("build/../../..")]
    public async Task A_folder_outside_of_the_project_is_refused_before_anybody_is_asked(string folder)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        File.CreateSymbolicLink(phone.PathOf("out"), "/tmp");
        await phone.StartAsync($"tool: bash {{\"command\":\"pwd\",\"cwd\":\"{folder}\"}}", SandboxKind.Bubblewrap);
        Assert.Contains("cwd", (await phone.Device.NextEventAsync<ToolResultEvent>(e => e.Failed)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_runs_in_the_folder_it_names_with_the_input_it_was_approved_with_and_no_word_of_bubblewrap()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        Directory.CreateDirectory(phone.PathOf("deep/er"));
        await phone.StartAsync("""tool: bash {"command":"pwd; cat","cwd":"deep/er","stdin":"żółć\n"}""", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Assert.Equal("żółć\n", ((CommandSubject)asked.Subject).Stdin);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.Equal($"{phone.PathOf("deep/er")}\nżółć\n[exit code: 0]", await AgentReadAsync(phone));
    }

    [Fact]
    public async Task The_environment_that_was_approved_is_the_one_it_gets_and_another_one_is_refused()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["MODE"] = "test" };
        daemon.Daemon.Hands.EnvironmentAsync = _ => new(environment);
        var session = await phone.StartAsync("run: echo $MODE", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        Assert.StartsWith("test\n", await AgentReadAsync(phone), StringComparison.Ordinal);
        await phone.DoneAsync();

        await phone.PromptAsync(session, "run: echo again $MODE");
        var asked = await phone.AskedAsync();
        environment["MODE"] = "production";
        await RefusedAsync(phone, asked, "its environment changed");
    }

    [Fact]
    public async Task A_pattern_that_matches_other_files_than_when_it_was_shown_is_refused()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        Directory.CreateDirectory(phone.PathOf("sub"));
        await File.WriteAllTextAsync(phone.PathOf("sub/a.log"), "a");
        var session = await phone.StartAsync("run: rm sub/*.log", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await File.WriteAllTextAsync(phone.PathOf("sub/precious.log"), "b");
        await RefusedAsync(phone, asked, "a pattern in it matches other files");
        Assert.True(File.Exists(phone.PathOf("sub/precious.log")));

        await phone.PromptAsync(session, "run: rm sub/*.log");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.False(File.Exists(phone.PathOf("sub/precious.log")));
    }

    [Theory]
    [InlineData("echo safe                                                                                                    # \u202e hidden\t; touch evil")]
    [InlineData("echo \u200bzero\u2066width\u2069 и лат\r; true")]
    public async Task Every_byte_is_shown_as_it_is_and_what_does_not_show_is_told(string command)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("tool: bash " + JsonSerializer.Serialize(new Dictionary<string, string>(StringComparer.Ordinal) { ["command"] = command }), SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Assert.Equal(command, ((CommandSubject)asked.Subject).Command);
        Assert.Contains(asked.Risk!.Consequences, c => c.Kind == ConsequenceKind.HiddenText);
        Assert.False(asked.Risk.Understood);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
    }

    [Fact]
    public async Task A_long_command_is_neither_cut_where_it_is_shown_nor_where_it_runs()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var command = $"true {new string('x', 100_000)}; echo the end";
        await phone.StartAsync($"run: {command}", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Assert.Equal(command, ((CommandSubject)asked.Subject).Command);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.Equal("the end\n[exit code: 0]", await AgentReadAsync(phone));
    }

    [Theory]
    [InlineData("""{"command":"echo shown","command":"touch evil"}""")]
    [InlineData("""{"command":"echo x","dangerouslyDisableSandbox":true}""")]
    [InlineData("""{"command":["echo"]}""")]
    [InlineData("""{"command":"a\u0000b"}""")]
    [InlineData("""{"command":"\ud800"}""")]
    [InlineData("""{"command":"  "}""")]
    [InlineData("""{"command":"echo x","run_in_background":"yes"}""")]
    [InlineData("""{"command":"echo x","timeout":-1}""")]
    [InlineData("""[]""")]
    [InlineData("""{""")]
    public async Task An_input_that_could_be_read_in_two_ways_is_refused_and_nobody_is_asked(string input)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync($"tool: bash {input}", SandboxKind.Bubblewrap);
        Assert.True((await phone.Device.NextEventAsync<ToolResultEvent>()).Failed);
        await phone.DoneAsync();
        var approvals = await phone.Device.AskAsync(
            MessageTypes.ApprovalsList, new ApprovalsListRequest(false, session), ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse);
        Assert.Empty(approvals.Approvals);
    }

    [Fact]
    public async Task A_call_whose_turn_is_stopped_between_the_decision_and_the_beginning_never_begins()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var atTheEdge = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var looks = 0;
        daemon.Daemon.Hands.EnvironmentAsync = async _ =>
        {
            if (Interlocked.Increment(ref looks) == 2)
            {
                // The last look: the person has allowed it, and nothing has begun.
                atTheEdge.SetResult();
                await goOn.Task.WaitAsync(Wait.Limit);
            }

            return new Dictionary<string, string>(StringComparer.Ordinal);
        };
        var session = await phone.StartAsync("run: touch begun.txt", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await atTheEdge.Task.WaitAsync(Wait.Limit);
        var stopping = phone.CancelAsync(session);
        await using var tablet = await daemon.PhoneAsync("tablet");
        await Wait.UntilAsync(async () => (await tablet.GetAsync(session)).Session.Activity == "stopping", "the machine has heard it");
        goOn.SetResult();

        await stopping;
        Assert.Equal(TurnState.Cancelled, (await phone.DoneAsync()).Outcome);
        Assert.False(File.Exists(phone.PathOf("begun.txt")));
        Assert.Equal(["approval_requested", "approval_decided", "execution_refused"], await phone.LedgerAsync(asked.ApprovalId));
    }

    [Fact]
    public async Task Commands_at_the_same_time_do_not_disturb_each_other()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        const int count = 6;
        // Each waits for all others to run, so they do run at once; each writes its own number many times to both outputs.
        var commands = Enumerable.Range(0, count).Select(n => $"touch here{n}; until [ $(ls here* ¦ wc -l) -eq {count} ]; do sleep 0.05; done; for i in $(seq 500); do echo {n}{n}{n}; echo {n}{n}{n} >&2; done; exit {n}");
        await phone.StartAsync("together: " + string.Join(" | ", commands.Select(c => c.Replace("$(ls here* ¦ wc -l)", "$(set -- here*; echo $#)", StringComparison.Ordinal))), SandboxKind.Bubblewrap);
        for (var i = 0; i < count; i++)
        {
            await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        }

        var results = new List<ToolResultEvent>();
        while (results.Count < count)
        {
            results.Add(await phone.Device.NextEventAsync<ToolResultEvent>());
        }

        Assert.Equal(Enumerable.Range(0, count), results.Select(r => r.ExitCode!.Value).Order());
        Assert.All(results, r => Assert.Equal(string.Concat(Enumerable.Repeat($"{r.ExitCode}{r.ExitCode}{r.ExitCode}\n", 1000)), r.Output));
        Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
    }

    private static async Task RefusedAsync(Phone phone, ApprovalInfo asked, string why)
    {
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.Contains(why, (await phone.Device.NextEventAsync<ToolResultEvent>()).Output, StringComparison.Ordinal);
        await phone.DoneAsync();
        Assert.Equal(["approval_requested", "approval_decided", "alarm_raised", "execution_refused"], await phone.LedgerAsync(asked.ApprovalId));
    }

    /// <summary>What the stub was told, which is what the machine's own record repeats with the end.</summary>
    private static async Task<string> AgentReadAsync(Phone phone)
    {
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        return $"{result.Output}[exit code: {result.ExitCode}]";
    }
}
