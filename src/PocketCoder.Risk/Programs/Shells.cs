using PocketCoder.Risks.Walking;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Shells and interpreters: shell text is walked, everything else is code that can't be seen into.</summary>
internal static class Shells
{
    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("bash sh dash zsh ksh mksh ash rbash", Shell, Traits.OwnCheck | Traits.Exact);
        programs.Add("fish csh tcsh pwsh powershell nu xonsh elvish",
            static call => call.RunsUnseen(call.Shown, $"Runs commands in another shell language: {call.Shown}"), Traits.OwnCheck);
        programs.Add("python python2 python3 python3.11 python3.12 python3.13 pypy pypy3 ipython node nodejs deno bun perl ruby php lua luajit tclsh wish Rscript julia ghci runghc scala groovy guile racket sbcl erl elixir iex osascript java dotnet-script tsx ts-node gdb lldb sqlite3 psql mysql mongosh redis-cli bc dc",
            Interpreter, Traits.OwnCheck);
    }

    private static void Shell(Invocation call)
    {
        for (var i = 0; i < call.Args.Count; i++)
        {
            var arg = call.Args[i];
            if (!arg.Exact)
            {
                call.Report.NotUnderstood(
                    arg.Text, $"An argument of {call.Name} is known only at run time: {arg.Text}", ConsequenceKind.RunsCode);
                return;
            }

            if (arg.Text is "-o" or "+o" or "-O" or "+O")
            {
                i++;
                continue;
            }

            if (arg.Text.StartsWith('-') && arg.Text.Length > 1 && !arg.Text.StartsWith("--", StringComparison.Ordinal))
            {
                if (arg.Text.AsSpan().ContainsAny("oOD"))
                {
                    // They take the next word before -c does.
                    call.Report.NotUnderstood(arg.Text, $"The text that the shell runs is unclear: {call.Shown}", ConsequenceKind.RunsCode);
                    return;
                }

                if (!arg.Text.Contains('c', StringComparison.Ordinal))
                {
                    if (arg.Text.Contains('s', StringComparison.Ordinal))
                    {
                        FromInput(call);
                        return;
                    }

                    if (arg.Text.AsSpan().ContainsAny("il"))
                    {
                        call.Report.NotUnderstood(arg.Text, $"Starts a shell that reads its own startup files or its input: {call.Shown}");
                    }

                    continue;
                }

                if (arg.Text.AsSpan().ContainsAny("il"))
                {
                    call.Report.NotUnderstood(arg.Text, "Starts a shell that reads its own startup files.", ConsequenceKind.ChangesMeaning,
                        RiskTier.WorkspaceWrite);
                }

                var text = call.Args.Skip(i + 1).SkipWhile(a => a.Text == "--").ToList();
                if (text.Count == 0 || text[0].Text.StartsWith('-') || text[0].Text.StartsWith('+'))
                {
                    call.Report.NotUnderstood(
                        call.Shown, $"The text that the shell runs is unclear: {call.Shown}", ConsequenceKind.RunsCode);
                    return;
                }

                call.Script(text[0]);
                return;
            }

            if (arg.Text is "--" or "-" or "--norc" or "--noprofile" or "--posix" or "--version" or "--help")
            {
                if (arg.Text is "--version" or "--help")
                {
                    return;
                }

                continue;
            }

            if (arg.Text.StartsWith('-') || arg.Text.StartsWith('+'))
            {
                call.Report.NotUnderstood(arg.Text, $"An option of {call.Name} is not known: {arg.Text}", ConsequenceKind.RunsCode);
                continue;
            }

            if (arg.Text.StartsWith("/dev/", StringComparison.Ordinal))
            {
                FromInput(call, substituted: true);
                return;
            }

            call.Reads(arg);
            call.At(arg, place => call.Report.Script(place.Path));
            call.RunsCode(arg.Text, $"Runs the script {arg.Text}.");
            return;
        }

        FromInput(call);
    }

    /// <summary>No script is named: the shell runs what comes in.</summary>
    private static void FromInput(Invocation call, bool substituted = false)
    {
        if (call.Context is { Input: Input.Text, Text: { } text })
        {
            call.Script(new Arg(text));
            return;
        }

        NoteInput(call);

        // curl … | sh: nobody sees the text before it runs.
        var downloaded = (substituted || call.Context.Input == Input.Pipe) && call.Report.ReachesOut;
        call.Report.NotUnderstood(
            call.Shown,
            downloaded ? "Runs a fresh download as commands." : $"Runs the input of {call.Name} as commands.",
            ConsequenceKind.RunsCode,
            downloaded ? RiskTier.Destructive : RiskTier.ReachesOut);
    }

    private static void Interpreter(Invocation call)
    {
        if (call.Args is [{ Exact: true, Text: "--version" or "-V" or "-version" }] or [{ Exact: true, Text: "-v" }]
            && call.Name is not ("bc" or "dc" or "erl" or "gdb" or "lldb"))
        {
            if (call.Args[0].Text == "-v" && call.Name is "python" or "python3" or "ruby" or "perl" && call.Name is not "perl")
            {
                call.RunsCode(call.Name, $"{call.Name} -v starts an interpreter.");
            }

            return;
        }

        if (call.Name is "node" or "nodejs" && call.Args is [{ Exact: true, Text: "--check" or "-c" }, var file])
        {
            call.Reads(file);
            return;
        }

        if (call.Name is "bun" or "deno" && call.Args.Count > 0)
        {
            Packages.Runtime(call);
            return;
        }

        NoteScript(call);
        NoteInput(call);
        if (call.Name is "gdb" or "lldb")
        {
            Debugger(call);
        }

        if (!RunsFile(call))
        {
            call.Report.Unseen();
        }

        var downloaded = call.Context.Input == Input.Pipe && call.Report.ReachesOut && !call.Args.Any(a => !a.Text.StartsWith('-'));
        call.RunsCode(
            call.Shown,
            downloaded ? "Runs a fresh download as a program." : $"Runs a program that can do anything: {call.Shown}",
            downloaded ? RiskTier.Destructive : RiskTier.ReachesOut);
    }

    /// <summary><c>sh &lt; x.sh</c>: the file that comes in runs as much as one that is named.</summary>
    private static void NoteInput(Invocation call)
    {
        if (call.Context is { Input: Input.File, File: { Exact: true } file })
        {
            call.At(file, place => call.Report.Script(place.Path));
        }
    }

    /// <summary>
    /// Whether all it runs is a file or a module by its name: <c>python3 -u x.py</c>, <c>node x.js</c>, <c>java -jar x.jar</c>.
    /// </summary>
    private static bool RunsFile(Invocation call)
    {
        var plain = call.Name switch
        {
            "python" or "python2" or "python3" or "python3.11" or "python3.12" or "python3.13" or "pypy" or "pypy3" =>
                "-u -B -I -E -s -S -O -OO -q -m",
            "node" or "nodejs" => "--enable-source-maps --no-warnings --trace-warnings --test --watch",
            "java" => "-jar",
            "perl" or "ruby" or "php" or "lua" or "luajit" or "Rscript" or "tsx" or "ts-node" => "-w",
            _ => null,
        };
        var options = call.Args.TakeWhile(a => !a.Known || a.Text.StartsWith('-')).ToList();
        return plain is not null && options.Count < call.Args.Count && call.Args.All(a => a.Known)
            && options.All(o => o.Exact && plain.Split(' ').Contains(o.Text, StringComparer.Ordinal))
            && call.Args[options.Count] is { Exact: true, Text: not "-" } file
            && !file.Text.StartsWith("/dev/", StringComparison.Ordinal);
    }

    /// <summary>A debugger runs shell commands that its own commands name, and the program it is given.</summary>
    private static void Debugger(Invocation call)
    {
        for (var i = 0; i < call.Args.Count; i++)
        {
            var text = call.Args[i].Text;
            if (text is "--args" or "-args" or "--")
            {
                call.Start(call.Args.Skip(i + 1));
                return;
            }

            if (text.StartsWith('-') && text.TrimStart('-') is "ex" or "iex" or "eval-command" or "init-eval-command" or "o" or "O"
                or "one-line" or "one-line-before-file" or "k" && i + 1 < call.Args.Count)
            {
                Command(call, call.Args[++i]);
            }
            else if (text.StartsWith('-') && text.Contains("eval-command=", StringComparison.Ordinal))
            {
                Command(call, call.Args[i] with { Text = text[(text.IndexOf('=', StringComparison.Ordinal) + 1)..] });
            }
        }
    }

    private static void Command(Invocation call, Arg command)
    {
        foreach (var word in (string[])["shell ", "!", "platform shell ", "pipe ", "make "])
        {
            if (command.Text.TrimStart().StartsWith(word, StringComparison.Ordinal))
            {
                call.Script(command with { Text = command.Text.TrimStart()[word.Length..].TrimStart(['|', ' ']) });
            }
        }
    }

    /// <summary>The program's file: the first argument that is one. Options may have values that stand before it.</summary>
    private static void NoteScript(Invocation call)
    {
        foreach (var arg in call.Args)
        {
            if (!arg.Exact || arg.Text is "-c" or "-e" or "-E" or "-m" or "-p" or "--eval" or "--print")
            {
                return;
            }

            if (arg.Text.StartsWith('-') || (call.State.Folders is null && !arg.Text.StartsWith('/')))
            {
                continue;
            }

            var found = false;
            call.At(arg, place =>
            {
                if (File.Exists(place.Path))
                {
                    call.Report.Script(place.Path);
                    found = true;
                }
            });
            if (found)
            {
                return;
            }
        }
    }
}
