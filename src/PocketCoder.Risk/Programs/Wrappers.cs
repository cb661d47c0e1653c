using PocketCoder.Risks.Reading;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Programs that start another program: what counts is that one.</summary>
internal static class Wrappers
{
    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("env", Env, Traits.OwnCheck | Traits.Exact);
        programs.Add("nohup time caffeinate chronic unbuffer catchsegv nice ionice timeout gtimeout stdbuf taskset chrt prlimit entr",
            After, Traits.OwnCheck | Traits.Exact);
        programs.Add("setsid", Detached, Traits.OwnCheck | Traits.Exact);
        programs.Add("strace ltrace", static call => Tracer(call), Traits.OwnCheck);
        programs.Add("busybox toybox", Applet, Traits.OwnCheck | Traits.Exact);
        programs.Add("sudo", static call => Elevated(call, "ugpCTUhDR"), Traits.OwnCheck);
        programs.Add("doas", static call => Elevated(call, "uC"), Traits.OwnCheck);
        programs.Add("pkexec run0", static call => Elevated(call, "u"), Traits.OwnCheck);
        programs.Add("runuser", static call => SwitchUser(call), Traits.OwnCheck);
        programs.Add("su", SwitchUser, Traits.OwnCheck);
        programs.Add("setpriv unshare nsenter chroot fakeroot bwrap firejail proot systemd-run flatpak-spawn capsh",
            static call => Other(call, "runs a program with other permissions or in another view of the system"), Traits.OwnCheck);
        programs.Add("xargs gxargs", Xargs, Traits.OwnCheck | Traits.Exact);
        programs.Add("parallel", static call => Parallel(call), Traits.OwnCheck);
        programs.Add("watch", Watch, Traits.OwnCheck | Traits.Exact);
        programs.Add("flock", Flock, Traits.OwnCheck);
        programs.Add("script", Script, Traits.OwnCheck);
        programs.Add("expect", static call => call.RunsUnseen("expect", "Runs an expect script, which starts and types into programs."),
            Traits.OwnCheck);
        programs.Add("tmux screen zellij dtach abduco", static call => Other(call, "runs programs in a terminal that keeps running"),
            Traits.OwnCheck);
        programs.Add("make gmake just task ninja cmake", Build);
    }

    /// <summary>Options, perhaps operands, then the command.</summary>
    private static void After(Invocation call) => call.Start(call.Args.Skip(CommandAt(call)));

    /// <summary>Where the command begins. When an option is not known that isn't certain, and what is told of it is a guess.</summary>
    private static int CommandAt(Invocation call)
    {
        if (WrapperGrammars.CommandAt(call.Name, call.Args) is { } at)
        {
            return at;
        }

        call.Report.NotUnderstood(call.Name, $"Unknown options of {call.Name}, so the program it starts is uncertain: {call.Shown}");
        return Skip(call, "") + (call.Name is "timeout" or "gtimeout" or "taskset" or "chrt" or "flock" ? 1 : 0);
    }

    private static void Detached(Invocation call)
    {
        After(call);
        if (call.Has("-f", "--fork"))
        {
            call.Report.Add(ConsequenceKind.Process, call.Shown, $"Starts a process that outlives the command: {call.Shown}",
                RiskTier.WorkspaceWrite);
        }
    }

    private static int Skip(Invocation call, string valued)
    {
        var i = 0;
        for (; i < call.Args.Count && call.Args[i].Text.Length > 1 && call.Args[i].Text[0] == '-'; i++)
        {
            var text = call.Args[i].Text;
            if (text == "--")
            {
                return i + 1;
            }

            if (text.StartsWith("--", StringComparison.Ordinal))
            {
                // Which long options take the next word is known of none here: without an equals sign the place of the command isn't clear.
                if (!text.Contains('=', StringComparison.Ordinal)
                    && text is not ("--foreground" or "--preserve-status" or "--verbose" or "--wait" or "--fork" or "--ctty"
                    or "--portability" or "--null" or "--no-run-if-empty" or "--ignore-environment" or "--interactive" or "--background"))
                {
                    call.Report.NotUnderstood(text, $"An option of {call.Name} is not known: {text}");
                }
            }
            else if (valued.Length > 0 && valued.Contains(text[^1], StringComparison.Ordinal)
                && !text.AsSpan(1, text.Length - 2).ContainsAny(valued))
            {
                i++;
            }
        }

        return i;
    }

    /// <summary>GNU env also splits one argument into a command line (<c>-S</c>), in ways of its own.</summary>
    private static void Env(Invocation call)
    {
        for (var i = 0; i < call.Args.Count; i++)
        {
            var arg = call.Args[i];
            var text = arg.Text;
            if (!arg.Known)
            {
                call.Report.NotUnderstood(text, $"An argument of env is known only at run time: {text}");
                return;
            }

            if (text == "--")
            {
                continue;
            }

            if (text.StartsWith("-S", StringComparison.Ordinal) || text.StartsWith("--s", StringComparison.Ordinal)
                || (text.Length > 2 && text[0] == '-' && text[1] != '-' && text.Contains('S', StringComparison.Ordinal)))
            {
                SplitString(call, i);
                return;
            }

            if (text is "-i" or "-" or "-0" or "-v" or "--ignore-environment" or "--null" or "--debug")
            {
                continue;
            }

            if (text is "-u" or "--unset" or "-C" or "--chdir" || text.StartsWith("-u", StringComparison.Ordinal)
                || text.StartsWith("--unset=", StringComparison.Ordinal))
            {
                if (text is "-C" or "--chdir")
                {
                    call.Report.NotUnderstood(text, "Runs in another folder, which is not analysed.");
                }

                i += text is "-u" or "--unset" or "-C" or "--chdir" ? 1 : 0;
                continue;
            }

            if (text.StartsWith('-'))
            {
                call.Report.NotUnderstood(text, $"An option of env is not known: {text}");
                continue;
            }

            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                call.Start(call.Args.Skip(i));
                return;
            }

            call.Walker.Assigned(text[..equals], arg with { Text = text[(equals + 1)..] }, forProgram: true);
        }

        call.Report.CannotBeUndone(); // prints the environment
    }

    private static void SplitString(Invocation call, int at)
    {
        var text = call.Args[at].Text;
        var rest = call.Args.Skip(at + 1).ToList();
        var s = text.IndexOf('S', StringComparison.Ordinal);
        var line = text.StartsWith("--", StringComparison.Ordinal)
            ? text.Contains('=', StringComparison.Ordinal) ? text[(text.IndexOf('=', StringComparison.Ordinal) + 1)..] : null
            : s + 1 < text.Length ? text[(s + 1)..] : null;
        if (line is null && rest.Count > 0)
        {
            line = rest[0].Text;
            rest.RemoveAt(0);
        }

        call.Report.NotUnderstood("env -S", "env splits a text into a command by its own rules.", ConsequenceKind.ChangesMeaning);
        if (line is null)
        {
            return;
        }

        // Close to the shell's rules for what is usual; walked for what it shows, and never taken as understood.
        call.Script(new Arg("env " + line + " " + string.Join(
            ' ', rest.Select(r => r.Exact ? "'" + r.Text.Replace("'", "'\\''", StringComparison.Ordinal) + "'" : "\"$unknown\""))));
    }

    private static void Applet(Invocation call)
    {
        if (call.Args is [{ Exact: true } applet, ..] && !applet.Text.StartsWith('-'))
        {
            call.Start(call.Args);
        }
        else if (call.Args.Count > 0)
        {
            call.Unknown($"An option of {call.Name} is not known: {call.Shown}");
        }
    }

    private static void Elevated(Invocation call, string valued)
    {
        call.Privilege($"Runs as another user, usually root: {call.Shown}");
        var i = Skip(call, valued);
        for (; i < call.Args.Count && call.Args[i].Text.IndexOf('=', StringComparison.Ordinal) is var equals and > 0
            && !call.Args[i].Text.StartsWith('-'); i++)
        {
            call.Walker.Assigned(call.Args[i].Text[..equals], call.Args[i] with { Text = call.Args[i].Text[(equals + 1)..] },
                forProgram: true);
        }

        if (i >= call.Args.Count || call.Has("-s", "-i", "--shell", "--login", "-e", "--edit"))
        {
            call.RunsCode(call.Name, $"Opens a shell or an editor as another user: {call.Shown}", RiskTier.Destructive);
        }

        call.Start(call.Args.Skip(i));
    }

    private static void SwitchUser(Invocation call)
    {
        call.Privilege($"Runs as another user, usually root: {call.Shown}");
        List<Arg> texts = [.. call.Values("-c", "--command").Take(1)];
        texts.ForEach(call.Script);
        if (texts.Count == 0)
        {
            call.RunsCode(call.Name, "Opens a shell as another user.", RiskTier.Destructive);
        }
    }

    private static void Other(Invocation call, string what)
    {
        call.Report.NotUnderstood(call.Name, $"{call.Name} {what}: {call.Shown}", ConsequenceKind.RunsCode, RiskTier.Destructive);
        var i = Skip(call, "");
        if (i < call.Args.Count && call.Args[i].Exact)
        {
            call.Start(call.Args.Skip(i));
        }
    }

    private static void Tracer(Invocation call)
    {
        call.Report.NotUnderstood(call.Name, $"Traces a program and may write a log: {call.Shown}");
        call.Start(call.Args.Skip(Skip(call, "eoEpPsuXIbaO")));
    }

    private static void Xargs(Invocation call)
    {
        var i = CommandAt(call);
        var replaces = call.Args.Take(i).ToList().FindIndex(a => a.Text.StartsWith("-I", StringComparison.Ordinal)
            || a.Text.StartsWith("-i", StringComparison.Ordinal) || a.Text.StartsWith("--r", StringComparison.Ordinal));
        var mark = replaces < 0 ? null : call.Args[replaces].Text is "-I"
            && replaces + 1 < i ? call.Args[replaces + 1].Text : call.Args[replaces].Text is ['-', 'I', ..] t ? t[2..] : "{}";
        List<Arg> command = [.. call.Args.Skip(i)];
        if (command.Count == 0)
        {
            command.Add(new Arg("echo"));
        }

        call.Start(mark is { Length: > 0 }
            ? command.Select(a => a.Text.Contains(mark, StringComparison.Ordinal) ? a with { Known = false } : a)
            : command.Append(new Arg("(what xargs reads)", Known: false, Splits: true)));
    }

    private static void Parallel(Invocation call)
    {
        call.Report.NotUnderstood("parallel", $"Builds commands from its input: {call.Shown}", ConsequenceKind.RunsCode);
        List<Arg> command = [.. call.Args.SkipWhile(a => a.Text.StartsWith('-'))
            .TakeWhile(a => !a.Text.StartsWith(":::", StringComparison.Ordinal))];
        foreach (var value in call.Args.SkipWhile(a => !a.Text.StartsWith(":::", StringComparison.Ordinal)).Skip(1)
            .DefaultIfEmpty(new Arg("(what parallel reads)", Known: false)))
        {
            call.Start(command.Append(value));
        }
    }

    /// <summary>The arguments are joined and given to a shell, or are a command with <c>-x</c>.</summary>
    private static void Watch(Invocation call)
    {
        var at = CommandAt(call);
        var rest = call.Args.Skip(at).ToList();
        if (call.Args.Take(at).Any(a => a.Text is "--exec" || a.Text is ['-', not '-', ..] and [.., 'x']))
        {
            call.Start(rest);
        }

        call.Script(new Arg(string.Join(' ', rest.Select(a => a.Text)), Known: rest.All(a => a.Exact)));
    }

    /// <summary>A build runs what its file says, which the project holds; text in the command itself is something else.</summary>
    private static void Build(Invocation call)
    {
        if (call.Has("--eval", "-E") || call.Args.Any(a => a.Text is "-" or "-f-" or "--file=-"
            || a.Text.StartsWith("/dev/", StringComparison.Ordinal) || a.Text.EndsWith("=/dev/stdin", StringComparison.Ordinal)
            || (!a.Text.StartsWith('-') && a.Text.Contains('=', StringComparison.Ordinal))))
        {
            call.Report.Unseen(); // make SHELL=x, make CC='x;y', make -f -
        }

        call.RunsCode(call.Shown, $"Runs the project's own build: {call.Shown}", RiskTier.WorkspaceWrite);
    }

    private static void Flock(Invocation call)
    {
        var i = Skip(call, "wE");
        call.Writes(call.Args.Skip(i).Take(1));
        var rest = call.Args.Skip(i + 1).ToList();
        if (rest is [{ Text: "-c" or "--command" }, var text, ..])
        {
            call.Script(text);
        }
        else
        {
            call.Start(rest);
        }
    }

    private static void Script(Invocation call)
    {
        List<Arg> texts = [.. call.Values("-c", "--command").Take(1)];
        texts.ForEach(call.Script);
        call.Writes(call.Operands("cEIOBTom", "--command").DefaultIfEmpty(new Arg("typescript")));
        if (texts.Count == 0)
        {
            call.RunsCode("script", "Opens a shell and records it.");
        }
    }
}
