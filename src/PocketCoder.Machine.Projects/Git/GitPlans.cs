using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Risks.Paths;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Git;

/// <summary>
/// Finds the protected configuration that an operation would change in the work tree, before it is done. Where that can't be known exactly
/// (merges follow renames) it finds rather too much. Only reads. What git says that is too long to be read whole refuses the operation.
/// </summary>
internal static class GitPlans
{
    private const int MostCommits = 1000;
    private const int MostBases = 8;

    /// <summary>Another commit is checked out.</summary>
    /// <param name="below">Where: empty, or a folder with a closing slash.</param>
    public static async Task<GitPlan> CheckoutAsync(GitRepository repo, string to, string below = "")
        => new([.. (await BetweenAsync(repo, await repo.HeadAsync(CancellationToken.None), to)).Select(
            t => t with { Path = below + t.Path })], to);

    /// <summary>What another commit has is joined with what is checked out: a merge, or a stash that is applied.</summary>
    /// <param name="bases">Common ancestors; null: they are looked up.</param>
    public static async Task<GitPlan> MergeAsync(GitRepository repo, string theirs, IReadOnlyList<string>? bases = null)
    {
        var ours = await repo.HeadAsync(CancellationToken.None);
        if (ours is null)
        {
            return await CheckoutAsync(repo, theirs);
        }

        bases ??= [.. (await repo.RunAsync(new GitCommand("merge-base", "--all", ours, theirs) { AlsoFine = [1] },
            CancellationToken.None)).Text.Split('\n').Where(GitNames.IsId)];
        if (bases.Contains(theirs, StringComparer.Ordinal))
        {
            return GitPlan.Nothing; // it is in there already
        }

        if (bases.Count is 0 or > MostBases)
        {
            return await CheckoutAsync(repo, theirs);
        }

        var differs = await BetweenAsync(repo, ours, theirs);
        var touches = new Dictionary<string, GitTouch>(StringComparer.Ordinal);
        foreach (var from in bases)
        {
            var brought = (await BetweenAsync(repo, from, theirs)).Select(t => t.Path).ToHashSet(StringComparer.Ordinal);
            foreach (var touch in differs.Where(t => brought.Contains(t.Path)))
            {
                touches[touch.Path] = from == ours ? touch : touch with { Known = false };
            }

            // What we renamed to a protected name takes the changes that they made under the old one.
            var renamed = await NamesAsync(
                repo, null, "diff-tree", "-r", "-z", "--find-renames", "-l7000", "--diff-filter=R", "--name-only", from, ours);
            foreach (var path in renamed)
            {
                touches.TryAdd(path, new GitTouch(path, null, Known: false));
            }
        }

        return new GitPlan([.. touches.Values.OrderBy(t => t.Path, StringComparer.Ordinal)], theirs);
    }

    /// <summary>Our commits are made anew on top of another one.</summary>
    public static async Task<GitPlan> RebaseAsync(GitRepository repo, string onto)
    {
        var moved = await CheckoutAsync(repo, onto);
        if (await repo.HeadAsync(CancellationToken.None) is not { } ours)
        {
            return moved;
        }

        if ((await repo.RunAsync(
            new GitCommand("merge-base", "--is-ancestor", onto, ours) { AlsoFine = [1] }, CancellationToken.None)).ExitCode == 0)
        {
            return GitPlan.Nothing; // it is in there already
        }

        var ids = (await repo.ReadAsync(CancellationToken.None, "rev-list", $"--max-count={MostCommits + 1}", ours, $"^{onto}")).Text.Split(
            '\n').Where(GitNames.IsId).ToList();
        return moved.Touches.Count == 0 ? moved : With(moved, await OfCommitsAsync(repo, ids));
    }

    /// <summary>A stash is applied.</summary>
    public static async Task<GitPlan> StashAsync(GitRepository repo, string stash)
    {
        var merged = await MergeAsync(repo, stash, [await repo.IdAsync($"{stash}^1", CancellationToken.None)]);
        var untracked = (await repo.RunAsync(new GitCommand("rev-parse", "--verify", "--quiet", $"{stash}^3^{{commit}}")
        { AlsoFine = [1, 128] }, CancellationToken.None)).Text.Trim();
        return GitNames.IsId(untracked) ? new GitPlan([.. merged.Touches, .. await BetweenAsync(repo, null, untracked)], merged.Bound)
            : merged;
    }

    /// <summary>What differs from the last commit is taken away.</summary>
    /// <param name="untracked">New files too.</param>
    public static async Task<GitPlan> ResetAsync(GitRepository repo, bool untracked = false)
    {
        var head = await repo.HeadAsync(CancellationToken.None);
        IReadOnlyList<string> changed = head is null ? []
            : await NamesAsync(repo, null, "diff-index", "-z", "--name-only", "--no-renames", "--ignore-submodules=dirty", head);
        IReadOnlyList<string> others = untracked ? await NamesAsync(repo, null, "ls-files", "--others", "--exclude-standard", "-z") : [];
        return new GitPlan([.. changed.Concat(others).Distinct(StringComparer.Ordinal).Select(p => new GitTouch(p, null, Known: false))],
            head ?? "");
    }

    /// <summary>An operation that was begun is finished or given up.</summary>
    /// <exception cref="RequestFailure">GIT_ERROR: it is finished in a terminal.</exception>
    public static async Task<GitPlan> OperationAsync(GitRepository repo, GitOperationStep step)
    {
        var kind = GitFiles.Operation(repo.Place);
        if (step == GitOperationStep.Abort)
        {
            var reset = await ResetAsync(repo);
            var begun = GitFiles.Begun(repo.Place);
            return begun is null ? reset : With(reset with { Bound = $"{reset.Bound} {begun}" },
                (await CheckoutAsync(repo, await repo.IdAsync(begun, CancellationToken.None))).Touches);
        }

        if (kind is null or GitOperationKind.Merge)
        {
            return GitPlan.Nothing; // a commit
        }

        var left = GitFiles.Left(repo.Place) ?? throw new RequestFailure(
            ErrorCode.GitError, "The remaining steps are unknown, or would run programs. Finish it in a terminal, or abort it.");
        var ids = new List<string>();
        foreach (var id in left.Take(MostCommits + 1))
        {
            ids.Add(await repo.IdAsync(id, CancellationToken.None));
        }

        return new GitPlan(await OfCommitsAsync(repo, ids), string.Join(' ', ids));
    }

    /// <summary>Files become what the index has of them; new ones are removed.</summary>
    /// <param name="whole">False: only parts of their changes are taken back.</param>
    public static async Task<GitPlan> DiscardAsync(
        GitRepository repo, IReadOnlyList<byte[]> tracked, IReadOnlyList<byte[]> untracked, bool whole)
    {
        var guarded = tracked.Select(p => ProjectPath.Of(p)).Where(Covers).ToHashSet();
        var touches = untracked.Select(p => ProjectPath.Of(p)).Where(Covers).Select(p => new GitTouch(p.Wire, null, whole)).ToList();
        if (guarded.Count > 0)
        {
            var staged = await WholeAsync(repo, new GitCommand("ls-files", "--stage", "-z"));
            var index = GitRepository.Checked(() => IndexParser.Parse(staged.Span));
            touches.AddRange(index.Where(e => guarded.Contains(ProjectPath.Of(e.Path.Span)))
                .Select(e => new GitTouch(ProjectPath.Of(e.Path.Span).Wire, e.Id, whole)));
        }

        return new GitPlan(touches, "");
    }

    /// <summary>These files themselves.</summary>
    public static GitPlan OfPaths(IEnumerable<byte[]> paths, string bound)
        => new([.. paths.Select(p => ProjectPath.Of(p)).Where(p => Covers(p)).Select(p => new GitTouch(p.Wire, null, Known: false))],
            bound);

    public static bool Covers(ProjectPath path) => ProtectedPaths.Covers(Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(path.Raw)));

    private static GitPlan With(GitPlan plan, IReadOnlyList<GitTouch> more)
        => plan with { Touches = [.. plan.Touches, .. more.Where(m => !plan.Touches.Any(t => t.Path == m.Path))] };

    private static async Task<IReadOnlyList<GitTouch>> OfCommitsAsync(GitRepository repo, List<string> ids)
    {
        if (ids.Count > MostCommits)
        {
            throw TooMuch();
        }

        var names = ids.Count == 0 ? [] : await NamesAsync(
            repo, Encoding.ASCII.GetBytes(string.Concat(ids.Select(i => i + "\n"))), "diff-tree", "--stdin", "-r", "-m", "-z", "--root",
            "--no-commit-id", "--no-renames", "--name-only");
        return [.. names.Distinct(StringComparer.Ordinal).Select(n => new GitTouch(n, null, Known: false))];
    }

    /// <summary>Protected paths that differ between two trees, with what they are in the second.</summary>
    private static async Task<IReadOnlyList<GitTouch>> BetweenAsync(GitRepository repo, string? from, string to)
    {
        if (from is null)
        {
            var all = await WholeAsync(repo, new GitCommand("ls-tree", "-r", "-z", "--full-tree", to));
            return [.. GitRepository.Checked(() => IndexParser.Parse(all.Span)).Where(e => Covers(ProjectPath.Of(e.Path.Span)))
                .Select(e => new GitTouch(ProjectPath.Of(e.Path.Span).Wire, e.Id, Known: true))];
        }

        var pieces = Pieces(await WholeAsync(
            repo, new GitCommand("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--ignore-submodules=none", from, to)));
        var touches = new List<GitTouch>();
        for (var i = 0; i + 1 < pieces.Count; i += 2)
        {
            // ":100644 100644 OLD NEW M"
            var fields = pieces[i].Split(' ');
            var path = new ProjectPath(pieces[i + 1]);
            if (fields.Length < 5 || !GitNames.IsId(fields[3]))
            {
                throw GitErrors.ToRequest(new GitException(GitError.Unreadable, "git's list of changes can't be parsed."));
            }

            if (Covers(path))
            {
                touches.Add(new GitTouch(path.Wire, fields[4].StartsWith('D') ? null : fields[3], Known: true));
            }
        }

        return touches;
    }

    /// <summary>The protected ones of the paths that a command names.</summary>
    private static async Task<IReadOnlyList<string>> NamesAsync(GitRepository repo, byte[]? input, params string[] arguments)
        => [.. Pieces(await WholeAsync(repo, new GitCommand(arguments) { Input = input })).Select(p => new ProjectPath(p)).Where(Covers)
            .Select(p => p.Wire)];

    private static async Task<ReadOnlyMemory<byte>> WholeAsync(GitRepository repo, GitCommand command)
    {
        var result = await repo.RunAsync(command, CancellationToken.None);
        return result.Truncated ? throw TooMuch() : result.Output;
    }

    private static RequestFailure TooMuch()
        => new(ErrorCode.GitError, "That changes more files than can be checked from here. Do it in a terminal.");

    private static List<string> Pieces(ReadOnlyMemory<byte> output)
        => [.. Encoding.Latin1.GetString(output.Span).Split('\0', StringSplitOptions.RemoveEmptyEntries)];
}
