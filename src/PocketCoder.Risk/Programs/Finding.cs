using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary><c>find</c> and <c>fd</c>: they look, and they start programs and delete.</summary>
internal static class Finding
{
    private static readonly HashSet<string> s_tests = new(StringComparer.Ordinal)
    {
        "-a", "-and", "-o", "-or", "-not", "!", "(", ")", ",", "-true", "-false", "-print", "-print0", "-ls", "-prune", "-quit", "-depth",
        "-d", "-mount", "-xdev", "-follow", "-daystart", "-empty", "-executable", "-readable", "-writable", "-nouser", "-nogroup",
        "-noleaf", "-warn", "-nowarn", "-ignore_readdir_race", "-noignore_readdir_race", "-H", "-L", "-P", "-E", "-X", "-s",
    };

    private static readonly HashSet<string> s_valued = new(StringComparer.Ordinal)
    {
        "-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-regex", "-iregex", "-regextype", "-type", "-xtype", "-size",
        "-mtime", "-atime", "-ctime", "-mmin", "-amin", "-cmin", "-newer", "-anewer", "-cnewer", "-newermt", "-newerct", "-newerat",
        "-perm", "-user",
        "-group", "-uid", "-gid", "-links", "-inum", "-samefile", "-maxdepth", "-mindepth", "-lname", "-ilname", "-fstype", "-used",
        "-printf", "-context",
    };

    public static void Find(Invocation call)
    {
        var roots = new List<Arg>();
        var i = 0;
        for (; i < call.Args.Count && call.Args[i].Text is "-H" or "-L" or "-P"; i++)
        {
        }

        for (; i < call.Args.Count && !(call.Args[i].Known && call.Args[i].Text is ['-', _, ..] or "!" or "("); i++)
        {
            roots.Add(call.Args[i]);
        }

        if (roots.Count == 0)
        {
            roots.Add(new Arg("."));
        }

        foreach (var root in roots)
        {
            if (root.MayBeOption)
            {
                call.Report.NotUnderstood(root.Text, $"The folder that find searches is known only at run time: {root.Text}");
            }

            call.At(root, p => call.Report.Add(ConsequenceKind.ReadsPath, p.Shown, $"Lists {p.Shown} and everything below it."));
        }

        for (; i < call.Args.Count; i++)
        {
            var word = call.Args[i];
            if (!word.Exact)
            {
                call.Report.NotUnderstood(word.Text, $"An argument of find is known only at run time: {word.Text}");
            }
            else if (s_valued.Contains(word.Text))
            {
                i++;
            }
            else if (!s_tests.Contains(word.Text))
            {
                i = Act(call, roots, i);
            }
        }
    }

    private static int Act(Invocation call, List<Arg> roots, int i)
    {
        switch (call.Args[i].Text)
        {
            case "-delete":
                call.Deletes(roots.Select(r => Below(r)));
                return i;
            case "-fprint" or "-fprint0" or "-fls":
                call.Writes(call.Args.Skip(i + 1).Take(1));
                return i + 1;
            case "-fprintf":
                call.Writes(call.Args.Skip(i + 1).Take(1));
                return i + 2;
            case "-exec" or "-execdir" or "-ok" or "-okdir":
                var end = i + 1;
                while (end < call.Args.Count && call.Args[end].Text != ";"
                    && !(call.Args[end].Text == "+" && call.Args[end - 1].Text == "{}"))
                {
                    end++;
                }

                var names = call.Args.Where((_, n) => n > 0 && call.Args[n - 1].Text is "-name" or "-iname").Select(a => a.Text)
                    .DefaultIfEmpty("*").ToList();
                foreach (var (root, name) in roots.SelectMany(r => names.Select(n => (r, n))))
                {
                    call.At(root, place =>
                    {
                        Walking.PathEffects.Touch(call.Report, call.Walker.Places, place, root.Glob);
                        if (place.Zone == Paths.Zone.Outside && call.Walker.Places.IsWide(place))
                        {
                            Walking.PathEffects.Read(call.Report, call.Walker.Places, place, tree: true);
                        }
                    });

                    // The found file stands for {}; from -execdir it comes as ./name, in a folder that is not known but below the root.
                    call.Start(call.Args.Skip(i + 1).Take(end - i - 1)
                        .Select(a => a.Text.Contains("{}", StringComparison.Ordinal) ? a with
                        {
                            Text = a.Text.Replace(
                        "{}", Below(root, name).Text, StringComparison.Ordinal),
                            Glob = true,
                            Known = a.Known && root.Known
                        } : a));
                }

                return end;
            default:
                call.Unknown($"find has no known expression {call.Args[i].Text}.");
                return i;
        }
    }

    private static Arg Below(Arg root, string name = "*") => root with { Text = root.Text.TrimEnd('/') + "/" + name, Glob = true };

    public static void Fd(Invocation call)
    {
        var operands = call.Operands("eEtdcSXxjo", "--extension", "--exclude", "--type", "--max-depth");
        foreach (var root in operands.Skip(1))
        {
            call.At(root, p => call.Report.Add(ConsequenceKind.ReadsPath, p.Shown, $"Lists {p.Shown} and everything below it."));
        }

        var at = call.Args.ToList().FindIndex(a => a.Text is "-x" or "-X" or "--exec" or "--exec-batch");
        if (at >= 0)
        {
            call.Start(call.Args.Skip(at + 1).Append(new Arg("{}", Known: false)));
        }
        else if (call.Has("-x", "-X", "--exec", "--exec-batch"))
        {
            call.Unknown($"Runs a program on the files it finds: {call.Shown}");
        }
    }
}
