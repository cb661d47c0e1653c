using PocketCoder.Git;
using PocketCoder.Sandboxes;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Paths;
using PocketCoder.Protocol;
using PocketCoder.Risks.Paths;

namespace PocketCoder.Machine.Guard;

/// <summary>
/// Configuration that an agent could widen its rights with: always asked, and read-only to commands in a sandbox (docs/snapshots.md,
/// <em>Protected configuration</em>).
/// </summary>
public static class Protection
{
    /// <summary>What the assessor calls <c>git config</c>, which does not say which of git's files it writes.</summary>
    private const string GitSettingsSubject = "git config";

    /// <summary>
    /// Whether what is asked for would write such a file, as far as it can be told. Then it is decided once, never for a turn or session.
    /// </summary>
    public static bool Touches(ApprovalSubject subject, RiskInfo? risk, string directory)
        => (subject is EditSubject edit && ProtectedPaths.Covers(Path.GetRelativePath(directory, edit.Path)))
            || (risk?.Consequences.Any(c => c.Kind is ConsequenceKind.RunsLater or ConsequenceKind.WritesPath or ConsequenceKind.DeletesPath
                or ConsequenceKind.ChangesRights
                && (ProtectedPaths.Covers(c.Subject) || (c.Kind == ConsequenceKind.RunsLater && c.Subject == GitSettingsSubject)))
                    ?? false);

    /// <summary>Repositories of submodules and worktrees that are bound each by itself; what is beyond is read-only as a whole.</summary>
    private const int MaxRepositories = 40;

    /// <summary>What of a project is read-only to commands: what of it is there now, and is no link.</summary>
    public static IReadOnlyList<ReadOnlyBind> ReadOnly(string directory)
    {
        var git = Path.Combine(directory, ".git");
        return
        [
            .. ProtectedPaths.AtRoot.Select(n => Path.Combine(directory, n)).Where(IsPlain).Select(p => new ReadOnlyBind(p)),
            .. !IsPlain(git) ? []
                : File.Exists(git) ? [new ReadOnlyBind(git)] // a worktree's or submodule's: the file says where the repository is
                : Named(directory, git)
                    .Concat(Repositories(git).SelectMany(r => ProtectedPaths.InGit.Select(n => Path.Combine(r, n)).Where(IsPlain)))
                    .Distinct(StringComparer.Ordinal)
                    .Select(p => new ReadOnlyBind(p)),
        ];
    }

    /// <summary>Folders that must stay where they are, or moving them would take what is bound read-only out of the way.</summary>
    public static IReadOnlyList<string> Pinned(string directory)
        => Path.Combine(directory, ".git") is var git && Directory.Exists(git) && IsPlain(git) ? Repositories(git) : [];

    /// <summary>Folders of the repository that are not there, in which a command could make what git runs.</summary>
    public static IReadOnlyList<string> Empty(string directory)
        => Path.Combine(directory, ".git") is var git && Directory.Exists(git) && IsPlain(git)
            ? [.. ProtectedPaths.FoldersInGit.Select(n => Path.Combine(git, n))
                .Where(p => !Path.Exists(p) && new FileInfo(p).LinkTarget is null)]
            : [];

    /// <summary>The repository, and those in it: of submodules and worktrees, in which work goes on too.</summary>
    private static List<string> Repositories(string git)
    {
        List<string> found = [git, .. Children(Path.Combine(git, "worktrees"))];
        var folders = new Queue<string>([Path.Combine(git, "modules")]);
        while (folders.TryDequeue(out var folder) && found.Count < MaxRepositories)
        {
            foreach (var child in Children(folder))
            {
                if (File.Exists(Path.Combine(child, "HEAD")))
                {
                    found.Add(child);
                    folders.Enqueue(Path.Combine(child, "modules"));
                }
                else
                {
                    folders.Enqueue(child); // a submodule's name may have slashes
                }
            }
        }

        return [.. found.Take(MaxRepositories)];

        static IEnumerable<string> Children(string folder)
        {
            try
            {
                return IsPlain(folder) && Directory.Exists(folder)
                    ? [.. Directory.EnumerateDirectories(folder).Where(IsPlain).Order(StringComparer.Ordinal).Take(MaxRepositories)] : [];
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return [];
            }
        }
    }

    /// <summary>Files of the project that the settings name as hooks or further settings: git obeys them.</summary>
    private static IEnumerable<string> Named(string directory, string git)
    {
        try
        {
            var config = Path.Combine(git, "config");
            return IsPlain(config) && new FileInfo(config).Length <= FileState.Largest
                && GitSettings.Parse(File.ReadAllBytes(config)) is { } settings
                ? [.. Redirects.Hooks(directory, TreePath.Root, settings)
                    .Concat(Redirects.Included(directory, new TreePath(".git"), settings))
                    .Select(p => Path.Combine(directory, p.Shown))
                    .Where(p => Path.Exists(p) && IsPlain(p))]
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool IsPlain(string path) => Path.Exists(path) && new FileInfo(path).LinkTarget is null;
}
