using PocketCoder.Protocol;

namespace PocketCoder.Git;

/// <summary>Commits. Pure; throws nothing but <see cref="GitException"/>.</summary>
public static class LogParser
{
    private const int Fields = 9;

    /// <summary>Every field closed by a NUL; with <c>-z</c> the last by git itself.</summary>
    public const string Format = "tformat:%H%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%cI%x00%D%x00%s";

    public static IReadOnlyList<GitCommit> Parse(ReadOnlySpan<byte> output)
    {
        var commits = new List<GitCommit>();
        var reader = new ZeroReader(output);
        while (reader.TryRead(out string sha))
        {
            var f = new string[Fields];
            f[0] = sha;
            for (var i = 1; i < Fields; i++)
            {
                if (!reader.TryRead(out f[i]))
                {
                    throw GitText.Unreadable("log");
                }
            }

            if (!GitNames.IsId(sha))
            {
                throw GitText.Unreadable("log");
            }

            commits.Add(new GitCommit(
                sha, f[1].Split(' ', StringSplitOptions.RemoveEmptyEntries), f[2], f[3], GitText.Time(f[4]), f[5], GitText.Time(f[6]), f[8],
                Refs(f[7]), 0, []));
        }

        return commits;
    }

    /// <summary>From <c>--decorate=full</c>: <c>HEAD -&gt; refs/heads/main, tag: refs/tags/v1, refs/remotes/origin/main</c>.</summary>
    private static List<string> Refs(string decoration)
    {
        var refs = new List<string>();
        foreach (var part in decoration.Split(", ", StringSplitOptions.RemoveEmptyEntries))
        {
            var name = part;
            const string Pointing = "HEAD -> ";
            if (name.StartsWith(Pointing, StringComparison.Ordinal))
            {
                refs.Add("HEAD");
                name = name[Pointing.Length..];
            }

            refs.Add(RefParser.Shortened(name.StartsWith("tag: ", StringComparison.Ordinal) ? name[5..] : name));
        }

        return refs;
    }
}

/// <summary>Lays commits out in lanes, newest first. Pure.</summary>
public static class LogGraph
{
    /// <summary>Gives each commit its lane and the lines to the next row. A lane that nobody waits for any more is taken again.</summary>
    public static IReadOnlyList<GitCommit> Lay(IReadOnlyList<GitCommit> commits)
    {
        var lanes = new List<string?>(); // which commit each lane waits for
        var laid = new List<GitCommit>(commits.Count);
        foreach (var commit in commits)
        {
            var lane = lanes.IndexOf(commit.Sha);
            if (lane < 0)
            {
                lane = Free(lanes);
                lanes[lane] = commit.Sha;
            }

            var before = lanes.ToArray();
            for (var i = 0; i < lanes.Count; i++)
            {
                if (lanes[i] == commit.Sha)
                {
                    lanes[i] = null; // several children waited: their lines meet here
                }
            }

            var edges = new List<GitGraphEdge>();
            foreach (var (parent, first) in commit.Parents.Distinct(StringComparer.Ordinal).Select((p, i) => (p, i == 0)))
            {
                var to = lanes.IndexOf(parent);
                if (to < 0)
                {
                    to = first ? lane : Free(lanes);
                    lanes[to] = parent;
                }

                edges.Add(new GitGraphEdge(lane, to));
            }

            for (var i = 0; i < before.Length; i++)
            {
                if (before[i] is { } waits && waits != commit.Sha)
                {
                    edges.Add(new GitGraphEdge(i, i));
                }
            }

            while (lanes.Count > 0 && lanes[^1] is null)
            {
                lanes.RemoveAt(lanes.Count - 1);
            }

            laid.Add(commit with { Lane = lane, Edges = edges });
        }

        return laid;
    }

    private static int Free(List<string?> lanes)
    {
        var free = lanes.IndexOf(null);
        if (free < 0)
        {
            free = lanes.Count;
            lanes.Add(null);
        }

        return free;
    }
}
