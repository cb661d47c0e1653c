namespace PocketCoder.Machine.Executions.Code;

/// <summary>One start of a task runner or build tool.</summary>
/// <param name="Arguments">Null when one of them is only known at run time.</param>
/// <param name="Folder">Absolute, inside the project.</param>
internal sealed record RunnerCall(CodeFinder Finder, string Name, IReadOnlyList<string>? Arguments, string Folder, int Depth)
{
    public string Shown => Arguments is [{ } first, ..] && !first.StartsWith('-') ? $"{Name} {first}" : Name;

    /// <summary>Code of the project runs that no file held here names.</summary>
    public void RunsMore() => Finder.Loose(
        Shown, $"{Shown} runs code of the project that may change before it starts; only the files listed are held.");

    /// <summary>
    /// The value of an option that names a folder, resolved; the folder itself without one. Null when it leads out of the project.
    /// </summary>
    public string? FolderOf(params ReadOnlySpan<string> options)
    {
        var at = Folder;
        for (var i = 0; i < Arguments?.Count; i++)
        {
            foreach (var option in options)
            {
                var value = Arguments[i] == option && i + 1 < Arguments.Count ? Arguments[i + 1]
                    : Arguments[i].StartsWith(option + "=", StringComparison.Ordinal) ? Arguments[i][(option.Length + 1)..]
                    : option.Length == 2 && Arguments[i].Length > 2
                        && Arguments[i].StartsWith(option, StringComparison.Ordinal) ? Arguments[i][2..]
                    : null;
                if (value is not null && !value.Contains('\0', StringComparison.Ordinal))
                {
                    at = Path.GetFullPath(Path.Combine(at, value));
                    break;
                }
            }
        }

        return Finder.Text.IsInside(at) ? Path.TrimEndingDirectorySeparator(at) : null;
    }
}

/// <summary>
/// The task runners and build tools whose files say what runs. Most are a row of <see cref="RunnerFiles"/>; those whose files hold shell
/// text are read further.
/// </summary>
internal static class Runners
{
    private static readonly Dictionary<string, Action<RunnerCall>> s_runners = Build();

    public static Action<RunnerCall>? Find(string program) => s_runners.GetValueOrDefault(program);

    /// <summary>Every program that is known here, for the tests.</summary>
    public static IReadOnlyCollection<string> Names => s_runners.Keys;

    private static Dictionary<string, Action<RunnerCall>> Build()
    {
        var runners = new Dictionary<string, Action<RunnerCall>>(StringComparer.Ordinal);
        foreach (var (names, files) in RunnerFiles.Rows)
        {
            foreach (var name in names.Split(' '))
            {
                runners.Add(name, call => RunnerFiles.Hold(call, files));
            }
        }

        Add("npm pnpm yarn yarnpkg bun npx pnpx bunx", PackageScripts.Run);
        Add("make gmake", MakeFiles.Run);
        Add("just", JustFiles.Run);
        Add("python python2 python3 python3.11 python3.12 python3.13 pypy pypy3", Modules);
        return runners;

        void Add(string names, Action<RunnerCall> run)
        {
            foreach (var name in names.Split(' '))
            {
                runners.Add(name, run);
            }
        }
    }

    /// <summary><c>python -m pytest</c> is pytest.</summary>
    private static void Modules(RunnerCall call)
    {
        if (call.Arguments is not { } arguments || arguments.TakeWhile(a => a.StartsWith('-')).ToList() is not { } options
            || !options.Contains("-m", StringComparer.Ordinal))
        {
            return;
        }

        if (arguments.SkipWhile(a => a != "-m").Skip(1).FirstOrDefault() is { } module && Find(module) is { } runner
            && module is not "python")
        {
            runner(call with { Name = module, Arguments = [.. arguments.SkipWhile(a => a != "-m").Skip(2)] });
        }
        else
        {
            call.RunsMore();
        }
    }
}
