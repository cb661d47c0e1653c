using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Files;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Workspace;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Machine.Git;

/// <summary>The sides of a conflict, and how it is resolved. Files are written by git itself, where it runs. Thread-safe.</summary>
internal sealed class GitConflicts(GitService git, GitGuard guard)
{
    private const int ContentBytes = 1024 * 1024;

    public async Task<GitConflictResponse> LookAsync(GitConflictRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var (_, sides) = await SidesAsync(repo, request.Path, cancellationToken);
        var theirs = await repo.ReadAsync(cancellationToken, "for-each-ref", "--count=1", "--format=%(refname:short)",
            "--points-at=MERGE_HEAD", "refs/heads", "refs/remotes") is { } found && found.Text.Trim() is { Length: > 0 } name ? name : null;
        return new GitConflictResponse(
            Kind(sides),
            await SideAsync(repo, sides[1], cancellationToken),
            await SideAsync(repo, sides[2], cancellationToken),
            await SideAsync(repo, sides[3], cancellationToken),
            await FileAsync(repo, request.Path, cancellationToken),
            await repo.BranchAsync(cancellationToken),
            theirs);
    }

    public async Task<GitConflictResolveResponse> ResolveAsync(
        DeviceCaller caller, GitConflictResolveRequest request, CancellationToken cancellationToken)
    {
        if (request.Resolution == GitResolution.Content
            && (request.Content is null || Encoding.UTF8.GetByteCount(request.Content) > ContentBytes))
        {
            throw GitErrors.Invalid($"content must be there, with at most {ContentBytes} bytes.");
        }

        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var act = new GitAct(MessageTypes.GitConflictResolve, request.Resolution.ToString(), r => PlanAsync(r, request))
        { Paths = [request.Path], Exactly = [request.Path, request.Content] };
        return await guard.ChangeAsync(caller, repo, act, async repo =>
        {
            var (path, sides) = await SidesAsync(repo, request.Path, CancellationToken.None);
            switch (request.Resolution)
            {
                case GitResolution.File:
                    await NamedAsync(repo, path, "add", "--all");
                    break;
                case GitResolution.Delete:
                    await NamedAsync(repo, path, "rm", "-f", "--quiet");
                    break;
                case GitResolution.Content:
                    var blob = await repo.RunAsync(new GitCommand("hash-object", "-w", "--stdin")
                    { Writes = true, Input = Encoding.UTF8.GetBytes(request.Content!) }, CancellationToken.None);
                    await TakeAsync(repo, path, (sides[2] ?? sides[3] ?? sides[1])!.Mode, blob.Text.Trim());
                    break;
                default:
                    if (sides[request.Resolution == GitResolution.Ours ? 2 : 3] is { } side)
                    {
                        await TakeAsync(repo, path, side.Mode, side.Id);
                    }
                    else
                    {
                        await NamedAsync(repo, path, "rm", "-f", "--quiet"); // that side deleted it
                    }

                    break;
            }

            return new GitConflictResolveResponse((await repo.StatusAsync(CancellationToken.None)).Conflicted.Count);
        });
    }

    /// <summary>The file is written, unless it is taken as it is.</summary>
    private static async Task<GitPlan> PlanAsync(GitRepository repo, GitConflictResolveRequest request)
    {
        var (path, sides) = await SidesAsync(repo, request.Path, CancellationToken.None);
        if (request.Resolution == GitResolution.File || !GitPlans.Covers(ProjectPath.Of(path)))
        {
            return GitPlan.Nothing;
        }

        var id = request.Resolution switch { GitResolution.Ours => sides[2]?.Id, GitResolution.Theirs => sides[3]?.Id, _ => null };
        var touch = new GitTouch(ProjectPath.Of(path).Wire, id, Known: true)
        { Text = request.Resolution == GitResolution.Content ? request.Content : null };
        return new GitPlan([touch], string.Join(' ', sides.Select(s => s?.Id)));
    }

    private static Task<GitResult> NamedAsync(GitRepository repo, byte[] path, params string[] command)
        => repo.RunAsync(new GitCommand([.. command, "--pathspec-from-file=-", "--pathspec-file-nul"])
        { Writes = true, Input = path, TimeLimit = TimeSpan.FromSeconds(60) }, CancellationToken.None);

    private static async Task TakeAsync(GitRepository repo, byte[] path, string mode, string id)
    {
        if (mode is not ("100644" or "100755"))
        {
            throw new RequestFailure(ErrorCode.GitError, "That is not a regular file (a link or a submodule). Resolve it in a terminal.");
        }

        await repo.RunAsync(
            new GitCommand("update-index", "-z", "--index-info")
            {
                Writes = true,
                Input = (byte[])[.. Encoding.ASCII.GetBytes(
                $"0 {new string('0', id.Length)}\t"), .. path, 0, .. Encoding.ASCII.GetBytes($"{mode} {id}\t"), .. path, 0]
            },
            CancellationToken.None); // the first takes its three sides away
        await repo.RunAsync(new GitCommand("checkout-index", "--force", "--quiet", "--index", "-z", "--stdin")
        { Writes = true, Input = (byte[])[.. path, 0] }, CancellationToken.None);
    }

    /// <summary>What the index has of it, by stage.</summary>
    /// <exception cref="RequestFailure">CONFLICT: there is none (any more).</exception>
    private static async Task<(byte[] Path, IndexEntry?[] Sides)> SidesAsync(
        GitRepository repo, string named, CancellationToken cancellationToken)
    {
        var path = repo.PathOf(named);
        var output = await repo.ReadAsync(cancellationToken, "ls-files", "--unmerged", "-z", "--", repo.Near(path));
        var sides = new IndexEntry?[4];
        foreach (var entry in GitRepository.Checked(() => IndexParser.Parse(output.Output.Span))
            .Where(e => e.Path.Span.SequenceEqual(path)))
        {
            sides[entry.Stage] = entry;
        }

        return Array.Exists(sides, s => s is not null) ? (path, sides)
            : throw new RequestFailure(ErrorCode.Conflict, "That file no longer has a conflict.");
    }

    private static async Task<GitConflictSide> SideAsync(GitRepository repo, IndexEntry? entry, CancellationToken cancellationToken)
        => entry is null || entry.Mode == "160000" ? new GitConflictSide(entry is not null, entry?.Id ?? "", "utf8", 0)
            : Shown(await GitHistory.BlobAsync(repo, entry.Id, cancellationToken));

    private static async Task<GitConflictSide> FileAsync(GitRepository repo, string path, CancellationToken cancellationToken)
    {
        FileStream? file = null;
        try
        {
            // A link is not followed, and what is another file's content by a hard link is not shown: the decision, if there was one, is
            // about this name.
            using var hold = PinnedFile.Open(SecretReads.Options(repo.Project.Path, []), path, follow: false);
            file = hold.IsSecret && !GitHistory.IsSecret(path) ? null : hold.OpenRead();
        }
        catch (Exception e) when (e is WorkspaceException or IOException or UnauthorizedAccessException)
        {
            // that side is not there
        }

        await using (file)
        {
            if (file is null || file.Length > GitLimits.FileBytes)
            {
                return new GitConflictSide(false, "", "utf8", file?.Length ?? 0);
            }

            var content = new byte[file.Length];
            var read = await file.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false, cancellationToken);
            return Shown(content[..read]);
        }
    }

    private static GitConflictSide Shown(byte[] content)
    {
        var (text, encoding, _) = GitHistory.Content(content);
        return new GitConflictSide(true, text, encoding, content.Length);
    }

    private static GitConflictKind Kind(IndexEntry?[] sides) => (sides[1] is not null, sides[2] is not null, sides[3] is not null) switch
    {
        (true, true, true) => GitConflictKind.BothModified,
        (false, true, true) => GitConflictKind.BothAdded,
        (true, false, true) => GitConflictKind.DeletedByUs,
        (true, true, false) => GitConflictKind.DeletedByThem,
        (false, true, false) => GitConflictKind.AddedByUs,
        (false, false, true) => GitConflictKind.AddedByThem,
        _ => GitConflictKind.BothDeleted,
    };
}
