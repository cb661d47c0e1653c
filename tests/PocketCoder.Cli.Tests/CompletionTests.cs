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
    public async Task Bash_offers_what_can_follow_and_nothing_else(string typed, string offered, string not)
    {
        var words = typed.Split(' ');
        var script = $$"""
            {{await ScriptAsync("bash")}}
            COMP_WORDS=({{string.Join(' ', words.Select(w => $"'{w}'"))}})
            COMP_CWORD={{words.Length - 1}}
            _pocketcoder
            printf '%s\n' "${COMPREPLY[@]}"
            """;
        await using var bash = RunningProgram.Start("/bin/bash", ["--norc", "-c", script], new Dictionary<string, string?>(StringComparer.Ordinal), "/");
        var replies = (await bash.EndAsync()).Succeeded().Out.Split('\n');
        Assert.All(offered.Split(' '), o => Assert.Contains(o, replies));
        Assert.DoesNotContain(not, replies);
        Assert.DoesNotContain("--detached", replies);
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
        Assert.Equal(0, await CommandLine.RunAsync(["completion", shell], new Terminal(output, TextWriter.Null, _ => null), CancellationToken.None));
        return output.ToString();
    }
}
