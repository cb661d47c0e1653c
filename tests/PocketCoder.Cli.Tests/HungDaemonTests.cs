using System.CommandLine;
using PocketCoder.Machine;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>A daemon that hangs (a real one, stopped by a signal): every command comes back and says so, and it can be ended.</summary>
public sealed class HungDaemonTests
{
    /// <summary>What of a command line these verbs need; what is not named here gets a word for each argument.</summary>
    private static readonly Dictionary<string, string[]> s_arguments = new(StringComparer.Ordinal)
    {
        ["start"] = ["--demo"],
        ["config get"] = ["listen"],
        ["config set"] = ["listen", "127.0.0.1:1"],
        ["config unset"] = ["listen"],
        ["completion"] = ["bash"],
        ["update"] = ["--check"],
        ["enable-autostart"] = ["--print"],
        ["disable-autostart"] = ["--help"], // would change this user's units
        ["gateway config get"] = ["listen"],
        ["gateway config set"] = ["listen", "127.0.0.1:1"],
        ["gateway config unset"] = ["listen"],
        ["gateway enable-autostart"] = ["--print"],
        ["gateway disable-autostart"] = ["--help"],
        ["ledger accept"] = ["1"],
        ["secrets set"] = ["x", "--help"], // asks a person
    };

    [Fact]
    [Trait("Category", "Slow")]
    public async Task It_is_killed_by_stop_which_names_it_and_the_next_start_goes_on()
    {
        await using var home = new CliHome();
        var pid = await home.StartDetachedAsync();
        await RunningProgram.SignalAsync(pid, "STOP");

        await using var stop = home.Begin("stop", "--json");
        var stopped = (await stop.EndAsync(TimeSpan.FromMinutes(2))).Succeeded();

        Assert.Equal((true, true), (stopped.Json.GetProperty("wasRunning").GetBoolean(), stopped.Json.GetProperty("killed").GetBoolean()));
        Assert.Equal("", stopped.Error);
        Assert.False(DaemonLock.IsTaken(home.Home));
        Assert.NotEqual(pid, await home.StartDetachedAsync());
        Assert.True((await home.AskAsync("ledger", "verify")).GetProperty("intact").GetBoolean());
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Another_process_with_the_number_that_the_pid_file_names_is_not_killed()
    {
        await using var home = new CliHome();
        var pid = await home.StartDetachedAsync();
        await using var bystander = RunningProgram.Start("/bin/sleep", ["600"], home.Environment, home.Work);
        var told = await File.ReadAllTextAsync(home.Home.PidFile);
        await File.WriteAllTextAsync(
            home.Home.PidFile, told.Replace($"\"pid\":{pid}", $"\"pid\":{bystander.Pid}", StringComparison.Ordinal));
        await RunningProgram.SignalAsync(pid, "STOP");
        try
        {
            await using var stop = home.Begin("stop");
            var refused = (await stop.EndAsync(TimeSpan.FromMinutes(2))).Ended(1);

            Assert.Contains("nothing was killed", refused.Error, StringComparison.Ordinal);
            Assert.False(bystander.HasExited);
        }
        finally
        {
            await File.WriteAllTextAsync(home.Home.PidFile, told);
            await RunningProgram.SignalAsync(pid, "CONT");
        }
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Every_command_comes_back_and_none_says_that_it_does_not_run()
    {
        await using var home = new CliHome();
        var pid = await home.StartDetachedAsync("--sandbox", "none");
        await using var followed = home.Begin("run", "--project", "demo", "run: echo never");
        await Wait.UntilAsync(() => followed.Error.Contains("Waiting for approval", StringComparison.Ordinal), "a turn is followed");
        await RunningProgram.SignalAsync(pid, "STOP");
        try
        {
            Assert.Contains("kill -CONT", (await followed.EndAsync(TimeSpan.FromMinutes(2))).Ended(7).Error, StringComparison.Ordinal);

            // At once: each waits for the daemon as long as it may, and takes nothing of the processor meanwhile. Those that only a process
            // can run are few.
            var answered = 0;
            await Task.WhenAll(Verbs().Select(async verb =>
            {
                var ran = await home.RunAsync(verb);
                Assert.True(ran.Code != 3 && !ran.Error.Contains("not running", StringComparison.Ordinal) && !ran.Error.Contains(
                    "Unhandled", StringComparison.Ordinal), $"{string.Join(' ', verb)}: {ran.Code}\n{ran.Out}\n{ran.Error}");
                if (ran.Error.Contains($"kill -CONT {pid}", StringComparison.Ordinal))
                {
                    Assert.Equal(1, ran.Code);
                    Interlocked.Increment(ref answered);
                }
            }));

            Assert.True(answered > 20, $"only {answered} commands asked the daemon");
        }
        finally
        {
            await RunningProgram.SignalAsync(pid, "CONT");
        }

        (await home.RunAsync("status")).Succeeded(); // and it goes on
    }

    private static IEnumerable<string[]> Verbs() => Leaves(CommandLine.Build(new Terminal(TextWriter.Null, TextWriter.Null, _ => null)), "")
        .Where(v => v.Name is not ("stop" or "restart"))
        .Select(v => (string[])[.. v.Name.Split(' '), .. s_arguments.GetValueOrDefault(v.Name)
            ?? [.. v.Command.Arguments.Select(_ => "x")]]);

    private static IEnumerable<(string Name, Command Command)> Leaves(Command command, string name)
    {
        var path = name.Length == 0 ? "" : name + " ";
        if (command.Subcommands.Count == 0)
        {
            yield return (name, command);
        }

        foreach (var leaf in command.Subcommands.SelectMany(c => Leaves(c, path + c.Name)))
        {
            yield return leaf;
        }
    }
}
