namespace PocketCoder.Machine.Projects.Findings;

/// <summary>
/// What of a repository makes git run programs: hooks, and members of its configuration (git-config(1), githooks(5)). Reads only; git is
/// not started.
/// </summary>
internal static class GitConfigScan
{
    /// <summary>Section and name in lower case, the subsection left out; the words are shown as they stand here.</summary>
    private static readonly HashSet<string> s_running = new(StringComparer.Ordinal)
    {
        "core.fsmonitor", "core.hookspath", "core.sshcommand", "core.editor", "core.pager", "core.askpass", "core.gitproxy",
        "core.worktree", "core.attributesfile", "core.alternaterefscommand",
        "filter.clean", "filter.smudge", "filter.process", "diff.external", "diff.textconv", "diff.command", "merge.driver",
        "credential.helper", "gpg.program", "gpg.ssh.program", "include.path",
        "includeif.path", "sequence.editor", "uploadpack.packobjectshook", "remote.uploadpack", "remote.receivepack", "remote.vcs",
        "protocol.allow", "difftool.cmd", "mergetool.cmd", "interactive.difffilter",
        "trailer.command", "trailer.cmd", "submodule.update", "browser.cmd", "man.cmd", "pager.diff", "pager.log", "pager.status",
    };

    public static IReadOnlyList<string> In(string git)
    {
        if (new FileInfo(git).LinkTarget is not null || !Directory.Exists(git))
        {
            return []; // a worktree's or submodule's: the file says where the repository is, which is not of this project
        }

        var hooks = RepositoryScan.Entries(Path.Combine(git, "hooks")).Count(name => !name.EndsWith(".sample", StringComparison.Ordinal));
        var running = Running(RepositoryScan.Text(Path.Combine(git, "config")))
            .Concat(Running(RepositoryScan.Text(Path.Combine(git, "config.worktree")))).Distinct(StringComparer.Ordinal).ToList();
        return [.. hooks > 0 ? [$".git/hooks ({hooks})"] : Array.Empty<string>(),
            .. running.Count > 0 ? [$".git/config ({string.Join(", ", running)})"] : Array.Empty<string>()];
    }

    /// <summary>Names of members that run something, of a list that is ours.</summary>
    private static IEnumerable<string> Running(string config)
    {
        var section = "";
        foreach (var line in config.Split('\n'))
        {
            var text = line.Trim();
            if (text.StartsWith('['))
            {
                var end = text.AsSpan().IndexOfAny(']', ' ', '"');
                section = end > 1 ? Lower(text[1..end]) : "";
                text = text.LastIndexOf(']') is > 0 and var close ? text[(close + 1)..].Trim() : ""; // a member may follow on the line
            }

            var stop = text.AsSpan().IndexOfAny('=', ' ', '\t');
            var name = Lower(stop < 0 ? text : text[..stop]);
            var dot = section.IndexOf('.', StringComparison.Ordinal);
            var known = $"{(dot < 0 ? section : section[..dot])}.{name}"; // the old way to write a subsection
            if (s_running.TryGetValue(known, out var ours))
            {
                yield return ours;
            }
            else if (section == "alias" && text.Contains('!', StringComparison.Ordinal))
            {
                yield return "alias of a program";
            }
        }
    }

#pragma warning disable CA1308 // lower case is what the names are
    private static string Lower(string text) => text.ToLowerInvariant();
#pragma warning restore CA1308
}
