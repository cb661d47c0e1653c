using PocketCoder.Risks.Reading;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>
/// git, by what a sub-command does. The repository's configuration and hooks are trusted as far as they were written with approval.
/// </summary>
internal static class Git
{
    private static readonly HashSet<string> s_looks = new(StringComparer.Ordinal)
    {
        "status", "log", "diff", "show", "blame", "annotate", "rev-parse", "rev-list", "ls-files", "ls-tree", "cat-file", "describe",
        "shortlog", "name-rev", "merge-base", "for-each-ref", "show-ref", "show-branch", "count-objects", "fsck", "whatchanged",
        "cherry", "range-diff",
        "check-ignore", "check-attr", "check-ref-format", "diff-tree", "diff-index", "diff-files", "grep", "var", "version",
        "verify-commit", "verify-tag", "stripspace", "patch-id", "get-tar-commit-id", "merge-tree",
    };

    private static readonly HashSet<string> s_writes = new(StringComparer.Ordinal)
    {
        "add", "commit", "merge", "cherry-pick", "revert", "mv", "init", "apply", "am", "format-patch", "bundle", "notes", "gc", "repack",
        "pack-refs", "maintenance", "write-tree", "commit-tree", "hash-object", "mktree", "read-tree", "update-index", "stage",
        "rerere", "bugreport", "column", "fmt-merge-msg", "mktag", "checkout-index", "commit-graph", "multi-pack-index", "rebase",
        "archive", "worktree", "branch", "tag", "stash", "switch", "sparse-checkout",
    };

    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("git", Run, Traits.OwnCheck | Traits.Exact);
        programs.Add("gh glab hub", Hub, Traits.OwnCheck);
        programs.Add("svn hg bzr fossil p4 jj", static call => call.Unknown($"Uses another version control system: {call.Shown}"));
    }

    private static void Run(Invocation call)
    {
        var i = 0;
        for (; i < call.Args.Count && call.Args[i].Text.StartsWith('-'); i++)
        {
            switch (call.Args[i].Text)
            {
                case "--no-pager" or "-P" or "--no-optional-locks" or "--version" or "--no-replace-objects" or "--literal-pathspecs"
                    or "-v":
                // before a command it opens that one's manual, with a pager or a browser
                case "--help" or "-h" when i + 1 == call.Args.Count:
                    break;
                case "-C" when i + 1 < call.Args.Count:
                    var folder = call.Args[++i];
                    call.At(folder, place =>
                    {
                        if (place.Zone != Paths.Zone.Workspace)
                        {
                            call.Report.Unknown(place.Shown, $"Works on another repository: {place.Shown}", tier: RiskTier.Destructive);
                        }
                    });
                    break;
                case "-c" when i + 1 < call.Args.Count && IsHarmlessSetting(call.Args[i + 1].Text):
                    i++;
                    break;
                case "-c" or "--config-env":
                    call.Report.NotUnderstood(
                        call.Shown, $"Gives git a setting that may run a program: {(i + 1 < call.Args.Count ? call.Args[i + 1].Text : "")}",
                        ConsequenceKind.ChangesMeaning);
                    i++;
                    break;
                default:
                    call.Report.NotUnderstood(call.Args[i].Text,
                        $"A git option that changes its repository or programs: {call.Args[i].Text}", ConsequenceKind.ChangesMeaning);
                    i += call.Args[i].Text is "--git-dir" or "--work-tree" or "--exec-path" or "--namespace" ? 1 : 0;
                    break;
            }
        }

        if (i >= call.Args.Count)
        {
            return;
        }

        if (!call.Args[i].Exact)
        {
            call.Report.NotUnderstood(call.Args[i].Text, "The git command is known only at run time.");
            return;
        }

        if (!call.Args.Take(i).Any(a => a.Text == "-C"))
        {
            call.At(new Arg("."), place =>
            {
                if (place.Zone != Paths.Zone.Workspace)
                {
                    call.Unknown($"Works in {place.Shown}, outside of the workspace, where git uses settings that nobody checked.");
                }
            });
        }

        foreach (var arg in call.Args.Skip(i + 1).Where(a => a.Known && !a.Text.StartsWith('-') && a.Text.Length < 4096))
        {
            // HEAD:path too
            var path = arg with { Text = arg.Text[(arg.Text.LastIndexOf(':') + 1)..] };
            if (path.Text.Length > 0 && call.State.Folders is not null)
            {
                call.At(path, place => Walking.PathEffects.Touch(call.Report, call.Walker.Places, place, path.Glob));
            }
        }

        var command = call.Args[i].Text;
        var inner = call.As("git " + command, WithoutMessages(command, call.Args.Skip(i + 1)));
        var raised = call.Report.Raised;
        ProgramTable.CheckArguments(inner, anyOptions: command is "add");
        SubCommand(inner, command);
        if (call.Report.Raised == raised)
        {
            ReadOnlyGate.CheckGit(inner, command);
        }
    }

    /// <summary>A commit message is data, whatever it is made of.</summary>
    private static IEnumerable<Arg> WithoutMessages(string command, IEnumerable<Arg> args)
    {
        var message = false;
        foreach (var arg in args)
        {
            if (command is not ("commit" or "tag" or "merge" or "stash" or "notes"))
            {
                yield return arg;
            }
            else if (message)
            {
                message = false;
                yield return arg.Splits ? arg : new Arg("message");
            }
            else
            {
                message = arg.Known && (arg.Text is "-m" or "--message" or "-am" or "-sm" or "-asm");
                yield return arg.Text.StartsWith("--message=", StringComparison.Ordinal)
                    && !arg.Splits ? new Arg("--message=message") : arg;
            }
        }
    }

    private static bool IsHarmlessSetting(string setting)
        => setting.StartsWith("color.", StringComparison.Ordinal) || setting.StartsWith("user.", StringComparison.Ordinal)
            || setting.StartsWith("advice.", StringComparison.Ordinal)
            || setting is "core.quotepath=false" or "core.quotepath=off" or "core.pager=cat" or "core.fsmonitor=false" or "core.fsmonitor="
                or "core.hooksPath=/dev/null" or "commit.gpgsign=false" or "diff.external=" or "core.editor=true" or "pager.diff=false";

    private static void SubCommand(Invocation call, string command)
    {
        if (call.Has("--output", "--ext-diff", "--textconv", "--open-files-in-pager", "--upload-pack", "--receive-pack", "--exec", "--run",
            "--extcmd") || (command == "grep" && call.Has("-O")) || (command == "rebase" && call.Has("-x")))
        {
            if (command is not "diff" and not "show" and not "log" || !call.Args.All(a => a.Text is not ("--output" or "--ext-diff"
                or "--textconv") && !a.Text.StartsWith("--output=", StringComparison.Ordinal) && !IsAbbreviation(a.Text)))
            {
                call.Report.Unseen();
                call.Unknown($"An option makes git write a file or run a program: {call.Shown}");
            }
        }

        switch (command)
        {
            case "push":
                Push(call);
                return;
            case "fetch" or "pull" or "ls-remote" or "clone" or "submodule" or "lfs" or "send-email" or "remote" or "request-pull"
                or "imap-send" or "fetch-pack" or "send-pack" or "svn" or "p4" or "http-fetch" or "http-push" or "daemon" or "instaweb"
                or "credential":
                Remote(call, command);
                return;
            case "config":
                Config(call);
                return;
            case "reset":
                ChangesHistory(call, call.Has("--hard", "--merge", "--keep"), "Discards uncommitted changes");
                return;
            case "clean":
                ChangesHistory(call, !call.Has("-n", "--dry-run"), "Deletes untracked files");
                return;
            case "checkout":
                Checkout(call);
                return;
            case "restore":
                ChangesHistory(call, !call.Has("--staged", "-S") || call.Has("--worktree", "-W"), "Discards uncommitted changes");
                return;
            case "switch" when call.Has("-f", "--force", "--discard-changes", "-C"):
            case "branch" when call.Has("-D", "-M", "-f", "--force", "-d", "--delete"):
            case "tag" when call.Has("-d", "--delete", "-f", "--force"):
            case "stash" when call.Args is [{ Text: "drop" or "clear" }, ..]:
            case "worktree" when call.Args is [{ Text: "remove" or "prune" }, ..]:
            case "notes" when call.Args is [{ Text: "remove" or "prune" }, ..]:
            case "gc" when call.Has("--prune"):
            case "filter-branch" or "filter-repo" or "update-ref" or "prune" or "prune-packed" or "replace" or "rm"
                or "symbolic-ref" when command != "symbolic-ref" || call.Operands().Count > 1:
            case "reflog" when call.Args is [{ Text: "expire" or "delete" }, ..]:
                ChangesHistory(call, destroys: true, command == "rm" ? "Deletes files" : "Deletes branches, stashes or history");
                return;
            case "symbolic-ref":
                return;
            case "reflog":
                return;
            case "branch" when (call.Operands().Count == 0 && !call.Has("--set-upstream-to", "--unset-upstream", "--edit-description", "-u",
                "-m", "-c")) || call.Has("--list", "--show-current", "--contains", "--merged", "--no-merged", "--points-at"):
            case "tag" when call.Args.Count == 0 || call.Has("-l", "--list", "-n", "-v", "--points-at", "--contains"):
            case "stash" when call.Args is [{ Text: "list" or "show" }, ..]:
            case "worktree" when call.Args is [{ Text: "list" }, ..]:
            case "notes" when call.Args is [] or [{ Text: "list" or "show" }, ..]:
            case "bundle" when call.Args is [{ Text: "verify" or "list-heads" }, ..]:
                return;
            case "help":
                return;
        }

        if (s_looks.Contains(command))
        {
            Look(call, command);
        }
        else if (s_writes.Contains(command))
        {
            Write(call, command);
        }
        else
        {
            call.RunsUnseen(call.Shown, $"git {command} may be an alias or run programs: {call.Shown}");
        }
    }

    private static bool IsAbbreviation(string text)
        => text.Length > 2 && text.StartsWith("--", StringComparison.Ordinal)
            && ((string[])["--output", "--ext-diff", "--textconv"]).Any(o => o.StartsWith(text.Split('=')[0], StringComparison.Ordinal));

    private static void Look(Invocation call, string command)
    {
        if (command is "diff" && call.Has("--no-index"))
        {
            call.Reads(call.Operands());
        }

        if (command is "grep" && call.Has("-f") && !call.Has("--files-with-matches"))
        {
            call.Reads(call.Values("-f", "--file-never"));
        }

        call.Report.Add(ConsequenceKind.ReadsPath, "the repository", "Reads the repository.");
    }

    private static void Write(Invocation call, string command)
    {
        call.Report.Add(ConsequenceKind.Repository, command, $"Changes the repository: {call.Shown}", RiskTier.WorkspaceWrite);
        call.Report.CannotBeUndone(); // a snapshot brings files back, not refs
        if (command is "commit" or "merge" or "rebase" or "cherry-pick" or "revert" or "am" or "switch" && !call.Has("--no-verify"))
        {
            call.Report.Add(ConsequenceKind.RunsCode, "hooks", "Runs the repository's hooks, if it has any.", RiskTier.WorkspaceWrite);
        }

        if (command is "apply" or "am")
        {
            call.Report.Unknown(call.Shown, "Changes any file that the patch names, possibly including agents' settings.",
                tier: RiskTier.WorkspaceWrite);
        }

        if (command is "mv")
        {
            call.Writes(call.Operands());
        }
        else if (command is "init" or "worktree" or "archive" or "format-patch" or "bundle")
        {
            call.Writes(call.Values("-o", "--output-directory"));
            call.Writes(call.Operands("obB").SkipWhile(a => a.Text is "add" or "move" or "create" or "lock" or "unlock" or "repair")
                .Where(a => command is "init" or "worktree" or "bundle").Take(1));
            if (command is "init" && call.Has("--template") || call.Has("--remote"))
            {
                call.Unknown($"Takes hooks or files from elsewhere: {call.Shown}");
            }
        }
        else if (command is "apply" or "am" && call.Has("--unsafe-paths", "--directory"))
        {
            call.Unknown($"Applies a patch outside the folder: {call.Shown}");
        }
    }

    private static void Checkout(Invocation call)
    {
        var operands = call.Operands("bB");
        var paths = call.Args.Any(a => a.Text == "--") || operands.Count > 1 || operands.Any(o => o.Text is "." or ".." || o.Text.Contains(
            '*', StringComparison.Ordinal) || (o.Text.Contains('.', StringComparison.Ordinal) && !o.Text.StartsWith('v')));
        if (call.Has("-b", "--orphan", "-t", "--track") && !call.Has("-f", "--force"))
        {
            Write(call, "switch");
            return;
        }

        ChangesHistory(call, paths || call.Has("-f", "--force", "-B", "--ours", "--theirs", "-p", "--pathspec-from-file"),
            "Discards uncommitted changes");
    }

    private static void ChangesHistory(Invocation call, bool destroys, string what)
    {
        call.Report.CannotBeUndone();
        call.Report.Add(ConsequenceKind.Repository, call.Shown, destroys ? $"{what}: {call.Shown}"
            : $"Changes the repository: {call.Shown}", destroys ? RiskTier.Destructive : RiskTier.WorkspaceWrite);
    }

    private static void Push(Invocation call)
    {
        var operands = call.Operands("o", "--push-option", "--repo");
        ReachesRemote(call, operands.Count > 0 ? operands[0] : null, "sends commits");
        call.Report.CannotBeUndone();
        if (call.Has("-f", "--force", "--force-with-lease", "--force-if-includes", "--delete", "-d", "--mirror", "--prune")
            || operands.Skip(1).Any(o => o.Text.StartsWith('+') || o.Text.StartsWith(':')))
        {
            call.Report.Add(ConsequenceKind.Repository, call.Shown, $"Overwrites or deletes branches on the remote: {call.Shown}",
                RiskTier.Destructive);
        }
    }

    private static void Remote(Invocation call, string command)
    {
        var verb = call.Args.Count > 0 ? call.Args[0].Text : "";
        switch (command)
        {
            case "remote" when verb is "" or "-v" or "--verbose" or "get-url":
            case "submodule" when verb is "status" or "summary" or "":
            case "lfs" when verb is "ls-files" or "status" or "env" or "version":
                return;
            case "remote" when verb is "show":
                ReachesRemote(call, call.Args.ElementAtOrDefault(1), "asks for its branches");
                return;
            case "remote" when verb is not ("update" or "prune"):
                call.Report.CannotBeUndone();
                call.Report.Add(ConsequenceKind.RunsLater, ".git/config", $"Changes the repository's remotes: {call.Shown}",
                    RiskTier.ReachesOut);
                return;
            case "submodule" when verb is "foreach":
                call.Script(new Arg(string.Join(' ', call.Args.Skip(1).Where(a => a.Text is not ("--recursive" or "--quiet"))
                    .Select(a => a.Text)), Known: call.Args.All(a => a.Exact)));
                call.Report.NotUnderstood(call.Shown, $"Runs a command in every submodule: {call.Shown}", ConsequenceKind.RunsCode);
                return;
            case "credential":
                call.Report.Add(ConsequenceKind.ReadsSecret, "git credentials", "Asks git for stored passwords.", RiskTier.ReachesOut);
                return;
        }

        if (command is "daemon" or "instaweb" or "send-email" or "imap-send" or "svn" or "p4" or "http-push" or "request-pull")
        {
            call.Unknown($"Serves or sends the repository in ways that are not analysed: {call.Shown}");
        }

        var operands = call.Operands("bou", "--depth", "--branch", "--origin");
        ReachesRemote(call, command is "submodule" or "lfs" or "remote" ? null : operands.Count > 0 ? operands[0] : null,
            command is "clone" ? "copies a repository" : "fetches");
        if (command is "clone")
        {
            call.Writes(operands.Skip(1).Take(1).DefaultIfEmpty(new Arg(".")));
            if (call.Has("-c", "--config", "-u", "--template", "--recurse-submodules", "--recursive"))
            {
                call.Unknown($"An option of clone may bring in programs: {call.Shown}");
            }
        }
        else if (command is "pull")
        {
            Write(call, "merge");
        }
    }

    private static void ReachesRemote(Invocation call, Arg? remote, string what)
    {
        var text = remote?.Text ?? "origin";
        if (text.StartsWith("ext::", StringComparison.Ordinal) || text.StartsWith("fd::", StringComparison.Ordinal)
            || (text.Contains("::", StringComparison.Ordinal) && !text.Contains("//", StringComparison.Ordinal)))
        {
            call.RunsUnseen(text, $"Connects to the remote through a program: {text}");
        }

        call.Reaches(Network.HostOf(text) ?? $"the remote '{text}'", what);
    }

    private static void Config(Invocation call)
    {
        var operands = call.Operands("ft", "--type", "--file", "--blob");
        if (call.Has("--get", "--get-all", "--get-regexp", "--list", "-l", "--get-urlmatch", "--show-origin") || operands is [
            {
                Text: "get"
            or "list"
            }, ..] || (operands.Count == 1 && !call.Has("--unset", "--unset-all", "-e", "--edit", "--remove-section", "--add")))
        {
            call.Reads(call.Values("-f", "--file").Where(_ => call.Args.Any(a => a.Text is "-f" or "--file")));
            return;
        }

        call.Report.CannotBeUndone();
        call.Report.Add(ConsequenceKind.RunsLater, "git config",
            $"Changes git's settings, which can name programs that git runs: {call.Shown}", RiskTier.Destructive);
    }

    private static void Hub(Invocation call)
    {
        ProgramTable.CheckArguments(call, anyOptions: true);
        var words = call.Operands("R", "--repo");
        call.Reaches(call.Name is "glab" ? "gitlab.com" : "github.com", "as the logged-in user");
        call.Report.CannotBeUndone();
        if (words is [{ Text: "auth" }, ..])
        {
            call.Report.Add(ConsequenceKind.ReadsSecret, "gh auth", "Shows or changes a login.", RiskTier.ReachesOut);
        }

        var looks = words is [_, { Text: "view" or "list" or "status" or "diff" or "checks" }, ..]
            && words[0].Text is "pr" or "issue" or "repo" or "run" or "release" or "workflow" && !call.Has("--web", "-w");
        if (!looks)
        {
            call.Report.Unknown(call.Shown, $"May change data on the forge: {call.Shown}",
                tier: words.Any(w => w.Text is "delete" or "merge" or "close" or "archive") ? RiskTier.Destructive : RiskTier.ReachesOut);
        }
    }
}
