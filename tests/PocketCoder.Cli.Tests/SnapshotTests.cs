using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// Everything that the CLI says, as files that a reviewer reads: a change of a word is a change of a line in <c>Snapshots/</c>.
/// <c>eng/contracts.sh</c> writes them anew.
/// </summary>
public sealed partial class SnapshotTests
{
    private static readonly string s_program = typeof(SnapshotTests).Assembly.GetName().Name!;

    /// <summary>
    /// Lines as they are typed in the demonstration with one session, in this order. What an agent, a clock or the machine decides is left
    /// out or replaced.
    /// </summary>
    private static readonly string[][] s_lines =
    [
        ["projects"], ["sessions"], ["devices", "list"], ["secrets", "list"], ["budget", "list"], ["usage"], ["network", "list"],
        ["config", "list"], ["tls", "show"], ["runs", "--project", "demo"], ["jobs"], ["git-token", "list"], ["notify", "list"],
        ["provider", "list"],
        ["feishu", "status"], ["feishu", "config"], ["feishu", "config", "--off"], ["feishu", "pair"], ["feishu", "unpair", "nobody"],
        ["feishu", "test"],
        ["ledger", "verify"], ["terminals", "list"], ["conversations", "--project", "demo"], ["machine", "label", "box"], ["machine", "two-person"],
        ["config", "set", "log-level", "debug"], ["config", "get", "log-level"],
        ["config", "unset", "log-level"], ["budget", "set", "day", "--tokens", "1000"], ["budget", "list"], ["budget", "remove", "day"],
        ["add", "."], ["add", "."], ["remove", "."], ["remove", "."],
        ["network", "allow", "example.org", "--project", "demo"], ["network", "list", "--project", "demo"],
        ["run", "hello", "--detach", "--agent", "nobody"], ["run", "", "--detach"], ["exec", "--project", "demo", "echo hello; exit 3"],
        ["resume", "nothing"], ["attach", "nothing"], ["undo", "nothing"], ["output", "nothing"], ["devices", "revoke", "nobody"],
        ["devices", "rename", "a", "b"], ["devices", "limit", "a", "--nobody"], ["machine", "two-person", "on"], ["config", "set", "log-level", "loud"],
        ["config", "get", "nothing"], ["secrets", "remove", "openai"], ["ledger", "show", "--limit", "x"], ["start", "--listen", "here"],
        ["nothing"], ["--nothing"], ["sesions"], ["ledger"], ["ledger", "verfy"], ["pair", "--scope", "nothing"], ["login"],
        ["logout"], ["whoami"], ["restore", "nowhere"],
        ["start"], ["stop"], ["stop"], ["status"], ["projects"], ["add", "."],
    ];

    [Fact]
    public async Task The_help_of_every_verb_is_as_reviewed()
    {
        var help = new StringBuilder();
        foreach (var words in Paths(CommandLine.Build(new Terminal(TextWriter.Null, TextWriter.Null, _ => null)), []))
        {
            var output = new StringWriter { NewLine = "\n" };
            Assert.Equal(0, await CommandLine.RunAsync(
                [.. words, "--help"], new Terminal(output, TextWriter.Null, _ => null), TestContext.Current.CancellationToken));
            help.Append("$ ").AppendJoin(' ', ["pocketcoder", .. words, "--help"]).Append('\n')
                .Append(output.ToString().Replace(s_program, "pocketcoder", StringComparison.Ordinal)).Append('\n');
        }

        await HeldAsync("help.txt", help.ToString());
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task What_verbs_say_is_as_reviewed()
    {
        await using var home = new CliHome();
        await home.StartAsync("--sandbox", "none");
        _ = await home.AskAsync("run", "--project", "demo", "--agent", "stub", "--detach", "hello");
        await Wait.UntilAsync(
            async () => (await home.RunAsync("sessions")).Out.Contains("idle", StringComparison.OrdinalIgnoreCase),
            "the demo agent has answered");
        var said = new StringBuilder();
        foreach (var line in s_lines)
        {
            var ran = await home.RunAsync(line);
            said.Append("$ ").AppendJoin(' ', ["pocketcoder",
                .. line.Select(w => w.Length == 0 || w.Contains(' ', StringComparison.Ordinal) ? $"'{w}'" : w)]).Append('\n');
            said.Append(ran.Out).Append(ran.Error).Append('[').Append(ran.Code).Append("]\n\n");
        }

        await HeldAsync("verbs.txt", Steady(said.ToString(), home));
    }

    private static string Steady(string text, CliHome home)
    {
        text = text.Replace(home.Root, "HOME", StringComparison.Ordinal).Replace(home.Work, "WORK", StringComparison.Ordinal)
            .Replace(home.Folder, "FOLDER", StringComparison.Ordinal);
        text = Id().Replace(text, "ID");
        text = Instant().Replace(text, "TIME");
        text = Local().Replace(text, "127.0.0.1:PORT");
        text = Hash().Replace(text, "HASH");
        text = Pid().Replace(text, "pid N");
        return Columns().Replace(text, "  "); // as wide as what was replaced
    }

    private static async Task HeldAsync(string name, string said)
    {
        var file = Path.Combine(Repository.Root, "tests", "PocketCoder.Cli.Tests", "Snapshots", name);
        said = string.Join('\n', said.Split('\n').Select(l => l.TrimEnd()));
        if (Environment.GetEnvironmentVariable("POCKETCODER_WRITE_CONTRACTS") == "1")
        {
            await File.WriteAllTextAsync(file, said, TestContext.Current.CancellationToken);
        }

        var reviewed = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        var (now, then) = (said.Split('\n'), reviewed.Split('\n'));
        var at = now.Zip(then).TakeWhile(p => p.First == p.Second).Count();
        Assert.True(said == reviewed,
            $"{name}, line {at + 1}: the CLI says\n  {now.ElementAtOrDefault(at)}\nreviewed was\n  {then.ElementAtOrDefault(at)}\nIf that is meant, run eng/contracts.sh and look at the change.");
    }

    private static IEnumerable<IReadOnlyList<string>> Paths(Command command, IReadOnlyList<string> words)
        => command.Subcommands.Where(c => !c.Hidden).SelectMany(c => Paths(c, [.. words, c.Name])).Prepend(words);

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", RegexOptions.None, matchTimeoutMilliseconds: 2000)]
    private static partial Regex Id();

    [GeneratedRegex(@"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC|[+-]\d\d:\d\d))?", RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 2000)]
    private static partial Regex Instant();

    [GeneratedRegex(@"127\.0\.0\.1:\d+", RegexOptions.None, matchTimeoutMilliseconds: 2000)]
    private static partial Regex Local();

    [GeneratedRegex("[0-9a-f]{16,64}", RegexOptions.None, matchTimeoutMilliseconds: 2000)]
    private static partial Regex Hash();

    [GeneratedRegex(@"pid \d+", RegexOptions.None, matchTimeoutMilliseconds: 2000)]
    private static partial Regex Pid();

    [GeneratedRegex("(?<=[^ \n])  +", RegexOptions.None, matchTimeoutMilliseconds: 2000)]
    private static partial Regex Columns();
}
