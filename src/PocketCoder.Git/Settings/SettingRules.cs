using System.Globalization;

namespace PocketCoder.Git;

/// <summary>
/// Which settings of a repository can make git run a program, or work on other files than the repository's own. Told by an allow-list: a
/// setting that this version does not know may run one. Pure. Source: git-config(1) of git 2.39 to 2.50.
/// </summary>
public static class SettingRules
{
    private static readonly HashSet<string> s_plain = new(StringComparer.Ordinal)
    {
        "core.repositoryformatversion", "core.filemode", "core.bare", "core.logallrefupdates", "core.ignorecase", "core.precomposeunicode",
        "core.symlinks", "core.autocrlf", "core.eol",
        "core.safecrlf", "core.abbrev", "core.quotepath", "core.compression", "core.loosecompression", "core.bigfilethreshold",
        "core.untrackedcache", "core.sparsecheckout",
        "core.sparsecheckoutcone", "core.longpaths", "core.fscache", "core.whitespace", "core.trustctime", "core.checkstat",
        "core.preloadindex", "core.sharedrepository", "core.commitgraph",
        "core.multipackindex", "core.protecthfs", "core.protectntfs", "core.warnambiguousrefs", "core.commentchar", "core.notesref",
        "core.deltabasecachelimit",
        "extensions.objectformat", "extensions.refstorage", "extensions.compatobjectformat", "extensions.noop",
        "extensions.relativeworktrees",
        "user.name", "user.email", "user.useconfigonly", "author.name", "author.email", "committer.name", "committer.email",
        "init.defaultbranch", "pull.rebase", "pull.ff", "push.default", "push.autosetupremote", "push.followtags", "fetch.prune",
        "fetch.prunetags", "fetch.writecommitgraph",
        "merge.conflictstyle", "merge.ff", "merge.renames", "merge.stat", "merge.log", "rebase.autostash", "rebase.autosquash",
        "rebase.stat", "rebase.updaterefs",
        "diff.renames", "diff.algorithm", "diff.context", "diff.mnemonicprefix", "diff.noprefix", "diff.colormoved", "diff.submodule",
        "diff.ignoresubmodules", "diff.autorefreshindex",
        "log.date", "log.decorate", "log.abbrevcommit", "log.follow", "status.short", "status.branch", "status.showuntrackedfiles",
        "status.relativepaths",
        "gc.auto", "gc.autodetach", "gc.autopacklimit", "gc.pruneexpire", "gc.reflogexpire", "gc.reflogexpireunreachable",
        "gc.writecommitgraph", "pack.threads", "pack.window", "pack.depth", "pack.writereverseindex",
        "index.version", "index.threads", "index.sparse", "rerere.enabled", "rerere.autoupdate", "submodule.recurse", "submodule.fetchjobs",
        "commit.verbose", "commit.cleanup", "branch.sort", "tag.sort",
        "branch.autosetupmerge", "branch.autosetuprebase", "maintenance.auto", "transfer.fsckobjects", "fetch.fsckobjects",
        "receive.fsckobjects", "receive.denycurrentbranch",
        "receive.denynonfastforwards", "receive.denydeletes", "lfs.repositoryformatversion", "stash.showpatch", "versionsort.suffix",
        "i18n.commitencoding", "i18n.logoutputencoding",
    };

    private static readonly HashSet<string> s_ofBranch = new(StringComparer.Ordinal)
        { "remote", "merge", "rebase", "description", "pushremote", "vscode-merge-base", "gk-merge-base", "base" };

    private static readonly HashSet<string> s_ofRemote = new(StringComparer.Ordinal)
        { "url", "pushurl", "fetch", "push", "tagopt", "prune", "prunetags", "mirror", "skipdefaultupdate", "skipfetchall", "gh-resolved" };

    /// <summary>Whether git neither runs a program by it nor looks at other files than the repository's.</summary>
    /// <param name="staysInside">Whether a value of <c>core.worktree</c> leads to the project's own files.</param>
    public static bool IsHarmless(GitSetting setting, Func<string, bool>? staysInside = null)
    {
        var (key, value) = (setting.Key, setting.Value);
        if (s_plain.Contains(key))
        {
            return true;
        }

        switch (key)
        {
            case "core.fsmonitor":
                return IsFalse(value);
            case "core.hookspath":
                return value is "/dev/null";
            case "core.pager" or "core.editor" or "sequence.editor":
                return value is "" or "cat" or ":" or "true";
            case "commit.gpgsign" or "tag.gpgsign" or "push.gpgsign" or "extensions.worktreeconfig":
                return IsFalse(value);
            case "core.worktree":
                return value is not null && staysInside?.Invoke(value) == true;
        }

        var (begin, end) = (key.IndexOf('.', StringComparison.Ordinal), key.LastIndexOf('.'));
        if (begin < 0)
        {
            return false;
        }

        var (section, name) = (key[..begin], key[(end + 1)..]);
        return section switch
        {
            "color" or "advice" or "column" => true,
            "branch" => begin < end && s_ofBranch.Contains(name),
            "remote" => begin < end && s_ofRemote.Contains(name) && (name is not ("url" or "pushurl") || IsPlainAddress(value)),
            "submodule" => name switch
            {
                "url" => IsPlainAddress(value),
                "active" or "branch" or "ignore" or "shallow" or "path" or "fetchrecursesubmodules" => true,
                "update" => value is "checkout" or "rebase" or "merge" or "none",
                _ => false,
            },
            _ => false,
        };
    }

    /// <summary>What a setting makes git run when it only looks (status, diff, log, show, blame, grep), in words; null: nothing.</summary>
    public static string? RunsWhenLooking(GitSetting setting)
    {
        var (key, value) = (setting.Key, setting.Value ?? "true");
        var name = key[(key.LastIndexOf('.') + 1)..];
        var section = key[..Math.Max(0, key.IndexOf('.', StringComparison.Ordinal))];
        return (section, name) switch
        {
            ("core", "fsmonitor") => IsFalse(setting.Value) || IsTrue(setting.Value) ? null : Told("file system monitor"),
            ("filter", "clean" or "smudge" or "process") => Told($"filter {Middle(key)}"),
            ("diff", "external" or "command" or "textconv") => Told("diff program"),
            ("interactive", "difffilter") => Told("diff filter"),
            ("gpg", "program" or "defaultkeycommand") => Told("signature program"),
            ("remote", "uploadpack") => Told("program that fetches missing objects"),
            ("extensions", "partialclone") or ("remote", "promisor") => $"fetches missing objects from a remote ({key})",
            ("include" or "includeif", "path") => $"takes more settings from {value}",
            ("extensions", "worktreeconfig") => IsFalse(setting.Value) ? null : "takes more settings from config.worktree",
            _ => null,
        };

        string? Told(string what) => value.Length == 0 ? null : $"{what}: {value}";
    }

    private static string Middle(string key)
    {
        var (begin, end) = (key.IndexOf('.', StringComparison.Ordinal), key.LastIndexOf('.'));
        return begin < end ? key[(begin + 1)..end] : key;
    }

    /// <summary>An address that leads to no program of a remote helper (gitremote-helpers(7)) and is no option.</summary>
    private static bool IsPlainAddress(string? value)
    {
        if (string.IsNullOrEmpty(value) || value.StartsWith('-') || value.Contains("::", StringComparison.Ordinal))
        {
            return false;
        }

        var scheme = value.IndexOf("://", StringComparison.Ordinal);
        return scheme < 0 || value[..scheme] is "https" or "http" or "ssh" or "git" or "file" or "git+ssh" or "ssh+git";
    }

    private static bool IsFalse(string? value) => value?.ToUpperInvariant() is "" or "FALSE" or "NO" or "OFF" or "0";

    private static bool IsTrue(string? value) => value is null || value.ToUpperInvariant() is "TRUE" or "YES" or "ON"
        || (int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number != 0);
}
