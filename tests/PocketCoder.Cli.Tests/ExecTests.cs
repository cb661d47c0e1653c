using System.Text.Json;
using PocketCoder.Machine;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Tests;

/// <summary>One daemon for what the owner does with it from the terminal: commands, the HTTP control plane, a backup.</summary>
public sealed class ExecTests
{
    [Fact]
    public async Task What_goes_through_exec_and_a_pipe_is_the_same_to_the_byte()
    {
        await using var home = new CliHome();
        await home.StartAsync("--sandbox", "none");
        (await home.RunAsync("add", home.Work, "--name", "mine")).Succeeded();
        var random = new Random(7);
        foreach (var length in (int[])[0, 1, 256, 4095, 100_000, CommandLimits.StdinBytes])
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            if (length == 256)
            {
                bytes = [0xEF, 0xBB, 0xBF, .. Enumerable.Range(0, 253).Select(i => (byte)i)]; // a byte order mark, and every byte once
            }

            await File.WriteAllBytesAsync(Path.Combine(home.Folder, "in"), bytes);
            foreach (var (name, to, locale) in ((string, string, string)[])[("out", "", "C.UTF-8"), ("error", " >&2", "de_DE.ISO-8859-1")])
            {
                // The redirections are the shell's, so that nothing of this test reads or writes the bytes.
                await using var shell = RunningProgram.Start(
                    "/bin/sh", ["-c", $"LANG={locale} LC_ALL= \"$0\" exec --stdin 'cat{to}' < ../in > ../out 2> ../error", home.Program],
                    home.Environment, home.Work);
                (await shell.EndAsync()).Succeeded();
                var came = await File.ReadAllBytesAsync(Path.Combine(home.Folder, name));
                Assert.True(bytes.SequenceEqual(came), $"{length} bytes through {name} are not the same");
            }
        }

        await File.WriteAllBytesAsync(Path.Combine(home.Folder, "in"), new byte[CommandLimits.StdinBytes + 1]);
        await using var tooMuch = RunningProgram.Start(
            "/bin/sh", ["-c", "\"$0\" exec --stdin cat < ../in", home.Program], home.Environment, home.Work);
        Assert.Contains("256 KB", (await tooMuch.EndAsync()).Ended(ExitCode.Usage).Error, StringComparison.Ordinal);

        // Both outputs in turns, cut in the middle of characters.
        var mixed = (await home.RunAsync(
            "exec", "for i in 1 2 3; do printf '\\303'; printf '\\342\\202' >&2; printf '\\244'; printf '\\254' >&2; done")).Succeeded();
        Assert.Equal(("äää", "€€€"), (mixed.Out, mixed.Error));
    }

    [Fact]
    public async Task A_command_is_run_from_the_terminal_and_a_backup_is_made_meanwhile_and_put_back()
    {
        await using var home = new CliHome();
        await home.StartAsync("--sandbox", "none", "--control-port", "0");
        (await home.RunAsync("add", home.Work, "--name", "mine")).Succeeded();

        var ran = (await home.FeedAsync("piped", "exec", "--stdin", "--env", "A=b c", "cat; echo \"|$A|$PWD\"; echo oh >&2; exit 9")).Ended(
            9);
        Assert.Equal(($"piped|b c|{home.Work}\n", "oh\n"), (ran.Out, ran.Error));
        Assert.Equal("a b\nc\n", (await home.RunAsync("exec", "--project", "mine", "--", "printf", "%s\\n", "a b", "c")).Succeeded().Out);
        Assert.Contains("timed out after 1 s", (await home.RunAsync("exec", "--timeout", "1", "sleep 60")).Ended(ExitCode.TimedOut).Error,
            StringComparison.Ordinal);
        (await home.RunAsync("exec", "kill -KILL $$")).Ended(128 + 9);
        (await home.RunAsync("exec", "--cwd", "..", "true")).Ended(1);
        (await home.RunAsync("exec", "--env", "A", "true")).Ended(2);
        await using (var sleeping = home.Begin("exec", "echo up; sleep 600"))
        {
            await PocketCoder.Testing.Wait.UntilAsync(() => sleeping.Out == "up\n", "the command runs");
            await sleeping.SignalAsync("INT");
            (await sleeping.EndAsync()).Ended(128 + 15);
        }

        var detached = await home.AskAsync("exec", "--detach", "true");
        var runs = (await home.AskAsync("runs")).GetProperty("runs").EnumerateArray().ToList();
        Assert.Equal(detached.GetProperty("runId").GetString(), runs[0].GetProperty("runId").GetString());
        Assert.Equal("cancelled", runs[1].GetProperty("state").GetString());
        Assert.Equal(6, runs.Count);
        Assert.Contains("printf", (await home.RunAsync("runs", "--project", "mine")).Succeeded().Out, StringComparison.Ordinal);

        Assert.Contains("(all commands: no rules)", (await home.RunAsync("project", "commands")).Succeeded().Out, StringComparison.Ordinal);
        var rules = await home.AskAsync(
            "project", "commands", "--deny", "git push*", "--ask", "rm *", "--allow", "ls", "--otherwise", "ask");
        Assert.Equal(("ask", 3), (rules.GetProperty("otherwise").GetString(), rules.GetProperty("rules").GetArrayLength()));
        Assert.Contains("deny: git push*", (await home.RunAsync("exec", "true && git push")).Ended(1).Error, StringComparison.Ordinal);
        (await home.RunAsync("exec", "true")).Succeeded(); // the owner is not asked
        var fewer = await home.AskAsync("project", "commands", "--remove", "git push*", "--deny", "ls");
        Assert.Equal(["ask rm *", "deny ls"], fewer.GetProperty("rules").EnumerateArray()
            .Select(r => $"{r.GetProperty("verdict").GetString()} {r.GetProperty("pattern").GetString()}"));
        (await home.RunAsync("project", "commands", "--remove", "ls", "--otherwise", "allow")).Succeeded();
        (await home.RunAsync("project", "commands", "--remove", "nothing")).Ended(1);

        var control = (await home.AskAsync("status")).GetProperty("control").GetString()!;
        using (var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }))
        {
            Assert.Equal("", await http.GetStringAsync(new Uri(control + "/health")));
            http.DefaultRequestHeaders.Authorization = new("Bearer", await File.ReadAllTextAsync(home.Home.ControlToken));
            Assert.Equal(2, JsonDocument.Parse(await http.GetStringAsync(new Uri(control + "/status"))).RootElement.GetProperty("projects")
                .GetArrayLength());
        }

        var backup = Path.Combine(home.Folder, "b");
        (await home.RunAsync("backup", backup)).Succeeded();
        (await home.RunAsync("restore", "--check", backup)).Succeeded();
        Assert.Contains("The daemon is running", (await home.RunAsync("restore", backup)).Ended(1).Error, StringComparison.Ordinal);
        (await home.RunAsync("stop")).Succeeded();
        Assert.Contains("older", (await home.RunAsync("restore", backup)).Ended(1).Error, StringComparison.Ordinal);
        var restored = await home.AskAsync("restore", "--force", backup);
        Assert.True(Directory.Exists(restored.GetProperty("kept").GetString()));
        Assert.False(File.Exists(home.Home.ControlToken));
    }
}
