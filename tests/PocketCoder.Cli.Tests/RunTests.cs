using System.Text.Json;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Cli.Tests;

/// <summary><c>run</c>, <c>sessions</c> and <c>resume</c> with the demo agent: as a script uses them, and in a real terminal.</summary>
public sealed class RunTests
{
    [Fact]
    public async Task A_script_gets_what_the_agent_says_or_every_event_as_a_line_or_just_the_session()
    {
        await using var home = new CliHome();
        await home.StartAsync("--sandbox", "none");

        var ran = (await home.RunAsync("run", "--project", "demo", "hello \u202e there")).Succeeded();
        Assert.Equal("hello \\u{202e} there\n", ran.Out);
        var session = Assert.Single((await home.AskAsync("sessions")).EnumerateArray());
        Assert.Contains(session.GetProperty("agentSessionId").GetString()!, ran.Error, StringComparison.Ordinal);

        var lines = (await home.FeedAsync("and again", "run", "-", "--session", session.GetProperty("agentSessionId").GetString()!,
            "--json")).Succeeded().Out.TrimEnd().Split('\n');
        Assert.Equal(session.GetProperty("agentSessionId").GetString(),
            JsonDocument.Parse(lines[0]).RootElement.GetProperty("agentSessionId").GetString());
        var events = lines.Skip(1).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Contains(events, e => e.GetProperty("payload").TryGetProperty("text", out var text) && text.GetString() == "and again");
        // only what is new: nothing of the first turn
        Assert.DoesNotContain(events, e => e.GetRawText().Contains("there", StringComparison.Ordinal));

        var detached = (await home.RunAsync("run", "--project", "demo", "--detach", "long: 100000")).Succeeded().Out.Trim();
        Assert.True(Guid.TryParse(detached, out _));
        var listed = (await home.RunAsync("sessions", "--project", "demo")).Succeeded().Out;
        Assert.Contains(detached, listed, StringComparison.Ordinal);
        Assert.Contains("stub", listed, StringComparison.Ordinal);
        Assert.Contains("No such project", (await home.RunAsync("sessions", "--project", "elsewhere")).Ended(1).Error,
            StringComparison.Ordinal);

        Assert.Contains("A turn is running in this session", (await home.RunAsync("resume", detached)).Ended(1).Error,
            StringComparison.Ordinal);
        Assert.Contains("can't continue",
            (await home.RunAsync("resume", session.GetProperty("agentSessionId").GetString()!)).Ended(1).Error, StringComparison.Ordinal);
        Assert.Contains("is not in a project", (await home.RunAsync("run", "hello")).Ended(1).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_begins_in_the_folder_that_is_named_and_the_lists_show_it()
    {
        await using var home = new CliHome();
        await home.StartAsync("--sandbox", "none");
        var root = (await home.AskAsync("projects"))[0].GetProperty("path").GetString()!;
        Directory.CreateDirectory(Path.Combine(root, "packages/web"));

        var ran = (await home.RunAsync("run", "--project", "demo", "--folder", "packages/web/", "hello")).Succeeded();
        Assert.Contains("(stub in packages/web, no sandbox)", ran.Error, StringComparison.Ordinal);
        Assert.Equal("packages/web", Assert.Single((await home.AskAsync("sessions")).EnumerateArray()).GetProperty("folder").GetString());
        Assert.Contains("demo/packages/web", (await home.RunAsync("sessions")).Succeeded().Out, StringComparison.Ordinal);

        Assert.Contains("does not exist", (await home.RunAsync("run", "--project", "demo", "--folder", "nowhere", "x")).Ended(1).Error,
            StringComparison.Ordinal);
        Assert.Contains("out of the project", (await home.RunAsync("run", "--project", "demo", "--folder", "/", "x")).Ended(1).Error,
            StringComparison.Ordinal);
        Assert.Contains("--folder can't be used with --session",
            (await home.RunAsync("run", "--session", "hello", "--folder", "packages", "x")).Ended(2).Error, StringComparison.Ordinal);
        Assert.Single((await home.AskAsync("sessions")).EnumerateArray());
    }

    [Fact]
    public async Task Each_way_a_turn_can_end_has_its_exit_code()
    {
        await using var home = new CliHome();
        var daemon = await home.StartAsync("--sandbox", "none");
        await using var phone = await home.PairAsync();

        Assert.Contains("it broke", (await home.RunAsync("run", "--project", "demo", "fail: it broke")).Ended(4).Out,
            StringComparison.Ordinal);

        await using (var waits = home.Begin("run", "--project", "demo", "run: echo never"))
        {
            await Wait.UntilAsync(() => waits.Error.Contains("Waiting for approval on a paired device", StringComparison.Ordinal),
                "it says where to decide");
            Assert.Contains("echo never", waits.Error, StringComparison.Ordinal);
            await DecideOnPhoneAsync(phone, DecisionVerdict.Deny);
            (await waits.EndAsync()).Ended(5);
        }

        await using (var stops = home.Begin("run", "--project", "demo", "long: 100000"))
        {
            await Wait.UntilAsync(() => stops.Out.Contains("5 6 7", StringComparison.Ordinal), "text comes while it is written");
            await stops.SignalAsync("INT");
            Assert.Contains("Stopping", (await stops.EndAsync()).Ended(7).Error, StringComparison.Ordinal);
        }

        await using (var hangs = home.Begin("run", "--project", "demo", "long: 100000"))
        {
            await Wait.UntilAsync(() => hangs.Out.Contains("1 2", StringComparison.Ordinal), "it runs");
            await RunningProgram.SignalAsync(daemon, "STOP");
            try
            {
                await hangs.SignalAsync("INT");
                await Wait.UntilAsync(() => hangs.Error.Contains("Stopping", StringComparison.Ordinal), "the first Ctrl-C");
                await hangs.SignalAsync("INT");
                Assert.Contains("The session keeps running", (await hangs.EndAsync()).Ended(130).Error, StringComparison.Ordinal);
            }
            finally
            {
                await RunningProgram.SignalAsync(daemon, "CONT");
            }
        }

        await using (var left = home.Begin("run", "--project", "demo", "long: 100000"))
        {
            await Wait.UntilAsync(() => left.Out.Contains("1 2", StringComparison.Ordinal), "it runs");
            (await home.RunAsync("stop")).Succeeded();
            (await left.EndAsync()).Ended(7);
        }
    }

    [Fact]
    public async Task In_a_terminal_what_waits_is_shown_whole_and_decided_there_and_the_ledger_says_by_whom()
    {
        await using var home = new CliHome();
        await home.StartAsync("--sandbox", "none");
        await using var phone = await home.PairAsync();
        await using var tty = await RealTerminal.StartAsync(home, 120, 50);

        await tty.TypeAsync($"'{home.Program}' run --project demo 'run: echo decided-$((6*7))'; echo run-ended-$?");
        await tty.UntilAsync("y once");
        Assert.Contains("  echo decided-$((6*7))", await tty.ScreenAsync(), StringComparison.Ordinal);
        await tty.TypeAsync("what?");
        await tty.TypeAsync("y");
        await tty.UntilAsync("run-ended-0");
        await tty.UntilAsync("decided-42");
        Assert.Contains("allowed by cli (once)", await tty.ScreenAsync(), StringComparison.Ordinal);

        await ClearAsync(tty);
        await tty.TypeAsync($"'{home.Program}' run --project demo 'run: echo second'; echo second-ended-$?");
        await tty.UntilAsync("y once");
        await tty.TypeAsync("n not today");
        await tty.UntilAsync("second-ended-5");
        Assert.Contains("denied by cli: not today", await tty.ScreenAsync(), StringComparison.Ordinal);

        // What can't be taken back needs more than a letter.
        await ClearAsync(tty);
        await tty.TypeAsync($"'{home.Program}' run --project demo 'run: rm -rf nothing-here'; echo third-ended-$?");
        await tty.UntilAsync("DESTRUCTIVE");
        await tty.UntilAsync("y once");
        await tty.TypeAsync("y");
        await tty.UntilAsync("Type yes");
        await tty.TypeAsync("y");
        await tty.UntilAsync("Not allowed.");
        await tty.TypeAsync("y");
        await tty.TypeAsync("yes");
        await tty.UntilAsync("third-ended-0");

        // A phone that is faster settles it here too.
        await ClearAsync(tty);
        await tty.TypeAsync($"'{home.Program}' run --project demo 'run: echo fourth'; echo fourth-ended-$?");
        await tty.UntilAsync("y once");
        await DecideOnPhoneAsync(phone, DecisionVerdict.Allow);
        await tty.UntilAsync("fourth-ended-0");
        Assert.Contains("allowed by phone (once)", await tty.ScreenAsync(), StringComparison.Ordinal);

        var decided = (await home.RunAsync("ledger", "export")).Succeeded().Out.Split('\n')
            .Where(l => l.Contains("approval_decided", StringComparison.Ordinal)).ToList();
        Assert.Equal(4, decided.Count);
        Assert.All(decided.Take(3), row =>
        {
            Assert.Contains("cli", row, StringComparison.Ordinal);
            Assert.Equal(1, Signatures(row)); // the machine's, of the row; no device decided it
            Assert.DoesNotContain("deviceId", row, StringComparison.Ordinal);
        });
        Assert.Equal(2, Signatures(decided[3]));
        (await home.RunAsync("ledger", "verify")).Succeeded();
        var file = Path.Combine(home.Work, "ledger.jsonl");
        (await home.RunAsync("ledger", "export", "-o", file)).Succeeded();
        await using var node = RunningProgram.Start(
            "node", [Repository.PathOf("docs/verify-ledger.mjs"), file], home.Environment, home.Work);
        Assert.Contains("4 decisions (1 signed by a paired device, 0 by an allowance that was)", (await node.EndAsync()).Succeeded().Out,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Questions_are_answered_by_number_and_q_stops_the_turn()
    {
        await using var home = new CliHome();
        await home.StartAsync("--sandbox", "none");
        await using var tty = await RealTerminal.StartAsync(home, 120, 50);

        await tty.TypeAsync($"'{home.Program}' run --project demo 'ask: Which colour? | red | blue'; echo asked-ended-$?");
        await tty.UntilAsync("A number");
        await tty.TypeAsync("2");
        await tty.UntilAsync("asked-ended-0");

        await ClearAsync(tty);
        await tty.TypeAsync($"'{home.Program}' run --project demo 'run: echo never'; echo stopped-ended-$?");
        await tty.UntilAsync("y once");
        await tty.TypeAsync("q");
        await tty.UntilAsync("stopped-ended-7");
    }

    [Fact]
    public async Task What_nobody_decides_in_time_ends_with_a_code_of_its_own()
    {
        await using var home = new CliHome();
        await home.StartAsync("--sandbox", "none", "--approval-timeout", "10s");
        Assert.Contains("no decision in time", (await home.RunAsync("run", "--project", "demo", "run: echo never")).Ended(6).Out,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_projects_defaults_are_shown_set_removed_and_used_by_run_and_a_project_is_found_by_a_prefix_of_its_id()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        var project = (await home.AskAsync("projects"))[0].GetProperty("projectId").GetString()!;
        Assert.Equal(JsonValueKind.Null, (await home.AskAsync("project", "defaults", "--project", "demo")).GetProperty("agent").ValueKind);
        var set = await home.AskAsync("project", "defaults", "--project", project[..13], "--agent", "stub", "--sandbox", "none");
        Assert.Equal(("stub", "none"), (set.GetProperty("agent").GetString(), set.GetProperty("sandbox").GetString()));
        Assert.Contains("stub", (await home.RunAsync("project", "defaults", "--project", "demo")).Succeeded().Out,
            StringComparison.Ordinal);
        Assert.Contains("(stub, no sandbox)", (await home.RunAsync("run", "--project", "demo", "hello")).Succeeded().Error,
            StringComparison.Ordinal);

        await home.AskAsync("project", "defaults", "--project", "demo", "--effort", "low", "--model", "demo-large");
        Assert.Equal("model demo-large, effort low\n", (await home.RunAsync("run", "--project", "demo", "/settings")).Succeeded().Out);
        Assert.Equal("model demo-small, effort high\n",
            (await home.RunAsync("run", "--project", "demo", "--effort", "high", "--model", "-", "/settings")).Succeeded().Out);
        Assert.Contains("no effort heroic", (await home.RunAsync("run", "--project", "demo", "--effort", "heroic", "x")).Ended(2).Error,
            StringComparison.Ordinal);
        var session = (await home.AskAsync("sessions"))[0].GetProperty("agentSessionId").GetString()!;
        var settings = await home.AskAsync("settings", session, "--effort", "low", "--model", "demo-large");
        Assert.Equal(("demo-large", "low"), (settings.GetProperty("model").GetString(), settings.GetProperty("effort").GetString()));
        Assert.Equal("model demo-large, effort low\n", (await home.RunAsync("run", "--session", session, "/settings")).Succeeded().Out);
        settings = await home.AskAsync("settings", session, "--effort", "-", "--model", "-");
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null),
            (settings.GetProperty("model").ValueKind, settings.GetProperty("effort").ValueKind));
        Assert.Contains("stub", (await home.RunAsync("settings", session)).Succeeded().Out, StringComparison.Ordinal);
        Assert.Equal("model demo-small, effort as usual\n",
            (await home.RunAsync("run", "--session", session, "/settings")).Succeeded().Out);

        Assert.Contains("no mode plan", (await home.RunAsync("project", "defaults", "--project", "demo", "--mode", "plan")).Ended(2).Error,
            StringComparison.Ordinal);
        var taken = await home.AskAsync("project", "defaults", "--project", "demo", "--agent", "-", "--sandbox", "-");
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null),
            (taken.GetProperty("agent").ValueKind, taken.GetProperty("sandbox").ValueKind));

        Assert.Equal(3, (await home.AskAsync("sessions", "--project", project[..13])).GetArrayLength());
        Assert.Contains("No such project", (await home.RunAsync("sessions", "--project", project[..3])).Ended(1).Error,
            StringComparison.Ordinal);
        Assert.Contains("command line", (await home.RunAsync("pair", "--no-wait", "--name", "cli")).Ended(2).Error,
            StringComparison.Ordinal);
    }

    private static int Signatures(string row) => row.Split("\\\"signature\\\"").Length - 1;

    /// <summary>Nothing of what was asked before is left to be taken for the next question.</summary>
    private static async Task ClearAsync(RealTerminal tty)
    {
        await tty.TypeAsync("clear; echo wi''ped");
        await tty.UntilAsync("wiped");
        await tty.RunAsync("clear-history", "-t", "t");
    }

    private static async Task DecideOnPhoneAsync(TestDevice phone, DecisionVerdict verdict)
    {
        IReadOnlyList<ApprovalInfo> waiting = [];
        await Wait.UntilAsync(
            async () => (waiting = (await phone.AskAsync(
                MessageTypes.ApprovalsList, new ApprovalsListRequest(), ProtocolJson.Default.ApprovalsListRequest,
                ProtocolJson.Default.ApprovalsListResponse)).Approvals).Count == 1,
            "one approval that waits");
        await phone.DecideAsync(waiting[0], verdict);
    }
}
