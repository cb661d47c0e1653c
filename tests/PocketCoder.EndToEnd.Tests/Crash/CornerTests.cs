using PocketCoder.Machine;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Homes;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>Single moments that chance would meet too seldom.</summary>
[Trait("Category", "Slow")]
public sealed class CornerTests
{
    [Fact]
    public async Task A_command_that_ends_together_with_the_daemon_ran_once_and_its_outcome_is_unknown()
    {
        await using var machine = await CrashMachine.StartAsync();
        var session = await machine.SessionAsync("run: echo once >> runs.log; kill -9 $PPID");
        var asked = await machine.AskedAsync();
        await machine.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await machine.Daemon.GoneAsync();

        await machine.KillAsync();
        await machine.StartDaemonAsync();
        await machine.ConnectAsync();

        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_unknown"],
            await machine.LedgerAsync(asked.ApprovalId));
        await machine.PromptAsync(session, "go on");
        await machine.Device.SubscribeAsync($"session/{session}");
        await machine.Device.NextEventAsync<DoneEvent>(d => d.Outcome == TurnState.Completed);
        Assert.Equal(["once"], machine.Ran);
        await machine.VerifyAsync();
    }

    [Fact]
    public async Task A_decision_whose_answer_was_lost_is_the_same_decision_when_it_comes_again()
    {
        await using var machine = await CrashMachine.StartAsync();
        var session = await machine.SessionAsync("run: echo decided >> runs.log; sleep 300");
        var asked = await machine.AskedAsync();
        var decision = machine.Device.Decision(asked, DecisionVerdict.Allow, DecisionScope.Once, null, null, Guid.CreateVersion7());
        var errand = new Errand(ErrandKind.Decide, decision.DecisionId, session, Approval: asked, Decision: decision);
        var sent = errand.SendAsync(machine.Device, machine.Project, "stub");
        await machine.RanAsync("decided");
        await machine.KillAsync();
        await Record.ExceptionAsync(() => sent); // whether its answer came is not what this is about: the phone forgets it

        await machine.StartDaemonAsync();
        await machine.ConnectAsync();
        await errand.SendAsync(machine.Device, machine.Project, "stub");

        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_unknown"],
            await machine.LedgerAsync(asked.ApprovalId));
        Assert.Equal(["decided"], machine.Ran);
        Assert.Empty(Survivors.In(machine.Home.Demo));
    }

    [Fact]
    public async Task A_prompt_whose_answer_was_lost_is_taken_once()
    {
        await using var machine = await CrashMachine.StartAsync();
        var session = await machine.SessionAsync("confirm: wait here");
        await machine.AskedAsync();
        await using var other = await machine.OtherAsync();
        await other.SubscribeAsync($"session/{session}");
        var prompt = Guid.CreateVersion7();
        var sent = machine.PromptAsync(session, "once only", prompt);
        await other.NextEventAsync<TurnEvent>(t => t.Turn.TurnId == prompt);
        await machine.KillAsync();
        await Record.ExceptionAsync(() => sent);

        await machine.StartDaemonAsync();
        await machine.ConnectAsync();
        await machine.PromptAsync(session, "once only", prompt);

        Assert.Single((await machine.GetAsync(session)).Turns, t => t.TurnId == prompt);
        Assert.Single(await machine.TranscriptAsync(session), e => e is TurnEvent { Turn: var turn } && turn.TurnId == prompt);
    }

    [Fact]
    public async Task A_start_that_is_killed_while_it_ends_orphans_leaves_them_to_the_next()
    {
        await using var machine = await CrashMachine.StartAsync();
        // Its pipes are broken once the daemon is dead, so it must not write to them.
        await machine.SessionAsync(
            "run: exec > /dev/null 2>&1; trap 'echo asked-to-end >> runs.log' TERM; echo stubborn >> runs.log; while :; do sleep 0.1; done");
        await machine.Device.DecideAsync(await machine.AskedAsync(), DecisionVerdict.Allow);
        await machine.RanAsync("stubborn");
        await machine.KillAsync();
        var orphans = Survivors.In(machine.Home.Demo);
        Assert.NotEmpty(orphans);

        // The next start asks it to end, waits, and is killed while it waits.
        var starting = machine.StartDaemonAsync();
        var killed = KillWhenAskedAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => starting);
        await killed;
        Assert.Contains(orphans, ProcessGroup.IsAlive);

        await machine.StartDaemonAsync();
        Assert.DoesNotContain(orphans, ProcessGroup.IsAlive);

        async Task KillWhenAskedAsync()
        {
            await machine.RanAsync("asked-to-end");
            using var holder = System.Diagnostics.Process.GetProcessById(DaemonLock.Holder(machine.Home)!.Pid);
            holder.Kill();
        }
    }

    [Theory]
    [InlineData("daemon.lock")]
    [InlineData("machine.key")]
    [InlineData("daemon.db")]
    [InlineData("daemon.db-wal")]
    [InlineData("demo")]
    public async Task A_first_start_that_is_killed_anywhere_can_be_repeated(string appears)
    {
        var folder = Directory.CreateTempSubdirectory("pccrash-").FullName;
        var home = Home.At(folder);
        await using (var first = DaemonProcess.Launch(
            home, Ports.Free(), new Dictionary<string, string>(StringComparer.Ordinal), demo: true))
        {
            await Wait.UntilAsync(() => Path.Exists(Path.Combine(folder, appears)) || first.HasExited, appears);
            first.Kill();
            await first.GoneAsync();
        }

        await using (var machine = await CrashMachine.StartAsync(folder))
        {
            await machine.VerifyAsync();
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task What_a_power_cut_leaves_opens_and_verifies()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        await using var machine = await CrashMachine.StartAsync();
        for (var i = 0; i < 4; i++)
        {
            // The head is written once its row is durable, so it never knows a row that a power cut takes: here, none of those that follow.
            var head = await File.ReadAllBytesAsync(machine.Home.LedgerHead);
            await machine.SessionAsync($"run: echo before-{i} >> runs.log\nlong: 60");
            await machine.Device.DecideAsync(await machine.AskedAsync(), DecisionVerdict.Allow);
            await machine.Device.NextEventAsync<ToolResultEvent>();
            await machine.Device.NextAsync(e => e.Type == MessageTypes.AgentDelta, "live text");

            var copy = Home.At(Directory.CreateTempSubdirectory("pccrash-").FullName);
            machine.Frozen(() =>
            {
                CopyTorn(machine.Home, copy, i == 0 ? 0 : random.Next(1, 40_000));
                File.WriteAllBytes(copy.LedgerHead, i == 0 ? File.ReadAllBytes(machine.Home.LedgerHead) : head);
            });
            await using (var daemon = await DaemonProcess.StartAsync(
                copy, Ports.Free(), new Dictionary<string, string>(StringComparer.Ordinal), demo: true))
            {
                var (exit, output) = await DaemonProcess.RunAsync(
                    copy, new Dictionary<string, string>(StringComparer.Ordinal), "ledger", "verify");
                Assert.True(exit == 0, $"seed {seed}, copy {i}: {output}");
            }

            await HomeRemains.ClearAsync(copy.Sandboxes, copy.Root, copy.AgentFiles, copy.Attached);
        }
    }

    /// <summary>The home as it would be after a power cut: the log's last bytes did not reach the disk.</summary>
    private static void CopyTorn(Home from, Home to, int lost)
    {
        Directory.CreateDirectory(to.Demo);
        foreach (var file in (string[])[from.Database, from.Database + "-wal", from.MachineKey])
        {
            File.Copy(file, Path.Combine(to.Root, Path.GetFileName(file)));
        }

        using var log = File.OpenWrite(to.Database + "-wal");
        log.SetLength(Math.Max(0, log.Length - lost));
    }
}
