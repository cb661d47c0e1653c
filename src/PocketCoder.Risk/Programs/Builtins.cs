using PocketCoder.Risks.Paths;
using PocketCoder.Risks.Shell;
using PocketCoder.Risks.Walking;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Words that the shell itself carries out.</summary>
internal static class Builtins
{
    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("echo true false", static _ => { }, Traits.AnyArguments);
        programs.Add(": break continue return shift times wait jobs", static _ => { }, Traits.AnyArguments | Traits.Builtin);
        programs.Add("printf", Printf, Traits.AnyArguments);
        programs.Add("test [", Test, Traits.AnyArguments);
        programs.Add("pwd", static _ => { }, Traits.AnyOptions);
        programs.Add("type", static _ => { }, Traits.Builtin | Traits.AnyOptions);
        programs.Add("exit", static call => call.Outcome = new Outcome(null, null), Traits.AnyArguments | Traits.Builtin);
        programs.Add("cd", ChangeFolder, Traits.OwnCheck | Traits.Builtin | Traits.Exact);
        programs.Add("pushd popd", Somewhere, Traits.OwnCheck | Traits.Builtin | Traits.Exact);
        programs.Add("export readonly declare typeset local", Declare, Traits.OwnCheck | Traits.Builtin | Traits.Exact);
        programs.Add("set", Set, Traits.Builtin | Traits.Exact);
        programs.Add("shopt", Shopt, Traits.Builtin | Traits.Exact);
        programs.Add("unset", Unset, Traits.Builtin | Traits.Exact);
        programs.Add("read mapfile readarray", Read, Traits.Builtin | Traits.Exact);
        programs.Add("eval", Eval, Traits.OwnCheck | Traits.Builtin | Traits.Exact);
        programs.Add("source .", Source, Traits.OwnCheck | Traits.Builtin | Traits.Exact);
        programs.Add("command", Command, Traits.OwnCheck | Traits.Builtin | Traits.Exact);
        programs.Add("builtin", static call => call.Start(call.Args, byShellToo: true), Traits.OwnCheck | Traits.Builtin | Traits.Exact);
        programs.Add("exec", Exec, Traits.OwnCheck | Traits.Builtin | Traits.Exact);
        programs.Add("alias", Alias, Traits.OwnCheck | Traits.Builtin | Traits.Exact);
        programs.Add("unalias", static call => call.Report.NotUnderstood(
            "unalias", "Changes the meaning of command words.", ConsequenceKind.ChangesMeaning), Traits.Builtin);
        programs.Add("trap", Trap, Traits.OwnCheck | Traits.Builtin | Traits.Exact);
        programs.Add("umask ulimit", static call => call.Report.NotUnderstood(call.Name,
            $"Changes limits or permissions for later commands: {call.Shown}", ConsequenceKind.ChangesMeaning, RiskTier.WorkspaceWrite),
            Traits.Builtin);
        programs.Add("let getopts enable bind hash complete compgen compopt history fc dirs disown bg fg suspend caller logout",
            static call => call.Report.NotUnderstood(call.Name, $"{call.Name} changes the shell in ways that are not analysed."),
            Traits.Builtin);
    }

    private static void Printf(Invocation call)
    {
        if (call.Args is [var first, ..] && (!first.Known || first.Text.StartsWith("-v", StringComparison.Ordinal)))
        {
            call.Report.NotUnderstood("printf", "Sets a variable whose name may be computed.");
        }
    }

    private static void Test(Invocation call)
    {
        // -v and -eq evaluate subscripts in the shell; everything else only looks.
        if (call.Args.Any(a => !a.Known && a.Splits) || call.Args.Any(a => a.Text is "-v" or "-R"))
        {
            call.Report.NotUnderstood(call.Name, "A test whose operands are known only at run time.");
        }
    }

    private static void ChangeFolder(Invocation call)
    {
        var targets = call.Operands();
        if (targets.Count == 0)
        {
            Move(call, new Arg(call.Walker.Places.Home));
        }
        else if (targets is [{ Exact: true } target] && target.Text != "-"
            && call.Args.All(a => a.Exact && (a == target || a.Text is "--" or "-L")))
        {
            Move(call, target);
        }
        else
        {
            Somewhere(call);
        }
    }

    private static void Move(Invocation call, Arg target)
    {
        var state = call.State;
        if (target.Text.Length == 0 || (state.Folders is null && !target.Text.StartsWith('/')))
        {
            Somewhere(call);
            return;
        }

        IReadOnlyList<string> folders =
            [.. (state.Folders ?? ["/"]).Select(f => PlaceFinder.Logical(f, target.Text)).Distinct(StringComparer.Ordinal)];
        call.Outcome = new Outcome(state with { Folders = folders }, state);
    }

    private static void Somewhere(Invocation call) => call.Outcome = Outcome.Either(call.State with { Folders = null });

    private static void Declare(Invocation call)
    {
        var state = call.State;
        foreach (var arg in call.Args)
        {
            if (arg.Text.StartsWith('-') && arg.Exact)
            {
                if (arg.Text.AsSpan().ContainsAny("infA"))
                {
                    call.Report.NotUnderstood(call.Name, $"A declaration that is not analysed: {call.Shown}");
                }

                continue;
            }

            var equals = arg.Text.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? arg.Text : arg.Text[..equals].TrimEnd('+');
            if (name.Length == 0 || !name.All(WordParser.IsName))
            {
                call.Report.NotUnderstood(arg.Text, $"A declaration whose name is known only at run time: {arg.Text}");
                continue;
            }

            if (equals < 0)
            {
                continue;
            }

            var value = arg with { Text = arg.Text[(equals + 1)..] };
            call.Walker.Assigned(name, value, forProgram: call.Name == "export"
                || call.Args.Any(a => a.Text.StartsWith('-') && a.Text.Contains('x', StringComparison.Ordinal)));
            if (!arg.Glob)
            {
                call.Walker.Follow(ref state, name, value);
            }
        }

        call.Outcome = Outcome.Either(state);
    }

    private static void Set(Invocation call)
    {
        foreach (var arg in call.Args)
        {
            if (arg.Text is not ("-e" or "-u" or "-x" or "-eu" or "-ex" or "-eux" or "-euo" or "-euxo" or "-o" or "+e" or "+x" or "+u"
                or "pipefail" or "errexit" or "nounset" or "xtrace"))
            {
                call.Report.NotUnderstood("set", $"Changes the shell's options or arguments: {call.Shown}", ConsequenceKind.ChangesMeaning);
                return;
            }
        }
    }

    private static void Shopt(Invocation call)
    {
        if (call.Args.Any(a => a.Text is not ("-s" or "-u" or "nullglob" or "failglob")))
        {
            call.Report.NotUnderstood("shopt", $"Changes the shell's options: {call.Shown}", ConsequenceKind.ChangesMeaning);
        }
    }

    private static void Unset(Invocation call)
    {
        foreach (var arg in call.Args)
        {
            if (arg.Text.StartsWith('-') || !arg.Text.All(WordParser.IsName) || SpecialVariables.ChangesMeaning(arg.Text, null))
            {
                call.Report.NotUnderstood(
                    arg.Text, $"Unsets {arg.Text}, which may change the meaning of the rest.", ConsequenceKind.ChangesMeaning);
            }
        }
    }

    private static void Read(Invocation call)
    {
        foreach (var arg in call.Operands("adinNptuCcOs"))
        {
            if (!arg.Text.All(WordParser.IsName) || SpecialVariables.ChangesMeaning(arg.Text, null))
            {
                call.Report.NotUnderstood(arg.Text, $"Reads a value into {arg.Text}.", ConsequenceKind.ChangesMeaning);
            }
        }

        if (call.Has("-C", "-c") && call.Name != "read")
        {
            call.Report.NotUnderstood(call.Name, "Runs a command for each line.", ConsequenceKind.RunsCode);
        }
    }

    private static void Eval(Invocation call)
    {
        if (call.Args.Any(a => !a.Exact))
        {
            call.Report.NotUnderstood("eval", "The commands that eval runs are known only at run time.", ConsequenceKind.RunsCode,
                call.Args.Max(call.TierOfUnseen));
            return;
        }

        // It sets variables and functions for what follows; those are not followed beyond it.
        call.Walker.WalkInline(string.Join(' ', call.Args.Select(a => a.Text)), call.State, call.Context.Inside("eval"));
        call.Report.NotUnderstood("eval", "Evaluates text as commands a second time.", ConsequenceKind.ChangesMeaning);
        Somewhere(call);
    }

    private static void Source(Invocation call)
    {
        call.Reads(call.Args.Take(1));
        if (call.Args is [{ Exact: true } script, ..])
        {
            call.At(script, place => call.Report.Script(place.Path));
        }

        call.Report.NotUnderstood(call.Shown, $"Runs the commands in the file {(call.Args.Count > 0 ? call.Args[0].Text : "")}.",
            ConsequenceKind.RunsCode, call.Args.Count > 0 ? call.TierOfUnseen(call.Args[0]) : RiskTier.ReachesOut);
        Somewhere(call);
    }

    private static void Command(Invocation call)
    {
        if (call.Args is [{ Exact: true, Text: "-v" or "-V" }, ..])
        {
            return; // only looks a name up
        }

        var rest = call.Args.SkipWhile(a => a is { Exact: true, Text: "-p" or "--" }).ToList();
        // Functions don't count behind it, builtins do; the outcome of a cd behind it is not followed.
        if (rest is [{ Text: "cd" or "pushd" or "popd" }, ..])
        {
            Somewhere(call);
        }

        call.Walker.Run(rest.Count == 0 ? [new Arg("true")] : rest, call.State with { Functions = call.State.Functions.Clear() },
            call.Context.Inside("command"));
    }

    private static void Exec(Invocation call)
    {
        var i = 0;
        while (i < call.Args.Count && call.Args[i].Text.StartsWith('-'))
        {
            i += call.Args[i].Text == "-a" ? 2 : 1;
        }

        call.Start(call.Args.Skip(i));
    }

    private static void Alias(Invocation call)
    {
        foreach (var arg in call.Args)
        {
            var equals = arg.Text.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                continue;
            }

            call.Walker.NoteAlias();
            call.Report.NotUnderstood(
                arg.Text, $"Makes {arg.Text[..equals]} stand for: {arg.Text[(equals + 1)..]}", ConsequenceKind.ChangesMeaning);
            call.Script(arg with { Text = arg.Text[(equals + 1)..] });
        }
    }

    private static void Trap(Invocation call)
    {
        if (call.Args is [var action, _, ..] && action.Text is not ("-" or "" or "-p" or "-l"))
        {
            call.Script(action);
        }
    }
}
