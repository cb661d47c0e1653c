using System.Text;
using Microsoft.Extensions.Logging;
using PocketCoder.Broker.Secrets;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Status;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Status;

/// <summary>The log as devices read it: real files, written by the real writer.</summary>
public sealed class LogTailTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("log-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "daemon.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_last_lines_come_oldest_first_over_rotated_files_and_only_from_the_level_up()
    {
        foreach (var begin in (int[])[0, 2])
        {
            await WriteAsync(fileBytes: 1, log => // rotated by the second writer
            {
                for (var i = begin; i < begin + 2; i++)
                {
                    Say(log, LogLevel.Information, $"line {i}");
                    Say(log, LogLevel.Warning, $"warning {i}");
                }
            });
        }

        Assert.True(File.Exists($"{Path}.1"), "the test needs a rotated file");

        Assert.Equal(["warning 2", "line 3", "warning 3"], Messages(new MachineLogsRequest(3)));
        Assert.Equal(["warning 0", "warning 1", "warning 2", "warning 3"], Messages(new MachineLogsRequest(50, MachineLogLevel.Warn)));
        Assert.True(Read(new MachineLogsRequest(3)).More);
        Assert.False(Read(new MachineLogsRequest(50)).More);
        var line = Read(new MachineLogsRequest(1)).Lines[0];
        Assert.Equal((MachineLogLevel.Warn, "here", (string?)null), (line.Level, line.Category, line.Error));
    }

    [Fact]
    public async Task A_secret_that_became_known_after_a_line_was_written_is_not_told()
    {
        const string Secret = "hunter2hunter2";
        await WriteAsync(10_000, log => Say(log, LogLevel.Error, $"told {Secret}", new InvalidOperationException($"with {Secret}")));
        var redactor = new Redactor([KeyValuePair.Create("database", Secret)]);
        var line = Assert.Single(new LogTail(Path, redactor.Redact).Read(new MachineLogsRequest()).Lines);
        Assert.Equal("told [secret:database]", line.Message);
        Assert.Contains("[secret:database]", line.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, line.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_at_the_place_of_the_cut_leaves_no_half()
    {
        const string Secret = "hunter2hunter2";
        await WriteAsync(100_000,
            log => Say(log, LogLevel.Information, new string('x', MachineLogLimits.TextLength - 5) + Secret + "after"));
        var redactor = new Redactor([KeyValuePair.Create("database", Secret)]);
        var message = Assert.Single(new LogTail(Path, redactor.Redact).Read(new MachineLogsRequest()).Lines).Message;
        Assert.Equal(MachineLogLimits.TextLength + 1, message.Length);
        Assert.DoesNotContain("hunte", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_is_bounded_however_long_the_lines_are()
    {
        await WriteAsync(100_000_000, log =>
        {
            for (var i = 0; i < 300; i++)
            {
                Say(log, LogLevel.Information, $"{i} {new string('x', 10_000)}");
            }
        });
        var answer = Read(new MachineLogsRequest(1_000));
        Assert.True(answer.More);
        Assert.InRange(answer.Lines.Sum(l => l.Message.Length), MachineLogLimits.AnswerLength / 2, MachineLogLimits.AnswerLength);
        Assert.StartsWith("299 ", answer.Lines[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_that_is_being_written_and_what_is_no_log_line_are_left_out()
    {
        await WriteAsync(10_000, log => Say(log, LogLevel.Information, "whole"));
        await File.AppendAllTextAsync(Path, "no json\n[]\n{\"at\":1}\n\n{\"at\":\"2026-01-01T00:00:00Z\",\"level\":\"inf");
        Assert.Equal(["whole"], Messages(new MachineLogsRequest()));
    }

    [Fact]
    public void No_log_is_no_lines()
    {
        var answer = Read(new MachineLogsRequest());
        Assert.Empty(answer.Lines);
        Assert.False(answer.More);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_001)]
    public void Other_numbers_of_lines_are_refused(int lines)
        => Assert.Equal(ErrorCode.InvalidRequest, Assert.Throws<RequestFailure>(() => Read(new MachineLogsRequest(lines))).Error.Code);

    [Fact]
    public void Nothing_in_a_file_makes_it_fail()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        string[] pieces = ["{", "}", "\"at\":", "\"2026-01-01T00:00:00Z\"", ",", "\"level\":\"warn\"", "\"category\":\"c\"", "\"event\":1",
            "\"message\":\"m\"", "\"error\":null", "\n", "\ud83d", "é", "\0", "["];
        for (var round = 0; round < 300; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => pieces[random.Next(pieces.Length)]));
            File.WriteAllText(Path, text, new UTF8Encoding(false));
            var problem = Record.Exception(() => Read(new MachineLogsRequest()));
            Assert.True(problem is null, $"seed {seed}, round {round}: {problem}");
        }
    }

    [Fact]
    public void Memory_is_read_as_Linux_writes_it()
    {
        const string Text = "MemTotal:       16315992 kB\nMemFree:         1000 kB\nMemAvailable:   9000000 kB\n";
        Assert.Equal(16_315_992L * 1024, MachineVitals.KilobytesOf(Text, "MemTotal"));
        Assert.Equal(9_000_000L * 1024, MachineVitals.KilobytesOf(Text, "MemAvailable"));
        Assert.Null(MachineVitals.KilobytesOf(Text, "Mem"));
        Assert.Null(MachineVitals.KilobytesOf("MemTotal: 99999999999999999999 kB", "MemTotal"));
    }

    private static void Say(ILogger log, LogLevel level, string text, Exception? error = null)
        => log.Log(level, 7, text, error, static (said, _) => said);

    private string[] Messages(MachineLogsRequest request) => [.. Read(request).Lines.Select(l => l.Message)];

    private MachineLogsResponse Read(MachineLogsRequest request) => new LogTail(Path, static text => text).Read(request);

    private async Task WriteAsync(long fileBytes, Action<ILogger> write)
    {
        await using var file = new LogFile(Path, LogLevel.Trace, TimeProvider.System, new KnownSecrets(), fileBytes: fileBytes);
        write(file.CreateLogger("here"));
    }
}
