namespace PocketCoder.Cli.Tests;

/// <summary>The completion scripts, in the shells themselves.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("pocketcoder ", "start stop exec completion", "label")]
    [InlineData("pocketcoder con", "conversations config", "start")]
    [InlineData("pocketcoder config ", "list get set unset --json", "start")]
    [InlineData("pocketcoder devices rev", "revoke", "list")]
    [InlineData("pocketcoder start --cont", "--control-port", "--demo")]
    [InlineData("pocketcoder start --demo --beh", "--behind-proxy", "stop")]
    [InlineData("pocketcoder start --sandbox ", "auto bubblewrap docker landlock none", "--demo")]
    [InlineData("pocketcoder run --sandbox d", "docker", "none")]
    [InlineData("pocketcoder config get ", "log-level sandbox update-url --json", "none")]
    [InlineData("pocketcoder config set log", "log-level", "listen")]
    [InlineData("pocketcoder budget set ", "session project day", "list")]
    [InlineData("pocketcoder pair --scope ", "view prompt decide manage", "--name")]
    [InlineData("pocketcoder run --project ", "api 0190-id", "--session evil")]
    [InlineData("pocketcoder sessions --project a", "api", "0190-id")]
    [InlineData("pocketcoder settings ", "0190-id --model", "evil")]
    [InlineData("pocketcoder run --agent ", "0190-id", "--model")]
    public async Task Bash_offers_what_can_follow_and_nothing_else(string typed, string offered, string not)
    {
        var words = typed.Split(' ');
        var script = $$"""
            pocketcoder() { [ "$1 $2" = 'completion values' ] && printf '%s\n' api 0190-id; } # the program, as far as the script asks it
            {{await ScriptAsync("bash")}}
            COMP_WORDS=({{string.Join(' ', words.Select(w => $"'{w}'"))}})
            COMP_CWORD={{words.Length - 1}}
            _pocketcoder
            printf '%s\n' "${COMPREPLY[@]}"
            """;
        await using var bash = RunningProgram.Start(
            "/bin/bash", ["--norc", "-c", script], new Dictionary<string, string?>(StringComparer.Ordinal), "/");
        var replies = (await bash.EndAsync()).Succeeded().Out.Split('\n');
        Assert.All(offered.Split(' '), o => Assert.Contains(o, replies));
        Assert.All(not.Split(' '), n => Assert.DoesNotContain(n, replies));
        Assert.DoesNotContain("--detached", replies);
    }

    [Fact]
    public async Task Values_come_from_the_daemon_and_are_plain_words_only()
    {
        await using var home = new CliHome();
        Assert.Equal("", (await home.RunAsync("completion", "values", "projects")).Succeeded().Out);
        await home.StartAsync("--sandbox", "none");
        var evil = Directory.CreateDirectory(Path.Combine(home.Work, "$(touch x)")).FullName;
        var id = (await home.AskAsync("add", evil)).GetProperty("project").GetProperty("projectId").GetString()!;
        (await home.RunAsync("add", Directory.CreateDirectory(Path.Combine(home.Work, "api")).FullName)).Succeeded();
        Assert.Equal(["api", "demo", id], (await home.RunAsync("completion", "values", "projects")).Succeeded().Out.Split(
            '\n', StringSplitOptions.RemoveEmptyEntries).OrderBy(v => v == id).ThenBy(v => v, StringComparer.Ordinal));
        Assert.Contains("stub", (await home.RunAsync("completion", "values", "agents")).Succeeded().Out.Split('\n'));
    }

    [Theory]
    [InlineData("bash", "/bin/bash")]
    [InlineData("zsh", "/usr/bin/zsh")]
    [InlineData("fish", "/usr/bin/fish")]
    public async Task Each_shell_can_read_its_script(string shell, string program)
    {
        var script = await ScriptAsync(shell);
        Assert.All((string[])["disable-autostart", "control-port"], w => Assert.Contains(w, script, StringComparison.Ordinal));
        Assert.SkipUnless(File.Exists(program), $"{program} is not here");
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, script);
        await using var check = RunningProgram.Start(program, ["-n", file], new Dictionary<string, string?>(StringComparer.Ordinal), "/");
        Assert.Equal("", (await check.EndAsync()).Succeeded().Error);
        File.Delete(file);
    }

    private static async Task<string> ScriptAsync(string shell)
    {
        var output = new StringWriter();
        Assert.Equal(0, await CommandLine.RunAsync(
            ["completion", shell], new Terminal(output, TextWriter.Null, _ => null), CancellationToken.None));
        return output.ToString();
    }
}
