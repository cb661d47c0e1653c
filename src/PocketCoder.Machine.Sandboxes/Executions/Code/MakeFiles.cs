using System.Text;
using System.Text.RegularExpressions;

namespace PocketCoder.Machine.Executions.Code;

/// <summary>
/// make: the makefile, those that it includes, and the commands of all its rules. Which rule runs is not asked: pattern rules and
/// prerequisites decide that.
/// </summary>
/// <remarks>Source: the manual of GNU make (<em>Makefile Names</em>, <em>Include</em>, <em>Recipe Syntax</em>).</remarks>
internal static partial class MakeFiles
{
    private static readonly string[] s_names = ["GNUmakefile", "makefile", "Makefile"];

    private const int MaxIncludes = 32;

    /// <summary>Variables in the values of variables.</summary>
    private const int MaxNested = 4;

    /// <summary>Stands for a dollar of the shell's while make's are replaced.</summary>
    private const string Dollar = "\u0001";

    public static void Run(RunnerCall call)
    {
        if (call.Arguments is [("--version" or "-v" or "--help" or "-h")])
        {
            return;
        }

        if (call.FolderOf("-C", "--directory") is not { } folder)
        {
            call.RunsMore();
            return;
        }

        var named = Named(call.Arguments).Select(f => Path.GetFullPath(Path.Combine(folder, f))).ToList();
        if (named.Count == 0)
        {
            // All that are there: GNU make takes the first, and an earlier one may be made in between.
            named = [.. s_names.Select(n => Path.Combine(folder, n)).Where(call.Finder.Text.Exists)];
        }

        RunnerFiles.HoldNamed(call with { Folder = folder });
        if (named.Count == 0 || call.Arguments is null)
        {
            call.RunsMore();
        }

        var read = new List<string>();
        foreach (var file in named)
        {
            Read(call, file, folder, read);
        }
    }

    private static IEnumerable<string> Named(IReadOnlyList<string>? arguments)
    {
        for (var i = 0; i < arguments?.Count; i++)
        {
            if (arguments[i] is "-f" or "--file" or "--makefile" && i + 1 < arguments.Count)
            {
                yield return arguments[++i];
            }
            else if (arguments[i].StartsWith("--file=", StringComparison.Ordinal)
                || arguments[i].StartsWith("--makefile=", StringComparison.Ordinal))
            {
                yield return arguments[i][(arguments[i].IndexOf('=', StringComparison.Ordinal) + 1)..];
            }
            else if (arguments[i].StartsWith("-f", StringComparison.Ordinal) && arguments[i].Length > 2)
            {
                yield return arguments[i][2..];
            }
        }
    }

    private static void Read(RunnerCall call, string path, string folder, List<string> read)
    {
        if (read.Contains(path, StringComparer.Ordinal))
        {
            return;
        }

        read.Add(path);
        call.Finder.Hold(path);
        if (read.Count > MaxIncludes || call.Finder.Text.Read(path) is not { } text)
        {
            call.RunsMore();
            return;
        }

        var variables = new Dictionary<string, string?>(StringComparer.Ordinal);
        var commands = new StringBuilder();
        foreach (var line in text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
        {
            if (line.StartsWith('\t'))
            {
                commands.Append(line.TrimStart('\t', ' ', '@', '-', '+')).Append('\n');
            }
            else if (Include().Match(line) is { Success: true } include)
            {
                Included(call, include.Groups["files"].Value, folder, variables, read);
            }
            else if (Assignment().Match(line) is { Success: true } assignment)
            {
                // One value is followed; with a second one it isn't known which holds where.
                var name = assignment.Groups["name"].Value;
                variables[name] = variables.ContainsKey(name) ? null : assignment.Groups["value"].Value.Trim();
            }
            else if (line.IndexOf(';', StringComparison.Ordinal) is var semicolon and > 0
                && line.IndexOf(':', StringComparison.Ordinal) is var colon and > 0 && colon < semicolon)
            {
                commands.Append(line[(semicolon + 1)..].TrimStart(' ', '@', '-', '+')).Append('\n'); // a recipe in the rule's own line
            }
        }

        foreach (Match shell in ShellFunction().Matches(text))
        {
            commands.Append(shell.Groups["text"].Value).Append('\n');
        }

        foreach (var command in commands.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal))
        {
            call.Finder.Shell(Expand(command, variables), call.Finder.Shown(path), folder, call.Depth);
        }
    }

    private static void Included(RunnerCall call, string names, string folder, Dictionary<string, string?> variables, List<string> read)
    {
        foreach (var name in Expand(names, variables).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (name.AsSpan().IndexOfAny("$*?[") >= 0)
            {
                call.RunsMore();
            }
            else
            {
                Read(call, Path.GetFullPath(Path.Combine(folder, name)), folder, read);
            }
        }
    }

    /// <summary>The shell text of a recipe: make's own variables replaced where they are known, <c>$$</c> made one.</summary>
    private static string Expand(string text, Dictionary<string, string?> variables)
    {
        text = text.Replace("$$", Dollar, StringComparison.Ordinal);
        for (var i = 0; i < MaxNested && text.Length < ProjectText.MaxFile && text.Contains('$', StringComparison.Ordinal); i++)
        {
            text = Reference().Replace(
                text, m => m.Groups["name"].Value is "MAKE" ? "make" : variables.GetValueOrDefault(m.Groups["name"].Value) ?? m.Value);
        }

        return Unknown().Replace(text, "${unknown_to_make}").Replace(Dollar, "$", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^ *(-include|sinclude|include)[ \t]+(?<files>[^#\n]+)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Include();

    [GeneratedRegex(@"^ *(export +|override +)?(?<name>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(:{0,3}|\?|\+)=(?<value>[^#\n]*)",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Assignment();

    [GeneratedRegex(@"\$\(shell (?<text>[^()]{1,4096})\)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex ShellFunction();

    [GeneratedRegex(@"\$[({](?<name>[A-Za-z_][A-Za-z0-9_.-]*)[)}]", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Reference();

    /// <summary>What is left of make's own: automatic variables and functions.</summary>
    [GeneratedRegex(@"\$(\([^()]*\)|\{[^{}]*\}|[^({\s])", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Unknown();
}
