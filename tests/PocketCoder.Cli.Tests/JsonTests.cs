using System.CommandLine;
using System.Text.Json;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// Every verb of the real command tree in right uses with <c>--json</c>: what ends with 0 wrote JSON on standard output and nothing else
/// anywhere.
/// </summary>
public sealed class JsonTests
{
    /// <summary>Verbs that can't succeed here, and why.</summary>
    private static readonly Dictionary<string, string> s_notHere = new(StringComparer.Ordinal)
    {
        ["start"] = "it runs already; StartTests",
        ["gateway"] = "it runs until it is stopped; SettingsTests",
        ["gateway disable-autostart"] = "it speaks to the service manager of this machine",
        ["gateway run"] = "it runs until it is stopped; GatewayTests",
        ["gateway remove"] = "it has no machine; GatewayTests",
        ["gateway users remove"] = "it has no people; GatewayTests",
        ["link"] = "it needs a gateway; GatewayTests",
        ["provider test"] = "it asks a server; ProviderTests",
        ["notify test"] = "it sends to a server; NotifyTests",
        ["feishu pair"] = "it needs a daemon with the bot; FeishuTests",
        ["feishu unpair"] = "it needs a person in a chat; FeishuTests",
        ["feishu test"] = "it asks a server; FeishuTests",
        ["restart"] = "it starts a process; RestartTests",
        ["stop"] = "the last one of this walk",
        ["attach"] = "it has no JSON",
        ["login"] = "it needs a gateway and a person there; LoginTests",
        ["logout"] = "it is at no gateway; LoginTests",
        ["whoami"] = "it is at no gateway; LoginTests",
        ["update"] = "it asks an address in the network",
        ["restore"] = "it needs a stopped daemon; the backup's own tests",
        ["disable-autostart"] = "it speaks to the service manager of this machine",
        ["doctor"] = "it takes long; UsageTests",
        ["ledger accept"] = "there is nothing to accept",
        ["terminals close"] = "no terminal is open",
        ["undo"] = "nothing was changed",
        ["output"] = "no command ran in a sandbox",
        ["devices revoke"] = "no device is paired",
        ["devices rename"] = "no device is paired",
        ["devices limit"] = "no device is paired",
        ["resume"] = "the demo agent has no program of its own",
        ["network remove"] = "rules have ids of their own; below",
        ["tls renew"] = "certificates have tests of their own",
    };

    [Fact]
    [Trait("Category", "Slow")]
    public async Task What_succeeds_with_json_is_json_and_nothing_else()
    {
        await using var home = new CliHome();
        await home.StartAsync("--sandbox", "none");
        (await home.RunAsync("add", home.Work, "--name", "mine")).Succeeded();
        var session = (await home.AskAsync("run", "--project", "mine", "--detach", "hello")).GetProperty("agentSessionId").GetString()!;
        var folder = Directory.CreateDirectory(Path.Combine(home.Folder, "other")).FullName;
        var terminal = new Terminal(TextWriter.Null, TextWriter.Null, name => name switch
        {
            "POCKETCODER_HOME" => home.Root,
            "HOME" or "XDG_CONFIG_HOME" => home.Folder,
            "PATH" => Environment.GetEnvironmentVariable("PATH"),
            _ => null,
        })
        {
            CurrentDirectory = home.Work,
        };
        var faults = new List<string>();
        var succeeded = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (verb, command) in Leaves(CommandLine.Build(terminal), "")
            .OrderBy(l => l.Path.EndsWith("remove", StringComparison.Ordinal)))
        {
            if (s_notHere.ContainsKey(verb))
            {
                continue;
            }

            string[] words = [.. verb.Split(' '), .. command.Arguments.SelectMany(a => Right(verb, a.Name)), .. Right(verb, "")];
            foreach (var line in command.Options.Where(o => o.ValueType == typeof(bool) && !o.Hidden && !o.Recursive
                && o is not System.CommandLine.Help.HelpOption && !words.Contains(o.Name) && o.Name != "--follow")
                         .Select(o => (string[])[.. verb.Split(' '), o.Name, .. words.Skip(verb.Split(' ').Length)]).Prepend(words))
            {
                var ran = await RunAsync(
                    [line[0], "--json", .. line.Skip(1)], terminal, verb == "notify set" ? "http://127.0.0.1:9/hook" : "value");
                if (ran.Code == 0)
                {
                    succeeded.Add(verb);
                }

                if (Fault(ran) is { } fault)
                {
                    faults.Add($"{string.Join(' ', line)}: {fault}\n    {ran.Code} {ran.Out} | {ran.Error}");
                }
            }
        }

        var stopped = await home.RunAsync("stop", "--json");
        Assert.Null(Fault(stopped.Succeeded()));
        Assert.True(faults.Count == 0, string.Join('\n', faults));
        var all = Leaves(CommandLine.Build(terminal), "").Select(l => l.Path).Except(s_notHere.Keys, StringComparer.Ordinal);
        Assert.Equal([], all.Except(succeeded, StringComparer.Ordinal)); // else this walk shows nothing for them

        IReadOnlyList<string> Right(string verb, string argument) => (verb, argument) switch
        {
            ("run", "") => ["--project", "mine"],
            ("exec", "") => ["--project", "mine"],
            ("pair", "") => ["--no-wait"],
            ("enable-autostart" or "gateway enable-autostart", "") => ["--print"],
            ("network allow", "") => ["--project", "mine"],
            ("network list", "") => ["--project", "mine"],
            ("conversations", "") => ["--project", "mine"],
            ("budget set", "") => ["--tokens", "1000000"],
            ("gateway sign-in set", "") => ["--issuer", "http://127.0.0.1:9", "--client-id", "c"],
            ("notify set", "") => ["--webhook"],
            ("provider set", "") => ["--dialect", "openai-chat", "--url", "http://127.0.0.1:9/v1", "--model", "m"],
            ("provider set" or "provider remove", "name") => ["lan"],
            ("project defaults", "") => [],
            ("backup", "") => [],
            (_, "") => [],
            (_, "key") => ["log-level"],
            (_, "on|off") => ["off"],
            (_, "value") => ["info"],
            (_, "session") => [session],
            (_, "prompt") => ["hello"],
            (_, "command") => ["true"],
            (_, "scope") => ["day"],
            (_, "host") => ["example.org"],
            ("remove", "project") => ["other"],
            (_, "project") => ["mine"],
            (_, "path") => [folder],
            (_, "folder") => [Path.Combine(home.Folder, $"backup-{Guid.CreateVersion7():N}")],
            (_, "kind") => ["projects"],
            ("project rename", "name") => ["mine"],
            (_, "name") => ["openai"],
            (_, "label") => ["desk"],
            _ => ["zz"],
        };
    }

    private static string? Fault(Ran ran)
    {
        if (ran.Code != 0)
        {
            return ran.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries) is [var one]
                && IsJson(one) ? null : "it failed, and standard error is not one JSON object";
        }

        var lines = ran.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return ran.Error.Length > 0 ? "it succeeded and wrote to standard error"
            : lines.Length == 0 ? "it wrote nothing"
            : lines.All(IsJson) ? null : "standard output is no JSON";
    }

    private static async Task<Ran> RunAsync(IReadOnlyList<string> words, Terminal terminal, string input)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        using var limit = new CancellationTokenSource(PocketCoder.Testing.Wait.Limit);
        var code = await CommandLine.RunAsync(
            words, terminal with { Out = output, Error = error, In = new StringReader(input) }, limit.Token);
        return new Ran(code, output.ToString(), error.ToString());
    }

    private static bool IsJson(string line)
    {
        try
        {
            using var parsed = JsonDocument.Parse(line);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static IEnumerable<(string Path, Command Command)> Leaves(Command command, string path)
        => command.Subcommands.SelectMany(c => Leaves(c, $"{path} {c.Name}".Trim())).Prepend((path, command))
            .Where(c => c.Item2.Action is not null);
}
