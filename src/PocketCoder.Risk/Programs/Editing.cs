using System.Buffers;
using PocketCoder.Risks.Reading;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Programs that transform text and may write it in place.</summary>
internal static class Editing
{
    /// <summary>What may stand before a command of sed: addresses and what separates.</summary>
    private static readonly SearchValues<char> s_addresses = SearchValues.Create("0123456789$,!{ \t;");

    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("sed gsed", Sed, Traits.OwnCheck | Traits.Exact);
        programs.Add("awk gawk mawk nawk", Awk);
        programs.Add("sort gsort", Sort);
        programs.Add("tee", static call => call.Writes(call.Operands()), Traits.AnyOptions);
        programs.Add("sponge", static call => call.Writes(call.Operands()), Traits.AnyOptions);
        programs.Add("split csplit", static call => DoubtOr(call, ["--filter"], () => call.Writes([new Arg("xaa")])));
        programs.Add("patch", static call => call.RunsCode(call.Shown, "Changes any file that the patch names.", RiskTier.WorkspaceWrite));
        programs.Add("yq", static call => DoubtOr(
            call, ["-i", "--inplace", "--in-place", "-s", "--split-exp"], () => call.Reads(call.Operands().Skip(1))));
        programs.Add("dos2unix unix2dos", static call => call.Writes(call.Operands()));
        programs.Add("prettier", static call => DoubtOr(
            call, ["--plugin", "--config", "--config-path", "--plugin-search-dir"], () => Formatter(call, "--write", "-w")));
        programs.Add("vi vim nvim nano emacs ed ex code",
            static call => call.RunsUnseen(call.Name, $"{call.Name} is an editor; its input is unknown."));
    }

    private static void DoubtOr(Invocation call, ReadOnlySpan<string> doubtful, Action effect)
    {
        if (call.Has(doubtful))
        {
            call.Report.Unseen();
            call.Unknown($"An option of {call.Name} makes it write or run something: {call.Shown}");
        }

        effect();
    }

    private static void Formatter(Invocation call, string longWrite, string shortWrite)
    {
        call.RunsCode(call.Name, $"{call.Name} loads the project's configuration, which may be code.", RiskTier.WorkspaceWrite);
        if (call.Has(longWrite, shortWrite))
        {
            call.Writes(call.Operands());
        }
    }

    /// <summary>
    /// All of sed's options; a script that is not known to be harmless may run a program (<c>e</c>) or write any file (<c>w</c>).
    /// </summary>
    private static readonly OptionGrammar s_sed = new(
        "-nErszu -i. -l: -e: -f:f --quiet --silent --debug --regexp-extended --separate --null-data --unbuffered --posix --sandbox --follow-symlinks --line-length= --expression= --file=f --in-place?");

    private static void Sed(Invocation call)
    {
        ProgramTable.CheckArguments(call, anyOptions: false);
        if (s_sed.Parse(call.Args) is not { } parsed)
        {
            // The usual ways are still told, beside the doubt.
            call.Report.Unseen();
            call.Unknown($"The effect of sed with these options and operands is unknown: {call.Shown}");
            if (call.Args.Any(a => a.Text.StartsWith("-i", StringComparison.Ordinal)
                || a.Text.StartsWith("--in", StringComparison.Ordinal)))
            {
                call.Writes(call.Operands("efl", "--expression", "--file", "--line-length").Skip(1));
            }

            return;
        }

        if (parsed.Has("-f", "--file"))
        {
            call.RunsUnseen("sed", "Runs a script from a file.");
        }

        var given = parsed.Has("-e", "-f", "--expression", "--file");
        // a pattern becomes a script only when it runs
        List<string> scripts = given ? [.. parsed.Values("-e"), .. parsed.Values("--expression")]
            : [.. parsed.Operands.Take(1).Select(o => o.Exact ? o.Text : "?")];
        List<Arg> files = [.. parsed.Operands.Skip(given ? 0 : 1)];
        if (!scripts.All(SedScript.IsHarmless) && !parsed.Has("--sandbox"))
        {
            call.Report.Unseen();
            scripts.ForEach(s => Executed(call, s));
            call.Unknown($"The sed script may write files or run programs: {string.Join(" ; ", scripts)}");
        }

        if (!parsed.Has("-i", "--in-place"))
        {
            call.Reads(files);
            return;
        }

        call.Writes(files);
        if (files.Count == 0)
        {
            call.Unknown("Changes files in place; which ones is unclear.");
        }
    }

    /// <summary>What <c>e</c> runs, where that can be read: it is told, and rules against it see it.</summary>
    private static void Executed(Invocation call, string script)
    {
        foreach (var line in script.Split('\n'))
        {
            var at = line.AsSpan().IndexOfAnyExcept(s_addresses);
            if (at >= 0 && line[at] == 'e' && at + 1 < line.Length && line[at + 1] is ' ' or '\t')
            {
                call.Script(new Arg(line[(at + 1)..].Trim()));
            }
        }
    }

    private static void Awk(Invocation call)
    {
        var operands = call.Operands("vFf", "--field-separator", "--assign");
        if (call.Has("-f", "-i", "-l", "-E", "-e", "-o", "-p", "-d", "-D", "-W", "--file", "--include", "--load", "--exec", "--source",
            "--pretty-print", "--profile", "--dump-variables", "--debug"))
        {
            // -F, may look like -f to nobody: letters are compared with case.
            call.RunsUnseen(call.Name, $"An option of {call.Name} runs a script or writes a file: {call.Shown}");
        }

        if (operands.Count == 0)
        {
            return;
        }

        if (!operands[0].Exact || !AwkScript.IsHarmless(operands[0].Text))
        {
            call.Report.Unseen();
            call.Unknown($"The awk program may write files or run programs: {operands[0].Text}");
        }

        call.Reads(operands.Skip(1));
    }

    private static void Sort(Invocation call)
    {
        if (call.Has("--compress-program", "--files0-from"))
        {
            call.RunsUnseen("sort", $"An option of sort runs a program or reads names: {call.Shown}");
        }

        if (call.Has("-o", "--output"))
        {
            call.Writes(call.Values("-o", "--output"));
        }

        call.Reads(call.Operands("oktST", "--key", "--output", "--field-separator"));
    }
}
