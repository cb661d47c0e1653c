using System.Buffers;
using PocketCoder.Risks.Reading;

namespace PocketCoder.Risks.Tests;

/// <summary>
/// Makes command lines out of the grammars of what only looks, and out of what lies beside them: unknown letters in clusters, shortened
/// options, options of other programs, operands too many, options behind operands, values and words in every way of quoting. Gives those
/// that are called read-only.
/// </summary>
internal sealed class ReadingCommands(Random random)
{
    /// <summary>Characters that keep a meaning between double quotes, and without any quotes.</summary>
    private static readonly SearchValues<char> s_doubleQuoted = SearchValues.Create("$`\"\\!"), s_bare = SearchValues.Create(
        " {}\n;|&()<>$\\*?[]#\"");

    private static readonly string[] s_files = ["a.txt", "b.txt", "data.json", "a.txt.gz", "a.txt.xz", "a.txt.bz2", "a.txt.zst", "a.tar",
        "a.hex", "src", "src/x.cs", "new.txt", "missing", ".", "evil.sh", "script", "F", "-", "*.txt", "../p/a.txt"];

    private static readonly string[] s_values =
        ["1", "2", "5", "-1", "10", "x", "a", ":", ",", "%s", "name", "size", "c", "d", "utf-8", "always", "never", "auto", "HEAD", "v1",
        "main", "a.txt", "F", "o", "evil.sh", "./evil.sh", "all", "2020-01-01", "1,2", "o=x", "e", "w F"];

    private static readonly string[] s_revisions =
        ["HEAD", "HEAD~1", "main", "feature", "v1", "HEAD:a.txt", "stash@{0}", "HEAD@{1}", "main..feature", "origin", "user.name",
        "refs/heads/main", "--", "a.txt", "src", "new", "set-url", "add", "drop", "expire", "delete", "clear", "update"];

    private static readonly string[] s_beside =
    [
        "-o", "-oF", "-o out", "--output=out", "--outp=out", "--output out", "-w out", "-W exec script", "-Wexec script", "-i", "-i.bak",
        "--in-place", "--exec ./evil.sh", "-x ./evil.sh", "--pre=./evil.sh", "-O./evil.sh", "--ext-diff",
        "--textconv", "--lost-found", "-d", "-D", "-m new", "-c new", "-f", "-f script", "--delete", "-u origin",
        "--compress-program=./evil.sh", "--use-compress-program=./evil.sh", "-I ./evil.sh", "--to-command=./evil.sh",
        "--checkpoint=1 --checkpoint-action=exec=./evil.sh", "-C", "-s", "--files0-from=F", "--rm", "-k", "-R", "-r", "-p", "-z", "-ps",
        "-bits", "-cols 9", "-e '1e touch pwned'", "-ne '1w F'", "-Ene '1e touch pwned'", "--expr='1e touch pwned'",
        "-n", "+F", "--version", "--help", "-P ./evil.sh", "--pager=./evil.sh", "-L .", "-T .", "-S ./evil.sh", "--log-file=out", "-J",
        "-W", "-A", "--sync", "--set=2020-01-01", "-v", "--debug", "-E",
    ];

    private static readonly string[] s_sed =
    [
        "p", "d", "1p", "$d", "s/o/0/", "s/o/0/g", "s|t|T|p", "s/t/touch pwned/e", "s/o/0/w F", "1e touch pwned", "e touch pwned", "1w F",
        "w F", "r script", "R script", "W F", "y/abc/xyz/", "2q", "a text", "a\\\ntext", "i text", "c\\\ntext", ":a", "ba", "ta",
        "/o/p", "/[/]/p", "/o/,/t/d", "1!d", "{p;d}", "n;d", "=", "l", "x;G", "s/[/]/x/w F", "a text\\\n1e touch pwned", "}", "b}", ":x}a",
        "s/\\n/;/", "#n", "F", "v", "s/a/b/;w F", "1~2p", "0,/o/p", "\\,o,p",
    ];

    private static readonly string[] s_awk =
    [
        "{print}", "{print $1}", "NR>1", "NR >= 2", "/o/", "/o/ || /t/", "{print > \"F\"}", "{print >> \"out\"}", "{print | \"cat\"}",
        "BEGIN{system(\"touch pwned\")}", "{\"date\" | getline d}", "{getline}", "END{print NR}", "{s+=$1} END {print s}",
        "{gsub(/o/,\"0\"); print}",
        "{print length($0)}", "BEGIN{printf \"%s\\n\", 1}", "@load \"x\"", "{print >= \"F\"}", "{print $0 >\"F\"}", "BEGIN{close(\"F\")}",
        "BEGIN{print toupper(\"x\")}",
    ];

    private static readonly string[] s_jq = [".", ".a", ".a[]", "keys", "length", "map(.)", "import \"m\" as m; .", "include \"m\"; .",
        "input_filename", "env", "$ENV", "[.[]|tostring]", "@sh", "input", "def f: .; f"];

    private static readonly HashSet<string> s_left = new(StringComparer.Ordinal)
        { "yes", "sleep", "top", "caffeinate", "timeout", "gtimeout", "vmstat", "iostat", "sync" };

    /// <summary>Programs that take long to start, or that talk to a service that no sandbox has: a few of each.</summary>
    private static readonly HashSet<string> s_slow = new(StringComparer.Ordinal)
        { "npm", "pnpm", "yarn", "pip", "pip3", "uv", "node", "nodejs", "dotnet", "java", "mvn", "gradle", "cargo", "go", "docker",
        "podman", "systemctl", "journalctl", "apt", "gdb", "poetry", "gem", "bundle", "composer", "deno", "bun" };

    public static RiskTier Tier(string command) => RiskAssessor.Assess(command, "/mnt/p", "/mnt/p", "/mnt/home").Tier;

    /// <summary>Commands of programs that are installed here, each program and verb its share.</summary>
    public IReadOnlyList<string> Take(int count)
    {
        var shapes = ReadingPrograms.All.Select(g => (Name: g.Key, Grammar: (OptionGrammar?)g.Value))
            .Concat(ReadingGit.All.Select(g => (Name: "git " + g.Key, Grammar: (OptionGrammar?)g.Value)))
            .Concat([("sed", null), ("sed", null), ("sed", null), ("find", null), ("find", null), ("env", null), ("awk", null),
                ("mawk", null), ("xxd", null)])
            .Where(s => !s_left.Contains(s.Name) && IsInstalled(s.Name.Split(' ')[0])).ToList();
        var found = new HashSet<string>(StringComparer.Ordinal);
        for (var round = 0; round < 200 && found.Count < count; round++)
        {
            foreach (var (name, grammar) in shapes.Where(s => round < 1 || !s_slow.Contains(s.Name.Split(' ')[0])))
            {
                for (var tries = 0; tries < 6 && found.Count < count; tries++)
                {
                    var command = Command(name, grammar);
                    if (random.Next(8) == 0)
                    {
                        command += (string[])[" | cat", " && true", " 2>&1 >/dev/null", " ; ls", " || echo x"] is var ends
                            ? ends[random.Next(ends.Length)] : "";
                    }

                    if (Tier(command) == RiskTier.Read && found.Add(command))
                    {
                        break;
                    }
                }
            }
        }

        return [.. found];
    }

    private static bool IsInstalled(string program)
        => program is "echo" or "true" or "false" or "test" or "[" or "type" or "pwd" or ":" or "printf" or "jobs"
            || Path.Exists($"/usr/bin/{program}") || Path.Exists($"/bin/{program}");

    private string Any(string[] from) => from[random.Next(from.Length)];

    private string Command(string name, OptionGrammar? grammar)
    {
        var words = new List<string>();
        var options = grammar?.Options.Where(o => o.Name.Length > 1).ToList() ?? [];
        for (var i = random.Next(4); i > 0; i--)
        {
            words.Add(random.Next(4) == 0 || options.Count == 0 ? Beside(options) : Render(options[random.Next(options.Count)]));
        }

        var program = name.Split(' ')[0];
        List<string> operands = program switch
        {
            "sed" or "gsed" => [Script(s_sed, ";\n"), .. Files(2)],
            "awk" or "mawk" or "gawk" or "nawk" => [Script(s_awk, ";"), .. Files(2)],
            "jq" or "yq" => [Quote(Any(s_jq)), .. Files(2)],
            "find" => [.. Files(1), .. Enumerable.Range(0, random.Next(4)).Select(_ => Any(["-name '*.txt'", "-type f", "-print", "-print0",
                "-ls", "-exec cat {} +", "-exec ./evil.sh {} \\;", "-delete", "-fprint out", "-newer a.txt", "-maxdepth 1", "-printf '%p'",
                "-o", "-not", "-empty", "-fls out", "-exec grep -l o {} \\;", "-execdir sed -n 1p {} \\;"]))],
            "env" => [Any(["LANG=C", "-i", "-u HOME", "-S 'touch F'", "--"]),
                Any(["ls", "cat a.txt", "touch F", "xxd a.txt out", "git status"])],
            "tar" => [.. Files(2)],
            "git" => [.. Enumerable.Range(0, random.Next(4)).Select(_ => Any(s_revisions))],
            "nice" or "nohup" or "setsid" or "stdbuf" or "time" or "ionice" or "xargs" or "watch" or "flock" or "taskset" or "chrt"
                or "prlimit" => [Any(["ls", "cat a.txt", "touch F", "1 ls", "F ls", "rm F"])],
            _ => Files(4),
        };
        var split = random.Next(3) == 0 ? random.Next(operands.Count + 1) : 0;
        return string.Join(' ', [.. name.Split(' ').Select(Quote), .. operands.Take(split), .. words, .. operands.Skip(split)]);
    }

    private List<string> Files(int most) => [.. Enumerable.Range(0, random.Next(most)).Select(_ => Any(s_files))
        .Select(f => f.Contains('*', StringComparison.Ordinal) ? f : Quote(f))];

    private string Script(string[] pieces, string joints)
        => Quote(string.Join(joints[random.Next(joints.Length)], Enumerable.Range(0, random.Next(1, 4)).Select(_ => Any(pieces))));

    private string Beside(List<Option> options)
    {
        switch (random.Next(4))
        {
            case 0:
                return "-" + string.Concat(Enumerable.Range(0, random.Next(1, 4))
                    .Select(_ => "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[random.Next(62)]));
            case 1 when options.Find(o => o.Name.Length > 5) is not null:
                var longs = options.Where(o => o.Name.Length > 5).ToList();
                var name = longs[random.Next(longs.Count)].Name;
                return name[..random.Next(3, name.Length)];
            default:
                return Any(s_beside);
        }
    }

    private string Render(Option option)
    {
        var value = option.IsFile ? Any(s_files) : Any(s_values);
        var longer = option.Name.StartsWith("--", StringComparison.Ordinal);
        return option.Value switch
        {
            OptionValue.None => option.Name == "-#" ? "-" + random.Next(1, 30) : random.Next(4) == 0
                && !longer ? option.Name + "abcdeEfgilnrstuvwxz"[random.Next(18)] : Quote(option.Name),
            OptionValue.Two => $"{option.Name} x {Quote(value)}",
            OptionValue.Attached => random.Next(2) == 0 ? option.Name : longer ? $"{option.Name}={Quote(value)}"
                : option.Name + Quote(value),
            _ => random.Next(2) == 0 ? $"{option.Name} {Quote(value)}" : longer ? $"{option.Name}={Quote(value)}"
                : option.Name + Quote(value),
        };
    }

    /// <summary>The same word, written in one of the ways that the shell knows.</summary>
    private string Quote(string word) => word.Contains('\'', StringComparison.Ordinal) ? word : random.Next(6) switch
    {
        0 => $"'{word}'",
        1 when !word.AsSpan().ContainsAny(s_doubleQuoted) => $"\"{word}\"",
        2 when word.Length > 1 && char.IsAsciiLetterOrDigit(word[0]) && !word.AsSpan().ContainsAny(s_bare) => $"{word[0]}''{word[1..]}",
        3 when word.Length > 0 && char.IsAsciiLetterLower(word[0]) && word.All(char.IsAsciiLetterOrDigit) => $"\\{word}",
        _ => word.All(c => char.IsAsciiLetterOrDigit(c) || "_-./:=,+@%".Contains(c, StringComparison.Ordinal)) ? word : $"'{word}'",
    };
}
