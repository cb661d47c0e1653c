using PocketCoder.Machine.Executions;
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

    [Theory]
    [InlineData("sh outer.sh", "inner.sh")]
    [InlineData("npm test", "package.json")]
    [InlineData("npm test", "inner.sh")]
    [InlineData("PATH=.:$PATH inner.sh", "inner.sh")]
    [InlineData("sh < outer.sh", "inner.sh")]
    public async Task A_file_that_a_script_or_a_runner_starts_is_held_too(string command, string changed)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        WriteChain(phone);
        await phone.StartAsync($"run: {command}", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Assert.NotNull(Assert.Single(((CommandSubject)asked.Subject).Scripts!, s => s.Path == phone.PathOf(changed)).Sha256);
        await File.AppendAllTextAsync(phone.PathOf(changed), "\n");
        await RefusedAsync(phone, asked, $"{changed}, which it runs, changed");
        Assert.False(File.Exists(phone.PathOf("ran.txt")));
    }

    /// <summary>Without a sandbox the agent runs the command itself; what it runs is held all the same.</summary>
    [Fact]
    public async Task A_command_that_the_agent_runs_itself_is_held_to_the_files_it_runs()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        WriteChain(phone);
        var session = await phone.StartAsync("run: sh outer.sh", SandboxKind.None);
        var asked = await phone.AskedAsync();
        Assert.Equal(["outer.sh", "inner.sh"], ((CommandSubject)asked.Subject).Scripts!.Select(s => Path.GetFileName(s.Path)));
        await File.AppendAllTextAsync(phone.PathOf("inner.sh"), "\n");
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.Equal(["approval_requested", "approval_decided", "alarm_raised", "execution_refused"],
            await phone.LedgerAsync(asked.ApprovalId));
        Assert.False(File.Exists(phone.PathOf("ran.txt")));

        // Allowed for the session: only as long as the files are these.
        await phone.PromptAsync(session, "run: sh outer.sh");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow, DecisionScope.Session);
        await phone.DoneAsync();
        await File.AppendAllTextAsync(phone.PathOf("inner.sh"), "\n");
        await phone.PromptAsync(session, "run: sh outer.sh");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Deny);
        await phone.DoneAsync();
    }

    [Fact]
    public async Task Code_that_cannot_be_held_is_told_with_the_request()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("package.json"), """{"scripts":{"test":"node run.js"}}""");
        await File.WriteAllTextAsync(phone.PathOf("run.js"), "require('./other')\n");
        await phone.StartAsync("run: npm test", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Assert.Contains(asked.Risk!.Consequences, c => c.Kind == ConsequenceKind.RunsCode
            && c.Sentence.Contains("may load other files of the project", StringComparison.Ordinal));
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
    }

    private static void WriteChain(Phone phone)
    {
        File.WriteAllText(phone.PathOf("package.json"), """{"scripts":{"test":"sh inner.sh"}}""");
        File.WriteAllText(phone.PathOf("outer.sh"), "sh inner.sh\n");
        File.WriteAllText(phone.PathOf("inner.sh"), "#!/bin/sh\ntouch ran.txt\n");
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
    public void Another_environment_than_the_one_that_was_approved_is_a_difference()
    {
        var folder = Directory.CreateTempSubdirectory("pc-");
        var approved = With("test");
        Assert.Null(approved.Differs(With("test")));
        Assert.Equal("its environment changed after it was shown", approved.Differs(With("production")));
        Assert.NotEqual(approved.Digest, With("production").Digest);
        folder.Delete();

        CommandPins With(string mode)
            => CommandPins.Take(folder.FullName, folder.FullName, "echo $MODE",
                new Dictionary<string, string>(StringComparer.Ordinal) { ["MODE"] = mode });
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
        await phone.StartAsync("tool: bash " + JsonSerializer.Serialize(
            new Dictionary<string, string>(StringComparer.Ordinal) { ["command"] = command }), SandboxKind.Bubblewrap);
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
            MessageTypes.ApprovalsList, new ApprovalsListRequest(false, session), ProtocolJson.Default.ApprovalsListRequest,
            ProtocolJson.Default.ApprovalsListResponse);
        Assert.Empty(approvals.Approvals);
    }

    [Fact]
    public async Task A_call_whose_turn_is_stopped_between_the_decision_and_the_beginning_never_begins()
    {
        var atTheEdge = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var goOn = new ManualResetEventSlim();
        await using var daemon = await TestDaemon.StartAsync(seams: s => s with { Seam = At });
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: touch begun.txt", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await atTheEdge.Task.WaitAsync(Wait.Limit);
        var stopping = phone.CancelAsync(session);
        await using var tablet = await daemon.PhoneAsync("tablet");
        await Wait.UntilAsync(async () => (await tablet.ShownAsync(session)).Session.Activity == "stopping", "the machine has heard it");
        goOn.Set();

        await stopping;
        Assert.Equal(TurnState.Cancelled, (await phone.DoneAsync()).Outcome);
        Assert.False(File.Exists(phone.PathOf("begun.txt")));
        Assert.Equal(["approval_requested", "approval_decided", "execution_refused"], await phone.LedgerAsync(asked.ApprovalId));

        void At(string step)
        {
            if (step == "look")
            {
                // The last look: the person has allowed it, and nothing has begun.
                atTheEdge.SetResult();
                Assert.True(goOn.Wait(Wait.Limit));
            }
        }
    }

    [Fact]
    public async Task Commands_at_the_same_time_do_not_disturb_each_other()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        const int count = 6;
        // Each waits for all others to run, so they do run at once; each writes its own number many times to both outputs.
        var commands = Enumerable.Range(0, count).Select(n =>
            $"touch here{n}; until [ $(ls here* ¦ wc -l) -eq {count} ]; do sleep 0.05; done; for i in $(seq 500); do echo {n}{n}{n}; echo {n}{n}{n} >&2; done; exit {n}");
        await phone.StartAsync("together: " + string.Join(" | ", commands.Select(
            c => c.Replace("$(ls here* ¦ wc -l)", "$(set -- here*; echo $#)", StringComparison.Ordinal))), SandboxKind.Bubblewrap);
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
        Assert.Equal(["approval_requested", "approval_decided", "alarm_raised", "execution_refused"],
            await phone.LedgerAsync(asked.ApprovalId));
    }

    /// <summary>What the stub was told, which is what the machine's own record repeats with the end.</summary>
    private static async Task<string> AgentReadAsync(Phone phone)
    {
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        return $"{result.Output}[exit code: {result.ExitCode}]";
    }
}
