using System.Buffers;
using System.Text;
using PocketCoder.Sandboxes.Execution;
using PocketCoder.Sandboxes.None;
using PocketCoder.Testing;

namespace PocketCoder.Sandboxes.Tests.Execution;

public sealed class CommandSpoolTests : IAsyncLifetime
{
    private readonly Ground _ground = new();
    private ISandbox _sandbox = null!;

    public async ValueTask InitializeAsync() => _sandbox = await new NoneBackend(_ground.Options).CreateAsync(_ground.Spec(), default);

    public async ValueTask DisposeAsync()
    {
        await _sandbox.KillAsync(default);
        await _ground.DisposeAsync();
    }

    [Fact]
    public async Task Where_the_sandbox_does_not_write_the_spool_does()
    {
        var directory = Directory.CreateDirectory(Path.Combine(_ground.Root, "spool")).FullName;
        await using var exec = await _sandbox.ExecAsync(
            new ExecSpec { Command = ["/bin/sh", "-c", "seq 1 100000; echo err >&2; exit 3"] }, default);
        var pieces = 0L;
        var spool = CommandSpool.Start(exec, directory, limit: 1000, onPiece: p =>
        {
            Interlocked.Add(ref pieces, p.Bytes.Length);
            return ValueTask.CompletedTask;
        });
        Assert.Equal(3, (await spool.Completed).ExitCode);
        var whole = await File.ReadAllTextAsync(Path.Combine(directory, "stdout"));
        Assert.Equal(string.Concat(Enumerable.Range(1, 100_000).Select(i => i + "\n")), whole);
        Assert.Equal("err\n", await File.ReadAllTextAsync(Path.Combine(directory, "stderr")));
        Assert.Equal(whole.Length + 4, pieces);
        Assert.Equal(pieces, spool.Length);
        Assert.True(spool.IsTruncated);
        Assert.StartsWith("1\n2\n", spool.Text, StringComparison.Ordinal);
        Assert.Contains("bytes left out", spool.Text, StringComparison.Ordinal);
        Assert.Equal("err\n", spool.StandardErrorText);
    }

    [Fact]
    public async Task What_is_taken_out_of_each_output_is_not_in_their_common_text_however_they_cut_into_each_other()
    {
        await using var exec = await _sandbox.ExecAsync(
            new ExecSpec
            {
                Command = ["/bin/sh", "-c",
                "for i in 1 2 3 4 5; do printf se; printf 'between ' >&2; sleep 0.05; printf 'cret '; sleep 0.05; done; printf ' end-se'"]
            },
            default);
        var spool = CommandSpool.Start(exec, filter: () => new NoSecret());
        await spool.Completed;
        Assert.Equal(5, spool.Text.Split("[out]").Length - 1);
        Assert.DoesNotContain("cret", spool.Text, StringComparison.Ordinal);
        Assert.Contains(" end-se", spool.Text, StringComparison.Ordinal);
        Assert.Equal(string.Concat(Enumerable.Repeat("secret ", 5)) + " end-se", spool.StandardOutputText);
        Assert.Equal(string.Concat(Enumerable.Repeat("between ", 5)), spool.StandardErrorText);
        Assert.Equal(spool.StandardOutputText.Length + spool.StandardErrorText.Length, spool.Length);
    }

    [Fact]
    public async Task A_listener_that_fails_ends_the_command_and_is_told()
    {
        await using var exec = await _sandbox.ExecAsync(new ExecSpec { Command = ["yes"] }, default);
        var spool = CommandSpool.Start(exec, onPiece: _ => throw new InvalidOperationException("full"));
        var failed = await Assert.ThrowsAsync<InvalidOperationException>(() => spool.Completed.WaitAsync(Wait.Limit));
        Assert.Equal("full", failed.Message);
        Assert.Equal(ExecEnd.Killed, (await exec.Exited.WaitAsync(Wait.Limit)).End);
    }

    [Fact]
    public async Task A_file_that_grows_is_followed_to_its_end()
    {
        var path = Path.Combine(_ground.Root, "growing");
        var done = false;
        await using var follow = new FollowStream(path, () => Volatile.Read(ref done));
        var read = Task.Run(async () =>
        {
            using var reader = new StreamReader(follow);
            return await reader.ReadToEndAsync();
        });
        var expected = new StringBuilder();
        for (var i = 0; i < 50; i++)
        {
            await File.AppendAllTextAsync(path, $"part {i};");
            expected.Append(System.Globalization.CultureInfo.InvariantCulture, $"part {i};");
            await Task.Yield();
        }

        Volatile.Write(ref done, true);
        Assert.Equal(expected.ToString(), await read.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task A_link_in_the_place_of_a_spool_is_not_followed()
    {
        var path = Path.Combine(_ground.Root, "stdout");
        File.CreateSymbolicLink(path, "/etc/passwd");
        await using var follow = new FollowStream(path, () => true);
        Assert.Equal(0, await follow.ReadAsync(new byte[10]));
        Assert.Null(Native.OpenPlain(path));
        Assert.Null(Native.OpenPlain("/dev/null"));
        using var plain = Native.OpenPlain("/etc/passwd");
        Assert.NotNull(plain);
    }

    [Theory]
    [InlineData(0, false, false, false, ExecEnd.Exited, 0, null)]
    [InlineData(128, false, false, false, ExecEnd.Exited, 128, null)]
    [InlineData(137, false, false, false, ExecEnd.Signalled, 137, 9)]
    [InlineData(193, false, false, false, ExecEnd.Exited, 193, null)]
    [InlineData(137, true, true, true, ExecEnd.TimedOut, 137, 9)]
    [InlineData(0, false, true, false, ExecEnd.Killed, 0, null)]
    [InlineData(1, false, false, true, ExecEnd.Lost, -1, null)]
    public void An_exit_code_is_read_as_a_shell_writes_it(
        int code, bool timedOut, bool killed, bool lost, ExecEnd end, int expected, int? signal)
    {
        var outcome = ExecOutcomes.From(code, TimeSpan.FromSeconds(1), timedOut, killed, lost);
        Assert.Equal((end, expected, signal), (outcome.End, outcome.ExitCode, outcome.Signal));
    }

    /// <summary>Holds back every piece until its output is over.</summary>
    private sealed class NoSecret : IOutputFilter
    {
        private readonly StringBuilder _held = new();

        public void Write(ReadOnlySpan<byte> piece, IBufferWriter<byte> shown) => _held.Append(Encoding.ASCII.GetString(piece));

        public void Complete(IBufferWriter<byte> shown)
            => shown.Write(Encoding.ASCII.GetBytes(_held.ToString().Replace("secret", "[out]", StringComparison.Ordinal)));
    }
}
