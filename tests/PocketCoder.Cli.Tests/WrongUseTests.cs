using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PocketCoder.Cli.Attaching;
using PocketCoder.Cli.Parsing;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// Every wrong use of every verb is told in words, ends with 2, and is one JSON object with a known code when that is asked for.
/// </summary>
public sealed partial class WrongUseTests
{
    private static readonly HashSet<string> s_codes =
        [.. Enum.GetValues<ErrorCode>().Where(c => c != ErrorCode.UnknownError).Select(Failure.Wire), .. OwnCodes.All];

    /// <summary>Verbs that would start something of this process, or take minutes, when nothing is wrong with them.</summary>
    private static readonly string[] s_onlyWhenRefused =
        ["start", "restart", "gateway", "gateway run", "doctor", "attach", "enable-autostart", "disable-autostart", "gateway enable-autostart",
            "gateway disable-autostart", "update"];

    [Fact]
    public async Task Without_a_daemon_every_wrong_use_of_every_verb_is_told_in_words()
    {
        var folder = Directory.CreateTempSubdirectory("pcw-").FullName;
        try
        {
            await WalkAsync(Path.Combine(folder, "home"), folder, Guid.CreateVersion7().ToString(), running: false);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task With_a_daemon_every_wrong_use_of_every_verb_is_told_in_words()
    {
        await using var home = new CliHome();
        await home.StartAsync("--sandbox", "none");
        (await home.RunAsync("add", home.Work, "--name", "mine")).Succeeded();
        var session = (await home.AskAsync("run", "--project", "mine", "--detach", "hello")).GetProperty("agentSessionId").GetString()!;

        await WalkAsync(home.Root, home.Work, session, running: true);

        (await home.RunAsync("status")).Succeeded();
    }

    [Fact]
    public async Task The_walk_finds_every_verb_that_does_something()
    {
        var root = CommandLine.Build(Silent("/nowhere", "/"));
        var walked = WrongLines.All(root, (_, _) => []).Select(l => l.Verb).ToHashSet(StringComparer.Ordinal);
        Assert.Superset(new HashSet<string>(StringComparer.Ordinal)
            { "start", "exec", "config set", "ledger show", "project defaults", "budget set", "network allow", "git-token set" }, walked);
        await Task.CompletedTask;
    }

    [Theory]
    [InlineData("runs", "--limit", "--json")]
    [InlineData("exec", "--timeout=", "true")]
    [InlineData("exec", "--project=", "true")]
    public async Task An_option_without_its_value_does_not_take_the_next_word(params string[] words)
    {
        var said = await RunAsync(words, Silent("/nowhere", "/"));
        Assert.Contains("needs a value", said.Ended(ExitCode.Usage).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_says_each_default_once_and_as_it_is_typed()
    {
        using var runs = new Runs(Silent("/nowhere", "/"));
        foreach (var verb in WrongLines.All(runs.Root, (_, _) => []).Select(l => l.Verb).Distinct(StringComparer.Ordinal))
        {
            var help = (await runs.RunAsync([.. verb.Split(' '), "--help"])).Succeeded().Out;
            Assert.All(help.Split('\n'), line => Assert.True(Default().Count(line) <= 1, $"{verb}: {line}"));
            Assert.DoesNotMatch(@"\[default: \d\d:\d\d:\d\d\]", help);
        }
    }

    [Fact]
    public async Task The_page_about_the_command_line_names_every_code_of_this_program()
    {
        var page = await File.ReadAllTextAsync(PocketCoder.Testing.Repository.PathOf("docs/cli.md"));
        Assert.All(OwnCodes.All, code => Assert.Contains($"`{code}`", page, StringComparison.Ordinal));
    }

    private static async Task WalkAsync(string home, string work, string session, bool running)
    {
        using var runs = new Runs(Silent(home, work));
        var number = 0;
        var faults = new List<string>();
        var root = runs.Root;
        foreach (var line in WrongLines.All(root, Right))
        {
            foreach (var json in (bool[])[true, false])
            {
                IReadOnlyList<string> words = json ? [line.Words[0], "--json", .. line.Words.Skip(1)] : line.Words;
                var refused = WrongUse.Of(
                    root.Parse(words, new System.CommandLine.ParserConfiguration { ResponseFileTokenReplacer = null }), words).Count > 0;
                if ((!json && !refused && number++ % 4 != 0) || (running && (refused || !line.Telling)))
                {
                    // the words are the same as in JSON: one of four is enough to see how they are written; and what the parser refuses
                    // needs no daemon
                    continue;
                }

                if (!refused && (s_onlyWhenRefused.Contains(line.Verb) || (line.Verb == "logs" && words.Contains("--follow"))))
                {
                    if (line.Refused)
                    {
                        faults.Add($"{line.Verb}: {line.Wrong}: taken");
                    }

                    continue;
                }

                try
                {
                    // A verb that does not end by itself must not keep the walk: it belongs into s_onlyWhenRefused.
                    var ran = await runs.RunAsync(words).WaitAsync(Wait.Limit);
                    faults.AddRange(Faults(line, json, ran).Select(f =>
                        $"{line.Verb}: {line.Wrong}{(json ? " --json" : "")}: {f}\n    {ran.Code} {Short(ran.Out)} | {Short(ran.Error)}"));
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    faults.Add($"{line.Verb}: {line.Wrong}: {e}");
                }
            }
        }

        Assert.True(faults.Count == 0, $"{faults.Count} faults\n{string.Join('\n', faults.Take(60))}");

        // What would be right in the place of each argument, and what is said besides so that a verb ends.
        IReadOnlyList<string> Right(string verb, string argument) => (verb, argument) switch
        {
            ("run", "") => ["--detach", "--project", "mine"],
            ("pair", "") => ["--no-wait"],
            ("update", "") => ["--check"],
            (_, "") => [],
            ("config get" or "config set" or "config unset", "key") => ["log-level"],
            (_, "command") => ["true"],
            (_, "scope") => ["day"],
            (_, "session") => [session],
            (_, "value") => ["info"],
            (_, "host") => ["example.org"],
            (_, "row") => ["1"],
            (_, "path") => ["."],
            (_, "folder") => [$"folder-{Guid.CreateVersion7():N}"],
            _ => ["zz-nothing"],
        };
    }

    private static IEnumerable<string> Faults(WrongLine line, bool json, Ran ran)
    {
        var all = ran.Out + ran.Error;
        if (Leak().Match(all) is { Success: true } leak)
        {
            yield return $"says '{leak.Value}'";
        }

        if (!line.Words.Contains(WrongLines.Hostile) && all.Contains(@"\u{", StringComparison.Ordinal))
        {
            yield return "escapes its own words";
        }

        if (line.Verb != "exec" && all.Any(c => (char.IsControl(c) && c is not '\n') || c is '\u202e' or '\u200b'))
        {
            yield return "writes a control character as it is";
        }

        if (line.Refused && ran.Code != ExitCode.Usage)
        {
            yield return $"ends with {ran.Code} instead of 2";
        }

        if (ran.Code is < 0 or > 255 || (ran.Code > 8 && line.Verb != "exec"))
        {
            yield return $"ends with {ran.Code}";
        }

        if (!json)
        {
            if (ran.Code != 0 && ran.Error.Length == 0 && line.Verb != "exec")
            {
                yield return "fails without a word";
            }

            yield break;
        }

        var lines = ran.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Any(l => !IsJson(l)))
        {
            yield return "standard output is no JSON";
        }

        if (ran.Code == 0 || (lines.Length > 0 && ran.Error.Length == 0))
        {
            if (ran.Error.Length > 0)
            {
                yield return "succeeds and writes to standard error";
            }

            yield break;
        }

        if (ran.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries) is not [var one] || !IsJson(one))
        {
            yield return "standard error is not one JSON object";
            yield break;
        }

        var error = JsonDocument.Parse(one).RootElement.GetProperty("error");
        var code = error.GetProperty("code").GetString()!;
        if (!s_codes.Contains(code) || error.GetProperty("message").GetString() is null or "")
        {
            yield return $"the code is {code}";
        }

        if ((code == "INVALID_REQUEST") != (ran.Code == ExitCode.Usage))
        {
            yield return $"the code is {code} and the exit code {ran.Code}";
        }
    }

    private static Terminal Silent(string home, string work) => new(TextWriter.Null, TextWriter.Null, name => name switch
    {
        "POCKETCODER_HOME" => home,
        "HOME" or "XDG_CONFIG_HOME" => work,
        "PATH" => Environment.GetEnvironmentVariable("PATH"),
        _ => null,
    })
    {
        CurrentDirectory = work,
    };

    private static async Task<Ran> RunAsync(IReadOnlyList<string> words, Terminal terminal)
    {
        using var runs = new Runs(terminal);
        return await runs.RunAsync(words);
    }

    /// <summary>Thousands of lines on one command tree, each with outputs and an input of its own.</summary>
    private sealed class Runs : IDisposable
    {
        private readonly StringWriter _output = new();
        private readonly StringWriter _error = new();
        private readonly Typed _input = new();
        private readonly Terminal _terminal;

        public Runs(Terminal terminal)
        {
            _terminal = terminal with { Out = _output, Error = _error, In = _input };
            Root = CommandLine.Build(_terminal);
        }

        public System.CommandLine.RootCommand Root { get; }

        public void Dispose()
        {
            _output.Dispose();
            _error.Dispose();
            _input.Dispose();
        }

        public async Task<Ran> RunAsync(IReadOnlyList<string> words)
        {
            Assert.False(RawMode.IsTerminal && words[0] == "attach");
            _output.GetStringBuilder().Clear();
            _error.GetStringBuilder().Clear();
            _input.Begin();
            using var limit = new CancellationTokenSource(PocketCoder.Testing.Wait.Limit);
            var code = await CommandLine.RunAsync(Root, words, _terminal, limit.Token);
            return new Ran(code, _output.ToString(), _error.ToString());
        }
    }

    /// <summary>The same line typed for each run.</summary>
    private sealed class Typed : TextReader
    {
        private const string Line = "value";
        private int _at;

        public void Begin() => _at = 0;

        public override int Peek() => _at < Line.Length ? Line[_at] : -1;

        public override int Read() => _at < Line.Length ? Line[_at++] : -1;
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

    private static string Short(string text) => text.Length <= 300 ? text.TrimEnd() : text[..300];

    /// <summary>Names of this program's insides and of the runtime's.</summary>
    [GeneratedRegex(@"System\.[A-Z]|Microsoft\.[A-Z]|PocketCoder\.[A-Z]|`\d|^   at |Exception\b|JSON deserialization|JsonElement|Nullable|\bNullReference|LineNumber|BytePosition|expected type",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 2000)]
    private static partial Regex Leak();

    [GeneratedRegex(@"\[default|[(;,.] ?default", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 2000)]
    private static partial Regex Default();
}
