using System.Text.Json;

namespace PocketCoder.Machine.Executions.Code;

/// <summary>
/// npm, pnpm, yarn, bun and their runners of single programs: the scripts of the nearest <c>package.json</c>, with those that run before
/// and after.
/// </summary>
/// <remarks>Source: npm's documentation of scripts (life cycle scripts, <c>pre</c> and <c>post</c>), pnpm's and yarn's of
/// <c>run</c>.</remarks>
internal static class PackageScripts
{
    private static readonly string[] s_settings =
        [".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", "pnpm-workspace.yaml", "bunfig.toml"];

    private static readonly string[] s_install =
        ["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare", "dependencies"];

    public static void Run(RunnerCall call)
    {
        var folder = call.FolderOf("-C", "--prefix", "--cwd", "--dir") ?? call.Folder;
        var words = WordsOf(call.Arguments);
        if (words is ["version" or "help" or "--version" or "-v" or "root" or "bin" or "prefix" or "ls" or "list" or "ll" or "why" or "view"
            or "info" or "outdated" or "audit" or "config" or "whoami" or "search"])
        {
            return;
        }

        call.Finder.HoldUpward(folder, s_settings);
        if (call.Name is "npx" or "pnpx" or "bunx" || words is [("exec" or "x" or "dlx"), ..])
        {
            Program(call, folder, call.Name is "npx" or "pnpx" or "bunx" ? words?.FirstOrDefault() : words?.ElementAtOrDefault(1));
            return;
        }

        if (call.Finder.Nearest(folder, "package.json") is not { } package)
        {
            call.RunsMore();
            return;
        }

        call.Finder.Hold(package);
        var scripts = ScriptsOf(call.Finder.Text.Read(package));
        if (scripts is null || call.Arguments?.Any(
            a => a is "-w" or "-r" or "-ws" or "--workspace" or "--workspaces" or "--recursive" or "-F"
            || a.StartsWith("--workspace=", StringComparison.Ordinal) || a.StartsWith("--filter", StringComparison.Ordinal)) != false)
        {
            call.RunsMore(); // other packages of the project, or scripts that can't be read
        }

        foreach (var (name, text) in Wanted(call.Name, words, scripts ?? []))
        {
            call.Finder.Shell(text, $"{call.Name} {name}", Path.GetDirectoryName(package)!, call.Depth, programs: true);
        }

        if (words is [("install" or "i" or "ci" or "add" or "update" or "up" or "upgrade" or "rebuild" or "link" or "create" or "init"), ..]
            or [] or null)
        {
            call.Finder.HoldUpward(folder, "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock",
                "bun.lockb");
            call.RunsMore();
        }
    }

    /// <summary>What stands behind options that have no value of their own, or a known one.</summary>
    private static List<string>? WordsOf(IReadOnlyList<string>? arguments)
    {
        if (arguments is null)
        {
            return null;
        }

        var words = new List<string>();
        for (var i = 0; i < arguments.Count && arguments[i] != "--"; i++)
        {
            if (arguments[i] is "-C" or "--prefix" or "--cwd" or "--dir" or "-w" or "--workspace" or "-F" or "--filter" or "--loglevel"
                or "--script-shell")
            {
                i++;
            }
            else if (!arguments[i].StartsWith('-') || words.Count == 0 && arguments[i] is "--version" or "-v")
            {
                words.Add(arguments[i]);
            }
        }

        return words;
    }

    private static IEnumerable<(string Name, string Text)> Wanted(string runner, List<string>? words, Dictionary<string, string> scripts)
    {
        IEnumerable<string> names = words switch
        {
            null => scripts.Keys,
            ["run" or "run-script" or "rum" or "urn", var name, ..] => [name],
            ["test" or "t" or "tst", ..] => ["test"],
            ["it" or "install-test" or "cit" or "install-ci-test", ..] => [.. s_install, "test"],
            ["restart", ..] => ["restart", "stop", "start"],
            ["install" or "i" or "ci" or "add" or "update" or "up" or "upgrade" or "rebuild" or "link" or "remove" or "uninstall"
                or "dedupe", ..] => s_install,
            ["publish" or "pack", ..] => ["prepublishOnly", "prepack", "prepare", "postpack", "publish"],
            ["version", ..] => ["version"],
            [] => runner is "yarn" or "yarnpkg" ? s_install : [],
            [var verb, ..] => [verb],
        };
        foreach (var name in names.SelectMany(n => (string[])["pre" + n, n, "post" + n]).Distinct(StringComparer.Ordinal))
        {
            if (scripts.TryGetValue(name, out var text))
            {
                yield return (name, text);
            }
        }
    }

    private static void Program(RunnerCall call, string folder, string? name)
    {
        if (name is { Length: > 0 } && !name.Contains('/', StringComparison.Ordinal)
            && call.Finder.Nearest(folder, "node_modules/.bin/" + name) is { } program)
        {
            call.Finder.Run(program, call.Depth);
        }

        if (name is not null && Runners.Find(name) is { } runner && call.Depth < 8)
        {
            runner(call with
            {
                Name = name,
                Arguments = call.Arguments is null ? null
                : [.. call.Arguments.SkipWhile(a => a != name).Skip(1)],
                Depth = call.Depth + 1
            });
        }

        call.RunsMore();
    }

    private static Dictionary<string, string>? ScriptsOf(string? text)
    {
        try
        {
            using var document = JsonDocument.Parse(text ?? "");
            return document.RootElement.ValueKind != JsonValueKind.Object ? null
                : !document.RootElement.TryGetProperty("scripts", out var scripts) ? []
                : scripts.ValueKind != JsonValueKind.Object ? null
                : scripts.EnumerateObject().Where(s => s.Value.ValueKind == JsonValueKind.String)
                    .GroupBy(s => s.Name, StringComparer.Ordinal)
                    .ToDictionary(s => s.Key, s => s.Last().Value.GetString()!, StringComparer.Ordinal);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
