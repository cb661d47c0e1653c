using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Programs that look and print.</summary>
internal static class Readers
{
    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("cat head tail wc nl od hexdump strings tac rev fold fmt expand unexpand paste join comm cut column cmp cksum sum md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum base32 zcat bzcat xzcat zstdcat",
            ReadFiles, Traits.AnyOptions);
        programs.Add("stat readlink realpath du ls dir vdir", Look, Traits.AnyOptions);
        programs.Add("basename dirname seq tr expr factor numfmt nproc uname whoami id groups uptime free arch tty logname users who w getconf locale tput cal ps pgrep pidof lsof df lsblk lscpu lsmod which whereis lsb_release sleep sw_vers vmstat iostat ncal yes",
            static _ => { }, Traits.AnyOptions);
        programs.Add("printenv", static call => call.Report.CannotBeUndone());
        programs.Add("hostname", static call => Setter(call, "-F", "--file", "-b"));
        programs.Add("date", Date);
        programs.Add("grep egrep fgrep zgrep", Grep, Traits.AnyOptions);
        programs.Add("rg", RipGrep);
        programs.Add("ag ack", static call => Search(call, ["--pager"]));
        programs.Add("diff", static call => call.Reads(
            call.Operands("ULCxXISFW", "--label", "--exclude"), tree: call.Has("-r", "--recursive")), Traits.AnyOptions);
        programs.Add("jq", Jq);
        programs.Add("tree", static call => WithOutput(call, "-o", "--output-never", tree: true));
        programs.Add("file", static call => Only(call, ["-C", "--compile", "-m", "--magic-file"], call.Operands("fFeP")));
        programs.Add("less more zless", Pager);
        programs.Add("bat", static call => Only(call, ["--pager", "--paging", "--diff", "--config-file", "-m"], call.Operands()));
        programs.Add("base64", static call => Only(call, ["-o", "--output"], call.Operands("wbi")));
        programs.Add("xxd", Xxd);
        programs.Add("uniq", static call => OptionalOutput(call, call.Operands("fsw")));
        programs.Add("man info tldr",
            static call => Only(call, ["-P", "-H", "-C", "-o", "--pager", "--html", "--config-file", "--output"], []));
        programs.Add("top htop", static call => Only(call, [], []));
        programs.Add("tokei cloc scc", static call => Only(call,
            ["--out", "--report-file", "--by-file-never", "-o", "--output", "--config", "--extract-with", "--diff"], call.Operands()));
    }

    /// <summary>
    /// Every argument that is no option is a file to read. An option's value may be told as a file too; the other way round a file would be
    /// missed.
    /// </summary>
    private static void ReadFiles(Invocation call)
    {
        FromList(call);
        call.Reads(call.Operands(call.Name is "head" or "tail" ? "nc" : ""));
    }

    private static void FromList(Invocation call)
    {
        if (call.Has("--files0-from"))
        {
            call.Report.NotUnderstood(call.Shown, $"Reads its list of input files from a file: {call.Shown}");
        }
    }

    /// <summary>Names and sizes, not contents: a folder of secrets may be listed.</summary>
    private static void Look(Invocation call)
    {
        FromList(call);
        foreach (var path in call.Operands())
        {
            call.At(path, p => call.Report.Add(ConsequenceKind.ReadsPath, p.Shown, $"Lists {p.Shown}."));
        }
    }

    /// <summary>Reads these files, unless an option makes it do more.</summary>
    private static void Only(Invocation call, ReadOnlySpan<string> doubtful, IEnumerable<Arg> files, bool tree = false)
    {
        if (call.Has(doubtful))
        {
            call.Report.Unseen();
            call.Unknown($"An option of {call.Name} makes it write or run something: {call.Shown}");
        }

        call.Reads(files, tree);
    }

    /// <summary><c>less +!command</c> runs it.</summary>
    private static void Pager(Invocation call)
    {
        if (call.Args.Any(a => a.Text.StartsWith('+')))
        {
            call.RunsUnseen(call.Name, $"Gives {call.Name} an initial command: {call.Shown}");
        }

        Only(call, ["-o", "-O", "-k", "--log-file", "--LOG-FILE", "--lesskey-file", "--lesskey-src"], call.Operands());
    }

    private static void Search(Invocation call, ReadOnlySpan<string> doubtful)
    {
        if (call.Has(doubtful))
        {
            call.RunsUnseen(call.Name, $"An option of {call.Name} runs a program: {call.Shown}");
        }

        call.Reads(call.Operands("ABCmgtTe", "--glob", "--type", "--max-count", "--context", "--regexp").Skip(1)
            .DefaultIfEmpty(new Arg(".")), tree: true);
    }

    private static void RipGrep(Invocation call) => Search(call, ["--pre", "--hostname-bin", "--search-zip", "-z"]);

    private static void Grep(Invocation call)
    {
        var recursive = call.Has("-r", "-R", "--recursive", "--dereference-recursive");
        var given = call.Has("-e", "-f", "--regexp", "--file");
        call.Reads(call.Values("-f", "--file")
            .Where(_ => call.Args.Any(a => a.Text is "-f" || a.Text.StartsWith("--fil", StringComparison.Ordinal))));
        call.Reads(call.Operands("ABCmefdD", "--include", "--exclude", "--exclude-dir", "--regexp", "--file", "--context", "--max-count",
            "--after-context", "--before-context").Skip(given ? 0 : 1).DefaultIfEmpty(new Arg(recursive ? "." : "/dev/stdin")), recursive);
    }

    private static void Date(Invocation call)
    {
        Setter(call, "-s", "--set");
        call.Reads(call.Values("-r", "--reference").Where(_ => call.Args.Any(a => a.Text is "-r")));
    }

    private static void Setter(Invocation call, params ReadOnlySpan<string> options)
    {
        var operands = call.Operands("drfI", "--date");
        if (call.Has(options) || operands.Any(o => !o.Text.StartsWith('+')))
        {
            call.System($"May change the system's {call.Name}: {call.Shown}");
        }
    }

    private static void Jq(Invocation call)
    {
        if (call.Has("-L", "--library-path", "-f", "--from-file"))
        {
            call.Reads(call.Operands());
            return;
        }

        call.Reads(call.Operands("", "--indent").Skip(1));
        foreach (var option in (string[])["--slurpfile", "--rawfile"])
        {
            var at = call.Args.ToList().FindIndex(a => a.Text == option);
            call.Reads(call.Args.Skip(at + 2).Take(at < 0 ? 0 : 1));
        }
    }

    private static void WithOutput(Invocation call, string shortOption, string longOption, bool tree)
    {
        if (call.Has(shortOption, longOption) || call.Has("-R"))
        {
            call.Writes(call.Values(shortOption, longOption));
        }

        call.Reads(call.Operands("LPIo"), tree);
    }

    private static void Xxd(Invocation call) => OptionalOutput(call, call.Operands("clsogn"));

    /// <summary>The first operand is read and the second, if there is one, written.</summary>
    private static void OptionalOutput(Invocation call, List<Arg> operands)
    {
        if (operands.Any(o => o.Glob))
        {
            call.Report.NotUnderstood(call.Name, $"A pattern may make {call.Name} write a file: {call.Shown}");
        }

        call.Reads(operands.Take(1));
        call.Writes(operands.Skip(1));
    }
}
