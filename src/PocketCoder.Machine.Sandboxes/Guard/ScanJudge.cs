using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Paths;

namespace PocketCoder.Machine.Guard;

/// <summary>
/// Compares two scans of a project: which changes would make git run a program or look elsewhere, and which are a repository's ordinary
/// life. What this version does not know to be harmless is not. Pure.
/// </summary>
/// <param name="root">The project's folder.</param>
/// <param name="open">Something ran that was allowed with protected configuration in view: then settings, hooks and worktrees may change,
/// and are told.</param>
/// <param name="whole">Both scans are of the whole project.</param>
internal sealed class ScanJudge(string root, ProjectScan before, ProjectScan now, bool open, bool whole)
{
    private static readonly string[] s_drivers = ["filter", "diff=", "merge=", "[attr]"];

    public List<Finding> Judge()
    {
        var findings = new List<Finding>();
        var looksOnly = now.Repositories.Where(r => r.Value && !before.Repositories.ContainsKey(r.Key)).Select(r => r.Key).ToHashSet();
        foreach (var path in before.Files.Keys.Union(now.Files.Keys).OrderBy(p => p.Raw, StringComparer.Ordinal))
        {
            if (!whole && !ProjectScanner.IsOwn(path))
            {
                continue;
            }

            var (was, file) = (before.Files.GetValueOrDefault(path), now.Files.GetValueOrDefault(path));
            var repository = (file ?? was)!.Repository;
            if (looksOnly.Contains(repository))
            {
                continue; // judged as one below: its files may be a person's own
            }

            if (was?.State != file?.State && Of(path, was, file, repository) is { } finding)
            {
                findings.Add(finding);
            }
        }

        findings.AddRange(looksOnly.Where(r => whole || ProjectScanner.IsOwn(r)).Select(OfBare));
        findings.AddRange(now.Repositories.Where(
            r => !r.Value && !before.Repositories.ContainsKey(r.Key) && (whole || ProjectScanner.IsOwn(r.Key)))
            .Select(r => new Finding(FindingKind.Notice, r.Key, null, "a repository that was not there before")));
        if (whole)
        {
            findings.AddRange(now.Scripts.Where(s => before.Scripts.GetValueOrDefault(s.Key) != s.Value).Select(
                s => new Finding(FindingKind.Notice, s.Key, null, "its scripts changed; they run at the next install, build or test")));
            findings.AddRange(now.Unseen.Select(u => new Finding(
                before.Unseen.Contains(u, StringComparer.Ordinal) ? FindingKind.Notice : FindingKind.Alarm, TreePath.Root, null,
                $"not everything could be looked at: {u}")));
        }

        return findings;
    }

    private Finding? Of(TreePath path, GuardedFile? was, GuardedFile? file, TreePath repository)
    {
        var isNew = !before.Repositories.ContainsKey(repository);
        if (file is null && was!.Kind != GuardedKind.Tool && !now.Repositories.ContainsKey(repository))
        {
            // gone as a whole
            return repository.Raw is ".git" or ".gitmodules" && was.Kind == GuardedKind.Redirect ? PutBack("was removed") : null;
        }

        var verb = was is null ? "appeared" : file is null ? "was removed" : "changed";
        switch ((file ?? was)!.Kind)
        {
            case GuardedKind.Head:
                return was is not null && Redirects.IsHead(was.State) && (file is null || !Redirects.IsHead(file.State))
                    ? PutBack($"{verb} and is no HEAD any more, so git would look for another repository") : null;
            case GuardedKind.Folder:
                return was is not null && file is null ? PutBack("was removed, so git would look for another repository") : null;
            case GuardedKind.Tool:
                return new Finding(open ? FindingKind.Notice : FindingKind.Alarm, path, was?.State, $"{verb}; other programs obey it");
            case GuardedKind.Attributes:
                return file is not null && !s_drivers.Any(d => Text(file.State).Contains(d, StringComparison.OrdinalIgnoreCase))
                    && file.State.Type == 'f'
                    ? new Finding(FindingKind.Notice, path, was?.State, verb)
                    : PutBack($"{verb}; it chooses programs for files", mayBeAllowed: true);
            case GuardedKind.Alternates:
                return isNew ? null : PutBack($"{verb}; objects would come from elsewhere");
            case GuardedKind.Hook:
                return PutBack($"{verb}; git runs it", mayBeAllowed: true);
            case GuardedKind.Settings:
                return OfSettings();
            default:
                return OfRedirect();
        }

        Finding PutBack(string what, bool mayBeAllowed = false)
            => new(open && mayBeAllowed ? FindingKind.Notice : FindingKind.PutBack, path, was?.State, what);

        Finding? OfSettings()
        {
            if (file is null)
            {
                return path.Name == ".gitmodules" ? null : PutBack("was removed", mayBeAllowed: true);
            }

            var old = was is { State: { Type: 'f', Content: { } bytes } } ? GitSettings.Parse(bytes) ?? [] : [];
            var settings = file.State is { Type: 'f', Content: { } text } ? GitSettings.Parse(text) : null;
            if (settings is null)
            {
                return path.Name == ".gitmodules" ? null : PutBack($"{verb} and can't be read as settings", mayBeAllowed: true);
            }

            var added = settings.Except(old).ToList();
            var harmful = added.Where(s => !SettingRules.IsHarmless(s, value => Redirects.Within(root, repository, value) is { } tree
                && (tree.Raw.Length == 0 || !tree.Raw.StartsWith(".git", StringComparison.Ordinal)))).ToList();
            if (harmful.Count > 0)
            {
                return PutBack(
                    $"{verb} by a setting that can make git run a program: {string.Join(", ", harmful.Take(3).Select(s => Shown(s.Key)))}",
                    mayBeAllowed: true);
            }

            return isNew || (added.Count == 0 && settings.Count == old.Count) || path.Name == ".gitmodules"
                ? null
                : new Finding(FindingKind.Notice, path, was?.State,
                    $"{verb}: {string.Join(", ", added.Concat(old.Except(settings)).Take(3).Select(s => Shown(s.Key)))}");
        }

        Finding? OfRedirect()
        {
            if (file is null)
            {
                // A submodule's or worktree's file may go with it; the project's own may not.
                return path.Name == ".git" && path.Raw != ".git" ? null : PutBack("was removed", mayBeAllowed: path.Raw != ".git");
            }

            var target = Redirects.Target(root, path, file.State);
            var fine = path.Name switch
            {
                ".git" => target is { } repo && now.Repositories.ContainsKey(repo),
                "commondir" => file.State.Type == 'f' && target is { } common && common.Raw.Length > 0
                    && now.Repositories.ContainsKey(common) && path.Parent.Parent == common / "worktrees",
                "gitdir" => isNew && file.State.Type == 'f',
                _ => false,
            };
            return fine ? was is null ? null : new Finding(FindingKind.Notice, path, was.State, verb)
                : PutBack($"{verb}; git would obey the settings of another place", mayBeAllowed: path.Name == "gitdir");
        }
    }

    /// <summary>A folder that came to look like a repository.</summary>
    private Finding OfBare(TreePath folder)
    {
        var harmful = now.Files.Any(f => f.Value.Repository == folder && f.Value.Kind switch
        {
            GuardedKind.Settings => f.Value.State is not { Type: 'f', Content: { } text } || GitSettings.Parse(text) is not { } settings
                || !settings.All(s => SettingRules.IsHarmless(s)),
            GuardedKind.Hook or GuardedKind.Redirect => true,
            GuardedKind.Attributes => s_drivers.Any(d => Text(f.Value.State).Contains(d, StringComparison.OrdinalIgnoreCase)),
            _ => false,
        });
        return harmful
            ? new Finding(FindingKind.PutBack, folder / "HEAD", null,
                $"{(folder.Raw.Length == 0 ? "the project" : folder.Shown)} came to look like a repository whose settings can make git run a program")
            : new Finding(FindingKind.Notice, folder, null, "a bare repository that was not there before");
    }

    private static string Text(FileState state) => state.Content is { } content ? Encoding.Latin1.GetString(content) : "filter";

    private static string Shown(string key) => TreePath.Of(Encoding.Latin1.GetBytes(key)).Shown;
}
