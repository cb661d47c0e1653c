using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Sandboxes.Limits;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Sandboxes.Tests.Limits;

/// <summary>
/// What holds where no control group does: the sandbox's memory, its files and its project's growth are watched. Each attack is bounded by
/// itself.
/// </summary>
public sealed class WatchTests
{
    private const long Memory = 128 << 20;

    /// <summary>Twice the bound, in small steps, and then it stays.</summary>
    private static readonly string[] s_takes = ["perl", "-e", "my @m; for (1 .. 32) { push @m, 'x' x (8 << 20); } sleep 60;"];

    public static TheoryData<string, string> Takers => new()
    {
        { "one process", "my @m; for (1 .. 32) { push @m, 'x' x (8 << 20); } sleep 60;" },
        { "many processes", "for (1 .. 16) { if (!fork()) { my $m = 'x' x (16 << 20); sleep 60; exit length $m } } sleep 60;" },
        { "a process that left its parent",
            "if (!fork()) { if (!fork()) { my $m = 'x' x (256 << 20); sleep 60; exit length $m } exit } sleep 60;" },
        { "a file without a name",
            "use Config; my $n = 'x'; my $d = syscall($Config{archname} =~ /^x86_64/ ? 319 : 279, $n, 0); open(F, '>&=', $d) or die; for (1 .. 32) { syswrite(F, 'x' x (8 << 20)) or die; } sleep 60;" },
        { "files in memory",
            "for my $d ('/dev/shm', '/run') { open(my $f, '>', \"$d/fill\") or die; for (1 .. 10) { syswrite($f, 'x' x (8 << 20)) or die; } } sleep 60;" },
        { "empty files in memory", "for (1 .. 140_000) { open(my $f, '>', \"/dev/shm/$_\") or die } sleep 60;" },
    };

    [Theory]
    [MemberData(nameof(Takers))]
    public async Task Who_takes_more_memory_than_the_sandbox_may_is_ended_and_told_why_and_the_others_go_on(string what, string program)
    {
        await using var ground = new Ground();
        var sandbox = await CreateAsync(ground, l => l with { Memory = Memory, MemoryFiles = 100 << 20 });
        await using var other = await sandbox.ExecAsync(new ExecSpec { Command = ["sleep", "600"] }, default);
        await using var exec = await sandbox.ExecAsync(new ExecSpec { Command = ["perl", "-e", program] }, default);

        var outcome = await exec.Exited.WaitAsync(Wait.Limit);
        Assert.True(outcome.End == ExecEnd.OverLimit, $"{what}: {outcome.End} {outcome.ExitCode}");
        Assert.Contains("the limit is 128", outcome.Why, StringComparison.Ordinal);
        Assert.False(other.Exited.IsCompleted);
        await sandbox.KillAsync(default);
    }

    [Fact]
    public async Task Pages_that_processes_share_count_once()
    {
        await using var ground = new Ground();
        var sandbox = await CreateAsync(ground, l => l with { Memory = 1 << 30 });
        const string shares =
            "my $m = 'x' x (80 << 20); for (1 .. 4) { if (!fork()) { sleep 60; exit length $m } } $| = 1; print 'ready', chr(10); sleep 60;";
        await using var exec = await sandbox.ExecAsync(new ExecSpec { Command = ["perl", "-e", shares] }, default);
        using var output = new StreamReader(exec.StandardOutput, leaveOpen: true);
        Assert.Equal("ready", await output.ReadLineAsync().WaitAsync(Wait.Limit));

        var pids = ProcessGroup.Below([((ILimited)exec).Leader])[0];
        var (shared, quick) = (MemoryUse.Of(pids, limit: 0), MemoryUse.Of(pids, limit: long.MaxValue));
        await sandbox.KillAsync(default);
        Assert.InRange(shared, 80 << 20, 250 << 20); // perl keeps the constant beside the variable
        Assert.True(quick > 2 * shared, $"the quick sum counts each mapping: {quick} and {shared}");
    }

    [Fact]
    public async Task A_terminals_program_is_ended_too()
    {
        await using var ground = new Ground();
        var sandbox = await CreateAsync(ground, l => l with { Memory = Memory });
        await using var quiet = await sandbox.OpenTerminalAsync(new TerminalSpec { Name = "quiet" }, default);
        await using var takes = await sandbox.OpenTerminalAsync(new TerminalSpec { Name = "takes", Command = s_takes }, default);
        await Wait.UntilAsync(async () => (await sandbox.TerminalsAsync(default)) is [{ Name: "quiet" }],
            "only the one that takes little is left");
        await sandbox.KillAsync(default);
    }

    [Fact]
    public async Task When_the_machine_has_no_memory_left_who_takes_most_is_ended()
    {
        await using var ground = new Ground();
        var sandbox = await CreateAsync(ground, l => l, o => o with { MemoryFloor = long.MaxValue });
        var (outcome, _, _) = await sandbox.RunAsync(new ExecSpec { Command = ["sleep", "600"] });
        Assert.Equal(ExecEnd.OverLimit, outcome.End);
        Assert.Contains("the machine has only", outcome.Why, StringComparison.Ordinal);
        await sandbox.KillAsync(default);
    }

    [Theory]
    [InlineData("mkdir d; for i in 1 2 3 4 5 6; do head -c 2097152 /dev/zero > d/$i; done; sleep 600", "the project grew by")]
    [InlineData("mkdir d; i=0; while [ $i -lt 600 ]; do : > d/$i; i=$((i+1)); done; sleep 600", "files were created")]
    [InlineData("mkdir ~/d; i=0; while [ $i -lt 600 ]; do : > ~/d/$i; i=$((i+1)); done; sleep 600", "files were created")]
    [InlineData("mkdir /tmp/d; i=0; while [ $i -lt 600 ]; do mkdir /tmp/d/$i; i=$((i+1)); done; sleep 600", "files were created")]
    public async Task Whose_session_makes_the_project_or_its_own_folders_too_large_is_ended_and_told_why(string script, string why)
    {
        await using var ground = new Ground();
        await File.WriteAllBytesAsync(Path.Combine(ground.Project(), "was-there"), new byte[64 << 20]); // counts for nobody
        var sandbox = await CreateAsync(ground, l => l with { ProjectGrowth = 8 << 20, Files = 500 });
        var (outcome, _, _) = await sandbox.ShellAsync(script);
        Assert.Equal(ExecEnd.OverLimit, outcome.End);
        Assert.Contains(why, outcome.Why, StringComparison.Ordinal);
        await sandbox.KillAsync(default);
    }

    [Fact]
    public void Folders_are_measured_without_following_links()
    {
        var root = Directory.CreateTempSubdirectory("measure-").FullName;
        try
        {
            var (inside, outside) = (Path.Combine(root, "inside"), Path.Combine(root, "outside"));
            Directory.CreateDirectory(Path.Combine(inside, "sub"));
            Directory.CreateDirectory(outside);
            File.WriteAllBytes(Path.Combine(inside, "sub", "a"), new byte[1000]);
            File.WriteAllBytes(Path.Combine(outside, "b"), new byte[50_000]);
            File.CreateSymbolicLink(Path.Combine(inside, "file"), Path.Combine(outside, "b"));
            Directory.CreateSymbolicLink(Path.Combine(inside, "folder"), outside);
            Directory.CreateSymbolicLink(Path.Combine(inside, "loop"), inside);
            var held = DiskWatch.Measure(inside, Path.Combine(root, "gone"));
            Assert.Equal(5, held.Files);
            Assert.InRange(held.Bytes, 1000, 2000); // a link has the length of its text
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task<ISandbox> CreateAsync(
        Ground ground, Func<SandboxLimits, SandboxLimits> limits, Func<SandboxOptions, SandboxOptions>? more = null)
    {
        var options = ground.Options with
        { ControlGroups = false, MemoryWatchPeriod = TimeSpan.FromMilliseconds(50), DiskWatchPeriod = TimeSpan.FromMilliseconds(50) };
        var backend = new BubblewrapBackend(more?.Invoke(options) ?? options);
        var spec = ground.Spec();
        var sandbox = await backend.CreateAsync(spec with { Limits = limits(spec.Limits with { Memory = 1 << 30 }) }, default);
        return sandbox;
    }
}
