using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Sandboxes.Tests.Bubblewrap;

public sealed class SurvivalTests
{
    [Fact]
    public async Task A_session_and_its_spooled_command_survive_the_daemons_sudden_death_and_are_found_again()
    {
        await using var ground = new Ground();
        var project = ground.Project();
        await KillADaemonAsync(ground, project);

        var found = Assert.Single(await ground.Backend.RecoverAsync(default));
        Assert.Equal((Scenario.Session, true), (found.Id, found.IsAlive));
        var exec = Assert.Single(found.Recovered);
        Assert.Equal(Scenario.Spooled, exec.Id);
        var spool = CommandSpool.Start(exec);
        await Wait.UntilAsync(() => spool.Text == "before\n", "what it wrote before");
        Assert.False(exec.Exited.IsCompleted);

        var (_, output, _) = await found.ShellAsync("touch go; echo still works");
        Assert.Equal("still works\n", output);
        var outcome = await spool.Completed.WaitAsync(Wait.Limit);
        Assert.Equal((ExecEnd.Exited, 17), (outcome.End, outcome.ExitCode));
        Assert.Equal(("before\nafter\n", "err\n"), (spool.StandardOutputText, spool.StandardErrorText));
        await found.KillAsync(default);
        Assert.Empty(ground.Leftovers());
    }

    [Fact]
    public async Task A_command_that_ended_while_no_daemon_ran_is_found_with_its_end()
    {
        await using var ground = new Ground();
        var project = ground.Project();
        await KillADaemonAsync(ground, project);
        await File.WriteAllTextAsync(Path.Combine(project, "go"), "");
        await Wait.UntilAsync(() => File.Exists(
            Path.Combine(ground.Options.StateDirectory, Scenario.Session, "own", "spool", Scenario.Spooled, "exit")), "its end");

        var found = Assert.Single(await ground.Backend.RecoverAsync(default));
        var exec = Assert.Single(found.Recovered);
        var spool = CommandSpool.Start(exec);
        Assert.Equal(17, (await spool.Completed.WaitAsync(Wait.Limit)).ExitCode);
        Assert.Equal("before\nafter\n", spool.StandardOutputText);
        await found.KillAsync(default);
    }

    [Fact]
    public async Task A_command_whose_output_was_cut_off_is_ended_by_recovery()
    {
        await using var ground = new Ground();
        var project = ground.Project();
        var plain = await KillADaemonAsync(ground, project);
        Assert.True(ProcessGroup.IsAlive(plain));

        var found = Assert.Single(await ground.Backend.RecoverAsync(default));
        Assert.False(ProcessGroup.IsAlive(plain));
        await found.KillAsync(default);
    }

    [Fact]
    public async Task A_found_command_can_be_killed()
    {
        await using var ground = new Ground();
        await KillADaemonAsync(ground, ground.Project());
        var found = Assert.Single(await ground.Backend.RecoverAsync(default));
        var exec = Assert.Single(found.Recovered);
        await exec.KillAsync(TimeSpan.Zero).WaitAsync(Wait.Limit);
        Assert.Equal(ExecEnd.Killed, (await exec.Exited).End);
        await found.KillAsync(default);
    }

    [Fact]
    public async Task A_session_whose_start_was_cut_off_is_cleaned_away()
    {
        await using var ground = new Ground();
        await KillADaemonAsync(ground, ground.Project(), withState: false);
        Assert.NotEmpty(ground.Leftovers());
        if (Ground.IsRoot && ((BubblewrapBackend)ground.Backend).Groups.Source == LimitSource.CgroupV1)
        {
            Assert.NotEmpty(((BubblewrapBackend)ground.Backend).Groups.Existing(
                BubblewrapBackend.GroupName(ground.Options, Scenario.Session)));
        }

        Assert.Empty(await ground.Backend.RecoverAsync(default));
        Assert.Empty(ground.Leftovers());
        Assert.Empty(((BubblewrapBackend)ground.Backend).Groups.Existing(BubblewrapBackend.GroupName(ground.Options, Scenario.Session)));
    }

    [Fact]
    public async Task A_control_group_whose_session_has_vanished_is_cleaned_away_and_a_living_ones_is_not()
    {
        await using var ground = new Ground();
        var groups = ((BubblewrapBackend)ground.Backend).Groups;
        Assert.SkipWhen(groups.Source is not (LimitSource.CgroupV1 or LimitSource.CgroupV2), "no control groups here");
        var sandbox = await ground.CreateAsync(ground.Spec("alive"));
        groups.Create(BubblewrapBackend.GroupName(ground.Options, "vanished"), new SandboxLimits());
        Assert.Single(await ground.Backend.RecoverAsync(default));
        Assert.Empty(groups.Existing(BubblewrapBackend.GroupName(ground.Options, "vanished")));
        Assert.NotEmpty(groups.Existing(BubblewrapBackend.GroupName(ground.Options, "alive")));
        Assert.Equal(0, (await sandbox.ShellAsync("true")).Outcome.ExitCode);
    }

    [Fact]
    public async Task A_start_that_is_given_up_leaves_nothing()
    {
        await using var ground = new Ground();
        var spec = ground.Spec();
        for (var i = 0; i < 12; i++)
        {
            using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(3 * i));
            try
            {
                await (await ground.Backend.CreateAsync(spec with { Id = $"given-up-{i}" }, cancel.Token)).KillAsync(default);
            }
            catch (OperationCanceledException)
            {
                // what is meant here
            }

            Assert.Empty(ground.Leftovers());
        }

        Assert.Empty(((BubblewrapBackend)ground.Backend).Groups.WithPrefix(BubblewrapBackend.GroupName(ground.Options, "")));
    }

    [Fact]
    public async Task A_session_of_an_earlier_boot_is_cleaned_away()
    {
        await using var ground = new Ground();
        var sandbox = await ground.CreateAsync(ground.Spec("old"));
        var state = Path.Combine(ground.Options.StateDirectory, "old", "state.json");
        var text = await File.ReadAllTextAsync(state);
        var boot = (await File.ReadAllTextAsync("/proc/sys/kernel/random/boot_id")).Trim();
        await sandbox.KillAsync(default);

        // The same record, as it would stand there after the machine was restarted.
        Directory.CreateDirectory(Path.GetDirectoryName(state)!);
        await File.WriteAllTextAsync(state, text.Replace(boot, "00000000-0000-0000-0000-000000000000", StringComparison.Ordinal));
        Assert.Empty(await ground.Backend.RecoverAsync(default));
        Assert.Empty(ground.Leftovers());
    }

    [Fact]
    public async Task A_terminal_survives_the_daemon_with_what_is_on_it()
    {
        await using var ground = new Ground();
        var first = await ground.CreateAsync(ground.Spec("term"));
        var terminal = await first.OpenTerminalAsync(new TerminalSpec { Name = "main" }, default);
        await terminal.WriteAsync("echo mark-$((40+2))\r"u8.ToArray(), default);
        await Wait.UntilAsync(async () => (await terminal.CaptureAsync(100, default)).Contains("mark-42", StringComparison.Ordinal),
            "the shell's answer");
        await terminal.DisposeAsync();

        var again = Assert.Single(await ground.Backend.RecoverAsync(default));
        await using var attached = await again.OpenTerminalAsync(new TerminalSpec { Name = "main" }, default);
        Assert.Contains("mark-42", await attached.CaptureAsync(100, default), StringComparison.Ordinal);
    }

    /// <returns>The plain command's process, which is still there.</returns>
    private static async Task<ProcessIdentity> KillADaemonAsync(Ground ground, string project, bool withState = true)
    {
        await using var daemon = Scenario.Start(ground, project, withState);
        await Wait.UntilAsync(() => File.Exists(Scenario.ReadyFile(ground)) || daemon.Exited.IsCompleted, "the daemon to be ready");
        Assert.True(File.Exists(Scenario.ReadyFile(ground)), "the daemon ended");
        var plain = ProcessGroup.Identify(
            int.Parse(await File.ReadAllTextAsync(Scenario.ReadyFile(ground)), System.Globalization.CultureInfo.InvariantCulture))!;
        await Wait.UntilAsync(() => File.Exists(Path.Combine(project, "running")) && File.Exists(Path.Combine(project, "plain")),
            "both commands to run");

        // kill -9 for it alone: what it started stays. Its own child list must not be followed here.
        Assert.True(ProcessGroup.TrySignal(daemon.Identity, 9));
        await daemon.Exited.WaitAsync(Wait.Limit);
        daemon.Release();
        return plain;
    }
}
