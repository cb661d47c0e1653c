using PocketCoder.Risks.Walking;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Shells and interpreters: shell text is walked, everything else is code that can't be seen into.</summary>
internal static class Shells
{
    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("bash sh dash zsh ksh mksh ash rbash", Shell, Traits.OwnCheck);
        programs.Add("fish csh tcsh pwsh powershell nu xonsh elvish", static call => call.RunsCode(call.Shown, $"Runs commands in another shell language: {call.Shown}"), Traits.OwnCheck);
        programs.Add("python python2 python3 python3.11 python3.12 python3.13 pypy pypy3 ipython node nodejs deno bun perl ruby php lua luajit tclsh wish Rscript julia ghci runghc scala groovy guile racket sbcl erl elixir iex osascript java dotnet-script tsx ts-node gdb lldb sqlite3 psql mysql mongosh redis-cli bc dc", Interpreter, Traits.OwnCheck);
    }

    private static void Shell(Invocation call)
    {
        for (var i = 0; i < call.Args.Count; i++)
        {
            var arg = call.Args[i];
            if (!arg.Exact)
            {
                call.Report.NotUnderstood(arg.Text, $"An argument of {call.Name} is only known when it runs: {arg.Text}", ConsequenceKind.RunsCode);
                return;
            }

            if (arg.Text is "-o" or "+o" or "-O" or "+O")
            {
                i++;
                continue;
            }

            if (arg.Text.StartsWith('-') && arg.Text.Length > 1 && !arg.Text.StartsWith("--", StringComparison.Ordinal))
            {
                if (!arg.Text.Contains('c', StringComparison.Ordinal))
                {
                    if (arg.Text.Contains('s', StringComparison.Ordinal))
                    {
                        FromInput(call);
                        return;
                    }

                    if (arg.Text.AsSpan().ContainsAny("il"))
                    {
                        call.Report.NotUnderstood(arg.Text, $"Starts a shell that reads its own start files or its input: {call.Shown}");
                    }

                    continue;
                }

                if (arg.Text.AsSpan().ContainsAny("il"))
                {
                    call.Report.NotUnderstood(arg.Text, "Starts a shell that reads its own start files.", ConsequenceKind.ChangesMeaning, RiskTier.WorkspaceWrite);
                }

                var text = call.Args.Skip(i + 1).SkipWhile(a => a.Text == "--").ToList();
                if (text.Count == 0 || text[0].Text.StartsWith('-') || text[0].Text.StartsWith('+'))
                {
                    call.Report.NotUnderstood(call.Shown, $"Which text the shell runs is not clear: {call.Shown}", ConsequenceKind.RunsCode);
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

        // curl … | sh: nobody sees the text before it runs.
        var downloaded = (substituted || call.Context.Input == Input.Pipe) && call.Report.ReachesOut;
        call.Report.NotUnderstood(
            call.Shown,
            downloaded ? "Runs as commands what was just downloaded." : $"Runs as commands what {call.Name} reads from its input.",
            ConsequenceKind.RunsCode,
            downloaded ? RiskTier.Destructive : RiskTier.ReachesOut);
    }

    private static void Interpreter(Invocation call)
    {
        if (call.Args is [{ Exact: true, Text: "--version" or "-V" or "-version" }] or [{ Exact: true, Text: "-v" }] && call.Name is not ("bc" or "dc" or "erl" or "gdb" or "lldb"))
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
        var downloaded = call.Context.Input == Input.Pipe && call.Report.ReachesOut && !call.Args.Any(a => !a.Text.StartsWith('-'));
        call.RunsCode(
            call.Shown,
            downloaded ? "Runs as a program what was just downloaded." : $"Runs a program that can do anything: {call.Shown}",
            downloaded ? RiskTier.Destructive : RiskTier.ReachesOut);
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
