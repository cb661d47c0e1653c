using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Programs that transform text and may write it in place.</summary>
internal static class Editing
{
    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("sed gsed", Sed);
        programs.Add("awk gawk mawk nawk", Awk);
        programs.Add("sort gsort", Sort);
        programs.Add("tee", static call => call.Writes(call.Operands()), Traits.AnyOptions);
        programs.Add("sponge", static call => call.Writes(call.Operands()), Traits.AnyOptions);
        programs.Add("split csplit", static call => DoubtOr(call, ["--filter"], () => call.Writes([new Arg("xaa")])));
        programs.Add("patch", static call => call.RunsCode(call.Shown, "Changes whatever files the patch names.", RiskTier.WorkspaceWrite));
        programs.Add("yq", static call => DoubtOr(call, ["-i", "--inplace", "--in-place", "-s", "--split-exp"], () => call.Reads(call.Operands().Skip(1))));
        programs.Add("dos2unix unix2dos", static call => call.Writes(call.Operands()));
        programs.Add("prettier", static call => DoubtOr(call, ["--plugin", "--config", "--config-path", "--plugin-search-dir"], () => Formatter(call, "--write", "-w")));
        programs.Add("vi vim nvim nano emacs ed ex code", static call => call.RunsCode(call.Name, $"{call.Name} is an editor: what is typed into it is not known."));
    }

    private static void DoubtOr(Invocation call, ReadOnlySpan<string> doubtful, Action effect)
    {
        if (call.Has(doubtful))
        {
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

    private static void Sed(Invocation call)
    {
        var scripts = call.Values("-e", "--expression").Where(_ => call.Args.Any(a => a.Text.StartsWith("-e", StringComparison.Ordinal) || a.Text.StartsWith("-ne", StringComparison.Ordinal) || a.Text.StartsWith("--ex", StringComparison.Ordinal) || a.Text is "-ie" or "-Ee" or "-re")).ToList();
        var operands = call.Operands("efl", "--expression", "--file", "--line-length");
        if (call.Has("-f", "--file"))
        {
            call.RunsCode("sed", "Runs a script from a file.");
        }

        if (scripts.Count == 0 && operands.Count > 0)
        {
            scripts.Add(operands[0]);
            operands.RemoveAt(0);
        }

        if (!scripts.All(s => SedScript.IsHarmless(s.Text)) && !call.Args.Any(a => a.Text == "--sandbox"))
        {
            call.Unknown($"The sed script may write files or run programs: {string.Join(" ; ", scripts.Select(s => s.Text))}");
        }

        if (call.Args.Any(a => a.Text.StartsWith('-') && !a.Text.StartsWith("--", StringComparison.Ordinal) && a.Text.Contains('i', StringComparison.Ordinal) && !scripts.Contains(a)) || call.Has("--in-place"))
        {
            call.Writes(operands);
            if (operands.Count == 0)
            {
                call.Unknown("Changes files in place, and it is not clear which.");
            }
        }
        else
        {
            call.Reads(operands);
        }
    }

    private static void Awk(Invocation call)
    {
        var operands = call.Operands("vFf", "--field-separator", "--assign");
        if (call.Has("-f", "-i", "-l", "-E", "-e", "-o", "-p", "-d", "-D", "--file", "--include", "--load", "--exec", "--source", "--pretty-print", "--profile", "--dump-variables", "--debug"))
        {
            // -F, may look like -f to nobody: letters are compared with case.
            call.RunsCode(call.Name, $"An option of {call.Name} runs a script or writes a file: {call.Shown}");
        }

        if (operands.Count == 0)
        {
            return;
        }

        var script = operands[0].Text.Replace("||", "", StringComparison.Ordinal).Replace(">=", "", StringComparison.Ordinal);
        if (script.AsSpan().ContainsAny("|>@") || script.Contains("system", StringComparison.Ordinal) || script.Contains("getline", StringComparison.Ordinal) || script.Contains("close", StringComparison.Ordinal) || script.Contains("ARGV", StringComparison.Ordinal) || !operands[0].Exact)
        {
            call.Unknown($"The awk program may write files or run programs: {operands[0].Text}");
        }

        call.Reads(operands.Skip(1));
    }

    private static void Sort(Invocation call)
    {
        if (call.Has("--compress-program", "--files0-from"))
        {
            call.RunsCode("sort", $"An option of sort runs a program or reads names: {call.Shown}");
        }

        if (call.Has("-o", "--output"))
        {
            call.Writes(call.Values("-o", "--output"));
        }

        call.Reads(call.Operands("oktST", "--key", "--output", "--field-separator"));
    }
}
