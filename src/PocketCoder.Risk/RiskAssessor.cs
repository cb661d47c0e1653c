using System.Text;
using PocketCoder.Risks.Marks;
using PocketCoder.Risks.Paths;
using PocketCoder.Risks.Shell;
using PocketCoder.Risks.Text;
using PocketCoder.Risks.Walking;

namespace PocketCoder.Risks;

/// <summary>
/// Tells what a command line or a file edit would do, before it is done. Runs nothing; looks at the file system only to follow symbolic
/// links. Never throws for what the text holds, and is bounded by <see cref="RiskLimits"/>. Thread-safe.
/// </summary>
/// <remarks>
/// This informs a person and narrows standing rules; it is not the sandbox. A program does what it wants whatever its arguments look like,
/// and the repository's own configuration (git's, the package manager's) is trusted as far as it was written with approval.
/// </remarks>
public static class RiskAssessor
{
    /// <summary>Assesses a command line as bash would run it.</summary>
    /// <param name="command">Every byte of it. Untrusted.</param>
    /// <param name="cwd">Absolute path of the folder it runs in.</param>
    /// <param name="workspace">Absolute path of the project.</param>
    /// <param name="home">The home folder of whom it runs as; by default this process's.</param>
    /// <param name="around">What lies around the project; by default nothing is known of it.</param>
    /// <param name="marked">Whether a person will look at the command: <see cref="Risk.Marks"/>.</param>
    public static Risk Assess(
        string command, string cwd, string workspace, string? home = null, RiskSurroundings? around = null, bool marked = false)
    {
        var report = new Report();
        if (Encoding.UTF8.GetByteCount(command) > RiskLimits.MaxCommandBytes)
        {
            report.NotUnderstood("length", $"The command is longer than {RiskLimits.MaxCommandBytes / 1024} KiB and was not analysed.");
            return report.ToRisk();
        }

        var places = new PlaceFinder(workspace, home ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), around);
        FlagHidden(report, command);
        if (command.Contains('\0', StringComparison.Ordinal))
        {
            return report.ToRisk(); // a shell stops or drops it there: two readings
        }

        try
        {
            var marks = marked ? new SourceMarks(command.Length, RiskLimits.MaxCommands, RiskLimits.MaxMarks) : null;
            Walker.WalkScript(command, ShellState.At(PlaceFinder.Logical("/", cwd)), Context.Top, report, places, marks);
            if (marks is not null)
            {
                return report.ToRisk(marks, places);
            }
        }
        catch (ShellSyntaxException e)
        {
            report.NotUnderstood("syntax", $"The command could not be parsed: {e.Message}.");
        }
        catch (TooMuchException)
        {
            report.NotUnderstood("length", $"The command has more than {RiskLimits.MaxCommands} parts; the rest was not analysed.");
        }

        return report.ToRisk();
    }

    /// <summary>Assesses a change of one file by an agent's edit tool.</summary>
    /// <param name="path">Absolute, or relative to the workspace. Untrusted.</param>
    /// <param name="workspace">Absolute path of the project.</param>
    /// <param name="home">As for <see cref="Assess"/>.</param>
    /// <param name="around">As for <see cref="Assess"/>.</param>
    public static Risk AssessEdit(string path, string workspace, string? home = null, RiskSurroundings? around = null)
    {
        var report = new Report();
        if (Places(report, path, workspace, home, around) is not { } places)
        {
            return report.ToRisk();
        }

        PathEffects.Write(report, places, places.Find(places.Workspace, path));
        if (PlaceFinder.Logical(places.Workspace, path) is var named && places.Find("/", named) is var plain
            && PathEffects.Later(named, places) is { } later)
        {
            // The name as written counts too: a link called .envrc is read by that name.
            report.Add(ConsequenceKind.RunsLater, plain.Shown, $"{plain.Shown} is read by {later.Who}.", later.Tier);
        }

        return report.ToRisk();
    }

    /// <summary>Assesses that one file is read by an agent's tool, or given away to people.</summary>
    /// <param name="path">Absolute, or relative to the workspace. Untrusted.</param>
    /// <param name="workspace">Absolute path of the project.</param>
    /// <param name="home">As for <see cref="Assess"/>.</param>
    /// <param name="around">As for <see cref="Assess"/>.</param>
    /// <param name="tree">All that lies beneath it is read, as by a search.</param>
    public static Risk AssessRead(string path, string workspace, string? home = null, bool tree = false, RiskSurroundings? around = null)
    {
        var report = new Report();
        if (Places(report, path, workspace, home, around) is not { } places)
        {
            return report.ToRisk();
        }

        var place = places.Find(places.Workspace, path);
        if (place.Zone is Zone.Outside or Zone.Temporary && !PathEffects.IsSecret(places, place, glob: false, tree))
        {
            report.Add(ConsequenceKind.ReadsPath, place.Shown,
                $"Reads {(tree ? "everything below " : "")}{place.Shown}, outside of the workspace; the agent and its model provider see it.",
                RiskTier.ReachesOut);
            return report.ToRisk();
        }

        PathEffects.Read(report, places, place, glob: false, tree);
        return report.ToRisk();
    }

    /// <summary>Whether a file holds keys or passwords, by where and what it is called.</summary>
    /// <param name="path">Absolute.</param>
    public static bool IsSecret(string path, string? home = null)
        => SecretPaths.Matches(path, home ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), glob: false);

    /// <summary>Text of untrusted origin for people: control, format and invisible characters as <c>\u{…}</c>.</summary>
    public static string Escape(string text) => HiddenCharacters.Escape(text);

    /// <summary>Where a file that a tool names lies; null, with the reason in the report, when the name is no path.</summary>
    private static PlaceFinder? Places(Report report, string path, string workspace, string? home, RiskSurroundings? around)
    {
        FlagHidden(report, path);
        if (path.Length is 0 or > 4096 || path.Contains('\0', StringComparison.Ordinal))
        {
            report.NotUnderstood("path", "This is not a path.");
            return null;
        }

        return new PlaceFinder(workspace, home ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), around);
    }

    private static void FlagHidden(Report report, string text)
    {
        if (HiddenCharacters.Find(text) is { Count: > 0 } hidden)
        {
            var names = string.Join(", ", hidden.Select(r => $"U+{r.Value:X4}"));
            report.NotUnderstood(names, $"The text contains characters that are invisible or look like others: {names}.",
                ConsequenceKind.HiddenText);
        }
    }
}
