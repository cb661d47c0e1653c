using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Processes.Tests;

public sealed class CommandRunTests
{
    [Fact]
    public async Task Output_of_both_streams_and_the_exit_code_come_back()
    {
        var result = await RunAsync("echo out; echo err >&2; exit 3");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("out\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("err\n", result.Output, StringComparison.Ordinal);
        Assert.False(result.TimedOut);
    }

    [Fact]
    public async Task A_command_over_its_time_limit_is_ended_with_all_it_started()
    {
        var start = Shell.Command("sleep 64 & echo $!; wait");
        var result = await CommandRun.RunAsync(start, TimeSpan.FromMilliseconds(300), 1000, TimeProvider.System, CancellationToken.None);
        Assert.True(result.TimedOut);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Null(ProcessGroup.Identify(int.Parse(result.Output.Trim()))); // an orphan's zombie may wait for init
    }

    [Fact]
    public async Task Cancelling_ends_the_command_before_it_throws()
    {
        var directory = Directory.CreateTempSubdirectory("pocketcoder-test-");
        var file = Path.Combine(directory.FullName, "pid");
        using var cancel = new CancellationTokenSource();
        var running = CommandRun.RunAsync(Shell.Command($"echo $$ > {file}.new; mv {file}.new {file}; sleep 60"), TimeSpan.FromMinutes(1),
            1000, TimeProvider.System, cancel.Token);
        await Wait.UntilAsync(() => File.Exists(file), "the command to run");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Null(ProcessGroup.Identify(int.Parse(await File.ReadAllTextAsync(file))));
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task What_is_already_cancelled_is_not_started()
    {
        var directory = Directory.CreateTempSubdirectory("pocketcoder-test-");
        var start = Shell.Command($"touch {directory.FullName}/ran");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => CommandRun.RunAsync(start, TimeSpan.FromSeconds(10), 1000, TimeProvider.System, new CancellationToken(canceled: true)));
        Assert.Empty(directory.GetFileSystemInfos());
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_background_child_that_holds_the_output_open_does_not_hold_us_and_is_ended()
    {
        var result = await RunAsync("sleep 65 & echo $!");
        Assert.Equal(0, result.ExitCode);
        Assert.Null(ProcessGroup.Identify(int.Parse(result.Output.Trim())));
    }

    [Fact]
    public async Task A_flood_of_output_is_kept_by_head_and_tail()
    {
        var result = await RunAsync("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
        Assert.StartsWith("line 0\n", result.Output, StringComparison.Ordinal);
        Assert.EndsWith("line 19999\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("bytes left out", result.Output, StringComparison.Ordinal);
        Assert.True(result.Output.Length < 5000);
    }

    [Fact]
    public void The_capture_keeps_exactly_head_and_tail_however_the_bytes_arrive()
    {
        for (var seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var limit = random.Next(2, 40);
            var bytes = new byte[random.Next(0, 100)];
            for (var i = 0; i < bytes.Length; i++)
            {
                bytes[i] = (byte)random.Next('a', 'z' + 1);
            }

            var capture = new OutputCapture(limit);
            for (var at = 0; at < bytes.Length;)
            {
                var count = random.Next(1, Math.Min(50, bytes.Length - at) + 1);
                capture.Append(bytes.AsSpan(at, count));
                at += count;
            }

            var text = System.Text.Encoding.ASCII.GetString(bytes);
            var expected = text.Length <= limit
                ? text
                : $"{text[..(limit / 2)]}\n[… {text.Length - limit} bytes left out …]\n{text[^(limit - (limit / 2))..]}";
            Assert.True(expected == capture.ToString(), $"seed {seed}: expected {expected}, got {capture}");
            Assert.Equal(text.Length > limit, capture.IsTruncated);
        }
    }

    [Fact]
    public async Task The_command_has_the_usual_signals_whatever_the_daemon_ignores()
    {
        var result = await RunAsync("grep -E 'Sig(Ign|Blk)' /proc/self/status");
        Assert.Equal("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", result.Output);
    }

    [Fact]
    public async Task A_pipe_nobody_reads_any_more_ends_its_writer_and_not_us()
    {
        Assert.Equal("y\n", (await RunAsync("yes | head -1")).Output);
        await using var process = Shell.Start("exec true");
        await process.Exited;
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                await process.StandardInput.WriteAsync(new byte[65536]);
                await process.StandardInput.FlushAsync();
            }
        });
    }

    private static Task<CommandResult> RunAsync(string script)
        => CommandRun.RunAsync(Shell.Command(script), Wait.Limit, 4096, TimeProvider.System, CancellationToken.None);
}
