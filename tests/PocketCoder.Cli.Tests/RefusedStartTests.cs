using System.Text.Json;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// A home that a start refuses: one cause in one sentence with what to do, once, without lines of earlier runs; <c>doctor</c> tells the
/// same. (Every damage of every file: <c>Machine.Tests/RefusedHomeTests</c>.)
/// </summary>
[Trait("Category", "Slow")]
public sealed class RefusedStartTests
{
    /// <summary>Of a log of an earlier run: nothing of it belongs to this start.</summary>
    private const string Earlier = "what-an-earlier-run-said";

    /// <summary>Words that only the program's inside has: codes, types, stack traces, SQLite's numbers.</summary>
    private static readonly string[] s_inside =
        ["identity_", "key_", "SQLite Error", "(SQLite ", "Exception", "   at ", "Unhandled", "errno"];

    [Fact]
    public async Task A_broken_database_is_named_with_the_command_that_puts_a_backup_in_its_place_and_that_works()
    {
        await using var home = await UsedAsync();
        var backup = Path.Combine(home.Folder, "kept");
        (await home.RunAsync("backup", backup)).Succeeded();
        await File.WriteAllBytesAsync(home.Home.Database, [.. Enumerable.Range(0, 8192).Select(i => (byte)((i * 31) ^ 0x5a))]);

        var told = Message(await home.RunAsync("start", "--demo", "--listen", home.Listen, "--json"), "a broken database");
        Assert.Contains(home.Home.Database, told, StringComparison.Ordinal);
        Assert.Contains("pocketcoder restore", told, StringComparison.Ordinal);
        Assert.DoesNotContain(Earlier, told, StringComparison.Ordinal);
        var doctor = (await home.RunAsync("doctor", "--json")).Ended(1).Json.EnumerateArray()
            .Single(c => c.GetProperty("state").GetString() == "fail");
        Assert.Equal(told, $"{doctor.GetProperty("found").GetString()} {doctor.GetProperty("advice").GetString()}");
        var words = (await home.RunAsync("start", "--demo", "--listen", home.Listen)).Ended(1);
        Assert.Equal([told], Said(words));
        Assert.Equal("", words.Out);
        Assert.Equal(told + "\n", (await home.RunAsync("start", "--foreground", "--demo", "--listen", home.Listen)).Ended(1).Error);

        (await home.RunAsync("restore", backup)).Succeeded();
        await home.StartAsync();
        Assert.True((await home.AskAsync("ledger", "verify")).GetProperty("intact").GetBoolean());
    }

    [Fact]
    public async Task Settings_that_can_not_be_read_or_can_not_be_are_told_by_both()
    {
        foreach (var text in (string[])["{", "[]", "null", "{\"listen\":5}", "{\"listen\":\"nowhere\"}", "{\"colour\":\"red\"}",
            "{\"listen\":\"0.0.0.0:8091\"}"])
        {
            await using var home = new CliHome();
            home.Home.Prepare();
            await File.WriteAllTextAsync(home.Home.Config, text);

            var told = Message(await home.RunAsync("start", "--demo", "--json"), text);
            var doctor = (await home.RunAsync("doctor", "--json")).Ended(1).Json.EnumerateArray()
                .Single(c => c.GetProperty("state").GetString() == "fail");
            Assert.Equal(told, doctor.GetProperty("found").GetString());
        }
    }

    [Fact]
    public async Task A_home_on_a_file_system_that_can_only_be_read_is_told_as_that()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/bwrap"), "bwrap is not installed");
        await using var used = await UsedAsync();
        await using var home = new CliHome(before: ["/usr/bin/bwrap", "--dev-bind", "/", "/", "--ro-bind", used.Root, used.Root, "--"])
        { Root = used.Root };
        home.Environment["POCKETCODER_HOME"] = used.Root;

        var told = Message(await home.RunAsync("start", "--demo", "--listen", home.Listen, "--json"), "read-only");
        Assert.Contains("can only be read", told, StringComparison.Ordinal);
        Assert.Contains(used.Root, told, StringComparison.Ordinal);
        Assert.Contains("can only be read", (await home.RunAsync("doctor")).Ended(1).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_what_this_start_logged_is_shown_of_a_log()
    {
        await using var home = await UsedAsync();
        var lines = Commands.LogReader.Since(home.Home.LogFile, TimeProvider.System.GetUtcNow(), 50);
        Assert.Empty(lines);
        var early = Commands.LogReader.Since(home.Home.LogFile, DateTimeOffset.UnixEpoch, 50);
        Assert.Contains(early, l => l.Contains(Earlier, StringComparison.Ordinal));
        Assert.DoesNotContain(early, l => l.Contains("Stack", StringComparison.Ordinal));
    }

    /// <summary>
    /// A demonstration's home in which a secret was set and a turn ran, and whose log has a long error of an earlier run.
    /// </summary>
    private static async Task<CliHome> UsedAsync()
    {
        var home = new CliHome();
        await home.StartAsync("--sandbox", "none");
        (await home.FeedAsync("a-value-that-nobody-has", "secrets", "set", "token")).Succeeded();
        (await home.RunAsync("machine", "label", "box")).Succeeded();
        (await home.RunAsync("config", "set", "silence-limit", "20m")).Succeeded();
        (await home.RunAsync("run", "--project", "demo", "hello")).Succeeded();
        (await home.RunAsync("stop")).Succeeded();
        await File.AppendAllTextAsync(home.Home.LogFile,
            $$"""{"at":"2026-01-01T00:00:00Z","level":"error","category":"x","event":1,"message":"{{Earlier}}","error":"Stack{{new string('x', 4000)}}"}""" + "\n");
        return home;
    }

    /// <summary>The one error object, in words for people.</summary>
    /// <summary>What was said but for the progress of a start that takes its time on a busy machine.</summary>
    private static IEnumerable<string> Said(Ran ran) => ran.Error.TrimEnd().Split('\n')
        .Where(line => !line.StartsWith("Waiting for the daemon (", StringComparison.Ordinal));

    private static string Message(Ran started, string what)
    {
        started.Ended(1);
        Assert.Equal("", started.Out);
        var told = Assert.Single(Said(started));
        var message = JsonDocument.Parse(told).RootElement.GetProperty("error").GetProperty("message").GetString()!;
        Assert.True(message.Length is > 20 and < 600 && !message.Contains('\n', StringComparison.Ordinal), $"{what}: {message}");
        Assert.All(s_inside, word => Assert.False(message.Contains(word, StringComparison.Ordinal), $"{what}: {message}"));
        return message;
    }
}
