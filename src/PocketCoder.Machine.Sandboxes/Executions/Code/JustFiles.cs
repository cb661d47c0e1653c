using System.Text.RegularExpressions;

namespace PocketCoder.Machine.Executions.Code;

/// <summary>just: the justfile, those that it imports, and the commands of all its recipes.</summary>
/// <remarks>Source: the manual of just (<em>Imports</em>, <em>Modules</em>, <em>Recipe lines</em>).</remarks>
internal static partial class JustFiles
{
    private static readonly string[] s_names = ["justfile", ".justfile", "Justfile"];

    public static void Run(RunnerCall call)
    {
        if (call.Arguments is [("--version" or "-V" or "--help" or "-h" or "--list" or "-l")])
        {
            return;
        }

        RunnerFiles.HoldNamed(call);
        call.Finder.HoldUpward(call.Folder, ".env");
        var file = call.FolderOf("-f", "--justfile") is { } named
            && named != call.Folder ? named : call.Finder.Nearest(call.Folder, s_names);
        if (file is null || call.Arguments is null)
        {
            call.RunsMore();
        }

        if (file is not null)
        {
            Read(call, file, 0);
        }
    }

    private static void Read(RunnerCall call, string path, int depth)
    {
        if (!call.Finder.Hold(path))
        {
            return;
        }

        if (depth > 8 || call.Finder.Text.Read(path) is not { } text)
        {
            call.RunsMore();
            return;
        }

        var folder = Path.GetDirectoryName(path)!;
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith(' ') || line.StartsWith('\t'))
            {
                call.Finder.Shell(Interpolation().Replace(line.TrimStart(' ', '\t', '@', '-'), "${unknown_to_just}"),
                    call.Finder.Shown(path), folder, call.Depth);
            }
            else if (Import().Match(line) is { Success: true } import)
            {
                Read(call, Path.GetFullPath(Path.Combine(folder, import.Groups["path"].Value)), depth + 1);
            }
            else if (Module().Match(line) is { Success: true } module)
            {
                var name = module.Groups["name"].Value;
                foreach (var found in new[] { name + ".just", name + "/mod.just", name + "/justfile", name + "/.justfile" }.Select(
                    n => Path.Combine(folder, n)).Where(call.Finder.Text.Exists))
                {
                    Read(call, found, depth + 1);
                }
            }
        }
    }

    [GeneratedRegex(@"\{\{[^}]*\}\}", RegexOptions.NonBacktracking)]
    private static partial Regex Interpolation();

    [GeneratedRegex("""^import\?? *['"](?<path>[^'"]+)['"]""", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Import();

    [GeneratedRegex(@"^mod\?? +(?<name>[A-Za-z_][A-Za-z0-9_-]*)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Module();
}
