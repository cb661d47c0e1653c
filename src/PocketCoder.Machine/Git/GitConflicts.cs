using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>The sides of a conflict, and how it is resolved. Files are written by git itself, where it runs. Thread-safe.</summary>
internal sealed class GitConflicts(GitRoom room, GitNotes notes)
{
    private const int ContentBytes = 1024 * 1024;

    public async Task<GitConflictResponse> LookAsync(GitConflictRequest request, CancellationToken cancellationToken)
    {
        var repo = await room.OpenAsync(request.ProjectId, cancellationToken);
        var (_, sides) = await SidesAsync(repo, request.Path, cancellationToken);
        var theirs = await repo.ReadAsync(cancellationToken, "for-each-ref", "--count=1", "--format=%(refname:short)", "--points-at=MERGE_HEAD", "refs/heads", "refs/remotes") is { } found && found.Text.Trim() is { Length: > 0 } name ? name : null;
        return new GitConflictResponse(
            Kind(sides),
            await SideAsync(repo, sides[1], cancellationToken),
            await SideAsync(repo, sides[2], cancellationToken),
            await SideAsync(repo, sides[3], cancellationToken),
            await FileAsync(repo, request.Path, cancellationToken),
            await repo.BranchAsync(cancellationToken),
            theirs);
    }

    public async Task<GitConflictResolveResponse> ResolveAsync(Caller caller, GitConflictResolveRequest request, CancellationToken cancellationToken)
    {
        if (request.Resolution == GitResolution.Content && (request.Content is null || Encoding.UTF8.GetByteCount(request.Content) > ContentBytes))
        {
            throw GitErrors.Invalid($"content must be there, with at most {ContentBytes} bytes.");
        }

        var repo = await room.OpenAsync(request.ProjectId, cancellationToken);
        return await repo.ExclusiveAsync(async () =>
        {
            var (path, sides) = await SidesAsync(repo, request.Path, CancellationToken.None);
            await notes.BeforeAsync(caller, repo, MessageTypes.GitConflictResolve, request.Resolution.ToString(), [request.Path]);
            try
            {
                switch (request.Resolution)
                {
                    case GitResolution.File:
                        await repo.WriteAsync(CancellationToken.None, "add", "--all", "--", path);
                        break;
                    case GitResolution.Delete:
                        await repo.WriteAsync(CancellationToken.None, "rm", "-f", "--quiet", "--", path);
                        break;
                    case GitResolution.Content:
                        var blob = await repo.RunAsync(new GitCommand("hash-object", "-w", "--stdin") { Writes = true, Input = Encoding.UTF8.GetBytes(request.Content!) }, CancellationToken.None);
                        await TakeAsync(repo, path, (sides[2] ?? sides[3] ?? sides[1])!.Mode, blob.Text.Trim());
                        break;
                    default:
                        if (sides[request.Resolution == GitResolution.Ours ? 2 : 3] is { } side)
                        {
                            await TakeAsync(repo, path, side.Mode, side.Id);
                        }
                        else
                        {
                            await repo.WriteAsync(CancellationToken.None, "rm", "-f", "--quiet", "--", path); // that side deleted it
                        }

                        break;
                }
            }
            finally
            {
                notes.Changed(repo);
            }

            return new GitConflictResolveResponse((await repo.StatusAsync(CancellationToken.None)).Conflicted.Count);
        });
    }

    private static async Task TakeAsync(GitRepository repo, string path, string mode, string id)
    {
        if (mode is not ("100644" or "100755"))
        {
            throw new RequestFailure(ErrorCode.GitError, "That is no plain file (a link or a submodule). Resolve it in a terminal.");
        }

        await repo.WriteAsync(CancellationToken.None, "update-index", "--cacheinfo", $"{mode},{id},{path}");
        await repo.RunAsync(new GitCommand("checkout-index", "--force", "--quiet", "--index", "-z", "--stdin") { Writes = true, Input = Encoding.UTF8.GetBytes(path + "\0") }, CancellationToken.None);
    }

    /// <summary>What the index has of it, by stage.</summary>
    /// <exception cref="RequestFailure">CONFLICT: there is none (any more).</exception>
    private static async Task<(string Path, IndexEntry?[] Sides)> SidesAsync(GitRepository repo, string named, CancellationToken cancellationToken)
    {
        var path = repo.PathText(named);
        var output = await repo.ReadAsync(cancellationToken, "ls-files", "--unmerged", "-z", "--", path);
        var sides = new IndexEntry?[4];
        foreach (var entry in GitRepository.Checked(() => IndexParser.Parse(output.Output.Span)).Where(e => Encoding.UTF8.GetString(e.Path.Span) == path))
        {
            sides[entry.Stage] = entry;
        }

        return Array.Exists(sides, s => s is not null) ? (path, sides) : throw new RequestFailure(ErrorCode.Conflict, "There is no conflict in that file (any more).");
    }

    private static async Task<GitConflictSide> SideAsync(GitRepository repo, IndexEntry? entry, CancellationToken cancellationToken)
        => entry is null || entry.Mode == "160000" ? new GitConflictSide(entry is not null, entry?.Id ?? "", "utf8", 0) : Shown(await GitHistory.BlobAsync(repo, entry.Id, cancellationToken));

    private static async Task<GitConflictSide> FileAsync(GitRepository repo, string path, CancellationToken cancellationToken)
    {
        using var file = ConfinedFile.Open(repo.Project.Path, path, out _);
        if (file is null || file.Length > GitLimits.FileBytes)
        {
            return new GitConflictSide(false, "", "utf8", file?.Length ?? 0);
        }

        var content = new byte[file.Length];
        var read = await file.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false, cancellationToken);
        return Shown(content[..read]);
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
