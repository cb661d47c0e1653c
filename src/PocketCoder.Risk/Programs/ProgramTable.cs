using PocketCoder.Risks.Reading;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

[Flags]
internal enum Traits
{
    None = 0,

    /// <summary>Arguments are data: what isn't known of them changes nothing.</summary>
    AnyArguments = 1,

    /// <summary>No option does harm, so a file called like one doesn't either.</summary>
    AnyOptions = 2,

    /// <summary>The effect looks at unknown arguments itself.</summary>
    OwnCheck = 4,

    /// <summary>A builtin of the shell; a wrapper can't start it.</summary>
    Builtin = 8,

    /// <summary>
    /// The effect itself accepts nothing but what it knows exactly, or starts nothing but commands that are looked at for themselves.
    /// </summary>
    Exact = 16,
}

/// <param name="Effect">Tells the invocation's effects to its report.</param>
internal sealed record ProgramEntry(Action<Invocation> Effect, Traits Traits = Traits.None);

/// <summary>The programs whose effects are known. Data, mostly: one family a file.</summary>
internal static class ProgramTable
{
    private static readonly Dictionary<string, ProgramEntry> s_programs = Build();

    private static readonly HashSet<string> s_binFolders = new(StringComparer.Ordinal)
        { "/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin" };

    /// <summary>Builtins that the analysis relies on.</summary>
    public static bool IsShellWord(string name) => name is "cd" or "eval" or "exec" or "exit" or "export" or "command" or "builtin"
        or "source" or "set" or "unset" or "read" or "return";

    public static void Run(Invocation call)
    {
        var name = call.Name;
        if (Loaders.IsLoader(name))
        {
            Loaders.Run(call);
            return;
        }

        if (name.Contains('/', StringComparison.Ordinal))
        {
            var slash = name.LastIndexOf('/');
            if (!s_binFolders.Contains(name[..slash]))
            {
                call.At(new Arg(name), place =>
                {
                    call.Report.Script(place.Path);
                    call.RunsCode(place.Shown, $"Runs the program {place.Shown}; its effects are unknown.");
                });
                return;
            }

            call = call.As(name[(slash + 1)..], call.Args);
            name = call.Name;
        }

        if (!s_programs.TryGetValue(name, out var entry))
        {
            if (name.StartsWith("mkfs", StringComparison.Ordinal))
            {
                call.System($"Formats a disk: {call.Shown}");
                return;
            }

            call.Unknown($"{name} is a program with unknown effects.");
            return;
        }

        if (entry.Traits.HasFlag(Traits.Builtin) && !call.ByShell)
        {
            call.Unknown($"{name} is a shell word, but here a program of that name would run.");
            return;
        }

        var raised = call.Report.Raised;
        if (!entry.Traits.HasFlag(Traits.OwnCheck) && !entry.Traits.HasFlag(Traits.AnyArguments))
        {
            CheckArguments(call, entry.Traits.HasFlag(Traits.AnyOptions));
        }

        entry.Effect(call);
        if (!entry.Traits.HasFlag(Traits.Exact) && call.Report.Raised == raised)
        {
            ReadOnlyGate.Check(call);
        }
    }

    /// <summary>Doubts arguments that are only known at run time, or that may turn out to be options.</summary>
    public static void CheckArguments(Invocation call, bool anyOptions)
    {
        var ended = false;
        foreach (var arg in call.Args)
        {
            if (!arg.Known)
            {
                call.Report.NotUnderstood(arg.Text, $"An argument of {call.Name} is known only at run time: {arg.Text}");
            }
            else if (!anyOptions && !ended && arg.MayBeOption)
            {
                call.Report.NotUnderstood(arg.Text, $"{arg.Text} may match a file that {call.Name} takes for an option.");
            }

            ended |= arg.Text == "--";
        }
    }

    private static Dictionary<string, ProgramEntry> Build()
    {
        var programs = new Dictionary<string, ProgramEntry>(StringComparer.Ordinal);
        Builtins.AddTo(programs);
        Readers.AddTo(programs);
        Editing.AddTo(programs);
        Files.AddTo(programs);
        Archives.AddTo(programs);
        Wrappers.AddTo(programs);
        Shells.AddTo(programs);
        Git.AddTo(programs);
        Network.AddTo(programs);
        Packages.AddTo(programs);
        Systems.AddTo(programs);
        return programs;
    }

    public static void Add(this Dictionary<string, ProgramEntry> programs, string names, Action<Invocation> effect,
        Traits traits = Traits.None)
    {
        foreach (var name in names.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            programs.Add(name, new ProgramEntry(effect, traits));
        }
    }
}
