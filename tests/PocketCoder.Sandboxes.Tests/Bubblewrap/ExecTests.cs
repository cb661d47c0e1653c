using System.Security.Cryptography;
using System.Text;
using PocketCoder.Testing;

namespace PocketCoder.Sandboxes.Tests.Bubblewrap;

/// <summary>One sandbox for tests that only run commands in it.</summary>
public sealed class SharedSandbox : IAsyncLifetime
{
    private readonly Ground _ground = new();

    public ISandbox Sandbox { get; private set; } = null!;

    public SandboxSpec Spec { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Spec = _ground.Spec() with { Environment = new Dictionary<string, string> { ["FROM_SPEC"] = "a b\n\"c\"" } };
        Sandbox = await _ground.CreateAsync(Spec);
    }

    public async ValueTask DisposeAsync() => await _ground.DisposeAsync();
}

public sealed class ExecTests(SharedSandbox shared) : IClassFixture<SharedSandbox>
{
    private ISandbox Sandbox => shared.Sandbox;

    [Fact]
    public async Task A_command_gives_its_exit_code_and_keeps_its_two_outputs_apart()
    {
        var (outcome, output, errors) = await Sandbox.ShellAsync("echo out; echo err >&2; exit 42");
        Assert.Equal("err\n", errors);
        Assert.Equal("out\n", output);
        Assert.Equal((ExecEnd.Exited, 42, null), (outcome.End, outcome.ExitCode, outcome.Signal));
        Assert.True(outcome.Duration > TimeSpan.Zero);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Arguments_and_environment_arrive_as_they_are(bool spooled)
    {
        string[] arguments = ["", "a b", "$HOME", "`id`", "--", "-x", "\"'\\", "new\nline", "*", "日本", "; touch pwned #"];
        var (outcome, output, _) = await Sandbox.RunAsync(new ExecSpec
        {
            Command = ["/bin/sh", "-c", """printf '%s|' "$@"; printf '%s' "$FROM_SPEC" "$OWN" """, "sh", .. arguments],
            Environment = new Dictionary<string, string> { ["OWN"] = "$(id) 'x'\n" },
            Spooled = spooled,
        });
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(string.Concat(arguments.Select(a => a + "|")) + "a b\n\"c\"" + "$(id) 'x'\n", output);
    }

    [Fact]
    public async Task Nothing_of_our_own_environment_is_inside()
    {
        var (_, output, _) = await Sandbox.RunAsync(new ExecSpec { Command = ["env", "-0"] });
        var names = output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('=')[0]).Order(StringComparer.Ordinal);
        Assert.Equal(["FROM_SPEC", "HOME", "LANG", "PATH", "PWD", "TERM", "USER"], names);
    }

    [Fact]
    public async Task A_secret_in_the_environment_stands_in_no_process_list()
    {
        var secret = Guid.CreateVersion7().ToString("N");
        await using var exec = await Sandbox.ExecAsync(
            new ExecSpec
            {
                Command = ["/bin/sh", "-c", "echo ready; read x"],
                KeepInputOpen = true,
                Environment = new Dictionary<string, string> { ["KEY"] = secret }
            }, default);
        using var reader = new StreamReader(exec.StandardOutput);
        Assert.Equal("ready", await reader.ReadLineAsync());
        var lines = Directory.EnumerateDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out _)).Select(ReadLine);
        Assert.DoesNotContain(lines, l => l.Contains(secret, StringComparison.Ordinal));
        await exec.KillAsync(TimeSpan.Zero);

        static string ReadLine(string process)
        {
            try
            {
                return File.ReadAllText(Path.Combine(process, "cmdline"));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return "";
            }
        }
    }

    [Fact]
    public async Task The_project_is_seen_at_its_own_path_and_what_is_written_there_is_its_owners()
    {
        var (_, output, errors) = await Sandbox.ShellAsync("pwd; echo hello > file");
        Assert.Equal("", errors);
        Assert.Equal(shared.Spec.Workspace + "\n", output);
        var path = Path.Combine(shared.Spec.Workspace, "file");
        Assert.Equal("hello\n", await File.ReadAllTextAsync(path));
        Assert.Equal(Native.OwnerOf(shared.Spec.Workspace), Native.OwnerOf(path));
    }

    [Fact]
    public async Task A_working_directory_is_taken_and_a_missing_one_is_an_error_of_the_command()
    {
        var (_, output, _) = await Sandbox.RunAsync(new ExecSpec { Command = ["pwd"], WorkingDirectory = "/usr/lib" });
        Assert.Equal("/usr/lib\n", output);
        var (outcome, _, errors) = await Sandbox.RunAsync(new ExecSpec { Command = ["pwd"], WorkingDirectory = "/nowhere" });
        Assert.NotEqual(0, outcome.ExitCode);
        Assert.Contains("nowhere", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_typed_arrives_and_the_end_of_input_too(bool spooled)
    {
        await using var exec = await Sandbox.ExecAsync(
            new ExecSpec { Command = ["wc", "-c"], KeepInputOpen = true, Spooled = spooled }, default);
        var spool = CommandSpool.Start(exec);
        await exec.StandardInput.WriteAsync(new byte[200_000]);
        exec.StandardInput.Close();
        await spool.Completed;
        Assert.Equal("200000\n", spool.StandardOutputText);
    }

    [Fact]
    public async Task Without_input_a_command_reads_its_end_at_once()
        => Assert.Equal("0\n", (await Sandbox.RunAsync(new ExecSpec { Command = ["wc", "-c"] })).Output);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_signal_is_told_as_a_signal(bool spooled)
    {
        var (outcome, _, _) = await Sandbox.ShellAsync("kill -SEGV $$", new ExecSpec { Command = [], Spooled = spooled });
        Assert.Equal((ExecEnd.Signalled, 139, 11), (outcome.End, outcome.ExitCode, outcome.Signal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_time_limit_ends_a_command_that_ignores_signals_with_all_it_started(bool spooled)
    {
        var (outcome, output, _) = await Sandbox.ShellAsync(
            "trap '' TERM INT HUP; setsid sh -c 'while :; do sleep 1; done' & echo started; while :; do sleep 1; done",
            new ExecSpec { Command = [], TimeLimit = TimeSpan.FromSeconds(1), Spooled = spooled });
        Assert.Equal(ExecEnd.TimedOut, outcome.End);
        Assert.Equal("started\n", output);
    }

    [Fact]
    public async Task Killing_gives_the_command_its_grace()
    {
        await using var exec = await Sandbox.ExecAsync(
            new ExecSpec { Command = ["/bin/sh", "-c", "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.1; done"] }, default);
        var ready = new TaskCompletionSource();
        var spool = CommandSpool.Start(exec, onPiece: _ =>
        {
            ready.TrySetResult();
            return ValueTask.CompletedTask;
        });
        await ready.Task.WaitAsync(Wait.Limit);
        await exec.KillAsync(Wait.Limit);
        var outcome = await spool.Completed;
        Assert.Equal((ExecEnd.Killed, 5), (outcome.End, outcome.ExitCode));
        Assert.Equal("ready\nbye\n", spool.StandardOutputText);
    }

    [Fact]
    public async Task An_interrupt_is_a_control_c_for_the_command_alone()
    {
        await using var other = await Sandbox.ExecAsync(new ExecSpec { Command = ["cat"], KeepInputOpen = true }, default);
        await using var exec = await Sandbox.ExecAsync(new ExecSpec
        { Command = ["/bin/sh", "-c", "trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.1; done"] }, default);
        using var reader = new StreamReader(exec.StandardOutput);
        Assert.Equal("ready", await reader.ReadLineAsync());
        await exec.InterruptAsync();
        Assert.Equal("interrupted", await reader.ReadLineAsync());
        Assert.Equal(3, (await exec.Exited).ExitCode);

        await other.StandardInput.WriteAsync("still here\n"u8.ToArray());
        using var rest = new StreamReader(other.StandardOutput);
        Assert.Equal("still here", await rest.ReadLineAsync());
    }

    [Fact]
    public async Task Commands_side_by_side_do_not_disturb_each_other()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Sandbox.ShellAsync(
            $"echo {i}; echo e{i} >&2; sleep 0.{i % 3}; exit {i}", new ExecSpec { Command = [], Spooled = i % 2 == 0 })));
        for (var i = 0; i < results.Length; i++)
        {
            Assert.Equal((i, $"{i}\n", $"e{i}\n"), (results[i].Outcome.ExitCode, results[i].Output, results[i].Errors));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ten_megabytes_of_any_bytes_come_through_unchanged(bool spooled)
    {
        const string make =
            "perl -e 'my $x = 1; for (1..163840) { my $s = q(); for (1..16) { $x = ($x * 1103515245 + 12345) & 0xffffffff; $s .= pack(q(N), $x) } print $s }' | tee copy";
        await using var exec = await Sandbox.ExecAsync(new ExecSpec { Command = ["/bin/sh", "-c", make], Spooled = spooled }, default);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var spool = CommandSpool.Start(exec, onPiece: p =>
        {
            hash.AppendData(p.Bytes.Span);
            return ValueTask.CompletedTask;
        });
        Assert.Equal(0, (await spool.Completed).ExitCode);
        var expected = SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(shared.Spec.Workspace, "copy")));
        Assert.Equal(10 << 20, spool.Length);
        Assert.Equal(expected, hash.GetHashAndReset());
        Assert.True(spool.IsTruncated);
        Assert.True(spool.Text.Length < CommandSpool.DefaultLimit + 1000);
        if (spooled)
        {
            Assert.Equal(expected, SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(spool.Directory!, "stdout"))));
        }
    }

    [Fact]
    public async Task Output_that_nobody_reads_holds_the_command_until_somebody_does()
    {
        await using var exec = await Sandbox.ExecAsync(
            new ExecSpec { Command = ["/bin/sh", "-c", "head -c 1000000 /dev/zero; echo done > finished"] }, default);
        await Wait.UntilAsync(() => RingIsWriting(exec.HostPid!.Value), "head to wait for room in the pipe");
        Assert.False(File.Exists(Path.Combine(shared.Spec.Workspace, "finished")));
        var spool = CommandSpool.Start(exec);
        Assert.Equal(0, (await spool.Completed).ExitCode);
        Assert.True(File.Exists(Path.Combine(shared.Spec.Workspace, "finished")));

        static bool RingIsWriting(int leader)
            => PocketCoder.Processes.ProcessGroup.WithDescendants(PocketCoder.Processes.ProcessGroup.Identify(leader)!)
                // write
                .Any(p => Read($"/proc/{p.Pid}/comm").Trim() == "head"
                    && Read($"/proc/{p.Pid}/syscall").StartsWith("1 ", StringComparison.Ordinal));

        static string Read(string path)
        {
            try
            {
                return File.ReadAllText(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return "";
            }
        }
    }

    [Fact]
    public async Task A_spooled_command_goes_on_when_its_reader_lets_go_and_is_whole_on_disk()
    {
        var exec = await Sandbox.ExecAsync(new ExecSpec
        {
            Command = ["/bin/sh", "-c",
            "echo one; read x; for i in 2 3 4; do echo $i; echo e$i >&2; done; exit 6"],
            Spooled = true,
            KeepInputOpen = true
        }, default);
        var directory = exec.SpoolDirectory!;
        await Wait.UntilAsync(() => File.Exists(Path.Combine(directory, "stdout"))
            && File.ReadAllText(Path.Combine(directory, "stdout")) == "one\n", "the first line");
        await exec.DisposeAsync(); // closes its input too, so that it goes on
        await Wait.UntilAsync(() => File.Exists(Path.Combine(directory, "exit")), "its end");
        Assert.Equal("one\n2\n3\n4\n", await File.ReadAllTextAsync(Path.Combine(directory, "stdout")));
        Assert.Equal("e2\ne3\ne4\n", await File.ReadAllTextAsync(Path.Combine(directory, "stderr")));
        Assert.Equal("6\n", await File.ReadAllTextAsync(Path.Combine(directory, "exit")));
        Assert.Equal(6, (await exec.Exited.WaitAsync(Wait.Limit)).ExitCode);
    }

    [Theory]
    [InlineData("no-such-program", 1)]
    [InlineData("/etc/passwd", 1)]
    public async Task A_program_that_can_not_run_is_an_exit_code_and_a_reason(string program, int code)
    {
        var (outcome, _, errors) = await Sandbox.RunAsync(new ExecSpec { Command = [program] });
        Assert.Equal((ExecEnd.Exited, code), (outcome.End, outcome.ExitCode));
        Assert.Contains("execvp", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_can_not_be_a_command_is_refused_before_anything_starts()
    {
        var huge = new string('x', 128 * 1024);
        ExecSpec[] bad =
        [
            new() { Command = [] }, new() { Command = [""] }, new() { Command = ["a\0b"] }, new() { Command = ["echo", huge] },
            new() { Command = ["true"], Id = "../x" }, new() { Command = ["true"], Id = "-" },
            new() { Command = ["true"], WorkingDirectory = "relative" },
            new() { Command = ["true"], TimeLimit = TimeSpan.Zero },
            new() { Command = ["true"], Environment = new Dictionary<string, string> { ["A=B"] = "" } },
            new() { Command = ["true"], Environment = new Dictionary<string, string> { ["LD_PRELOAD"] = "/x" } },
            new() { Command = ["true"], Environment = new Dictionary<string, string> { ["A"] = "\0" } },
        ];
        foreach (var spec in bad)
        {
            var refused = await Assert.ThrowsAsync<SandboxException>(() => Sandbox.ExecAsync(spec, default));
            Assert.Equal(SandboxError.InvalidSpec, refused.Code);
        }
    }

    [Fact]
    public async Task The_home_and_temporary_files_last_as_long_as_the_session()
    {
        await Sandbox.ShellAsync("echo cache > ~/cached; echo t > /tmp/kept");
        Assert.Equal("cache\nt\n", (await Sandbox.ShellAsync("cat ~/cached /tmp/kept")).Output);
    }

    [Fact]
    public async Task A_socket_of_ours_is_reached_from_inside_although_it_came_later()
    {
        var path = Path.Combine(Sandbox.SocketDirectory!, "late.sock");
        using var listener = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        listener.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32("666", 8));
        listener.Listen();
        var accepted = listener.AcceptAsync();
        var (_, output, errors) = await Sandbox.RunAsync(new ExecSpec
        {
            Command = ["perl", "-MSocket", "-e",
                """socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un("/run/ring/late.sock")) or die "$!"; syswrite(S, "hi"); print "connected";"""],
        });
        Assert.Equal(("connected", ""), (output, errors));
        using var connection = await accepted.WaitAsync(Wait.Limit);
        var buffer = new byte[10];
        Assert.Equal("hi", Encoding.UTF8.GetString(buffer, 0, await connection.ReceiveAsync(buffer)));
    }
}
