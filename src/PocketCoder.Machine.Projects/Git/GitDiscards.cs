using System.Globalization;
using System.Text;
using System.Text.Json;
using PocketCoder.Git;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Git;

/// <summary>
/// Throws changes of files away so that they can be brought back: what is thrown away, and what is there afterwards, become two commits
/// that only refs of ours lead to (<c>refs/pocketcoder/discards/ID/before</c> and <c>after</c>). Thread-safe.
/// </summary>
internal sealed class GitDiscards(GitService git, GitGuard guard, TimeProvider time)
{
    private const string Refs = "refs/pocketcoder/discards/";
    private const int MostFiles = 5000;
    private const int Kept = 50;
    private static readonly TimeSpan s_age = TimeSpan.FromDays(30);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <summary>As whom such commits are made: they are nobody's work.</summary>
    private static readonly Dictionary<string, string> s_us = new(StringComparer.Ordinal)
    {
        ["GIT_AUTHOR_NAME"] = "PocketCoder",
        ["GIT_COMMITTER_NAME"] = "PocketCoder",
        ["GIT_AUTHOR_EMAIL"] = "pocketcoder@localhost",
        ["GIT_COMMITTER_EMAIL"] = "pocketcoder@localhost",
    };

    public async Task<GitDiscardResponse> DiscardAsync(DeviceCaller caller, GitDiscardRequest request, CancellationToken cancellationToken)
    {
        var named = request.Paths is { Count: > 0 };
        if (named == request.Selections is { Count: > 0 })
        {
            throw GitErrors.Invalid("Name paths, or parts of a diff.");
        }

        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var wanted = Pieces(named ? repo.PathList(request.Paths!)
            : repo.PathList([.. request.Selections!.Select(s => s.Path).Distinct(StringComparer.Ordinal)]));
        var id = Guid.CreateVersion7();
        var paths = request.Paths ?? request.Selections?.Select(s => s.Path).ToList();
        var act = new GitAct(MessageTypes.GitDiscard, id.ToString(), r => PlanAsync(r, wanted, named))
        {
            Paths = paths,
            TargetIsNew = true,
            Exactly = [request.Context.ToString(CultureInfo.InvariantCulture),
                .. (request.Selections ?? []).Select(s => JsonSerializer.Serialize(s, ProtocolJson.Default.GitSelection)), .. paths ?? []],
        };
        return await guard.ChangeAsync(caller, repo, act, async repo =>
        {
            var (tracked, untracked) = await AffectedAsync(repo, wanted);
            var all = Join([.. tracked, .. untracked]);
            await KeepAsync(repo, id, "before", all);
            if (named)
            {
                await RemoveAsync(repo, Join(untracked));
                await RestoreAsync(repo, Join(tracked), null);
            }
            else
            {
                await GitChanges.ApplyAsync(
                    repo, request.Selections!, request.Context, staged: false, [], reverse: true, CancellationToken.None);
            }

            await KeepAsync(repo, id, "after", all);
            await PruneAsync(repo);
            return new GitDiscardResponse(id, tracked.Count + untracked.Count);
        });
    }

    public async Task<GitDiscardUndoResponse> UndoAsync(
        DeviceCaller caller, GitDiscardUndoRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var act = new GitAct(MessageTypes.GitDiscardUndo, request.DiscardId.ToString(), async r =>
        {
            var (before, all) = await KeptAsync(r, request.DiscardId);
            var after = await FindAsync(r, request.DiscardId, "after");
            var now = await TreeAsync(r, all);
            var changed = Pieces((await r.ReadAsync(
                CancellationToken.None, "diff-tree", "-r", "--name-only", "-z", $"{after}^{{tree}}", now)).Output.ToArray());
            if (changed.Count > 0)
            {
                throw new RequestFailure(
                    ErrorCode.Conflict, "These files have changed since. Restoring the discarded changes would overwrite that.",
                    new Dictionary<string, string>(StringComparer.Ordinal)
                    { ["paths"] = string.Join('\n', changed.Take(20).Select(p => ProjectPath.Of(p).Wire)) });
            }

            return GitPlans.OfPaths(Pieces(all), before);
        });
        return await guard.ChangeAsync(caller, repo, act, async repo =>
        {
            var (before, all) = await KeptAsync(repo, request.DiscardId);
            var there = IndexParser.Parse((await repo.ReadAsync(CancellationToken.None, "ls-tree", "-r", "-z", before)).Output.Span)
                .Select(e => e.Path.ToArray()).ToList();
            // what was deleted is deleted again
            await RemoveAsync(repo, Join([.. Pieces(all).Where(p => !there.Exists(t => t.AsSpan().SequenceEqual(p)))]));
            await RestoreAsync(repo, Join(there), before);
            await repo.WriteAsync(CancellationToken.None, "update-ref", "-d", $"{Refs}{request.DiscardId:D}/before");
            await repo.WriteAsync(CancellationToken.None, "update-ref", "-d", $"{Refs}{request.DiscardId:D}/after");
            return new GitDiscardUndoResponse(Pieces(all).Count);
        });
    }

    /// <param name="whole">All that differs of a file is thrown away.</param>
    private static async Task<GitPlan> PlanAsync(GitRepository repo, List<byte[]> wanted, bool whole)
    {
        var (tracked, untracked) = await AffectedAsync(repo, wanted);
        if (tracked.Count + untracked.Count == 0)
        {
            throw new RequestFailure(ErrorCode.Conflict, "Nothing to discard: these files have no changes.");
        }

        return await GitPlans.DiscardAsync(repo, tracked, untracked, whole);
    }

    /// <summary>What was thrown away: the commit that has it, and the paths.</summary>
    private static async Task<(string Before, byte[] Paths)> KeptAsync(GitRepository repo, Guid id)
    {
        var before = await FindAsync(repo, id, "before");
        var listed = (await repo.ReadAsync(CancellationToken.None, "log", "-1", "--format=%B", "--no-show-signature", before)).Text.Trim();
        return (before, GitRepository.Checked(() => Convert.TryFromBase64String(listed, new byte[listed.Length], out _)
            ? Convert.FromBase64String(listed)
            : throw new GitException(GitError.Unreadable, "The discarded changes can no longer be read.")));
    }

    /// <summary>Which files differ from the index, of those that are meant: exactly these, or what is in a folder.</summary>
    private static async Task<(List<byte[]> Tracked, List<byte[]> Untracked)> AffectedAsync(GitRepository repo, List<byte[]> wanted)
    {
        var tracked = Meant((await repo.ReadAsync(
            CancellationToken.None, "diff-files", "--name-only", "-z", "--diff-filter=u", "--ignore-submodules=all")).Output);
        var untracked = Meant((await repo.ReadAsync(CancellationToken.None, "ls-files", "--others", "--exclude-standard", "-z")).Output);
        return tracked.Count + untracked.Count > MostFiles ? throw GitErrors.Invalid($"These are more than {MostFiles} files.")
            : untracked.Exists(p => p[^1] == '/')
            ? throw GitErrors.Invalid("The selection includes a nested repository, which is never discarded.")
            : (tracked, untracked);

        List<byte[]> Meant(ReadOnlyMemory<byte> output)
            => [.. Pieces(output.ToArray()).Where(path => wanted.Exists(w => GitNames.Covers(w, path)))];
    }

    private async Task KeepAsync(GitRepository repo, Guid id, string which, byte[] paths)
    {
        var tree = await TreeAsync(repo, paths);
        var at = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) + " +0000";
        var made = await repo.RunAsync(
            new GitCommand("commit-tree", "--no-gpg-sign", tree)
            {
                Writes = true,
                Input = Encoding.ASCII.GetBytes(Convert.ToBase64String(paths)),
                Environment = new Dictionary<string, string>(s_us, StringComparer.Ordinal)
                { ["GIT_AUTHOR_DATE"] = at, ["GIT_COMMITTER_DATE"] = at },
            },
            CancellationToken.None);
        await repo.WriteAsync(CancellationToken.None, "update-ref", $"{Refs}{id:D}/{which}", made.Text.Trim());
    }

    /// <summary>The files as they are, as a tree.</summary>
    private static Task<string> TreeAsync(GitRepository repo, byte[] paths) => WithIndexAsync(repo, async index =>
    {
        await repo.RunAsync(Indexed(index, paths, "update-index", "--add", "--remove", "-z", "--stdin"), CancellationToken.None);
        return (await repo.RunAsync(Indexed(index, null, "write-tree"), CancellationToken.None)).Text.Trim();
    });

    private static async Task RemoveAsync(GitRepository repo, byte[] paths)
    {
        if (paths.Length > 0)
        {
            await WithIndexAsync(repo, async index =>
            {
                await repo.RunAsync(Indexed(index, paths, "update-index", "--add", "--remove", "-z", "--stdin"), CancellationToken.None);
                await repo.RunAsync(Indexed(index, paths, "rm", "-f", "--quiet", "--ignore-unmatch", "--pathspec-from-file=-",
                    "--pathspec-file-nul"), CancellationToken.None);
                return true;
            });
        }
    }

    /// <param name="from">A commit; null: the index.</param>
    private static async Task RestoreAsync(GitRepository repo, byte[] paths, string? from)
    {
        if (paths.Length == 0)
        {
            return;
        }

        if (from is null)
        {
            await repo.RunAsync(new GitCommand("checkout-index", "--force", "--quiet", "--index", "-z", "--stdin")
            { Writes = true, Input = paths, TimeLimit = s_limit }, CancellationToken.None);
            return;
        }

        await WithIndexAsync(repo, async index =>
        {
            await repo.RunAsync(Indexed(index, null, "read-tree", from), CancellationToken.None);
            await repo.RunAsync(Indexed(index, paths, "checkout-index", "--force", "--quiet", "-z", "--stdin"), CancellationToken.None);
            return true;
        });
    }

    private static async Task<T> WithIndexAsync<T>(GitRepository repo, Func<string, Task<T>> work)
    {
        var index = Path.Combine(repo.Sandbox == SandboxKind.None ? Path.GetTempPath() : "/tmp", $"pocketcoder-{Guid.CreateVersion7():N}");
        try
        {
            return await work(index);
        }
        finally
        {
            if (repo.Sandbox == SandboxKind.None)
            {
                File.Delete(index); // in a sandbox /tmp ends with it
            }
        }
    }

    private static GitCommand Indexed(string index, byte[]? input, params string[] arguments) => new(arguments)
    {
        Writes = true,
        Input = input,
        TimeLimit = s_limit,
        Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["GIT_INDEX_FILE"] = index },
    };

    private static async Task<string> FindAsync(GitRepository repo, Guid id, string which)
    {
        var found = await repo.RunAsync(new GitCommand("rev-parse", "--verify", "--quiet", $"{Refs}{id:D}/{which}^{{commit}}")
        { AlsoFine = [1, 128] }, CancellationToken.None);
        return GitNames.IsId(found.Text.Trim()) ? found.Text.Trim()
            : throw new RequestFailure(ErrorCode.SnapshotNotFound, "The discarded changes are no longer kept, or were already restored.");
    }

    private async Task PruneAsync(GitRepository repo)
    {
        var oldest = time.GetUtcNow() - s_age;
        var refs = (await repo.ReadAsync(CancellationToken.None, "for-each-ref", "--sort=-committerdate",
            "--format=%(refname) %(committerdate:unix)", Refs)).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (var (line, i) in refs.Select((r, i) => (r.Split(' '), i)))
        {
            if (i >= Kept * 2 || (line.Length == 2 && long.TryParse(line[1], CultureInfo.InvariantCulture, out var at)
                && at < oldest.ToUnixTimeSeconds()))
            {
                await repo.WriteAsync(CancellationToken.None, "update-ref", "-d", line[0]);
            }
        }
    }

    private static byte[] Join(List<byte[]> paths) => [.. paths.SelectMany(p => p.Append((byte)0))];

    private static List<byte[]> Pieces(byte[] list)
    {
        var pieces = new List<byte[]>();
        var start = 0;
        for (var end = Array.IndexOf(list, (byte)0); end >= 0; end = Array.IndexOf(list, (byte)0, start))
        {
            pieces.Add(list[start..end]);
            start = end + 1;
        }

        return pieces;
    }
}
