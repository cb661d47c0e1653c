namespace PocketCoder.Git;

/// <summary>
/// Everything of a repository's configuration by which git runs another program, switched off. In a sandbox that is the second line; where
/// the owner wants no sandbox it is the only one. Checked against git 2.39.
/// </summary>
public static class GitHardening
{
    /// <summary>Goes before git's command. Given by <c>-c</c>, since those reach the gits that git itself starts for submodules.</summary>
    public static IReadOnlyList<string> Options { get; } =
    [
        "--no-pager",
        "--literal-pathspecs",
        .. Pairs(
            ("core.hooksPath", "/dev/null"),
            ("core.fsmonitor", "false"),
            ("core.untrackedCache", "false"),
            ("core.editor", ":"),
            ("sequence.editor", ":"),
            ("core.pager", "cat"),
            ("core.askPass", ""),
            ("core.sshCommand", "false"),
            ("core.gitProxy", "none"),
            ("core.alternateRefsCommand", "true"), // prints no refs
            ("core.attributesFile", "/dev/null"),
            ("core.quotePath", "false"),
            ("core.precomposeUnicode", "false"),
            ("core.abbrev", "no"),
            ("credential.helper", ""),
            ("credential.interactive", "false"),
            ("gpg.program", "false"),
            ("gpg.openpgp.program", "false"),
            ("gpg.x509.program", "false"),
            ("gpg.ssh.program", "false"),
            ("gpg.ssh.defaultKeyCommand", "false"),
            ("commit.gpgSign", "false"),
            ("tag.gpgSign", "false"),
            ("tag.forceSignAnnotated", "false"),
            ("push.gpgSign", "false"),
            ("merge.verifySignatures", "false"),
            ("log.showSignature", "false"),
            ("commit.template", "/dev/null"),
            ("commit.verbose", "false"),
            ("protocol.allow", "never"),
            ("protocol.ext.allow", "never"),
            ("submodule.recurse", "false"),
            ("fetch.recurseSubmodules", "false"),
            ("push.recurseSubmodules", "no"),
            ("push.followTags", "false"),
            ("fetch.fsckObjects", "true"),
            ("fetch.writeCommitGraph", "false"),
            ("maintenance.auto", "false"),
            ("gc.auto", "0"),
            ("gc.autoDetach", "false"),
            ("rerere.enabled", "false"),
            ("diff.relative", "false"),
            ("diff.noprefix", "false"),
            ("diff.mnemonicPrefix", "false"),
            ("diff.orderFile", "/dev/null"),
            ("diff.submodule", "short"),
            ("diff.ignoreSubmodules", "dirty"),
            ("diff.colorMoved", "no"),
            ("diff.interHunkContext", "0"),
            ("diff.suppressBlankEmpty", "false"),
            ("color.ui", "false"),
            ("status.relativePaths", "false"),
            ("status.submoduleSummary", "false"),
            ("status.showUntrackedFiles", "normal"),
            ("blame.ignoreRevsFile", ""),
            ("advice.detachedHead", "false"),
            ("rebase.autoStash", "false"),
            ("rebase.updateRefs", "false"),
            ("merge.autoStash", "false"),
            ("apply.whitespace", "nowarn"),
            ("i18n.logOutputEncoding", "UTF-8"),
            ("column.ui", "never")),
    ];

    /// <summary>The whole environment of a call, beside what tells git where the repository is.</summary>
    /// <param name="writes">Others take no optional lock.</param>
    public static Dictionary<string, string> Environment(bool writes)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["LC_ALL"] = "C.UTF-8",
            ["TZ"] = "UTC",
            ["GIT_CONFIG_NOSYSTEM"] = "1",
            ["GIT_CONFIG_GLOBAL"] = "/dev/null",
            ["GIT_ATTR_NOSYSTEM"] = "1",
            ["GIT_TERMINAL_PROMPT"] = "0",
            ["GIT_ASKPASS"] = "false",
            ["SSH_ASKPASS"] = "false",
            ["GIT_EDITOR"] = ":",
            ["GIT_SEQUENCE_EDITOR"] = ":",
            ["GIT_PAGER"] = "cat",
            ["PAGER"] = "cat",
            ["GIT_SSH_COMMAND"] = "false",
            ["GIT_SSH_VARIANT"] = "simple",
            ["GIT_ALLOW_PROTOCOL"] = "none",
            ["GIT_NO_LAZY_FETCH"] = "1",
            ["GIT_MERGE_AUTOEDIT"] = "no",
            ["GIT_ADVICE"] = "0",
        };
        if (!writes)
        {
            environment["GIT_OPTIONAL_LOCKS"] = "0";
        }

        return environment;
    }

    /// <summary>
    /// Overrides of the drivers a repository defines (filters, merges, diffs), for where there is no sandbox: attributes could name any of
    /// them. As environment, since a driver's name may hold what an argument can't.
    /// </summary>
    /// <param name="keys">The keys of the repository's configuration, as <c>git config --list --name-only -z</c> gives them.</param>
    public static IReadOnlyDictionary<string, string> WithoutDrivers(IEnumerable<string> keys)
    {
        var pairs = new List<(string Key, string Value)>();
        foreach (var key in keys.Distinct(StringComparer.Ordinal))
        {
            var end = key.LastIndexOf('.');
            var begin = key.IndexOf('.', StringComparison.Ordinal);
            if (begin < 0 || end == begin)
            {
                continue;
            }

            var (section, name) = (key[..begin].ToLowerInvariant(), key[..end]);
            (string, string)[] off = section switch
            {
                "filter" => [($"{name}.clean", ""), ($"{name}.smudge", ""), ($"{name}.process", ""), ($"{name}.required", "false")],
                "merge" => [($"{name}.driver", "false")],
                "diff" => [($"{name}.textconv", ""), ($"{name}.command", "")],
                _ => [],
            };
            pairs.AddRange(off);
        }

        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (pair, i) in pairs.Distinct().Select((p, i) => (p, i)))
        {
            environment[$"GIT_CONFIG_KEY_{i}"] = pair.Key;
            environment[$"GIT_CONFIG_VALUE_{i}"] = pair.Value;
            environment["GIT_CONFIG_COUNT"] = (i + 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return environment;
    }

    private static IEnumerable<string> Pairs(params (string Key, string Value)[] settings)
        => settings.SelectMany(s => (string[])["-c", $"{s.Key}={s.Value}"]);
}
