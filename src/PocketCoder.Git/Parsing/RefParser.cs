using PocketCoder.Protocol;

namespace PocketCoder.Git;

/// <summary>Branches, tags, worktrees, stashes, remotes. Pure; throws nothing but <see cref="GitException"/>.</summary>
public static class RefParser
{
    private const string Heads = "refs/heads/";
    private const string Remotes = "refs/remotes/";
    private const string TagsPrefix = "refs/tags/";
    private const int Fields = 10;

    /// <summary>For branches and tags alike.</summary>
    public const string Format =
        "%(refname)%00%(objectname)%00%(upstream)%00%(upstream:track,nobracket)%00%(HEAD)%00%(worktreepath)%00%(*objectname)%00%(contents:subject)%00%(authorname)%00%(creatordate:iso-strict)%00";

    /// <summary>The settings of remotes, by <c>git config --get-regexp -z</c>: a key, a line end, a value.</summary>
    public static IReadOnlyList<string> RemoteArguments { get; } =
        ["config", "--includes", "--null", "--get-regexp", @"^remote\..*\.(url|pushurl)$"];

    /// <param name="top">Where this project is checked out, to tell other worktrees from it.</param>
    public static IReadOnlyList<GitBranch> Branches(ReadOnlySpan<byte> output, string top)
    {
        var branches = new List<GitBranch>();
        foreach (var f in Records(output))
        {
            var remote = f[0].StartsWith(Remotes, StringComparison.Ordinal);
            if ((!remote && !f[0].StartsWith(Heads, StringComparison.Ordinal))
                || (remote && f[0].EndsWith("/HEAD", StringComparison.Ordinal)))
            {
                continue;
            }

            var (gone, ahead, behind) = Track(f[3]);
            var upstream = f[2].Length > 0 ? Shortened(f[2]) : null;
            branches.Add(new GitBranch(
                Shortened(f[0]),
                remote,
                f[4] == "*",
                upstream,
                gone,
                upstream is null || gone ? null : ahead,
                upstream is null || gone ? null : behind,
                f[1],
                f[7],
                f[8],
                GitText.Time(f[9]),
                f[5].Length > 0 && f[5] != top ? f[5] : null));
        }

        return branches;
    }

    public static IReadOnlyList<GitTag> Tags(ReadOnlySpan<byte> output) =>
        [.. Records(output).Where(f => f[0].StartsWith(TagsPrefix, StringComparison.Ordinal))
            .Select(f => new GitTag(f[0][TagsPrefix.Length..], f[6].Length > 0 ? f[6] : f[1], f[6].Length > 0, f[7], GitText.Time(f[9])))];

    /// <summary>From <c>git worktree list --porcelain -z</c>: the first is the main one.</summary>
    public static IReadOnlyList<GitWorktree> Worktrees(ReadOnlySpan<byte> output, string current, Func<string, bool> reachable)
    {
        var trees = new List<GitWorktree>();
        GitWorktree? tree = null;
        var reader = new ZeroReader(output);
        while (reader.TryRead(out string line))
        {
            if (line.Length == 0)
            {
                Put();
                continue;
            }

            var space = line.IndexOf(' ', StringComparison.Ordinal);
            var (name, value) = space < 0 ? (line, "") : (line[..space], line[(space + 1)..]);
            if (name == "worktree")
            {
                Put();
                tree = new GitWorktree(value, null, null, trees.Count == 0, value == current, Locked: false, Missing: false,
                    reachable(value));
            }
            else if (tree is not null)
            {
                tree = name switch
                {
                    "HEAD" => tree with { Commit = GitNames.IsId(value) && value.Any(c => c != '0') ? value : null },
                    "branch" => tree with { Branch = Shortened(value) },
                    "locked" => tree with { Locked = true },
                    "prunable" => tree with { Missing = true },
                    _ => tree,
                };
            }
        }

        Put();
        return trees;

        void Put()
        {
            if (tree is not null)
            {
                trees.Add(tree);
                tree = null;
            }
        }
    }

    public static IReadOnlyList<string> StashArguments { get; } = ["stash", "list", "-z", "--format=%H%x00%gs%x00%cI"];

    public static IReadOnlyList<GitStash> Stashes(ReadOnlySpan<byte> output)
    {
        var stashes = new List<GitStash>();
        var reader = new ZeroReader(output);
        while (reader.TryRead(out string id))
        {
            if (!reader.TryRead(out string message) || !reader.TryRead(out string time) || !GitNames.IsId(id))
            {
                throw GitText.Unreadable("list of stashes");
            }

            stashes.Add(new GitStash(stashes.Count, id, message, GitText.Time(time)));
        }

        return stashes;
    }

    /// <summary>Remotes as the repository says, the last value of each winning as in git.</summary>
    public static IReadOnlyList<(string Name, string FetchUrl, string PushUrl)> RemoteUrls(ReadOnlySpan<byte> output)
    {
        var remotes = new SortedDictionary<string, (string? Url, string? Push)>(StringComparer.Ordinal);
        var reader = new ZeroReader(output);
        while (reader.TryRead(out string entry))
        {
            var end = entry.IndexOf('\n', StringComparison.Ordinal);
            var (key, value) = end < 0 ? (entry, "") : (entry[..end], entry[(end + 1)..]);
            var dot = key.LastIndexOf('.');
            if (!key.StartsWith("remote.", StringComparison.OrdinalIgnoreCase) || dot <= "remote.".Length)
            {
                continue;
            }

            var name = key["remote.".Length..dot];
            var known = remotes.GetValueOrDefault(name);
            remotes[name] = key[(dot + 1)..].Equals("pushurl", StringComparison.OrdinalIgnoreCase) ? (known.Url, known.Push ?? value)
                : (known.Url ?? value, known.Push);
        }

        return [.. remotes.Where(r => r.Value.Url is not null || r.Value.Push is not null)
            .Select(r => (r.Key, r.Value.Url ?? "", r.Value.Push ?? r.Value.Url ?? ""))];
    }

    /// <summary>A ref as people write it.</summary>
    public static string Shortened(string name) => Array.Find(
        [Heads, Remotes, TagsPrefix], p => name.StartsWith(p, StringComparison.Ordinal)) is { } prefix ? name[prefix.Length..] : name;

    private static (bool Gone, int Ahead, int Behind) Track(string text)
    {
        var (ahead, behind) = (0, 0);
        foreach (var part in text.Split(", "))
        {
            if (part.StartsWith("ahead ", StringComparison.Ordinal))
            {
                ahead = GitText.Number(part.AsSpan(6)) ?? 0;
            }
            else if (part.StartsWith("behind ", StringComparison.Ordinal))
            {
                behind = GitText.Number(part.AsSpan(7)) ?? 0;
            }
        }

        return (text == "gone", ahead, behind);
    }

    private static List<string[]> Records(ReadOnlySpan<byte> output)
    {
        var records = new List<string[]>();
        var reader = new ZeroReader(output);
        while (reader.TryRead(out string first))
        {
            var fields = new string[Fields];
            fields[0] = first.TrimStart('\n');
            for (var i = 1; i < Fields; i++)
            {
                if (!reader.TryRead(out fields[i]))
                {
                    throw GitText.Unreadable("list of branches");
                }
            }

            records.Add(fields);
        }

        return records;
    }
}
