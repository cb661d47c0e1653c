using System.CommandLine;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// Every local user sees a program's arguments while it runs, and the shell keeps them. So nothing that is typed as one may be a secret:
/// each argument and option with a text of its own stands here, and a new one fails until somebody has thought about it.
/// </summary>
public sealed class VisibleArgumentsTests
{
    /// <summary>By command: what is typed there and is no secret (names, ids, folders, hosts, patterns, words of a list).</summary>
    private static readonly Dictionary<string, string> s_noSecret = new(StringComparer.Ordinal)
    {
        ["start"] = "--name --model-upstream --acme-directory --acme-email --acme-challenge",
        ["pair"] = "--name --person",
        ["add"] = "path --name",
        ["remove"] = "project",
        ["roots add"] = "path",
        ["roots remove"] = "path",
        ["project defaults"] = "--project --agent --mode --model --effort --sandbox",
        ["project commands"] = "--project --allow --ask --deny --remove --otherwise",
        ["project rename"] = "project name",
        ["run"] = "--agent --project --folder --mode --model --effort --sandbox --session --conversation",
        ["exec"] = "--project --cwd",
        ["runs"] = "--project",
        ["sessions"] = "--project",
        ["resume"] = "session",
        ["settings"] = "session --mode --model --effort",
        ["conversations"] = "--project --agent",
        ["jobs"] = "--stop",
        ["output"] = "id --output",
        ["network list"] = "--project",
        ["network allow"] = "host --project",
        ["network remove"] = "rule",
        ["undo"] = "what",
        ["devices revoke"] = "device",
        ["devices rename"] = "device name",
        ["devices limit"] = "device --person",
        ["feishu config"] = "--app-id --domain --language --webhook --local-http --from",
        ["feishu pair"] = "--name",
        ["feishu unpair"] = "person",
        ["notify set"] = "name --kinds --quiet --zone",
        ["notify remove"] = "name",
        ["notify test"] = "name",
        ["provider set"] = "name --dialect --url --model",
        ["provider remove"] = "name",
        ["provider test"] = "name",
        ["attach"] = "session --terminal",
        ["terminals close"] = "session name",
        ["secrets set"] = "name",
        ["secrets remove"] = "name",
        ["git-token set"] = "host",
        ["git-token remove"] = "host",
        ["budget set"] = "--project",
        ["budget remove"] = "--project",
        ["ledger export"] = "--output",
        ["backup"] = "folder",
        ["restore"] = "folder",
        ["machine label"] = "label",
        ["config set"] = "value",
        ["tls init"] = "--name",
        ["tls renew"] = "--name",
        ["gateway run"] = "--name --acme-directory --acme-email --acme-challenge",
        ["gateway config set"] = "value",
        ["gateway remove"] = "machine",
        ["gateway users remove"] = "name",
        ["gateway sign-in set"] = "name --issuer --pages --api --client-id --scope --label",
        ["gateway sign-in remove"] = "name",
        ["link"] = "url",
        ["login"] = "url",
        ["doctor"] = "--sandbox",
    };

    /// <summary>What may hold a secret, with the way that nobody else sees, as docs/cli.md names it.</summary>
    private static readonly Dictionary<string, string> s_mayHold = new(StringComparer.Ordinal)
    {
        ["exec command"] = "`--stdin`",
        ["exec --env"] = "`--env NAME`",
        ["run prompt"] = "(`-` reads it from standard input)",
    };

    /// <summary>Where an address is typed; none takes a user name or a password in it.</summary>
    private static readonly string[][] s_addresses =
    [
        ["start", "--acme", "--name", "g.example.org", "--acme-directory", "https://me:of-mine@h.example/dir"],
        ["start", "--model-upstream", "anthropic=https://me:of-mine@h.example"],
        ["config", "set", "model-upstream", "anthropic=https://me:of-mine@h.example"],
        ["provider", "set", "lan", "--dialect", "openai-chat", "--url", "https://me:of-mine@h.example/v1", "--model", "m"],
        ["config", "set", "acme-directory", "https://me:of-mine@h.example/dir"],
        ["config", "set", "update-url", "https://me:of-mine@h.example/manifest"],
        ["start", "--name", "me:of-mine@h.example"],
        ["gateway", "run", "--name", "me:of-mine@h.example"],
        ["gateway", "sign-in", "set", "work", "--client-id", "c", "--public", "--issuer", "https://me:of-mine@h.example"],
        ["gateway", "sign-in", "set", "work", "--client-id", "c", "--public", "--github", "--pages", "https://h.example", "--api",
            "https://me:of-mine@h.example/api/v3"],
    ];

    [Fact]
    public void Whatever_is_typed_as_an_argument_is_known_to_be_no_secret_or_has_another_way()
    {
        var page = File.ReadAllText(Repository.PathOf("docs/cli.md"));
        var found = Commands(CommandLine.Build(new Terminal(TextWriter.Null, TextWriter.Null, _ => null)), "")
            .SelectMany(c => Texts(c.Command).Select(t => $"{c.Path} {t}")).Where(t => !s_mayHold.ContainsKey(t)).ToList();
        var known = s_noSecret.SelectMany(c => c.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(t => $"{c.Key} {t}"));
        var (fresh, gone) = (found.Except(known, StringComparer.Ordinal).ToList(), known.Except(found, StringComparer.Ordinal).ToList());
        Assert.True(fresh.Count + gone.Count == 0, $"new: {string.Join(", ", fresh)}\ngone: {string.Join(", ", gone)}");
        Assert.All(s_mayHold, may => Assert.Contains(may.Value, page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_address_that_is_typed_takes_a_password()
    {
        await using var home = new CliHome();
        foreach (var typed in s_addresses)
        {
            var error = new StringWriter();
            var terminal = new Terminal(TextWriter.Null, error, name => name == "POCKETCODER_HOME" ? home.Root : null);
            Assert.True(await CommandLine.RunAsync(typed, terminal, CancellationToken.None) == ExitCode.Usage, $"{string.Join(' ', typed)}\n{error}");
        }

        Assert.False(File.Exists(home.Home.Config));
    }

    /// <summary>What of a command takes any text: no numbers, switches, ids, times, addresses, or one of a few words.</summary>
    private static IEnumerable<string> Texts(Command command)
        => command.Arguments.Where(a => IsText(a.ValueType) && a.CompletionSources.Count == 0).Select(a => a.Name)
            .Concat(command.Options.Where(o => !o.Recursive && IsText(o.ValueType)).Select(o => o.Name));

    private static bool IsText(Type type)
        => type == typeof(string) || type == typeof(string[]) || type == typeof(Uri)
            || typeof(System.Collections.IDictionary).IsAssignableFrom(type);

    private static IEnumerable<(string Path, Command Command)> Commands(Command command, string path)
        => command.Subcommands.SelectMany(c => Commands(c, $"{path} {c.Name}".Trim())).Prepend((path, command));
}
