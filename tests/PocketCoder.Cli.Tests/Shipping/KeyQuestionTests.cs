using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>What <c>./start.sh</c> asks for when a daemon has no key: its question alone, in a real terminal with a real daemon.</summary>
public sealed class KeyQuestionTests
{
    private const string Asks = "Enter for later): ";

    [Fact]
    public async Task A_key_is_taken_without_showing_it_and_then_it_asks_no_more()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a terminal of tmux");
        await using var home = await StartAsync();
        await using var terminal = await RealTerminal.StartAsync(home, 120, 30);

        await AskAsync(terminal, home);
        await terminal.UntilAsync(Asks);
        await terminal.TypeAsync("anthropc");
        await terminal.UntilAsync("That is none of them.");
        await terminal.TypeAsync("anthropic");
        await terminal.UntilAsync("Value of anthropic (hidden):");
        await terminal.TypeAsync("key-of-mine");
        await terminal.UntilAsync("asked: 0");

        Assert.DoesNotContain("key-of-mine", await terminal.ScreenAsync(), StringComparison.Ordinal);
        Assert.Equal("anthropic", (await home.AskAsync("secrets", "list"))[0].GetProperty("name").GetString());
        await terminal.RunAsync("send-keys", "-t", "t", "clear", "Enter");
        await AskAsync(terminal, home, "again");
        await terminal.UntilAsync("again: 0");
        Assert.DoesNotContain(Asks, await terminal.ScreenAsync(), StringComparison.Ordinal);
    }

    /// <summary>Longer than a line that the terminal itself would edit, and faster than anybody types.</summary>
    [Fact]
    public async Task What_is_pasted_is_taken_whole_and_no_piece_of_it_is_seen()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a terminal of tmux");
        await using var home = await StartAsync();
        await using var terminal = await RealTerminal.StartAsync(home, 120, 30);
        await AskAsync(terminal, home);
        await terminal.UntilAsync(Asks);
        await terminal.TypeAsync("anthropic");
        await terminal.UntilAsync("Value of anthropic (hidden):");
        await terminal.RunAsync("send-keys", "-t", "t", "-l", string.Concat(Enumerable.Repeat("pasted-", 800)));
        await terminal.TypeAsync("");
        await terminal.UntilAsync("asked: 0");
        Assert.DoesNotContain("past", await terminal.ScreenAsync(), StringComparison.Ordinal);
        Assert.Equal("anthropic", (await home.AskAsync("secrets", "list"))[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Enter_is_later_and_so_is_an_empty_key_and_Ctrl_C_leaves_the_terminal_as_it_was()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a terminal of tmux");
        await using var home = await StartAsync();
        await using var terminal = await RealTerminal.StartAsync(home, 120, 40);

        await AskAsync(terminal, home, "enter");
        await terminal.UntilAsync(Asks);
        await terminal.TypeAsync("");
        await terminal.UntilAsync("enter: 0");

        await AskAsync(terminal, home, "empty");
        await terminal.UntilAsync(Asks);
        await terminal.TypeAsync("google");
        await terminal.UntilAsync("Value of google (hidden):");
        await terminal.TypeAsync("");
        await terminal.UntilAsync("empty: 0");

        await AskAsync(terminal, home);
        await terminal.UntilAsync(Asks);
        await terminal.TypeAsync("openai");
        await terminal.UntilAsync("Value of openai (hidden):");
        await terminal.RunAsync("send-keys", "-t", "t", "C-c");
        await Wait.UntilAsync(
            async () => (await terminal.ScreenAsync()).TrimEnd().EndsWith("outside:", StringComparison.Ordinal), "the shell is back");
        await terminal.TypeAsync("echo ended: $?");
        await terminal.UntilAsync("ended: 130");
        await terminal.TypeAsync("stty -a | tr ' ' '\\n' | grep -x -e echo -e icanon | tr '\\n' ' '; echo is how it was");
        await terminal.UntilAsync("icanon echo is how it was");
        Assert.Equal(0, (await home.AskAsync("secrets", "list")).GetArrayLength());
    }

    [Theory]
    [InlineData("no terminal", "< /dev/null", "")]
    [InlineData("a key in the environment", "", "OPENAI_API_KEY=x")]
    [InlineData("a login of an agent", "", "CODEX_HOME=$POCKETCODER_HOME/../codex")]
    public async Task Nothing_is_asked_where_there_is(string what, string input, string variable)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a terminal of tmux");
        await using var home = await StartAsync();
        Directory.CreateDirectory(Path.Combine(home.Folder, "codex"));
        await File.WriteAllTextAsync(Path.Combine(home.Folder, "codex", "auth.json"), "{}");
        await using var terminal = await RealTerminal.StartAsync(home, 120, 30);
        await AskAsync(terminal, home, "done", input, variable);
        await terminal.UntilAsync("done: 0", what);
        Assert.DoesNotContain(Asks, await terminal.ScreenAsync(), StringComparison.Ordinal);
    }

    /// <summary>A daemon whose user has no agent and no key anywhere.</summary>
    private static async Task<CliHome> StartAsync()
    {
        var home = new CliHome();
        await home.StartAsync("--sandbox", "none");
        home.Environment["HOME"] = home.Work;
        foreach (var name in (string[])["XDG_CONFIG_HOME", "XDG_DATA_HOME", "CODEX_HOME", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN",
            "CLAUDE_CODE_OAUTH_TOKEN", "CODEX_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"])
        {
            home.Environment[name] = null;
        }

        return home;
    }

    private static async Task AskAsync(RealTerminal terminal, CliHome home, string word = "asked", string input = "", string variable = "")
    {
        var script = Path.Combine(home.Folder, "ask.sh");
        await File.WriteAllTextAsync(
            script, $"set -euo pipefail\ncd '{Repository.PathOf(".")}'\n. eng/lib.sh\nask_for_key '{home.Program}'\n");
        await terminal.TypeAsync($"{variable} bash '{script}' {input}; echo {word}: $?".Trim());
    }
}
