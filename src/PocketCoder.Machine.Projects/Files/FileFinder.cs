using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Enumeration;
using System.Text;
using System.Text.Unicode;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Machine.Snapshots.Git;
using PocketCoder.Platform;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Files;

/// <summary>
/// Finds files of projects by part of their path. Names only: no file is opened, no link followed, and of git nothing but its reading of
/// <c>.gitignore</c> is used, with a repository of our own that holds nothing. Thread-safe.
/// </summary>
/// <param name="repository">Where that repository is; made at first use.</param>
/// <param name="home">The daemon's own folder, which is never shown of a project that holds it.</param>
public sealed class FileFinder(string repository, string home, ProjectStore projects, TimeProvider time)
{
    private const int MaxNames = 50_000;
    private const int MaxQuery = 200;
    private const int MaxLimit = 50;
    private const int NestedRepositories = 16;
    private const int Remembered = 4;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);

    /// <summary>Typing a word asks several times; a file made meanwhile may be missing for so long.</summary>
    private static readonly TimeSpan s_fresh = TimeSpan.FromSeconds(5);

    private static readonly string[] s_list = ["ls-files", "--others", "--exclude-standard", "-z"];

    private readonly ConcurrentDictionary<string, Names> _known = new(StringComparer.Ordinal);
    private readonly AsyncSemaphore _listing = new(); // guards the listing: one at a time, whoever waits finds it done

    private sealed record Names(IReadOnlyList<string> Paths, bool Partial, DateTimeOffset At);

    /// <exception cref="RequestFailure">INVALID_REQUEST, PROJECT_NOT_FOUND</exception>
    public async Task<FilesFindResponse> FindAsync(FilesFindRequest request, CancellationToken cancellationToken)
    {
        if (request.Query.Length > MaxQuery || request.Limit is < 1 or > MaxLimit)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"query has at most {MaxQuery} characters, limit is 1 to {MaxLimit}.");
        }

        var project = await projects.GetAsync(request.ProjectId, cancellationToken);
        if (project.Missing)
        {
            throw new RequestFailure(ErrorCode.ProjectNotFound, $"The folder {project.Path} no longer exists.");
        }

        var names = await NamesAsync(project.Path, cancellationToken);
        return new FilesFindResponse(FileRanking.Best(names.Paths, request.Query, request.Limit), names.Partial);
    }

    /// <summary>Whether a name can be shown and typed as it is.</summary>
    private static bool IsPlain(string path)
    {
        foreach (var rune in path.EnumerateRunes())
        {
            if (rune == Rune.ReplacementChar || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
            {
                return false;
            }
        }

        return true;
    }

    private async Task<Names> NamesAsync(string project, CancellationToken cancellationToken)
    {
        await _listing.WaitAsync(cancellationToken);
        try
        {
            if (_known.TryGetValue(project, out var known) && time.GetUtcNow() - known.At < s_fresh)
            {
                return known;
            }

            foreach (var old in _known.OrderByDescending(k => k.Value.At).Skip(Remembered - 1))
            {
                _known.TryRemove(old);
            }

            return _known[project] = await ListAsync(project, cancellationToken);
        }
        finally
        {
            _listing.Release();
        }
    }

    private async Task<Names> ListAsync(string project, CancellationToken cancellationToken)
    {
        var found = new List<string>();
        try
        {
            return new Names(found, await ListByGitAsync(project, found, time.GetTimestamp(), cancellationToken), time.GetUtcNow());
        }
        catch (Exception e) when (e is SnapshotException or IOException or UnauthorizedAccessException)
        {
            // No git, or it was too slow: then what can be had without it in the same time again.
            found.Clear();
            return new Names(found, Walk(project, found, time.GetTimestamp(), cancellationToken), time.GetUtcNow());
        }
    }

    /// <returns>Whether some are missing.</returns>
    private async Task<bool> ListByGitAsync(string project, List<string> found, long began, CancellationToken cancellationToken)
    {
        var git = new GitProcess(EmptyRepository(), time);
        var folders = new Queue<string>([""]);
        for (var seen = 0; folders.TryDequeue(out var folder); seen++)
        {
            var left = s_limit - time.GetElapsedTime(began);
            if (seen > NestedRepositories || left <= TimeSpan.Zero)
            {
                return true;
            }

            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            try
            {
                await git.LookAsync(Path.Combine(project, folder), s_list, null,
                    (output, token) => TakeAsync(folder, output, enough, token), left, enough.Token);
            }
            catch (OperationCanceledException) when (enough.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                return true;
            }
        }

        return false;

        async Task TakeAsync(string folder, Stream output, CancellationTokenSource enough, CancellationToken token)
        {
            await foreach (var raw in ZeroText.ReadAsync(output, token))
            {
                var bytes = new TreePath(raw).Bytes;
                if (!Utf8.IsValid(bytes))
                {
                    continue;
                }

                var path = folder + Encoding.UTF8.GetString(bytes);
                if (!IsPlain(path) || IsHidden(project, path))
                {
                    continue;
                }

                if (path.EndsWith('/'))
                {
                    folders.Enqueue(path); // a repository in the project: git only names it
                }
                else if (found.Count < MaxNames)
                {
                    found.Add(path);
                }
                else
                {
                    await enough.CancelAsync();
                }
            }
        }
    }

    /// <returns>Whether some are missing.</returns>
    private bool Walk(string project, List<string> found, long began, CancellationToken cancellationToken)
    {
        var options = new EnumerationOptions
        { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.None, MaxRecursionDepth = 64 };
        var files = new FileSystemEnumerable<string>(project, (ref entry) => entry.ToFullPath()[(project.Length + 1)..], options)
        {
            ShouldIncludePredicate = (ref entry) => !entry.IsDirectory,
            ShouldRecursePredicate = (ref entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint)
                && entry.FileName is not (".git" or "node_modules"),
        };
        foreach (var path in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (found.Count >= MaxNames || time.GetElapsedTime(began) > s_limit)
            {
                return true;
            }

            var name = Path.DirectorySeparatorChar == '/' ? path : path.Replace(Path.DirectorySeparatorChar, '/');
            if (IsPlain(name) && !IsHidden(project, name))
            {
                found.Add(name);
            }
        }

        return false;
    }

    private bool IsHidden(string project, string path)
        => path.Split('/').Any(p => p.Equals(".git", StringComparison.OrdinalIgnoreCase))
            || (IsBeneath(home, project) && IsBeneath(Path.Combine(project, path), home));

    private static bool IsBeneath(string path, string folder)
        => path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>The least that git takes for a repository.</summary>
    private string EmptyRepository()
    {
        var head = Path.Combine(repository, "HEAD");
        if (!File.Exists(head))
        {
            foreach (var folder in (string[])[repository, Path.Combine(repository, "objects"), Path.Combine(repository, "refs")])
            {
                PrivateFolder.Make(folder);
            }

            PrivateFile.Replace(head, "ref: refs/heads/none\n"u8);
        }

        return repository;
    }
}
