using System.Globalization;
using PocketCoder.Machine;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary><c>pocketcoder restart</c>: the same daemon again, or the one of before is left alone.</summary>
public sealed class RestartTests
{
    [Fact]
    [Trait("Category", "Slow")]
    public async Task It_runs_again_with_its_options_and_the_settings_of_now_and_says_what_was_interrupted()
    {
        await using var home = new CliHome();
        var pid = await home.StartDetachedAsync("--sandbox", "none", "--silence-limit", "25m");
        var session = (await home.AskAsync("run", "--project", "demo", "--detach", "run: touch new.txt"))
            .GetProperty("agentSessionId").GetString();
        await Wait.UntilAsync(
            async () => (await home.AskAsync("status")).GetProperty("sessionsWorking").GetInt32() == 1, "the session works");
        (await home.RunAsync("config", "set", "approval-timeout", "20m")).Succeeded();

        var restarted = await home.AskAsync("restart");

        Assert.NotEqual(pid, restarted.GetProperty("pid").GetInt32());
        Assert.Equal(1, restarted.GetProperty("sessionsInterrupted").GetInt32());
        Assert.False(restarted.GetProperty("killed").GetBoolean());
        Assert.Equal(home.Url, Assert.Single(restarted.GetProperty("listen").EnumerateArray()).GetString());
        var sessions = await home.AskAsync("sessions");
        Assert.Contains(session!, sessions.ToString(), StringComparison.Ordinal);
        var ledger = (await home.RunAsync("ledger", "export")).Succeeded().Out;
        Assert.DoesNotContain("\"Limits\",\"action\"", ledger.Replace("\\\"", "\"", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("ApprovalTimeout", ledger, StringComparison.Ordinal);
        Assert.Contains("silence=00:25:00", ledger, StringComparison.Ordinal);

        var again = (await home.RunAsync("restart")).Succeeded();
        Assert.Matches(@"^PocketCoder was restarted \(pid \d+\)\.\n  Open   http", again.Out);
        Assert.DoesNotContain("working", again.Error, StringComparison.Ordinal); // it may say that it waits, where that takes long
        Assert.True((await home.AskAsync("ledger", "verify")).GetProperty("intact").GetBoolean());
    }

    [Fact]
    public async Task One_in_the_foreground_or_whose_next_start_would_be_refused_is_not_stopped()
    {
        await using var home = new CliHome();
        var pid = await home.StartAsync();
        Assert.Contains("foreground", (await home.RunAsync("restart")).Ended(ExitCode.Failure).Error, StringComparison.Ordinal);
        Assert.Equal(pid, (await home.AskAsync("status")).GetProperty("pid").GetInt32());
        (await home.RunAsync("stop")).Succeeded();

        pid = await home.StartDetachedAsync();
        (await home.RunAsync("config", "set", "proxy", "10.0.0.1")).Succeeded();
        Assert.Contains("--behind-proxy", (await home.RunAsync("restart")).Ended(ExitCode.Usage).Error, StringComparison.Ordinal);
        Assert.Equal(pid, (await home.AskAsync("status")).GetProperty("pid").GetInt32());
    }

    [Fact]
    public async Task One_of_another_version_is_stopped_as_each_version_can_be_and_is_this_one_afterwards()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "elsewhere nobody can tell a daemon's command line");
        await using var home = new CliHome();
        await using var older = await OlderDaemon.StartAsync(
            home, "--demo", "--listen", home.Listen, "--sandbox", "none", "--silence-limit", "25m", "--detached");
        var refused = (await home.RunAsync("status")).Ended(ExitCode.Failure).Error;
        Assert.Contains(OlderDaemon.Version, refused, StringComparison.Ordinal);
        Assert.EndsWith("pocketcoder restart\n", refused, StringComparison.Ordinal);
        Assert.Null(older.StoppedFor);

        var restarted = await home.AskAsync("restart");

        Assert.Equal("Stopped from the command line.", older.StoppedFor);
        Assert.NotEqual(older.Pid, restarted.GetProperty("pid").GetInt32());
        Assert.Equal(
            (0, false), (restarted.GetProperty("sessionsInterrupted").GetInt32(), restarted.GetProperty("killed").GetBoolean()));
        Assert.Equal(home.Url, Assert.Single(restarted.GetProperty("listen").EnumerateArray()).GetString());
        Assert.Equal(restarted.GetProperty("pid").GetInt32(), (await home.AskAsync("status")).GetProperty("pid").GetInt32());
        Assert.Contains("silence=00:25:00", (await home.RunAsync("ledger", "export")).Succeeded().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_the_service_manager_keeps_is_restarted_through_it_and_no_other()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "systemd");
        await using var home = new CliHome();
        var folder = Directory.CreateDirectory(Path.Combine(home.Folder, "bin")).FullName;
        var (main, log) = (Path.Combine(folder, "main"), Path.Combine(folder, "log"));
        var (systemctl, go) = (Path.Combine(folder, "systemctl"), Path.Combine(folder, "go"));
        await File.WriteAllTextAsync(
            systemctl,
            $"""
            #!/bin/sh
            echo "$*" >> '{log}'
            case "$*" in
            *MainPID*) cat '{main}' ;;
            *restart*) while [ ! -e '{go}' ]; do sleep 0.1; done ;;
            esac
            """);
        File.SetUnixFileMode(systemctl, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        home.Environment["PATH"] = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}";

        var pid = await home.StartAsync();
        await File.WriteAllTextAsync(main, "1\n"); // the unit runs something else
        Assert.Contains("foreground", (await home.RunAsync("restart")).Ended(ExitCode.Failure).Error, StringComparison.Ordinal);
        Assert.Equal(pid, DaemonLock.Holder(home.Home)!.Pid);
        await File.WriteAllTextAsync(main, string.Create(CultureInfo.InvariantCulture, $"{pid}\n"));
        var restarting = home.RunAsync("restart", "--json");
        await Wait.UntilAsync(
            async () => (await File.ReadAllLinesAsync(log))[^1] == "--user restart pocketcoder.service", "the service manager is asked");
        (await home.RunAsync("stop")).Succeeded();
        await File.WriteAllTextAsync(go, ""); // as a service manager: the program is begun, and may not have its home yet
        var now = await home.StartAsync();
        Assert.Equal(now, (await restarting).Succeeded().Json.GetProperty("pid").GetInt32());
        Assert.NotEqual(pid, now);
    }
}
