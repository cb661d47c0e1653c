using System.Text.Json;
using Microsoft.Extensions.Logging;
using PocketCoder.Cli.Commands;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Status;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary><c>logs</c>, and the log file behind it.</summary>
public sealed class LogsTests
{
    [Fact]
    public async Task The_log_is_read_with_and_without_a_daemon()
    {
        await using var home = new CliHome();
        Assert.Contains("No log yet", (await home.RunAsync("logs")).Succeeded().Error, StringComparison.Ordinal);
        await home.StartAsync();
        // a task of its own writes the log
        await Wait.UntilAsync(async () => (await home.RunAsync("logs")).Succeeded().Out.Contains(
            "started as machine", StringComparison.Ordinal), "the line is written");
        (await home.RunAsync("stop")).Succeeded();

        var all = (await home.RunAsync("logs")).Succeeded().Out;

        Assert.Contains("Stopped", all, StringComparison.Ordinal);
        var last = (await home.RunAsync("logs", "--tail", "1")).Succeeded().Out;
        Assert.Single(last.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("Stopped", last, StringComparison.Ordinal);
        Assert.All((await home.RunAsync("logs", "--json")).Succeeded().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            l => JsonDocument.Parse(l).Dispose());
        (await home.RunAsync("logs", "--tail", "-1")).Ended(2);
    }

    [Fact]
    public async Task Following_goes_on_from_before_the_first_start_over_a_restart()
    {
        await using var home = new CliHome();
        await using var logs = home.Begin("logs", "-f");
        for (var i = 1; i <= 2; i++)
        {
            await home.StartAsync();
            (await home.RunAsync("stop")).Succeeded();
            await Wait.UntilAsync(() => logs.Out.Split("started as machine").Length == i + 1
                && logs.Out.EndsWith("Stopped\n", StringComparison.Ordinal), $"round {i}");
        }

        await logs.SignalAsync("INT");
        Assert.True((await logs.EndAsync()).Code is 0 or 130);
    }

    [Fact]
    public async Task Following_loses_no_line_and_repeats_none_over_rotations()
    {
        var folder = Directory.CreateTempSubdirectory("pcl-");
        var path = Path.Combine(folder.FullName, "daemon.log");
        var seen = new List<string>();
        using var stop = new CancellationTokenSource();
        var following = LogReader.FollowAsync(path, TimeSpan.FromMilliseconds(1), seen.Add, () => { }, stop.Token);
        const int Lines = 300;
        await using (var log = new LogFile(path, LogLevel.Information, TimeProvider.System, new KnownSecrets(), fileBytes: 4000))
        {
            var logger = log.CreateLogger("test");
            for (var i = 0; i < Lines; i++)
            {
                Line(logger, i);
                var wanted = i + 1;
                await Wait.UntilAsync(() => seen.Count >= wanted, $"line {i} is followed");
            }
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
        Assert.Equal(Enumerable.Range(0, Lines).Select(i => $"line {i}"), seen.Select(Message));
        Assert.True(File.Exists(path + ".4"));
        Assert.False(File.Exists(path + ".5"));
        Assert.All(folder.EnumerateFiles(), f =>
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, f.UnixFileMode);
            Assert.True(f.Length < 4000 + 300);
        });
        // The tail reads over files.
        Assert.Equal(Enumerable.Range(Lines - 60, 60).Select(i => $"line {i}"), LogReader.Tail(path, 60).Select(Message));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_terminal_that_went_away_does_not_end_the_log()
    {
        var folder = Directory.CreateTempSubdirectory("pcl-");
        var path = Path.Combine(folder.FullName, "daemon.log");
        await using (var log = new LogFile(
            path, LogLevel.Information, TimeProvider.System, new KnownSecrets(), _ => throw new IOException("Input/output error")))
        {
            Line(log.CreateLogger("test"), 1);
            Line(log.CreateLogger("test"), 2);
        }

        Assert.Equal(["line 1", "line 2"], (await File.ReadAllLinesAsync(path)).Select(Message));
        folder.Delete(recursive: true);
    }

    [Fact]
    public void What_stands_in_the_log_is_shown_escaped_and_what_is_no_log_line_as_it_is()
    {
        Assert.EndsWith(@"warn  a\u{1b}[2J\u{202e}b",
            LogReader.Show("""{"at":"2026-01-01T00:00:00.000Z","level":"warn","category":"c","event":1,"message":"a\u001b[2J\u202eb"}"""),
            StringComparison.Ordinal);
        Assert.Equal(@"half a li\u{7}", LogReader.Show("half a li\a"));
        Assert.Equal("[]", LogReader.Show("[]"));
        Assert.Equal("""{"at":5}""", LogReader.Show("""{"at":5}"""));
    }

    [Fact]
    public void No_line_whatever_breaks_the_reader_or_shows_a_control_character()
    {
        const int Seed = 20261121;
        var random = new Random(Seed);
        const string Start = """{"at":"2026-01-01T00:00:00.000Z","level":"warn","message":"a","error":"b"}""";
        for (var i = 0; i < 20_000; i++)
        {
            var line = Start.ToCharArray();
            for (var changes = random.Next(5); changes >= 0; changes--)
            {
                line[random.Next(line.Length)] = (char)random.Next(0, random.Next(2) == 0 ? 128 : 0x10000);
            }

            var shown = LogReader.Show(new string(line));
            Assert.True(!shown.Any(c => char.IsControl(c) || c is '\u202e' or '\u2028'),
                $"seed {Seed}, round {i}: {string.Join(' ', line.Select(c => $"{(int)c:x}"))}");
        }
    }

    private static string Message(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty("message").GetString()!;
    }

    private static void Line(ILogger logger, int number)
        => logger.Log(LogLevel.Information, new EventId(1), number, null, (n, _) => $"line {n}");
}
