using PocketCoder.Risks;

namespace PocketCoder.Machine.Executions.Code;

/// <summary>
/// Finds the files of a project that say what a command runs: the scripts it names, the scripts that those name, and the files that
/// task runners and build tools read (<c>package.json</c>, <c>Makefile</c>, …). Reads only, and only inside the project. What it can't
/// name it says. Bounded; not thread-safe; made for one look.
/// </summary>
/// <remarks>
/// It narrows what can change between a decision and the run. It is not the sandbox: a program may load any file, which is why everything
/// but a shell script that is understood completely is told as <see cref="LooseCode"/>.
/// </remarks>
internal sealed class CodeFinder
{
    /// <summary>Files held for one command.</summary>
    public const int MaxFiles = 64;

    /// <summary>Sentences about what is not held.</summary>
    public const int MaxLoose = 8;

    /// <summary>Scripts and runners that call each other.</summary>
    private const int MaxDepth = 8;

    private const int MaxCalls = 2_000;

    private readonly List<string> _files = [];
    private readonly List<LooseCode> _loose = [];
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private int _calls;

    private CodeFinder(string project) => Text = new ProjectText(project);

    public ProjectText Text { get; }

    /// <param name="project">Absolute real path.</param>
    /// <param name="risk">Of the command.</param>
    public static ExecutedCode Find(string project, Risk risk)
    {
        var finder = new CodeFinder(project);
        finder.Follow(risk, project, 0);
        return new ExecutedCode(finder._files, finder._loose);
    }

    /// <summary>Holds a file, also one that is not there. True when it was not held before.</summary>
    public bool Hold(string path)
    {
        if (!_seen.Add(path))
        {
            return false;
        }

        if (_files.Count >= MaxFiles)
        {
            Loose("files", $"It runs more than {MaxFiles} files of the project; the others may change before it starts.");
            return false;
        }

        _files.Add(path);
        return true;
    }

    /// <summary>Holds those of these files that are there, in the folder and above it in the project.</summary>
    public void HoldUpward(string folder, params IEnumerable<string> names)
    {
        foreach (var at in Text.Upward(folder))
        {
            foreach (var path in names.SelectMany(n => Text.Matching(at, n)).Where(Text.Exists))
            {
                Hold(path);
            }
        }
    }

    /// <summary>The nearest file of one of these names, from the folder up to the project.</summary>
    public string? Nearest(string folder, params IEnumerable<string> names)
        => Text.Upward(folder).SelectMany(at => names.Select(n => Path.Combine(at, n))).FirstOrDefault(Text.Exists);

    public void Loose(string subject, string sentence)
    {
        if (_loose.Count < MaxLoose && _loose.All(l => l.Sentence != sentence))
        {
            _loose.Add(new LooseCode(subject, sentence));
        }
    }

    /// <summary>Looks into shell text that runs in a folder: a script's content, a task's command.</summary>
    /// <param name="source">Where the text stands, for people.</param>
    /// <param name="programs">Whether programs of <c>node_modules/.bin</c> are found by their bare name.</param>
    public void Shell(string text, string source, string folder, int depth, bool programs = false)
    {
        if (depth > MaxDepth)
        {
            Loose(source, $"{source} starts scripts that start scripts; not all of them were looked at.");
            return;
        }

        if (!Text.IsInside(folder))
        {
            return;
        }

        var risk = RiskAssessor.Assess(text, folder, Text.Project);
        if (!risk.Complete)
        {
            Loose(source, $"{source} runs code that is known only at run time and may change.");
        }

        if (programs)
        {
            foreach (var name in risk.Commands.Select(c => c.Argv.FirstOrDefault(""))
                .Where(n => n.Length > 0 && !n.Contains('/', StringComparison.Ordinal)).Distinct(StringComparer.Ordinal))
            {
                if (Nearest(folder, Path.Combine("node_modules/.bin", name)) is { } program)
                {
                    Run(program, depth + 1);
                }
            }
        }

        Follow(risk, source, depth);
    }

    /// <summary>Holds a file that is run, and looks into it when it is a shell script.</summary>
    /// <param name="folders">Where it may be started; null: in the project.</param>
    public void Run(string path, int depth, IReadOnlyList<string>? folders = null)
    {
        if (!Hold(path) || Text.Read(path) is not { } text)
        {
            return;
        }

        var shown = Shown(path);
        switch (ScriptLanguage.Of(path, text))
        {
            case Language.Shell:
                text = OwnFolder.Resolve(text, Path.GetDirectoryName(path)!);
                foreach (var folder in folders ?? [Text.Project])
                {
                    Shell(text, shown, folder, depth + 1);
                }

                break;
            case Language.Other:
                Loose(shown, $"{shown} may load other files of the project, which may change before it starts.");
                break;
        }
    }

    /// <summary>A path as people know it: relative to the project.</summary>
    public string Shown(string path) => Text.IsInside(path) && path.Length > Text.Project.Length ? path[(Text.Project.Length + 1)..] : path;

    private void Follow(Risk risk, string source, int depth)
    {
        var folders = risk.Commands.SelectMany(c => c.Folders ?? []).Distinct(StringComparer.Ordinal).ToList();
        foreach (var script in risk.Scripts)
        {
            Run(script, depth, folders.Count is > 0 and <= 4 ? folders : null);
        }

        foreach (var call in risk.Commands)
        {
            if (++_calls > MaxCalls)
            {
                Loose(source, $"{source} runs more commands than were looked at.");
                return;
            }

            if (call.Argv is [{ Length: > 0 } name, ..])
            {
                Search(call, name, risk.SearchPaths, depth);
                Start(call, name, source, depth);
            }
        }
    }

    /// <summary>A program by its bare name, where the command itself says in which folders it is looked for.</summary>
    private void Search(CommandCall call, string name, IReadOnlyList<string> searchPaths, int depth)
    {
        if (name.Contains('/', StringComparison.Ordinal))
        {
            return;
        }

        foreach (var element in searchPaths.SelectMany(p => p.Split(':')).Distinct(StringComparer.Ordinal))
        {
            if (element is "$PATH" or "${PATH}")
            {
                continue;
            }

            if (element.AsSpan().IndexOfAny('$', '`') >= 0 || (call.Folders is null && !element.StartsWith('/')))
            {
                Loose("PATH", "The search path for programs is known only at run time.");
                continue;
            }

            foreach (var folder in call.Folders ?? [Text.Project])
            {
                var path = Path.GetFullPath(Path.Combine(folder, element, name));
                if (Text.Exists(path))
                {
                    Run(path, depth, call.Folders);
                }
            }
        }
    }

    private void Start(CommandCall call, string name, string source, int depth)
    {
        if (Runners.Find(Path.GetFileName(name)) is not { } runner
            || !_seen.Add(string.Join('\0', ["call", .. call.Argv, .. call.Folders ?? []])))
        {
            return;
        }

        if (call.Folders is not { } folders)
        {
            Loose(name, $"{string.Join(' ', call.Argv.Take(2))} starts in a folder known only at run time.");
            return;
        }

        if (depth > MaxDepth)
        {
            Loose(source, $"{source} starts scripts that start scripts; not all of them were looked at.");
            return;
        }

        foreach (var folder in folders.Where(Text.IsInside))
        {
            runner(new RunnerCall(this, Path.GetFileName(name), call.Exact ? [.. call.Argv.Skip(1)] : null, folder, depth + 1));
        }
    }
}
