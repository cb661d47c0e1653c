using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Processes.Tests;

public sealed class OwnedProcessTests
{
    /// <summary>
    /// A command bears its agent's mark too, so that a daemon that is killed finds both. Its end must never be the agent's, nor that of
    /// what the agent starts meanwhile.
    /// </summary>
    [Fact]
    public async Task What_a_process_works_for_is_not_ended_with_it_however_short_it_was_and_whatever_began_meanwhile()
    {
        await using var agent = OwnedProcess.Start(Shell.Command("read line; sleep 300; exit 3"), TimeProvider.System);
        for (var i = 0; i < 40; i++)
        {
            await using var command = OwnedProcess.Start(
                Shell.Command("exit 0") with { Within = agent.Identity.Mark }, TimeProvider.System);
            await command.Exited;
            Assert.True(await command.KillAsync(TimeSpan.FromSeconds(2)));
            Assert.True(ProcessGroup.IsAlive(agent.Identity), $"{command.Identity}, agent {agent.Identity}");
        }

        await using (var command = OwnedProcess.Start(
            Shell.Command("sleep 300") with { Within = agent.Identity.Mark }, TimeProvider.System))
        {
            await Wait.UntilAsync(() => CountMembers(command.Identity, "sleep") == 1, "the command to run");
            await agent.StandardInput.WriteAsync("go on\n"u8.ToArray(), TestContext.Current.CancellationToken);
            await agent.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
            await Wait.UntilAsync(() => CountMembers(agent.Identity, "sleep") == 2, "the agent's own child to run beside the command");
            Assert.True(await command.KillAsync(TimeSpan.FromSeconds(2)));
        }

        Assert.Equal(1, CountMembers(agent.Identity, "sleep"));
        Assert.True(ProcessGroup.IsAlive(agent.Identity));
    }

    [Fact]
    public async Task What_works_for_a_process_is_ended_with_it()
    {
        var agent = OwnedProcess.Start(Shell.Command("sleep 300"), TimeProvider.System);
        await using var command = OwnedProcess.Start(Shell.Command("sleep 300") with { Within = agent.Identity.Mark }, TimeProvider.System);
        await Wait.UntilAsync(() => CountMembers(agent.Identity, "sleep") == 2, "both to run");
        Assert.True(await agent.KillAsync(TimeSpan.FromSeconds(2)));
        Assert.False(ProcessGroup.IsAnyAlive(command.Identity));
        await agent.DisposeAsync();
    }

    [Fact]
    public async Task Memory_is_that_of_each_process_with_what_it_started_in_one_look()
    {
        await using var one = Shell.Start("sleep 300 & exec sleep 300");
        await using var ended = Shell.Start("exit 0");
        await ended.Exited;
        await Wait.UntilAsync(() => CountMembers(one.Identity, "sleep") == 2, "both to run");
        var each = ProcessGroup.Members(one.Identity).ConvertAll(e => e.ResidentPages * Environment.SystemPageSize);
        var resident = ProcessGroup.Resident([ended.Identity, one.Identity]);
        Assert.Equal(0, resident[0]);
        Assert.InRange(resident[1], each.Max() + 1, 2 * each.Sum());
        Assert.Empty(ProcessGroup.Resident([]));
    }

    [Fact]
    public async Task The_end_of_processes_is_seen_though_the_clock_of_its_limits_stands_still()
    {
        await using var process = OwnedProcess.Start(Shell.Command("sleep 300"), new ManualTime());
        Assert.True(await process.KillAsync(TimeSpan.FromSeconds(2)).WaitAsync(Wait.Limit));
        Assert.False(ProcessGroup.IsAnyAlive(process.Identity));
    }

    [Fact]
    public async Task The_process_leads_its_own_group_and_session_with_the_pid_we_know()
    {
        await using var process = Shell.Start("exec sleep 60");
        await Wait.UntilAsync(() => ProcessTable.Find(process.Identity.Pid)?.SessionId == process.Identity.Pid, "setsid to act");
        var entry = ProcessTable.Find(process.Identity.Pid)!.Value;
        Assert.Equal(process.Identity.Pid, entry.GroupId);
        Assert.Equal(Environment.ProcessId, entry.ParentPid);
        await Wait.UntilAsync(() => File.ReadAllText($"/proc/{entry.Pid}/comm").Trim() == "sleep",
            "the program itself to run under that pid");
    }

    [Fact]
    public async Task A_process_that_is_let_go_runs_on_and_is_signalled_by_its_identity_alone()
    {
        var process = Shell.Start("exec sleep 60");
        await Wait.UntilAsync(() => File.ReadAllText($"/proc/{process.Identity.Pid}/comm").Trim() == "sleep", "the program itself");
        process.Release();
        Assert.True(ProcessGroup.IsAlive(process.Identity));
        Assert.False(ProcessGroup.TrySignal(process.Identity with { StartTicks = process.Identity.StartTicks - 1 }, 9));
        Assert.True(ProcessGroup.IsAlive(process.Identity));
        Assert.True(ProcessGroup.TrySignal(process.Identity, 9));
        await Wait.UntilAsync(() => !ProcessGroup.IsAlive(process.Identity), "its end");
        Assert.False(ProcessGroup.TrySignal(process.Identity, 9));
    }

    [Fact]
    public async Task Everything_below_a_process_is_listed_with_it()
    {
        await using var process = Shell.Start("setsid sleep 60 & sleep 61 & wait");
        await Wait.UntilAsync(() => ProcessGroup.WithDescendants(process.Identity).Count == 3, "three processes");
        Assert.Contains(ProcessGroup.WithDescendants(process.Identity), p => p.Pid == process.Identity.Pid);
    }

    [Fact]
    public async Task The_environment_is_what_was_given_and_the_mark_and_nothing_else()
    {
        var start = Shell.Command("env -0", ("GREETING", "grüß dich")) with { Program = "/usr/bin/env", Arguments = ["-0"] };
        await using var process = OwnedProcess.Start(start, TimeProvider.System);
        using var reader = new StreamReader(process.StandardOutput);
        var names = (await reader.ReadToEndAsync()).Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)
            .ToList();
        Assert.Equal(["GREETING=grüß dich", "PATH=/usr/bin:/bin", $"PROCESS_MARK={process.Identity.Mark}"], names);
    }

    [Fact]
    public async Task Arguments_arrive_as_they_are()
    {
        string[] arguments = ["", "a b", "$HOME", "`id`", "--", "-x", "\"'\\", "new\nline", "*", "日本"];
        var start = Shell.Command("") with { Program = "printf", Arguments = ["%s\\0", .. arguments] };
        await using var process = OwnedProcess.Start(start, TimeProvider.System);
        using var reader = new StreamReader(process.StandardOutput);
        Assert.Equal(arguments, (await reader.ReadToEndAsync()).Split('\0')[..^1]);
    }

    [Fact]
    public async Task No_descriptor_of_ours_reaches_the_child()
    {
        // A descriptor without close-on-exec, as one inherited from a careless parent would be.
        var leak = dup(1);
        Assert.True(leak > 2);
        await using var process = Shell.Start("ls /proc/self/fd");
        using var reader = new StreamReader(process.StandardOutput);
        var descriptors = (await reader.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["0", "1", "2", "3"], descriptors); // 3: ls reading the directory
        _ = close(leak);
    }

    [Fact]
    public async Task The_exit_code_tells_a_signal_as_128_and_its_number()
    {
        await using var ends = Shell.Start("exit 7");
        Assert.Equal(7, await ends.Exited);
        await using var killed = Shell.Start("kill -9 $$");
        Assert.Equal(137, await killed.Exited);
    }

    [Fact]
    public async Task Input_goes_in_and_comes_out()
    {
        await using var process = Shell.Start("exec cat");
        await process.StandardInput.WriteAsync("hello"u8.ToArray());
        process.StandardInput.Close();
        using var reader = new StreamReader(process.StandardOutput, Encoding.UTF8);
        Assert.Equal("hello", await reader.ReadToEndAsync());
    }

    [Fact]
    public void A_missing_program_or_directory_is_a_typed_error()
    {
        Assert.Throws<ProcessStartException>(
            () => OwnedProcess.Start(Shell.Command("") with { Program = "no-such-program" }, TimeProvider.System));
        Assert.Throws<ProcessStartException>(
            () => OwnedProcess.Start(Shell.Command("") with { WorkingDirectory = "/no/such" }, TimeProvider.System));
        Assert.Throws<ProcessStartException>(
            () => OwnedProcess.Start(Shell.Command("") with { WorkingDirectory = "relative" }, TimeProvider.System));
        Assert.Throws<ProcessStartException>(
            () => OwnedProcess.Start(Shell.Command("") with { Program = "/etc/passwd" }, TimeProvider.System));
    }

    [Fact]
    public async Task Killing_takes_the_grandchildren_also_those_that_made_a_session_of_their_own()
    {
        await using var process = Shell.Start("sleep 61 & setsid sleep 62 & echo ready; wait");
        await ReadLineAsync(process);
        await Wait.UntilAsync(() => CountMembers(process.Identity, "sleep") == 2, "both children to run");
        Assert.True(await process.KillAsync(TimeSpan.FromSeconds(5)));
        Assert.Equal(0, CountMembers(process.Identity, "sleep"));
        Assert.False(ProcessGroup.IsAnyAlive(process.Identity));
    }

    [Fact]
    public async Task An_orphan_in_another_session_is_found_by_its_mark_after_the_leader_died()
    {
        await using var process = Shell.Start("setsid sleep 63 & echo ready; wait");
        await ReadLineAsync(process);
        await Wait.UntilAsync(() => CountMembers(process.Identity, "sleep") == 1, "the child to run");
        Assert.Equal(0, Native.Signal(process.Identity.Pid, Native.Kill));
        await process.Exited;
        Assert.False(ProcessGroup.IsAlive(process.Identity));
        Assert.True(ProcessGroup.IsAnyAlive(process.Identity));
        Assert.Empty(await ProcessGroup.ReapAsync([process.Identity], TimeSpan.FromSeconds(5), TimeProvider.System));
        Assert.False(ProcessGroup.IsAnyAlive(process.Identity));
    }

    [Fact]
    public async Task What_bears_a_mark_that_was_written_down_beforehand_is_found_by_it_alone()
    {
        var mark = OwnedProcess.NewMark();
        var toCome = ProcessIdentity.ToCome(mark);
        Assert.False(ProcessGroup.IsAnyAlive(toCome)); // process id 0 and group 0 are nobody's
        await using var process = OwnedProcess.Start(
            Shell.Command("setsid sleep 64 & echo ready; wait") with { Mark = mark }, TimeProvider.System);
        await ReadLineAsync(process);
        await Wait.UntilAsync(() => CountMembers(toCome, "sleep") == 1, "the child to run");
        Assert.Equal(CountMembers(process.Identity, "sleep"), CountMembers(toCome, "sleep"));
        Assert.Empty(await ProcessGroup.ReapAsync([toCome], TimeSpan.FromSeconds(5), TimeProvider.System));
        Assert.False(ProcessGroup.IsAnyAlive(process.Identity));
    }

    [Fact]
    public async Task A_process_that_ignores_the_polite_signal_is_killed_after_the_grace()
    {
        await using var process = Shell.Start("trap '' TERM; echo ready; while :; do sleep 1; done");
        await ReadLineAsync(process);
        Assert.True(await process.KillAsync(TimeSpan.FromMilliseconds(50)));
        Assert.Equal(137, await process.Exited);
    }

    [Fact]
    public async Task A_reused_pid_is_never_hit()
    {
        await using var process = Shell.Start("exec sleep 60");
        var other = process.Identity with { StartTicks = process.Identity.StartTicks - 1, Mark = null };
        Assert.False(ProcessGroup.IsAlive(other));
        Assert.True(await ProcessGroup.KillAsync(other, TimeSpan.Zero, TimeProvider.System));
        var earlierBoot = process.Identity with { BootId = "another" };
        Assert.False(ProcessGroup.IsAlive(earlierBoot));
        Assert.True(await ProcessGroup.KillAsync(earlierBoot, TimeSpan.Zero, TimeProvider.System));
        Assert.True(ProcessGroup.IsAlive(process.Identity));
    }

    [Fact]
    public async Task Disposing_ends_the_process()
    {
        var process = Shell.Start("exec sleep 60");
        var identity = process.Identity;
        Assert.True(ProcessGroup.IsAlive(identity));
        await process.DisposeAsync();
        Assert.False(ProcessGroup.IsAlive(identity));
    }

    [Fact]
    public void We_recognise_ourselves()
    {
        var own = ProcessGroup.Identify(Environment.ProcessId);
        Assert.NotNull(own);
        Assert.True(ProcessGroup.IsAlive(own));
        Assert.Null(ProcessGroup.Identify(int.MaxValue));
    }

    [Fact]
    public async Task What_a_process_and_its_children_used_grows_while_they_work_and_is_unknown_when_it_ended()
    {
        await using var process = Shell.Start("(while :; do :; done) & wait");
        await Wait.UntilAsync(() => ProcessGroup.Usage(process.Identity) is { CpuTicks: > 2, ResidentBytes: > 1 << 20, IsStopped: false },
            "the child works");
        Assert.True(ProcessGroup.TrySignal(process.Identity, 19)); // SIGSTOP
        await Wait.UntilAsync(() => ProcessGroup.Usage(process.Identity) is { IsStopped: true }, "it is stopped");
        await process.KillAsync(TimeSpan.Zero);
        Assert.Null(ProcessGroup.Usage(process.Identity));
    }

    [Theory]
    [InlineData("12 (a) b) c) S 1 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1", 12, 4711L)]
    [InlineData("", null, 0L)]
    [InlineData("12 (x) S 1", null, 0L)]
    [InlineData("x (y) S 1 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1", null, 0L)]
    public void The_stat_line_is_read_also_with_brackets_in_the_name(string line, int? pid, long ticks)
    {
        var entry = ProcessTable.Parse(line);
        Assert.Equal(pid, entry?.Pid);
        Assert.Equal(ticks, entry?.StartTicks ?? 0);
    }

    private static int CountMembers(ProcessIdentity identity, string name)
        => ProcessGroup.Members(identity).Count(e => ReadName(e.Pid) == name);

    private static string ReadName(int pid)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/comm")).Trim();
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static async Task ReadLineAsync(OwnedProcess process)
    {
        var one = new byte[1];
        do
        {
            Assert.Equal(1, await process.StandardOutput.ReadAsync(one));
        }
        while (one[0] != (byte)'\n');
    }

#pragma warning disable SYSLIB1054, CA5392, IDE1006 // two calls for one test
    [DllImport("libc")]
    private static extern int dup(int descriptor);

    [DllImport("libc")]
    private static extern int close(int descriptor);
#pragma warning restore
}
