using PocketCoder.Machine.Paths;
using PocketCoder.Platform;


namespace PocketCoder.Machine.Snapshots.Git;

/// <summary>
/// Which files of a project are covered: all but what its <c>.gitignore</c> files leave out, by git's own reading of them.
/// </summary>
/// <remarks>
/// The store has no index, so everything is "untracked" to git: it lists names and runs nothing, whatever the project's own repository is
/// configured to do.
/// </remarks>
internal sealed class WorkspaceLister(GitProcess git, string project, string? excluded, SnapshotLimits limits)
{
    private const string Rules = ".gitignore";
    private static readonly TreePath s_sure = new("pocketcoder-surely-ignored");
    private static readonly string[] s_list = ["ls-files", "--others", "--exclude-standard", "-z"];

    /// <summary>Names of files and links, in no order. Reading them must follow no link: names may have been swapped since.</summary>
    /// <param name="unlisted">Gets what is left out and why.</param>
    /// <exception cref="SnapshotException">Too many, or git failed.</exception>
    public async Task<HashSet<TreePath>> ListAsync(List<string> unlisted, TimeSpan limit, CancellationToken cancellationToken)
    {
        var found = new HashSet<TreePath>();
        var nested = new Queue<TreePath>([TreePath.Root]);
        for (var seen = 0; nested.TryDequeue(out var repository); seen++)
        {
            if (seen > limits.NestedRepositories)
            {
                unlisted.Add($"{repository.Shown}: more than {limits.NestedRepositories} nested repositories");
                continue;
            }

            var text = System.Text.Encoding.UTF8.GetString(repository.Bytes);
            if (TreePath.OfText(text) != repository)
            {
                unlisted.Add($"{repository.Shown}: a nested repository whose name is not UTF-8");
                continue;
            }

            await git.LookAsync(
                Path.Combine(project, text),
                s_list,
                null,
                async (output, token) =>
                {
                    await foreach (var name in ZeroText.ReadAsync(output, token))
                    {
                        Take(repository / name);
                    }
                },
                limit,
                cancellationToken);
        }

        return found;

        void Take(TreePath path)
        {
            if (path.Raw.EndsWith('/'))
            {
                // A repository in the project: git would only name it. Its files are listed by its own rules, its .git never.
                nested.Enqueue(new TreePath(path.Raw.TrimEnd('/')));
                return;
            }

            if (!IsCovered(path))
            {
                return;
            }

            if (found.Add(path) && found.Count > limits.Files)
            {
                throw new SnapshotException($"the project has more than {limits.Files} files that its .gitignore does not leave out");
            }
        }
    }

    /// <summary>Which of the paths the rules of a snapshot ignore; what the project has by now does not count.</summary>
    /// <exception cref="SnapshotException">git failed.</exception>
    public static async Task<HashSet<TreePath>> IgnoredAsync(
        SnapshotStore store, SnapshotTree rules, IReadOnlyList<TreePath> paths, TimeSpan limit, CancellationToken cancellationToken)
    {
        var ignored = new HashSet<TreePath>();
        if (paths.Count == 0)
        {
            return ignored;
        }

        var alone = PrivateFolder.Make(Path.Combine(store.Git.Store, $"rules-{Guid.CreateVersion7():N}"));
        try
        {
            await WriteRulesAsync(store, rules, alone, cancellationToken);
            await store.Git.LookAsync(
                alone,
                ["check-ignore", "--no-index", "--stdin", "-z"],
                async (input, token) =>
                {
                    foreach (var path in paths.Append(s_sure))
                    {
                        await input.WriteAsync((byte[])[.. path.Bytes, 0], token);
                    }
                },
                async (output, token) =>
                {
                    await foreach (var path in ZeroText.ReadAsync(output, token))
                    {
                        ignored.Add(new TreePath(path));
                    }
                },
                limit,
                cancellationToken);
        }
        finally
        {
            Directory.Delete(alone, recursive: true);
        }

        return ignored;
    }

    private static async Task WriteRulesAsync(SnapshotStore store, SnapshotTree rules, string alone, CancellationToken cancellationToken)
    {
        var files = rules.Entries.Where(e => e.Key.Name == Rules && e.Value is { IsLink: false, Oid: not null })
            .OrderBy(e => e.Key.Raw, StringComparer.Ordinal).ToList();
        using var folders = OpenFolders.Of(alone);
        var next = 0;
        await store.ReadAsync(
            [.. files.Select(f => f.Value.Oid!)],
            async (_, size, content, token) =>
            {
                var path = files[next++].Key;
                using var file = Unix.CreateNew(folders.Make(path.Parent, (_, _) => { }), Rules);
                var text = new byte[size];
                await content.ReadExactlyAsync(text, token);
                RandomAccess.Write(file, text, 0);
            },
            cancellationToken);

        // With nothing ignored check-ignore fails; a name that surely is keeps that apart from a real failure.
        await File.AppendAllTextAsync(Path.Combine(alone, Rules), $"\n/{s_sure.Raw}\n", cancellationToken);
    }

    /// <summary>Never a repository's own folder, and never the daemon's home where a project holds it.</summary>
    private bool IsCovered(TreePath path)
        => !IsInRepository(path.Raw)
            && (excluded is null || !path.IsBeneath(TreePath.OfText(excluded)));

    private static bool IsInRepository(ReadOnlySpan<char> path)
    {
        foreach (var part in path.Split('/'))
        {
            if (path[part].Equals(".git", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
