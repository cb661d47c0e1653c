using System.CommandLine;
using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>What there is to type: help, usage errors, and that docs/cli.md tells the same.</summary>
public sealed partial class UsageTests
{
    private static readonly Terminal s_terminal = new(TextWriter.Null, TextWriter.Null, _ => null);

    /// <summary>Every command by the words that call it.</summary>
    public static TheoryData<string> Verbs => new(Commands().Select(c => c.Path));

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verb_has_help_that_names_its_options(string verb)
    {
        var words = verb.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var output = new StringWriter();

        Assert.Equal(0, await CommandLine.RunAsync([.. words, "--help"], s_terminal with { Out = output }, CancellationToken.None));

        var help = output.ToString();
        var command = Commands().Single(c => c.Path == verb).Command;
        Assert.Contains(command.Description!, help, StringComparison.Ordinal);
        Assert.Contains($"{RootCommand.ExecutableName} {verb}".Trim(), help, StringComparison.Ordinal);
        Assert.Contains("--json", help, StringComparison.Ordinal);
        Assert.DoesNotContain("--detached", help, StringComparison.Ordinal);
        Assert.All(command.Options.Where(o => !o.Hidden), o => Assert.Contains(o.Name, help, StringComparison.Ordinal));
        Assert.All(command.Options.Where(o => !o.Hidden && !o.Recursive),
            o => Assert.False(string.IsNullOrWhiteSpace(o.Description), $"{verb} {o.Name} has no description"));
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verbs_help_is_json_when_that_is_asked_for(string verb)
    {
        var words = verb.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var (plain, json) = (new StringWriter(), new StringWriter());
        Assert.Equal(0, await CommandLine.RunAsync([.. words, "--help"], s_terminal with { Out = plain }, CancellationToken.None));
        Assert.Equal(0, await CommandLine.RunAsync([.. words, "--help", "--json"], s_terminal with { Out = json }, CancellationToken.None));
        Assert.Equal(plain.ToString().Trim(), new Ran(0, json.ToString(), "").Json.GetProperty("help").GetString());
    }

    [Fact]
    public async Task The_version_is_json_when_that_is_asked_for_and_stands_beside_nothing_else()
    {
        var (command, option, error) = (new StringWriter(), new StringWriter(), new StringWriter());
        var terminal = new Terminal(command, TextWriter.Null, name => name == "POCKETCODER_HOME" ? "/nowhere" : null);
        Assert.Equal(0, await CommandLine.RunAsync(["version", "--json"], terminal, CancellationToken.None));
        Assert.Equal(0, await CommandLine.RunAsync(["--version", "--json"], s_terminal with { Out = option }, CancellationToken.None));
        Assert.Equal(command.ToString(), option.ToString());
        Assert.NotEmpty(new Ran(0, option.ToString(), "").Json.GetProperty("version").GetString()!);
        Assert.Equal(ExitCode.Usage,
            await CommandLine.RunAsync(["--version", "status"], s_terminal with { Error = error }, CancellationToken.None));
        Assert.NotEmpty(error.ToString());
    }

    [Fact]
    public async Task The_overview_is_what_it_was_agreed_to_be()
    {
        var output = new StringWriter();
        await CommandLine.RunAsync(["--help"], s_terminal with { Out = output }, CancellationToken.None);

        var commands = output.ToString().ReplaceLineEndings("\n").Split("Commands:\n")[1].TrimEnd();
        Assert.Equal(
            """
              start               Start the daemon
              shutdown, stop      Stop the daemon
              restart             Restart the daemon with the options it runs with
              status              Show the daemon's status
              pair                Pair a phone or browser with a one-time link
              add <path>          Add a folder as a project [default: .]
              remove <project>    Remove a project; its files stay
              projects            List projects
              roots               Manage the folders beneath which devices may add projects
              project             Manage project settings
              run <prompt>        Prompt an agent, follow it and answer its requests here
              exec <command>      Run a command in a project's sandbox
              runs                List commands that people ran in projects
              sessions            List sessions
              resume <session>    Show how to continue a session in the agent's own program
              settings <session>  Show or set a session's mode, model and effort
              conversations       List conversations started in a terminal for a project
              jobs                List background jobs
              output <id>         Show a command's complete output
              network             Manage hosts that sandboxes may reach without asking
              undo <what>         Revert the files that an approved action changed
              devices             Manage paired devices, people in chats among them
              feishu              Manage the Feishu (Lark) bot and the people who may use it
              notify              Manage where notifications go besides paired devices: ntfy and webhooks
              attach <session>    Attach to a session's terminal
              terminals           List open terminals of sessions
              secrets             Manage keys that agents never see, encrypted on this machine
              provider            Manage model providers of your own: any compatible server
              git-token           Manage tokens for git hosts over HTTPS; neither agents nor git itself see them
              usage               Show model usage through this machine: tokens and cost
              budget              Manage limits on model usage through this machine
              ledger              Inspect the record of requests, decisions and outcomes
              backup <folder>     Back up ledger, keys and settings to a folder; works while the daemon runs
              restore <folder>    Restore a backup; the current data is kept
              logs                Show the daemon's log
              machine             Manage this machine
              config              Manage daemon settings
              enable-autostart    Start the daemon when you log in
              disable-autostart   Stop starting the daemon at login; a running daemon keeps running
              tls                 Manage certificates for this machine's own names
              gateway             Run a gateway for remote machines, and manage them
              link <URL>          Connect this machine to a remote gateway
              unlink              Disconnect this machine from its gateway
              login <URL>         Connect this machine to a gateway with accounts; a person there lets it in
              logout              Leave the gateway; it forgets this machine
              whoami              Show this machine's gateway, who let it in, and whether it is connected
              agents              List agents, their versions and what they can do
              doctor              Check that this machine has what PocketCoder needs
              update              Check for a newer version
              completion          Print a shell's completion script
              version             Show this program's version
            """,
            commands);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("devices")]
    [InlineData("devices revoke")]
    [InlineData("start --nonsense")]
    [InlineData("start --listen 8090")]
    [InlineData("start --listen 127.0.0.1")]
    [InlineData("start --listen ::1:8090")]
    [InlineData("start --proxy nowhere")]
    [InlineData("start --approval-timeout 5")]
    [InlineData("start --approval-timeout 5s")]
    [InlineData("start --approval-timeout 25h")]
    [InlineData("start --approval-timeout -1m")]
    [InlineData("start --output-limit 3")]
    [InlineData("start --warm-agents -1")]
    [InlineData("start --warm-agents 101")]
    [InlineData("start --warm-memory 15")]
    [InlineData("start --retry-limit 0")]
    [InlineData("start --acme --name gateway.example.org --acme-challenge dns-01")]
    [InlineData("start --acme --name gateway.example.org --acme-listen 80")]
    [InlineData("start --acme --name gateway.example.org --acme-directory nowhere")]
    [InlineData("start --acme --name gateway.example.org --acme-email ada")]
    [InlineData("start --output-limit 1e3")]
    [InlineData("output")]
    [InlineData("run")]
    [InlineData("run hello --sandbox walls")]
    [InlineData("run hello --session 01234567 --agent stub")]
    [InlineData("resume")]
    [InlineData("doctor --attack --sandbox walls")]
    [InlineData("pair --scope everything")]
    [InlineData("pair --scope 3")]
    [InlineData("ledger show --session 5")]
    [InlineData("ledger show --limit many")]
    [InlineData("logs --tail -5")]
    [InlineData("status extra")]
    [InlineData("start --control-port x")]
    [InlineData("start --control-port 65536")]
    [InlineData("exec")]
    [InlineData("exec true --timeout soon")]
    [InlineData("restore")]
    [InlineData("config")]
    [InlineData("config set listen")]
    [InlineData("notify set n")]
    [InlineData("notify set n --ntfy --webhook")]
    [InlineData("notify set n --webhook --token")]
    [InlineData("notify set n --webhook --kinds pigeons")]
    [InlineData("notify set n --webhook --quiet late")]
    [InlineData("notify set n --webhook --zone Europe/Paris")]
    [InlineData("notify set n --webhook https://h.example")]
    [InlineData("provider set")]
    [InlineData("provider set lan")]
    [InlineData("provider set lan --dialect openai-chat --url http://127.0.0.1:9/v1")]
    [InlineData("provider set lan --dialect latin --url http://127.0.0.1:9/v1 --model m")]
    [InlineData("provider set lan --dialect openai-chat --url http://models.example/v1 --model m")]
    [InlineData("provider set lan --dialect openai-chat --url http://8.8.8.8/v1 --model m")]
    [InlineData("provider set lan --dialect openai-chat --url https://m.example/v1?k=v --model m")]
    [InlineData("provider set lan --dialect anthropic --url https://m.example/v1 --model m")]
    [InlineData("provider set lan --dialect openai-chat --url https://m.example/v1 --model m,in=1")]
    [InlineData("provider set lan --dialect openai-chat --url https://m.example/v1 --model m,context=many")]
    [InlineData("provider set lan --dialect openai-chat --url https://m.example/v1 --model m,context=1,context=2")]
    [InlineData("provider set lan --dialect openai-chat --url https://m.example/v1 --model m --key --no-key")]
    [InlineData("provider set lan --dialect openai-chat --url https://m.example/v1 --model m a-key")]
    [InlineData("provider remove")]
    [InlineData("provider test")]
    [InlineData("feishu")]
    [InlineData("feishu config --on --off")]
    [InlineData("feishu config --language fr")]
    [InlineData("feishu config --app-id")]
    [InlineData("feishu config --scope view")]
    [InlineData("feishu config --local-http off --scope view")]
    [InlineData("feishu config --app-id a of-mine")]
    [InlineData("feishu pair --scope everything")]
    [InlineData("feishu unpair")]
    [InlineData("completion tcsh")]
    public async Task What_is_typed_wrong_ends_with_2_and_says_where_to_look(string typed)
    {
        var words = typed.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        await using var home = new CliHome();
        var terminal = s_terminal with { Environment = name => name == "POCKETCODER_HOME" ? home.Root : null };
        var error = new StringWriter();

        Assert.Equal(2, await CommandLine.RunAsync(words, terminal with { Error = error }, CancellationToken.None));

        Assert.Matches(@"See: pocketcoder .*--help\n$", error.ToString());
        Assert.False(Directory.Exists(home.Root));
        error = new StringWriter();
        Assert.Equal(2, await CommandLine.RunAsync([.. words, "--json"], terminal with { Error = error }, CancellationToken.None));
        Assert.Equal("INVALID_REQUEST", new Ran(2, "", error.ToString()).ErrorJson.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Without_a_daemon_every_verb_that_needs_one_ends_with_3_and_says_what_to_type()
    {
        await using var home = new CliHome();
        foreach (var verb in (string[])[
            "status", "restart", "pair", "pair --no-wait", "add .", "remove x", "projects", "devices list", "devices revoke x", "devices rename x y",
            "jobs", "jobs --stop job-1", "run hello", "run hello --session x", "sessions", "sessions --all", "resume x", "output 01234567",
            "ledger show", "ledger verify", "ledger export", "machine label", "machine label x", "exec true", "runs",
            "link https://gateway.example", "unlink", "login https://gateway.example", "logout", "whoami", "provider list", "provider remove n", "provider test n",
            "provider set n --dialect gemini --url https://m.example --model m", "notify list", "notify remove n",
            "notify test n", "feishu config", "feishu config --off", "feishu config --app-id cli_a", "feishu status", "feishu pair",
            "feishu unpair x", "feishu test"])
        {
            var (output, error) = (new StringWriter(), new StringWriter());
            var terminal = new Terminal(output, error, name => name == "POCKETCODER_HOME" ? home.Root : null);

            Assert.Equal(3, await CommandLine.RunAsync(verb.Split(' '), terminal, CancellationToken.None));

            Assert.Equal("PocketCoder is not running. Start it: pocketcoder start\n", error.ToString());
            Assert.Equal("", output.ToString());
            error.GetStringBuilder().Clear();
            Assert.Equal(3, await CommandLine.RunAsync([.. verb.Split(' '), "--json"], terminal, CancellationToken.None));
            Assert.Equal("UNAVAILABLE", new Ran(3, "", error.ToString()).ErrorJson.GetProperty("code").GetString());
        }

        Assert.False(Directory.Exists(home.Root)); // looking makes nothing
    }

    [Fact]
    public async Task The_checkup_and_the_version_answer_without_a_daemon_and_change_nothing()
    {
        await using var home = new CliHome();

        var checks = (await home.RunAsync("doctor", "--json")).Succeeded().Json;
        foreach (var name in (string[])["home", "sqlite", "git", "tmux", "bwrap", "claude", "app", "disk", "clock"])
        {
            Assert.Contains(checks.EnumerateArray(), c => c.GetProperty("name").GetString() == name
                && c.GetProperty("state").GetString() is "ok" or "warn");
        }

        foreach (var kind in (string[])["bubblewrap", "docker", "landlock"])
        {
            var check = Assert.Single(checks.EnumerateArray(), c => c.GetProperty("name").GetString() == kind);
            Assert.Matches("^(works|can't be used)", check.GetProperty("found").GetString());
            Assert.True(check.GetProperty("found").GetString() != "can't be used" || check.GetProperty("advice").GetString()!.Length > 0);
        }

        Assert.Matches(@"(?m)^ok    sqlite      \d+\.\d+\.\d+ \(libsqlite3", (await home.RunAsync("doctor")).Succeeded().Out);
        Assert.Equal((await home.AskAsync("version")).GetProperty("version").GetString(),
            (await home.RunAsync("--version")).Succeeded().Out.Trim());
        Assert.False(Directory.Exists(home.Root));
    }

    [Fact]
    public async Task An_argument_is_what_it_says_and_never_a_file_to_read_arguments_from()
    {
        await using var home = new CliHome();
        await File.WriteAllTextAsync(Path.Combine(home.Work, "more"), "--force\n");

        Assert.Contains("No such directory", (await StartedAsync(home, "add", "@more")).Ended(1).Error, StringComparison.Ordinal);

        static async Task<Ran> StartedAsync(CliHome home, params string[] arguments)
        {
            await home.StartAsync();
            return await home.RunAsync(arguments);
        }
    }

    [Fact]
    public async Task The_page_about_the_command_line_names_every_verb_and_option_and_no_other()
    {
        var page = await File.ReadAllTextAsync(Repository.PathOf("docs/cli.md"));
        var sections = Section().Matches(page)
            .ToDictionary(m => m.Groups["verb"].Value, m => m.Groups["body"].Value, StringComparer.Ordinal);

        var leaves = Commands().Where(c => c.Command.Subcommands.Count == 0)
            .ToDictionary(c => c.Path, c => c.Command, StringComparer.Ordinal);
        Assert.Equal(leaves.Keys.Order(StringComparer.Ordinal), sections.Keys.Order(StringComparer.Ordinal));
        foreach (var (path, command) in leaves)
        {
            var options = command.Options.Where(o => !o.Hidden && !o.Recursive).SelectMany(o => o.Aliases.Append(o.Name))
                .Where(o => o is not ("--help" or "-h" or "-?" or "/h" or "/?"));
            var told = OptionRow().Matches(sections[path]).SelectMany(m => m.Groups["option"].Captures.Select(c => c.Value))
                .ToHashSet(StringComparer.Ordinal);
            Assert.Equal(options.Order(StringComparer.Ordinal), told.Order(StringComparer.Ordinal));
            Assert.All(command.Arguments, a => Assert.Contains(a.Name, page[page.IndexOf(
                $"### `pocketcoder {path} ", StringComparison.Ordinal)..].Split('\n')[0], StringComparison.OrdinalIgnoreCase));
        }

        foreach (var code in (int[])[ExitCode.Ok, ExitCode.Failure, ExitCode.Usage, ExitCode.NotRunning, ExitCode.TurnFailed,
            ExitCode.Denied, ExitCode.Expired, ExitCode.Interrupted, ExitCode.Left, ExitCode.NotSetUp, ExitCode.TimedOut,
            ExitCode.NotKnown])
        {
            Assert.Matches($@"(?m)^\| {code} \| \S", page);
        }
    }

    private static IEnumerable<(string Path, Command Command)> Commands()
    {
        return Under(CommandLine.Build(s_terminal), "");

        static IEnumerable<(string, Command)> Under(Command command, string path)
            => command.Subcommands.SelectMany(c => Under(c, $"{path} {c.Name}".Trim())).Prepend((path, command));
    }

    [GeneratedRegex(@"^### `pocketcoder (?<verb>[a-z-]+( [a-z]+(-[a-z]+)*)*)[^`]*`\n(?<body>.*?)(?=^##|\z)",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 2000)]
    private static partial Regex Section();

    [GeneratedRegex(@"^\| (`(?<option>--?[a-z-]+)[^`]*`(, )?)+ \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 2000)]
    private static partial Regex OptionRow();
}
