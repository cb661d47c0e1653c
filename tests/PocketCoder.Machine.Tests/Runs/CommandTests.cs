using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;
using PocketCoder.Machine.Runs;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Runs;

public sealed class CommandTests
{
    [Fact]
    public async Task A_command_says_what_it_writes_how_it_ended_and_both_stand_in_the_ledger()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        Directory.CreateDirectory(phone.PathOf("sub"));
        var request = runner.Request("cat; printf '%s|%s|' \"$GREETING\" \"$PWD\"; printf 'oh…' >&2; exit 3") with
        {
            Cwd = "sub",
            Environment = new Dictionary<string, string> { ["GREETING"] = "grüezi" },
            Stdin = "typed\n",
        };

        var heard = await runner.RunAsync(request);

        Assert.Equal($"typed\ngrüezi|{phone.PathOf("sub")}|", heard.Output);
        Assert.Equal("oh…", heard.Errors);
        Assert.Equal((3, null, false, false, false),
            (heard.Exit.ExitCode, heard.Exit.Signal, heard.Exit.TimedOut, heard.Exit.Cancelled, heard.Exit.Truncated));
        var run = heard.Exit.Run;
        Assert.Equal((CommandRunState.Exited, "phone", SandboxKind.None, (long)Encoding.UTF8.GetByteCount(heard.Output + heard.Errors)),
            (run.State, run.By, run.Sandbox, run.Bytes));
        var read = await runner.ReadAsync(request.RunId);
        Assert.Equal((heard.Output, heard.Errors), (string.Concat(read.Chunks.Where(c => !c.Error).Select(c => c.Text)),
            string.Concat(read.Chunks.Where(c => c.Error).Select(c => c.Text))));
        Assert.Equal(run, Assert.Single((await runner.ListAsync()).Runs));
        Assert.Equal(run, read.Run);
        var rows = await runner.LedgerAsync(request.RunId);
        Assert.Equal(["command_started", "command_finished"], rows.Select(r => r.GetProperty("kind").GetString()));
        Assert.Equal(phone.Device.Identity.Id, rows[0].GetProperty("deviceId").GetString());
        Assert.Equal(request.Command, rows[0].GetProperty("data").GetProperty("what").GetString());
        Assert.Equal("GREETING", rows[0].GetProperty("data").GetProperty("environment")[0].GetString());
        Assert.Equal((3, run.Sha256), (rows[1].GetProperty("data").GetProperty("exitCode").GetInt32(),
            rows[1].GetProperty("data").GetProperty("outputSha256").GetString()));
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task Sent_twice_it_runs_once_and_another_command_does_not_get_its_id()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        var request = runner.Request("echo once >> counted; read x") with { Stdin = "" };

        var both = await Task.WhenAll(runner.ExecAsync(request), runner.ExecAsync(request));
        await runner.HearAsync(request.RunId);
        var third = await runner.ExecAsync(request);

        Assert.Single(both, b => b.Started);
        Assert.False(third.Started);
        Assert.Equal(CommandRunState.Exited, third.Run.State);
        Assert.Equal("once\n", await File.ReadAllTextAsync(phone.PathOf("counted")));
        Assert.Equal(ErrorCode.Conflict, await runner.RefusedAsync(request with { Command = "echo twice >> counted" }));
        Assert.Equal(2, (await runner.LedgerAsync(request.RunId)).Count);
    }

    [Fact]
    public async Task What_takes_too_long_is_told_and_ended_with_all_it_started()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var runner = new Runner(phone.Device, phone.Project.ProjectId);

        var heard = await runner.RunAsync(runner.Request(
            "trap '' TERM; sleep 600 & echo $! > child; echo begun; while :; do sleep 60; done") with
        { TimeoutSeconds = 1 });

        Assert.Equal((1, true, null, CommandRunState.TimedOut),
            (heard.Timeouts, heard.Exit.TimedOut, heard.Exit.ExitCode, heard.Exit.Run.State));
        Assert.Equal(("begun\n", "SIGKILL"), (heard.Output, heard.Exit.Signal));
        var child = int.Parse(await File.ReadAllTextAsync(phone.PathOf("child")), System.Globalization.CultureInfo.InvariantCulture);
        await Wait.UntilAsync(() => PocketCoder.Processes.ProcessGroup.Identify(child) is null, "the child of the command is gone");
    }

    [Fact]
    public async Task A_cancelled_command_ends_by_the_signal_and_four_at_once_are_enough()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var other = await daemon.PairAsync("tablet", Scope.View, Scope.Decide);
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        var requests = Enumerable.Range(0, CommandLimits.Parallel).Select(_ => runner.Request("exec sleep 600")).ToList();
        foreach (var request in requests)
        {
            Assert.Equal(CommandRunState.Running, (await runner.ExecAsync(request)).Run.State);
        }

        Assert.Equal(ErrorCode.DaemonBusy, await runner.RefusedAsync(runner.Request("true")));
        var cancelled = await new Runner(other, runner.Project).CancelAsync(new CommandCancelRequest(requests[0].RunId));
        var legacy = await runner.CancelAsync(new CommandCancelRequest(RequestId: requests[1].RunId));

        Assert.Equal((CommandRunState.Cancelled, null, "SIGTERM"), (cancelled.State, cancelled.ExitCode, cancelled.Signal));
        Assert.Equal(CommandRunState.Cancelled, legacy.State);
        Assert.True((await runner.HearAsync(requests[1].RunId)).Exit.Cancelled);
        Assert.Equal(cancelled, await runner.CancelAsync(new CommandCancelRequest(requests[0].RunId))); // again: as it is
        Assert.Equal(0, (await runner.RunAsync(runner.Request("true"))).Exit.ExitCode);
        Assert.Equal(ErrorCode.RunNotFound, (await Assert.ThrowsAsync<WireErrorException>(
            () => runner.CancelAsync(new CommandCancelRequest(Guid.CreateVersion7())))).Error.Code);
        Assert.Equal(ErrorCode.InvalidRequest,
            (await Assert.ThrowsAsync<WireErrorException>(() => runner.CancelAsync(new CommandCancelRequest()))).Error.Code);
        await daemon.Daemon.AsOwner().RemoveProjectAsync(runner.Project, CancellationToken.None);
        Assert.DoesNotContain((await runner.ListAsync()).Runs, r => r.State == CommandRunState.Running);
    }

    [Fact]
    public async Task A_flood_is_pushed_as_head_and_tail_and_kept_whole_and_a_device_that_comes_back_goes_on_where_it_was()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        var request = runner.Request("read go; seq 1 100000; echo the end") with { Stdin = "go\n" };
        var all = string.Concat(Enumerable.Range(1, 100000).Select(i => $"{i}\n")) + "the end\n";

        var heard = await runner.RunAsync(request);

        Assert.True(heard.Exit.Truncated);
        var skipped = Assert.Single(heard.Pieces, p => p.Skipped > 0);
        Assert.Equal(all.Length, heard.Output.Length + skipped.Skipped);
        Assert.Equal(all[..CommandLimits.HeadBytes] + all[^CommandLimits.TailBytes..], heard.Output);
        Assert.All(heard.Pieces, p => Assert.InRange(p.Next - p.Offset, 1, CommandLimits.PieceBytes));
        var whole = new StringBuilder();
        for (var at = 0L; ;)
        {
            var read = await runner.ReadAsync(request.RunId, at, 100_000);
            whole.AppendJoin("", read.Chunks.Select(c => c.Text));
            if (read.Next == at)
            {
                break;
            }

            at = read.Next;
        }

        Assert.Equal(all, whole.ToString());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all))), heard.Exit.Run.Sha256);
        Assert.StartsWith("1\n2\n", heard.Exit.Run.Preview, StringComparison.Ordinal);
        Assert.InRange(heard.Exit.Run.Preview.Length, 1000, 4200);

        // Another connection of the device follows from the middle of one that still runs.
        var slow = runner.Request("echo first; while [ ! -e go ]; do sleep 0.05; done; echo second");
        await runner.ExecAsync(slow);
        var first = await phone.Device.NextAsync(e => e.Type == MessageTypes.CommandOutput, "the first line");
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        var back = new Runner(again, runner.Project);
        var from = await back.ReadAsync(slow.RunId, first.Payload!.Value.GetProperty("next").GetInt64(), follow: true);
        Assert.Empty(from.Chunks);
        await File.WriteAllTextAsync(phone.PathOf("go"), "");
        Assert.Equal("second\n", (await back.HearAsync(slow.RunId)).Output);
    }

    [Fact]
    public async Task What_a_request_must_not_hold_is_refused_and_nothing_of_it_runs()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        var good = runner.Request("touch ran");
        Directory.CreateSymbolicLink(phone.PathOf("out"), "/");
        foreach (var (wrong, code) in (IEnumerable<(CommandExecRequest, ErrorCode)>)
        [
            (good with { RunId = Guid.Empty }, ErrorCode.InvalidRequest),
            (good with { Command = " " }, ErrorCode.InvalidRequest),
            (good with { Command = "touch ran\0" }, ErrorCode.InvalidRequest),
            (good with { Command = "touch ran #" + new string('x', CommandLimits.CommandBytes) }, ErrorCode.InvalidRequest),
            (good with { TimeoutSeconds = 0 }, ErrorCode.InvalidRequest),
            (good with { TimeoutSeconds = CommandLimits.MaxSeconds + 1 }, ErrorCode.InvalidRequest),
            (good with { Stdin = new string('é', CommandLimits.StdinBytes) }, ErrorCode.InvalidRequest),
            (good with { Environment = new Dictionary<string, string> { ["A B"] = "" } }, ErrorCode.InvalidRequest),
            (good with { Environment = new Dictionary<string, string> { ["1A"] = "" } }, ErrorCode.InvalidRequest),
            (good with { Environment = new Dictionary<string, string> { ["LD_PRELOAD"] = "/x.so" } }, ErrorCode.InvalidRequest),
            (good with { Environment = new Dictionary<string, string> { ["POCKETCODER_HOME"] = "/" } }, ErrorCode.InvalidRequest),
            (good with { Environment = new Dictionary<string, string> { ["A"] = new string('x', CommandLimits.EnvironmentBytes) } },
                ErrorCode.InvalidRequest),
            (good with { Environment = Enumerable.Range(0, CommandLimits.Variables + 1).ToDictionary(i => $"V{i}", _ => "") },
                ErrorCode.InvalidRequest),
            (good with { Cwd = ".." }, ErrorCode.OutsideProjectRoot),
            (good with { Cwd = "out/tmp" }, ErrorCode.OutsideProjectRoot),
            (good with { Cwd = "/" }, ErrorCode.OutsideProjectRoot),
            (good with { Cwd = "not-there" }, ErrorCode.FileNotFound),
            (good with { Cwd = "README.md" }, ErrorCode.FileNotFound),
            (good with { ProjectId = Guid.CreateVersion7() }, ErrorCode.ProjectNotFound),
        ])
        {
            var said = await runner.RefusedAsync(wrong);
            Assert.True(said == code, $"{said} instead of {code}: {wrong with { Command = "", Stdin = null }}");
        }

        Assert.False(File.Exists(phone.PathOf("ran")));
        Assert.Empty((await runner.ListAsync()).Runs);
        Assert.Equal(0, (await runner.RunAsync(good)).Exit.ExitCode); // the id was not used up
    }

    [Fact]
    public async Task What_ran_when_the_daemon_stopped_or_died_is_told_as_interrupted_and_does_not_go_on()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        var request = runner.Request("echo $$ > pid; echo begun; sleep 600");
        await runner.ExecAsync(request);
        await Wait.UntilAsync(() => File.Exists(phone.PathOf("pid")) && File.ReadAllText(phone.PathOf("pid")).EndsWith('\n'),
            "the command runs");
        var pid = int.Parse(await File.ReadAllTextAsync(phone.PathOf("pid")), System.Globalization.CultureInfo.InvariantCulture);

        var stopping = daemon.RestartAsync();
        var heard = await runner.HearAsync(request.RunId);
        await stopping;

        Assert.Equal((CommandRunState.Interrupted, "begun\n"), (heard.Exit.Run.State, heard.Output));
        Assert.Null(PocketCoder.Processes.ProcessGroup.Identify(pid));
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        runner = new Runner(again, runner.Project);
        Assert.Equal(heard.Exit.Run, Assert.Single((await runner.ListAsync()).Runs));
        Assert.Equal("begun\n", string.Concat((await runner.ReadAsync(request.RunId)).Chunks.Select(c => c.Text)));
        Assert.Equal(2, (await runner.LedgerAsync(request.RunId)).Count);

        // A daemon that was killed leaves its row as it was.
        await daemon.Daemon.StopAsync("test");
        using (var database = new SqliteConnection($"Data Source={daemon.Options.Home.Database};Pooling=False"))
        {
            database.Open();
            using var update = database.CreateCommand();
            update.CommandText = "UPDATE command_runs SET state = 'running', ended_at = NULL, sha256 = NULL, pieces = NULL";
            Assert.Equal(1, update.ExecuteNonQuery());
        }

        await daemon.RestartAsync();
        await using var third = await phone.Device.AgainAsync(daemon.Url);
        var left = Assert.Single((await new Runner(third, runner.Project).ListAsync()).Runs);
        Assert.Equal((CommandRunState.Interrupted, true), (left.State, left.EndedAt is not null));
        Assert.Contains("unknown", left.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Favourites_are_kept_in_their_order_and_a_secret_never_stands_in_a_preview()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        var wanted = new List<CommandFavourite> { new("Test", "npm test", "web", 600), new("Again", "echo hi") };

        Assert.Equal(wanted, (await SetAsync(wanted)).Favourites);
        await daemon.RestartAsync();
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        Assert.Equal(wanted, (await again.AskAsync(
            MessageTypes.CommandFavouritesGet, new CommandFavouritesGetRequest(runner.Project),
            ProtocolJson.Default.CommandFavouritesGetRequest, ProtocolJson.Default.CommandFavouritesGetResponse)).Favourites);
        Assert.Equal(ErrorCode.InvalidRequest,
            (await Assert.ThrowsAsync<WireErrorException>(() => SetAsync([new CommandFavourite("a\nb", "x")], again))).Error.Code);

        await daemon.Daemon.AsOwner().SetSecretAsync("TOKEN", "hunter2hunter2hunter2", CancellationToken.None);
        var heard = await new Runner(again, runner.Project).RunAsync(runner.Request("echo it is hunter2hunter2hunter2"));
        Assert.Contains("it is", heard.Exit.Run.Preview, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", heard.Exit.Run.Preview, StringComparison.Ordinal);

        Task<CommandFavouritesSetResponse> SetAsync(IReadOnlyList<CommandFavourite> favourites, TestDevice? device = null)
            => (device ?? phone.Device).AskAsync(
            MessageTypes.CommandFavouritesSet, new CommandFavouritesSetRequest(runner.Project, favourites),
            ProtocolJson.Default.CommandFavouritesSetRequest, ProtocolJson.Default.CommandFavouritesSetResponse);
    }

    [Fact]
    public async Task Old_runs_go_after_a_week_while_the_daemon_runs()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time);
        await using var phone = await daemon.PhoneAsync();
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        var (old, young) = (runner.Request("echo old"), runner.Request("echo young"));
        await runner.RunAsync(old);
        time.Advance(TimeSpan.FromDays(3));
        await runner.RunAsync(young);

        time.Advance(TimeSpan.FromDays(4) + RunRetention.Period);

        CommandRunInfo? left = null;
        await Wait.UntilAsync(async () => (left = (await runner.ListAsync()).Runs is [var one] ? one : null) is not null,
            "only one run is left");
        Assert.Equal(young.RunId, left!.RunId);
        Assert.Equal(ErrorCode.RunNotFound, (await Assert.ThrowsAsync<WireErrorException>(() => runner.ReadAsync(old.RunId))).Error.Code);
        Assert.False(File.Exists(Path.Combine(daemon.Options.Home.Outputs, runner.Project.ToString(), old.RunId.ToString())));
    }

    [Fact]
    public async Task In_a_sandbox_it_has_the_project_and_not_the_machine()
    {
        await using var daemon = await TestDaemon.StartAsync(sandbox: SandboxKind.Bubblewrap);
        await daemon.Daemon.SandboxesKnown;
        await using var phone = await daemon.PhoneAsync();
        var runner = new Runner(phone.Device, phone.Project.ProjectId);

        var heard = await runner.RunAsync(
            runner.Request($"ls -a; cat '{daemon.Options.Home.MachineKey}'; echo x > here; exec sleep 600") with { TimeoutSeconds = 2 });

        Assert.Equal((SandboxKind.Bubblewrap, true, "SIGTERM"), (heard.Exit.Run.Sandbox, heard.Exit.TimedOut, heard.Exit.Signal));
        Assert.Contains("README.md", heard.Output, StringComparison.Ordinal);
        Assert.Contains("No such file", heard.Errors, StringComparison.Ordinal);
        Assert.Equal("x\n", await File.ReadAllTextAsync(phone.PathOf("here")));
    }
}
