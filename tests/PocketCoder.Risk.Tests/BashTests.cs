using System.Text;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Risks.Tests;

/// <summary>
/// Compares with the real bash, which only checks syntax, or runs commands that are nothing but names of functions that write down how they
/// were called.
/// </summary>
public sealed class BashTests
{
    private static readonly string[] s_words =
        ["a", "'b c'", "\"d $v\"", "$v", "\"$v\"", "e\\ f", "$'g\\th'", "{i,j}", "k{1..3}", "l{m,{n,o}}p", "{}", "q{r", "'{x,y}'",
        "\"{x,y}\"", "$(c1 sub)", "`c2 back`", "\"$(c3 'in \"quotes\"')\"", "$((1+2))", "${v}", "${v:-z}", "a=b", "-x", "--", "\\$v",
        "'$v'", "\\\nw", "\"\"", "''", "#no", "a#b", "~x", "=", "@", "%", "^", "+", ",", ":", "a,b", "{,}", "s{t,}u", "!", "!x", "[", "]"];

    [Fact]
    public async Task What_is_understood_is_also_syntax_to_bash()
    {
        var random = new Random(20261121);
        var commands = new List<string>();
        string[] tables = ["reading.txt", "writing.txt", "reaching.txt"];
        foreach (var line in tables.SelectMany(CorpusTests.Lines))
        {
            var command = line[(line.IndexOf(":: ", StringComparison.Ordinal) + 3)..].Replace('␤', '\n');
            commands.Add(command);
            for (var i = 0; i < 20; i++)
            {
                commands.Add(Mutate(command, random));
            }
        }

        // Complete, rather than understood: it is the claim about the shell alone.
        var claimed = commands.Where(c => !c.Contains('\0', StringComparison.Ordinal) && RiskAssessor.Assess(
            c, "/home/me/proj", "/home/me/proj", "/home/me").Complete).Distinct(StringComparer.Ordinal).Take(1_500).ToList();
        Assert.True(claimed.Count > 800);
        var output = await RunBashAsync("for f in \"$1\"/*; do /bin/bash -n \"$f\" 2>/dev/null || echo \"${f##*/}\"; done", claimed);
        var refused = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(n => claimed[int.Parse(n)]).ToList();
        Assert.True(refused.Count == 0, $"seed 20261121; bash refuses: {string.Join("\n---\n", refused)}");
    }

    [Fact]
    public async Task Every_command_that_bash_runs_was_found_with_its_exact_arguments()
    {
        var random = new Random(4711);
        var commands = Enumerable.Range(0, 600).Select(_ => Script(random, 0)).ToList();
        const string Driver = """
            shopt -s extglob; shopt -u extglob
            note() { local r; printf -v r '%s\037' "$@"; printf '%s\036' "$r" >&9; }
            c1() { note c1 "$@"; }
            c2() { note c2 "$@"; return 1; }
            c3() { note c3 "$@"; echo out; }
            PATH=/nonexistent
            cd "$2"
            for f in "$1"/*; do
              printf '\035%s\036' "${f##*/}" >&9
              ( v=value; eval "$(<"$f")"; wait ) </dev/null >/dev/null 2>&1
            done
            """;
        var output = await RunBashAsync($"exec 9>&1; {Driver}", commands);
        var compared = 0;
        var failures = new StringBuilder();
        foreach (var record in output.Split('\u001d', StringSplitOptions.RemoveEmptyEntries))
        {
            var calls = record.Split('\u001e', StringSplitOptions.RemoveEmptyEntries);
            var command = commands[int.Parse(calls[0])];
            var risk = RiskAssessor.Assess("v=value; " + command, "/home/me/proj", "/home/me/proj", "/home/me");
            var found = risk.Commands.Select(c => string.Join('\u001f', c.Argv) + "\u001f").ToHashSet(StringComparer.Ordinal);
            foreach (var call in calls.Skip(1))
            {
                // A command with an argument that is only known at run time is there under its source; what must hold is its program.
                var program = call[..2];
                var named = found.Contains(call) || risk.Commands.Any(c => !c.Exact && c.Argv[0] == program);
                if (risk.Complete ? !found.Contains(call) && !risk.Commands.Any(c => !c.Exact && c.Argv[0] == program) : !named
                    && risk.Tier == RiskTier.Read)
                {
                    failures.AppendLine(
                        $"not found: {call.Replace('\u001f', '|')} in: {command}\n   found: {string.Join("  ", found).Replace('\u001f', '|')}");
                }

                compared++;
            }
        }

        Assert.True(failures.Length == 0, $"seed 4711\n{failures}");
        Assert.True(compared > 500, $"only {compared} calls");
    }

    private static string Script(Random random, int depth)
    {
        string Inner() => Script(random, depth + 1);
        return (depth > 3 ? 0 : random.Next(22)) switch
        {
            11 => $"{Inner()}; {Inner()}",
            12 => $"{Inner()} && {Inner()}",
            13 => $"{Inner()} || {Inner()}",
            14 => $"{Inner()} | {Inner()}",
            15 => $"({Inner()})",
            16 => $"{{ {Inner()}; }}",
            17 => $"if {Inner()}; then {Inner()}; else {Inner()}; fi",
            18 => $"for w in {Word(random)} {Word(random)}; do c1 $w \"$w\"; {Inner()}; done",
            19 => $"case {Word(random)} in a) {Inner()} ;; *) {Inner()} ;; esac",
            20 => $"f() {{ {Inner()}; }}; f",
            21 => $"c3 <<E\n$v $(c1 here)\nE\n{Inner()}",
            _ => Simple(random),
        };
    }

    private static string Simple(Random random)
        => $"{(random.Next(4) == 0 ? "! " : "")}c{random.Next(1, 4)}{string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => " " + Word(random)))}{(random.Next(6) == 0 ? " 2>&1 >/dev/null" : "")}";

    private static string Word(Random random)
        => s_words[random.Next(s_words.Length)] + (random.Next(4) == 0 ? s_words[random.Next(s_words.Length)] : "");

    private static string Mutate(string command, Random random)
    {
        const string Alphabet = "'\"\\`$(){}[]<>|&;!#~=*?,. \n\tab1";
        var text = new StringBuilder(command);
        for (var i = random.Next(1, 3); i > 0 && text.Length > 0; i--)
        {
            var at = random.Next(text.Length);
            switch (random.Next(3))
            {
                case 0:
                    text.Remove(at, 1);
                    break;
                case 1:
                    text.Insert(at, Alphabet[random.Next(Alphabet.Length)]);
                    break;
                default:
                    text[at] = Alphabet[random.Next(Alphabet.Length)];
                    break;
            }
        }

        return text.ToString();
    }

    private static async Task<string> RunBashAsync(string script, List<string> commands)
    {
        var folder = Directory.CreateTempSubdirectory("risk-bash-").FullName;
        try
        {
            var cases = Directory.CreateDirectory(Path.Combine(folder, "cases")).FullName;
            var empty = Directory.CreateDirectory(Path.Combine(folder, "empty")).FullName;
            for (var i = 0; i < commands.Count; i++)
            {
                await File.WriteAllTextAsync(Path.Combine(cases, $"{i:D5}"), commands[i], TestContext.Current.CancellationToken);
            }

            var start = new ProcessStart
            {
                Program = "/bin/bash",
                Arguments = ["--norc", "--noprofile", "-c", script, "bash", cases, empty],
                WorkingDirectory = empty,
                Environment = new Dictionary<string, string>(StringComparer.Ordinal),
            };
            var result = await CommandRun.RunAsync(
                start, Wait.Limit, 64 << 20, TimeProvider.System, TestContext.Current.CancellationToken);
            Assert.False(result.TimedOut);
            return result.Output;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
