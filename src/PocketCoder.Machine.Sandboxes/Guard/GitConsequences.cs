using System.Globalization;
using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Paths;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Guard;

/// <summary>
/// What a git command would do in this very project: what the settings, hooks and aliases of its repositories make git run. The assessor
/// knows git only, not the repository; a command is said to read only where nothing of these would run.
/// </summary>
public static class GitConsequences
{
    private const int MaxTold = 6;
    private const int MaxLength = 200;

    private static readonly HashSet<string> s_runHooks = new(StringComparer.Ordinal)
    {
        "add", "am", "checkout", "cherry-pick", "commit", "gc", "merge", "pull", "push", "rebase", "reset", "restore", "revert", "stash",
        "switch", "worktree",
    };

    /// <summary>The assessment with what the repositories add to it.</summary>
    /// <param name="project">The project's folder.</param>
    /// <param name="shared">Of a worktree: the project that its repository is in; null: it is in this one.</param>
    public static RiskInfo Of(Risk risk, string project, string? shared = null)
    {
        var told = new RiskInfo(risk.Tier, risk.Understood, risk.Reversible, risk.Consequences) { Marks = risk.Marks };
        var calls = risk.Commands.Where(c => c.Argv.Count > 0 && Path.GetFileName(c.Argv[0]) == "git").ToList();
        if (calls.Count == 0 || !OperatingSystem.IsLinux())
        {
            return told;
        }

        var words = calls.SelectMany(c => c.Argv.Skip(1)).ToHashSet(StringComparer.Ordinal);
        List<Consequence> more = [.. Changes(calls)];
        List<Consequence> runs = [.. Runs(words, project).Concat(shared is null ? [] : Runs(words, shared)).Take(MaxTold)];
        return told with
        {
            Tier = runs.Count + more.Count > 0 && told.Tier == RiskTier.Read ? RiskTier.WorkspaceWrite : told.Tier,
            Understood = told.Understood && runs.Count == 0,
            Reversible = told.Reversible && runs.Count == 0,
            Consequences = [.. told.Consequences, .. more, .. runs],
        };
    }

    /// <summary>
    /// Commands of git that write where nothing is written otherwise: who allows them sees that, and they run where they can.
    /// </summary>
    private static IEnumerable<Consequence> Changes(IEnumerable<CommandCall> calls)
    {
        foreach (var call in calls)
        {
            if (Follows(call, "worktree", "add", "move", "remove", "prune", "repair", "lock", "unlock"))
            {
                yield return new Consequence(ConsequenceKind.RunsLater, ".git/worktrees",
                    "Changes which worktrees the repository has: git obeys the settings of each.");
            }

            if (Follows(call, "submodule", "add", "init", "update", "deinit", "sync", "absorbgitdirs", "set-url", "set-branch"))
            {
                yield return new Consequence(ConsequenceKind.RunsLater, ".git/modules",
                    "Changes which submodules the repository has: git obeys the settings of each.");
            }

            if (Follows(call, "sparse-checkout", "set", "add", "init", "disable", "reapply"))
            {
                yield return new Consequence(
                    ConsequenceKind.RunsLater, ".git/info", "Changes which files of the repository are checked out, and its settings.");
            }
        }
    }

    private static bool Follows(CommandCall call, string command, params ReadOnlySpan<string> verbs)
    {
        var at = call.Argv.ToList().IndexOf(command);
        if (at < 0)
        {
            return false;
        }

        foreach (var verb in verbs)
        {
            if (call.Argv.Skip(at + 1).Contains(verb, StringComparer.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private static IEnumerable<Consequence> Runs(HashSet<string> words, string project)
    {
        ProjectScan scan;
        string? unseen = null;
        try
        {
            scan = ProjectScanner.Run(project);
            unseen = scan.Unseen.FirstOrDefault();
        }
        catch (IOException e)
        {
            (scan, unseen) = (new ProjectScan(), e.Message);
        }

        if (unseen is not null)
        {
            yield return new Consequence(ConsequenceKind.RunsCode, "git",
                $"Not all repositories could be looked at, so git may run programs that their settings name: {Shown(unseen)}.");
        }

        foreach (var (path, file) in scan.Files.Where(f => f.Value.Kind == GuardedKind.Settings && f.Key.Name != ".gitmodules")
            .OrderBy(f => f.Key.Raw.Length))
        {
            if (file.State is not { Type: 'f', Content: { } text } || GitSettings.Parse(text) is not { } settings)
            {
                yield return new Consequence(ConsequenceKind.RunsCode, path.Shown,
                    $"Git's settings in {Shown(path.Shown)} can't be read, so it may run programs that they name.");
                continue;
            }

            foreach (var setting in settings)
            {
                var runs = SettingRules.RunsWhenLooking(setting)
                    ?? (setting.Key.StartsWith("alias.", StringComparison.Ordinal) && words.Contains(setting.Key["alias.".Length..])
                        ? $"alias {setting.Key["alias.".Length..]}: {setting.Value}" : null);
                if (runs is not null)
                {
                    yield return new Consequence(ConsequenceKind.RunsCode, path.Shown,
                        $"Git runs what {Shown(path.Shown)} names. {Capital(Shown(TreePath.Of(Encoding.Latin1.GetBytes(runs)).Shown))}.");
                }
            }
        }

        var hooks = scan.Files.Where(f => f.Value.Kind == GuardedKind.Hook).Select(f => f.Key.Name).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal).ToList();
        if (hooks.Count > 0 && words.Overlaps(s_runHooks))
        {
            yield return new Consequence(
                ConsequenceKind.RunsCode, ".git/hooks", $"Git runs the hooks of the repository: {Shown(string.Join(", ", hooks))}.");
        }
    }

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    /// <summary>Control and invisible characters as <c>\u{…}</c>, and not too much of it.</summary>
    private static string Shown(string text)
    {
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (shown.Length > MaxLength)
            {
                return shown.Append('…').ToString();
            }

            if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse)
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
            }
            else
            {
                shown.Append(rune.ToString());
            }
        }

        return shown.ToString();
    }
}
