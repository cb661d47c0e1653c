using System.Globalization;
using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>
/// Git LFS, as far as it is known here: what it keeps elsewhere is recognised, and what would go wrong without its program and its server
/// is refused, by name.
/// </summary>
internal static class LargeFiles
{
    private const string Filter = "lfs";
    private const int MostBlobs = 20_000;

    /// <summary>The paths that the repository's attributes give to Git LFS. Empty where nothing uses it, without asking git.</summary>
    /// <param name="paths">From the repository's top, each closed by a NUL.</param>
    public static async Task<IReadOnlyList<byte[]>> OfAsync(GitRepository repo, byte[] paths, CancellationToken cancellationToken)
    {
        if (paths.Length == 0)
        {
            return [];
        }

        var output = (await repo.RunAsync(
            new GitCommand("check-attr", "-z", "--stdin", "filter") { Input = paths }, cancellationToken)).Output;
        var pieces = Pieces(output);
        return [.. Enumerable.Range(0, pieces.Count / 3).Where(i => Encoding.UTF8.GetString(pieces[(i * 3) + 2]) == Filter)
            .Select(i => pieces[i * 3])];
    }

    /// <summary>
    /// Refuses to put large files themselves into the index: without LFS's program there is nothing that would make pointers of them.
    /// </summary>
    /// <param name="list">What is to be staged, each closed by a NUL; null: all that differs.</param>
    /// <exception cref="RequestFailure">GIT_ERROR, reason <c>lfs_unsupported</c></exception>
    public static async Task RequireStageableAsync(GitRepository repo, byte[]? list, CancellationToken cancellationToken)
    {
        var changed = (await repo.ReadAsync(
            cancellationToken, "ls-files", "--modified", "--others", "--exclude-standard", "-z", "--", repo.Everything)).Output;
        var wanted = list is null ? null : Pieces(list);
        var meant = Pieces(changed).Where(p => wanted is null || wanted.Exists(w => GitNames.Covers(w, p)))
            .SelectMany(p => p.Append((byte)0)).ToArray();
        var large = await OfAsync(repo, meant, cancellationToken);
        if (large.Count == 0)
        {
            return;
        }

        var clean = await repo.RunAsync(new GitCommand("config", "--local", "--includes", "--get-regexp", @"^filter\.lfs\.(clean|process)$")
        { AlsoFine = [1] }, cancellationToken);
        if (repo.Sandbox == SandboxKind.None || clean.ExitCode == 1)
        {
            throw Unsupported(
                "Git LFS keeps these files elsewhere, and its program is not set up for this repository: staged from here, they would go into the repository whole. Stage them in a terminal.", large);
        }
    }

    /// <summary>
    /// Refuses to push commits that point to large files: the files themselves would not go with them, and nobody could use the commits.
    /// </summary>
    /// <param name="range">Arguments of <c>rev-list</c>.</param>
    /// <exception cref="RequestFailure">GIT_ERROR, reason <c>lfs_unsupported</c></exception>
    public static async Task RequireNoneAsync(GitRepository repo, IReadOnlyList<string> range, CancellationToken cancellationToken)
    {
        var small = await repo.ReadAsync(cancellationToken, ["rev-list", "--objects", "--no-object-names",
            $"--filter=combine:object:type=blob+blob:limit={LargeFilePointer.Longest + 1}", .. range]);
        var ids = small.Text.Split('\n').Where(GitNames.IsId).Take(MostBlobs).ToList();
        if (ids.Count == 0)
        {
            return;
        }

        var sizes = (await repo.RunAsync(new GitCommand("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", "--buffer")
        { Input = Lines(ids) }, cancellationToken)).Text;
        var maybe = sizes.Split('\n').Select(l => l.Split(' ')).Where(l => l is [_, "blob", var size] && long.Parse(
            size, CultureInfo.InvariantCulture) is >= LargeFilePointer.Shortest and <= LargeFilePointer.Longest).Select(l => l[0]).ToList();
        var count = maybe.Count == 0 ? 0 : Pointers((await repo.RunAsync(
            new GitCommand("cat-file", "--batch", "--buffer") { Input = Lines(maybe) }, cancellationToken)).Output.Span);
        if (count > 0)
        {
            throw Unsupported($"These commits point to {count} file(s) that Git LFS keeps elsewhere. The machine does not send such files, and without them the commits are of no use to others. Push in a terminal.", []);
        }
    }

    /// <summary>Marks what of a status is kept by LFS.</summary>
    public static async Task<RepositoryStatus> MarkAsync(GitRepository repo, RepositoryStatus status, CancellationToken cancellationToken)
    {
        if (!Uses(repo.Place))
        {
            return status;
        }

        var all = status.Staged.Concat(status.Unstaged).Concat(status.Untracked).Select(c => c.Path).Distinct(StringComparer.Ordinal)
            .SelectMany(p => repo.PathOf(p).Append((byte)0)).ToArray();
        var large = (await OfAsync(repo, all, cancellationToken)).Select(p => PathText.Escape(
            Encoding.Latin1.GetString(p, repo.Prefix.Length, p.Length - repo.Prefix.Length))).ToHashSet(StringComparer.Ordinal);
        return status with { Staged = Marked(status.Staged), Unstaged = Marked(status.Unstaged), Untracked = Marked(status.Untracked) };

        List<GitFileChange> Marked(IReadOnlyList<GitFileChange> changes)
            => [.. changes.Select(c => large.Contains(c.Path) ? c with { LargeFile = true } : c)];
    }

    /// <summary>Whether the attributes at the repository's top speak of LFS. A link is not followed.</summary>
    private static bool Uses(GitPlace place)
    {
        const int Most = 64 * 1024;
        foreach (var path in (string[])[Path.Combine(place.Top, ".gitattributes"), Path.Combine(place.CommonDir, "info", "attributes")])
        {
            try
            {
                if (new FileInfo(path) is { Exists: true, LinkTarget: null, Length: <= Most }
                    && File.ReadAllText(path).Contains($"filter={Filter}", StringComparison.Ordinal))
                {
                    return true;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // then git can't read it either
            }
        }

        return false;
    }

    /// <summary>Of what <c>cat-file --batch</c> gives: a line with the size, so many bytes, a line end.</summary>
    private static int Pointers(ReadOnlySpan<byte> output)
    {
        var count = 0;
        while (output.IndexOf((byte)'\n') is var end and > 0
            && int.TryParse(Encoding.ASCII.GetString(output[..end]).Split(' ')[^1], NumberStyles.None, CultureInfo.InvariantCulture,
                out var size) && output.Length > end + 1 + size)
        {
            count += LargeFilePointer.Is(output.Slice(end + 1, size)) ? 1 : 0;
            output = output[(end + size + 2)..];
        }

        return count;
    }

    private static RequestFailure Unsupported(string message, IReadOnlyList<byte[]> paths)
    {
        var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["reason"] = "lfs_unsupported" };
        if (paths.Count > 0)
        {
            details["paths"] = string.Join('\n', paths.Take(20).Select(p => PathText.Escape(Encoding.Latin1.GetString(p))));
        }

        return new RequestFailure(ErrorCode.GitError, message, details);
    }

    private static byte[] Lines(IReadOnlyList<string> ids) => Encoding.ASCII.GetBytes(string.Concat(ids.Select(i => i + "\n")));

    private static List<byte[]> Pieces(ReadOnlyMemory<byte> output)
    {
        var pieces = new List<byte[]>();
        for (var rest = output.Span; rest.IndexOf((byte)0) is var end and >= 0; rest = rest[(end + 1)..])
        {
            pieces.Add(rest[..end].ToArray());
        }

        return pieces;
    }
}
