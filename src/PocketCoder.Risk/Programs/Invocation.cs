using PocketCoder.Risks.Paths;
using PocketCoder.Risks.Walking;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>One program with its arguments, and the words in which its effects are told.</summary>
internal sealed class Invocation(Walker walker, IReadOnlyList<Arg> all, ShellState state, Context context, bool byShell)
{
    public string Name { get; init; } = all[0].Text;

    /// <summary>Without the name.</summary>
    public IReadOnlyList<Arg> Args { get; init; } = [.. all.Skip(1)];

    public Walker Walker => walker;

    public Report Report => walker.Report;

    public ShellState State => state;

    public Context Context => context;

    /// <summary>Whether the shell itself runs it, so that builtins do what they do.</summary>
    public bool ByShell => byShell;

    /// <summary>What the shell knows afterwards.</summary>
    public Outcome Outcome { get; set; } = Outcome.Either(state);

    public string Shown => string.Join(' ', all.Select(a => a.Text));

    /// <summary>The same program under another name or with other arguments.</summary>
    public Invocation As(string name, IEnumerable<Arg> args) => new(walker, [new Arg(name), .. args], state, context, byShell);

    /// <summary>
    /// Whether an option is given: long ones also abbreviated, as GNU programs take them; short ones also among others (<c>-xo</c>).
    /// Letters of a short option's value count too, which errs to the side of yes.
    /// </summary>
    public bool Has(params ReadOnlySpan<string> options)
    {
        foreach (var arg in Args)
        {
            if (arg is { Exact: true, Text: "--" })
            {
                return false;
            }

            foreach (var option in options)
            {
                if (Matches(arg.Text, option))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>The values given to an option, in any of the usual spellings.</summary>
    public IEnumerable<Arg> Values(string shortOption, string longOption)
    {
        for (var i = 0; i < Args.Count; i++)
        {
            var text = Args[i].Text;
            if (text == "--")
            {
                yield break;
            }

            if (text.StartsWith("--", StringComparison.Ordinal) && Matches(text, longOption))
            {
                var equals = text.IndexOf('=', StringComparison.Ordinal);
                yield return equals > 0 ? Args[i] with
                { Text = text[(equals + 1)..] } : i + 1 < Args.Count ? Args[++i] : new Arg("", Known: false);
            }
            else if (shortOption.Length > 0 && text.Length > 1 && text[0] == '-' && text[1] != '-'
                && text.IndexOf(shortOption[1], 1) is var at and > 0)
            {
                yield return at + 1 < text.Length ? Args[i] with
                { Text = text[(at + 1)..] } : i + 1 < Args.Count ? Args[++i] : new Arg("", Known: false);
            }
        }
    }

    /// <summary>The arguments that are no options.</summary>
    /// <param name="valued">Short options (letters) that take the next word as their value when they end a word.</param>
    /// <param name="valuedLong">The same for long ones, without an equals sign.</param>
    public List<Arg> Operands(string valued = "", params ReadOnlySpan<string> valuedLong)
    {
        var operands = new List<Arg>();
        for (var i = 0; i < Args.Count; i++)
        {
            var text = Args[i].Text;
            if (text == "--")
            {
                operands.AddRange(Args.Skip(i + 1));
                break;
            }

            if (text.Length < 2 || text[0] != '-' || !Args[i].Known)
            {
                operands.Add(Args[i]);
            }
            else if (text[1] == '-' ? valuedLong.Contains(text) : text.Length > 1 && TakesNext(text, valued))
            {
                i++;
            }
        }

        return operands;
    }

    private static bool TakesNext(string text, string valued)
    {
        for (var i = 1; i < text.Length; i++)
        {
            if (valued.Contains(text[i], StringComparison.Ordinal))
            {
                return i == text.Length - 1;
            }
        }

        return false;
    }

    private static bool Matches(string text, string option)
    {
        if (option.StartsWith("--", StringComparison.Ordinal))
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            var name = equals > 0 ? text[..equals] : text;
            return name.Length > 2 && option.StartsWith(name, StringComparison.Ordinal);
        }

        return text.Length > 1 && text[0] == '-' && text[1] != '-' && text.IndexOf(option[1], 1) > 0;
    }

    public void Reads(IEnumerable<Arg> paths, bool tree = false)
    {
        foreach (var path in paths)
        {
            Reads(path, tree);
        }
    }

    public void Reads(Arg path, bool tree = false) => At(path, p => PathEffects.Read(Report, walker.Places, p, path.Glob, tree));

    public void Writes(IEnumerable<Arg> paths)
    {
        foreach (var path in paths)
        {
            Writes(path);
        }
    }

    public void Writes(Arg path) => At(path, p => PathEffects.Write(Report, walker.Places, p), changes: true);

    public void Deletes(IEnumerable<Arg> paths)
    {
        foreach (var path in paths)
        {
            Report.RaiseUndoable(RiskTier.Destructive);
            if (!path.Known)
            {
                Report.Add(ConsequenceKind.DeletesPath, path.Text, $"Deletes files known only at run time: {path.Text}",
                    RiskTier.Destructive);
            }

            At(path, p => PathEffects.Delete(Report, walker.Places, p), changes: true);
        }
    }

    /// <summary>Every place that the path may mean, by the folders the shell may be in.</summary>
    public void At(Arg path, Action<Place> effect, bool changes = false)
    {
        if (!path.Known)
        {
            Report.NotUnderstood(path.Text, $"The file is known only at run time: {path.Text}");
            return;
        }

        if (state.Folders is null && !path.Text.StartsWith('/'))
        {
            Report.NotUnderstood(path.Text, $"The folder of {path.Text} is known only at run time.");
            return;
        }

        if (changes && PlaceFinder.MayClimb(path))
        {
            Report.NotUnderstood(path.Text, $"{path.Text} may match the parent folder.", ConsequenceKind.WritesPath, RiskTier.Destructive);
        }

        foreach (var folder in path.Text.StartsWith('/') ? ["/"] : state.Folders ?? [])
        {
            effect(walker.Places.Find(folder, path.Text));
        }
    }

    public void Reaches(string host, string what)
        => Report.Add(ConsequenceKind.ReachesHost, host, $"Reaches {host} ({what}).", RiskTier.ReachesOut);

    public void Unknown(string sentence) => Report.Unknown(Name, sentence);

    public void RunsCode(string what, string sentence, RiskTier tier = RiskTier.ReachesOut)
        => Report.Unknown(what, sentence, ConsequenceKind.RunsCode, tier);

    /// <summary>Runs code that stands in its own arguments, or in what it reads.</summary>
    public void RunsUnseen(string what, string sentence, RiskTier tier = RiskTier.ReachesOut)
    {
        Report.Unseen();
        RunsCode(what, sentence, tier);
    }

    public void Privilege(string sentence)
    {
        Report.CannotBeUndone();
        Report.Add(ConsequenceKind.Privilege, Name, sentence, RiskTier.Destructive);
    }

    public void System(string sentence)
    {
        Report.CannotBeUndone();
        Report.Add(ConsequenceKind.System, Name, sentence, RiskTier.Destructive);
    }

    /// <summary>Starts another program with these arguments, behind this wrapper.</summary>
    public void Start(IEnumerable<Arg> args, bool byShellToo = false)
    {
        List<Arg> command = [.. args];
        if (command.Count > 0)
        {
            walker.Run(command, state, context.Inside(Name), byShellToo);
        }
    }

    /// <summary>Code that comes out of a substitution, after something was fetched, is most likely what was fetched.</summary>
    public RiskTier TierOfUnseen(Arg code)
        => Report.ReachesOut && (code.Text.Contains("$(", StringComparison.Ordinal) || code.Text.Contains('`', StringComparison.Ordinal)
            || code.Text.StartsWith("/dev/fd/", StringComparison.Ordinal)) ? RiskTier.Destructive : RiskTier.ReachesOut;

    /// <summary>Runs a text as a script in a shell of its own.</summary>
    public void Script(Arg text)
    {
        if (!text.Exact)
        {
            Report.NotUnderstood(text.Text, $"The commands that {Name} gets are known only at run time.", ConsequenceKind.RunsCode,
                TierOfUnseen(text));
            return;
        }

        var folder = state with { Variables = state.Variables.Clear(), Functions = state.Functions.Clear() };
        Risks.Walking.Walker.WalkScript(text.Text, folder, context.Inside(Name), Report, walker.Places);
    }
}
