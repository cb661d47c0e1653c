namespace PocketCoder.Git;

/// <summary>
/// What git's words mean. It runs with LC_ALL=C.UTF-8, so they are English; what is not known is <see cref="GitError.Failed"/> with the
/// words themselves.
/// </summary>
public static class GitFailures
{
    private const int ShownErrors = 1000;

    private static readonly (string Words, GitError Error, string Message)[] s_known =
    [
        ("not a git repository", GitError.NotARepository, "This project is not a git repository."),
        ("index.lock': File exists", GitError.Locked,
            "Another git process is using this repository (its index is locked). If there is none, remove .git/index.lock."),
        ("cannot lock ref", GitError.Locked, "A branch is locked or conflicts with that name."),
        ("would be overwritten by", GitError.Conflict, "That would overwrite changes. Commit, stash or discard them first."),
        ("would be removed by", GitError.Conflict, "That would remove untracked files. Move or discard them first."),
        ("would be lost", GitError.Conflict, "That would lose untracked files."),
        ("patch does not apply", GitError.Conflict, "That part no longer applies. Review the changes again."),
        ("corrupt patch", GitError.Conflict, "That part can't be applied on its own."),
        ("patch failed", GitError.Conflict, "That part no longer applies. Review the changes again."),
        ("already exists in working directory", GitError.Conflict, "A file is in the way."),
        ("already exists, no checkout", GitError.Conflict, "A file is in the way."),
        ("is already checked out at", GitError.Conflict, "That branch is checked out in another worktree."),
        ("is already used by worktree", GitError.Conflict, "That branch is checked out in another worktree."),
        ("contains modified or untracked files", GitError.Conflict, "The worktree has changes."),
        ("needs merge", GitError.MergeConflict, "Resolve the conflicts first."),
        ("unmerged files", GitError.MergeConflict, "Resolve the conflicts first."),
        ("unmerged path", GitError.MergeConflict, "Resolve the conflicts first."),
        ("not concluded your merge", GitError.MergeConflict, "A merge is in progress."),
        ("resolve your current index first", GitError.MergeConflict, "Resolve the conflicts first."),
        ("Automatic merge failed", GitError.MergeConflict,
            "Both sides changed the same places. Resolve the conflicts and continue, or abort."),
        ("CONFLICT (", GitError.MergeConflict, "Both sides changed the same places. Resolve the conflicts and continue, or abort."),
        ("could not apply", GitError.MergeConflict, "Both sides changed the same places. Resolve the conflicts and continue, or abort."),
        ("index is in conflict", GitError.MergeConflict, "Resolve the conflicts first."),
        ("Please tell me who you are", GitError.NoIdentity,
            "git has no author identity. On the machine: git config --global user.name NAME, and user.email."),
        ("empty ident name", GitError.NoIdentity,
            "git has no author identity. On the machine: git config --global user.name NAME, and user.email."),
        ("unable to auto-detect email address", GitError.NoIdentity,
            "git has no author identity. On the machine: git config --global user.name NAME, and user.email."),
        ("nothing to commit", GitError.NothingToCommit, "Nothing is staged."),
        ("nothing added to commit", GitError.NothingToCommit, "Nothing is staged."),
        ("no changes added to commit", GitError.NothingToCommit, "Nothing is staged."),
        ("Not possible to fast-forward", GitError.NonFastForward, "The branches have diverged. Merge or rebase."),
        ("non-fast-forward", GitError.NonFastForward, "The remote has commits that are not here. Fetch and merge or rebase first."),
        ("fetch first", GitError.NonFastForward, "The remote has commits that are not here. Fetch and merge or rebase first."),
        ("stale info", GitError.NonFastForward, "The remote has changed since the last fetch. Fetch first."),
        ("Host key verification failed", GitError.Unreachable, "This machine doesn't know the host's key. Connect once by hand: ssh HOST."),
        ("REMOTE HOST IDENTIFICATION HAS CHANGED", GitError.Unreachable, "The host's key has changed. Find out why before you continue."),
        ("Permission denied (", GitError.AuthRequired, "The host does not accept this machine's key. Add one to ssh-agent or ~/.ssh."),
        ("Too many authentication failures", GitError.AuthRequired, "The host does not accept this machine's keys."),
        ("Authentication failed", GitError.AuthRequired, "The host requires a password or token that is not stored here."),
        ("could not read Username", GitError.AuthRequired, "The host requires a password or token that is not stored here."),
        ("could not read Password", GitError.AuthRequired, "The host requires a password or token that is not stored here."),
        ("terminal prompts disabled", GitError.AuthRequired, "The host requires a password or token that is not stored here."),
        ("Connection refused", GitError.Unreachable, "The host does not answer."),
        ("Could not resolve hostname", GitError.Unreachable, "There is no such host."),
        ("Connection timed out", GitError.Unreachable, "The host does not answer."),
        ("No route to host", GitError.Unreachable, "The host does not answer."),
        ("transport '", GitError.InvalidName, "The machine does not support that protocol."),
        ("No space left on device", GitError.NoRoom, "The machine's disk is full."),
        ("Disk quota exceeded", GitError.NoRoom, "The machine's user may not store any more (quota)."),
        ("Repository not found", GitError.NotFound, "There is no repository at that address, or this machine's key may not see it."),
        ("you were looking for could not be found", GitError.NotFound,
            "There is no repository at that address, or this machine's key may not see it."),
        ("does not appear to be a git repository", GitError.NotFound, "There is no repository at that address."),
        ("unknown revision", GitError.NotFound, "There is no such commit, branch or tag."),
        ("bad revision", GitError.NotFound, "There is no such commit, branch or tag."),
        ("Needed a single revision", GitError.NotFound, "There is no such commit, branch or tag."),
        ("not a valid object name", GitError.NotFound, "There is no such commit, branch or tag."),
        ("Not a valid object name", GitError.NotFound, "There is no such commit, branch or tag."),
        ("invalid reference", GitError.NotFound, "There is no such commit, branch or tag."),
        ("not a commit and a branch", GitError.NotFound, "There is no such commit, branch or tag."),
        ("did not match any file", GitError.NotFound, "There is no such path."),
        ("no such path", GitError.NotFound, "There is no such path there."),
        ("does not have any commits yet", GitError.NotFound, "There is no commit yet."),
        ("You do not have the initial commit yet", GitError.NotFound, "There is no commit yet."),
        ("No such remote", GitError.NotFound, "There is no such remote."),
        ("is not a stash reference", GitError.NotFound, "There is no such stash."),
        ("is not a working tree", GitError.NotFound, "There is no such worktree."),
        ("has only", GitError.NotFound, "The file has fewer lines."),
        ("already exists", GitError.Exists, "That name already exists."),
        ("is not a valid branch name", GitError.InvalidName, "git does not allow that name."),
        ("is not a valid tag name", GitError.InvalidName, "git does not allow that name."),
    ];

    /// <summary>The failure of a call that ended with an error.</summary>
    public static GitException Of(GitCommand command, GitResult result)
    {
        var words = result.Errors.Trim();
        if (words.Length == 0 || !Known(words, out _))
        {
            words = $"{words}\n{Head(result.Text)}".Trim(); // merge and commit tell on their output
        }

        var what = $"git {command.Arguments.FirstOrDefault(a => !a.StartsWith('-')) ?? ""}";
        return Known(words, out var known)
            ? new GitException(known.Error, known.Message) { Paths = Paths(words) }
            : new GitException(GitError.Failed, $"{what} failed ({result.ExitCode}): {Head(words)}");
    }

    /// <summary>The failure that some words mean.</summary>
    /// <param name="what">Who said them.</param>
    public static GitException OfWords(string what, string words)
        => Known(words, out var known) ? new GitException(known.Error, known.Message)
            : new GitException(GitError.Failed, $"{what}: {Head(words.Trim())}");

    private static bool Known(string words, out (string Words, GitError Error, string Message) known)
    {
        known = Array.Find(s_known, k => words.Contains(k.Words, StringComparison.Ordinal));
        return known.Words is not null;
    }

    /// <summary>git lists what is in the way with a tab before each.</summary>
    private static List<string> Paths(string words) => [.. words.Split('\n').Where(l => l.StartsWith('\t'))
        .Select(l => GitText.Path(System.Text.Encoding.UTF8.GetBytes(l.Trim()))).Take(20)];

    private static string Head(string text) => text.Length > ShownErrors ? text[..ShownErrors] : text;
}
