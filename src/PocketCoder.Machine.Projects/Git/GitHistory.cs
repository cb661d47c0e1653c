using System.Text;
using System.Text.Unicode;
using PocketCoder.Git;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Files;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Workspace;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Machine.Git;

/// <summary>What was: diffs, log, commits, blame, files as they were. Thread-safe; takes no lock.</summary>
internal sealed class GitHistory(GitService git)
{
    private const int DiffPaths = 200;

    public async Task<GitDiffResponse> DiffAsync(GitDiffRequest request, CancellationToken cancellationToken)
    {
        if (request.Context is < 0 or > 50 || request.Paths is { Count: > DiffPaths })
        {
            throw GitErrors.Invalid($"context must be 0–50, and paths at most {DiffPaths}.");
        }

        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        IReadOnlyList<byte[]> wanted = [.. (request.Paths ?? []).Select(repo.PathOf)];
        var exact = true;
        var paths = wanted.Count > 0 ? repo.Arguments(wanted, out exact) : [repo.Everything];
        string[] options = [.. DiffParser.Options(request.Context, request.Word, request.IgnoreWhitespace)];
        string[] arguments = request.Scope switch
        {
            GitDiffScope.Unstaged => ["diff", "-0", .. options],
            GitDiffScope.Staged => ["diff", "--cached", .. options],
            GitDiffScope.Commit => await CommitAsync(
                repo, await repo.IdAsync(request.To ?? "HEAD", cancellationToken), options, cancellationToken),
            GitDiffScope.Branch => await BranchAsync(repo, request, options, cancellationToken),
            _ => ["diff", .. options, await repo.IdAsync(request.From ?? "HEAD", cancellationToken), .. await OtherAsync()],
        };
        var diff = await ParseAsync(repo, [.. arguments, "--", .. paths], request.Word, cancellationToken);
        var files = request.Scope == GitDiffScope.Unstaged
            || (request.Scope is not (GitDiffScope.Staged or GitDiffScope.Commit or GitDiffScope.Branch) && request.To is null);
        return Withheld(DiffParser.Show(exact ? diff : diff.Of(wanted), repo.Prefix, request.Word), files ? repo : null);

        async Task<string[]> OtherAsync() => request.To is null ? [] : [await repo.IdAsync(request.To, cancellationToken)];
    }

    /// <summary>Without the lines of what looks like a secret: reading that takes a decision.</summary>
    /// <param name="files">When it shows what is in the files now: those may be others by a further name (hard link).</param>
    private static GitDiffResponse Withheld(GitDiffResponse diff, GitRepository? files = null) => diff with
    {
        Files =
        [
            .. diff.Files.Select(f => f.Hunks.Count > 0
                && (IsSecret(f.Path) || (f.OldPath is { } old && IsSecret(old)) || (files is not null && IsOther(files, f.Path)))
                ? f with { Hunks = [], Truncated = true, Withheld = true }
                : f),
        ],
    };

    /// <summary>Whether reading the file itself would be refused, or need a decision.</summary>
    private static bool IsOther(GitRepository repo, string path)
    {
        try
        {
            using var hold = PinnedFile.Open(SecretReads.Options(repo.Project.Path, []), path, follow: false);
            return hold.IsSecret;
        }
        catch (WorkspaceException e)
        {
            return e.Code == ErrorCode.PermissionDenied;
        }
    }

    /// <summary>The diff that a selection is taken from.</summary>
    /// <param name="staged">The last commit with the index; else the index with the files.</param>
    public static Task<ParsedDiff> SelectableAsync(
        GitRepository repo, bool staged, IReadOnlyList<GitSelection> selections, int context, CancellationToken cancellationToken)
    {
        if (selections.Count > GitLimits.Selections || context is < 0 or > 50)
        {
            throw GitErrors.Invalid($"At most {GitLimits.Selections} selections, and a context of 0–50.");
        }

        var named = selections.Select(s => s.Path).Distinct(StringComparer.Ordinal).Select(repo.PathOf).ToList();
        return ParseAsync(
            repo,
            ["diff", staged ? "--cached" : "-0", .. DiffParser.Options(context, word: false, ignoreWhitespace: false), "--",
                .. named.Count > DiffPaths ? [repo.Everything] : repo.Arguments(named, out _)],
            word: false,
            cancellationToken);
    }

    public async Task<GitLogResponse> LogAsync(GitLogRequest request, CancellationToken cancellationToken)
    {
        if (request.Limit is < 1 or > GitLimits.LogCommits || request.Skip < 0 || request.Skip + request.Limit > GitLimits.LogDepth)
        {
            throw GitErrors.Invalid($"limit must be 1–{GitLimits.LogCommits}, and skip and limit together at most {GitLimits.LogDepth}.");
        }

        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var path = request.Path is null ? repo.Place.Prefix.Length > 0 ? repo.Everything : null : Text(repo.PathOf(request.Path));
        if (request.Ref is null && await repo.HeadAsync(cancellationToken) is null)
        {
            return new GitLogResponse([], More: false);
        }

        // A graph needs all rows from the first; without one git can skip itself.
        var graph = path is null;
        string[] from = request.All ? ["--branches", "--tags", "--remotes", "HEAD"]
            : [await repo.IdAsync(request.Ref ?? "HEAD", cancellationToken)];
        var output = await repo.ReadAsync(
            cancellationToken,
            [
                "log", "-z", $"--format={LogParser.Format}", "--decorate=full", "--decorate-refs-exclude=refs/pocketcoder/",
                "--no-show-signature", "--no-color", "--no-mailmap", "--encoding=UTF-8",
                $"--max-count={(graph ? request.Skip : 0) + request.Limit + 1}", $"--skip={(graph ? 0 : request.Skip)}", .. from, "--",
                .. path is null ? (string[])[] : [path],
            ]);
        var commits = Parse(output);
        var shown = graph ? LogGraph.Lay(commits).Skip(request.Skip) : commits;
        return new GitLogResponse([.. shown.Take(request.Limit)], commits.Count > (graph ? request.Skip : 0) + request.Limit);
    }

    public async Task<GitShowResponse> ShowAsync(GitShowRequest request, CancellationToken cancellationToken)
    {
        if (request.Context is < 0 or > 50)
        {
            throw GitErrors.Invalid("context must be 0–50.");
        }

        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var id = await repo.IdAsync(request.Ref, cancellationToken);
        var head = await repo.ReadAsync(
            cancellationToken, "log", "-1", "-z", $"--format={LogParser.Format}", "--decorate=full",
            "--decorate-refs-exclude=refs/pocketcoder/", "--no-show-signature", "--no-color", "--encoding=UTF-8", id, "--");
        var message = await repo.RunAsync(
            new GitCommand("log", "-1", "--format=tformat:%B", "--no-show-signature", "--encoding=UTF-8", id, "--")
            { OutputLimit = GitLimits.MessageBytes }, cancellationToken);
        var arguments = await CommitAsync(
            repo, id, [.. DiffParser.Options(request.Context, word: false, ignoreWhitespace: false)], cancellationToken);
        var diff = Withheld(DiffParser.Show(
            await ParseAsync(repo, [.. arguments, "--", repo.Everything], word: false, cancellationToken), repo.Prefix));
        return new GitShowResponse(Parse(head)[0], message.Text.TrimEnd('\n'), diff.Files, diff.Truncated);
    }

    public async Task<GitBlameResponse> BlameAsync(GitBlameRequest request, CancellationToken cancellationToken)
    {
        if (request.FirstLine < 1 || request.Lines is < 1 or > GitLimits.BlameLines)
        {
            throw GitErrors.Invalid($"firstLine counts from 1, and lines must be 1–{GitLimits.BlameLines}.");
        }

        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var path = Text(repo.PathOf(request.Path));
        string[] at = request.Ref is null ? [] : [await repo.IdAsync(request.Ref, cancellationToken)];
        var output = await repo.RunAsync(
            new GitCommand(["blame", "--porcelain", "--no-textconv", "-L", $"{request.FirstLine},+{request.Lines}", .. at, "--", path])
            { TimeLimit = TimeSpan.FromSeconds(60) }, cancellationToken);
        return output.Truncated
            ? throw new RequestFailure(ErrorCode.FileTooLarge, "These lines are too long. Ask for fewer.")
            : GitRepository.Checked(() => BlameParser.Parse(output.Output.Span, repo.Prefix));
    }

    public async Task<GitFileBaseResponse> FileBaseAsync(GitFileBaseRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var path = repo.PathOf(request.Path);
        var (near, deep) = (repo.Near(path), !Utf8.IsValid(path));
        GitResult listed;
        if (request.Ref == ":")
        {
            listed = await repo.ReadAsync(cancellationToken, "ls-files", "--stage", "-z", "--", near);
        }
        else
        {
            var id = request.Ref is null ? await repo.HeadAsync(cancellationToken) : await repo.IdAsync(request.Ref, cancellationToken);
            if (id is null)
            {
                return Nothing();
            }

            listed = await repo.ReadAsync(cancellationToken,
                ["ls-tree", "-z", "--full-tree", .. deep ? (string[])["-r"] : [], id, .. near == "." ? (string[])[] : ["--", near]]);
        }

        var entry = GitRepository.Checked(() => IndexParser.Parse(listed.Output.Span))
            .FirstOrDefault(e => e.Stage is 0 or 2 && e.Path.Span.SequenceEqual(path));
        return entry switch
        {
            null => Nothing(),
            { Mode: "040000" } => throw GitErrors.Invalid("That is a folder."),
            { Mode: "160000" } => new GitFileBaseResponse(entry.Id, true, "utf8", entry.Id.Length, Binary: false),
            _ => Base(await BlobAsync(repo, entry.Id, cancellationToken)),
        };

        static GitFileBaseResponse Nothing() => new("", Exists: false, "utf8", 0, Binary: false);

        static GitFileBaseResponse Base(byte[] content)
        {
            var (text, encoding, binary) = Content(content);
            return new GitFileBaseResponse(text, true, encoding, content.Length, binary);
        }
    }

    /// <exception cref="RequestFailure">FILE_TOO_LARGE</exception>
    public static async Task<byte[]> BlobAsync(GitRepository repo, string id, CancellationToken cancellationToken)
    {
        var blob = await repo.RunAsync(new GitCommand("cat-file", "blob", id) { OutputLimit = GitLimits.FileBytes }, cancellationToken);
        return blob.Truncated
            ? throw new RequestFailure(
                ErrorCode.FileTooLarge, "The file is too large to be shown.", new Dictionary<string, string>(StringComparer.Ordinal)
                { ["limit"] = GitLimits.FileBytes.ToString(System.Globalization.CultureInfo.InvariantCulture) })
            : blob.Output.ToArray();
    }

    /// <summary>Content for the wire: text when it is UTF-8 without NUL.</summary>
    public static (string Text, string Encoding, bool Binary) Content(byte[] content)
        => Utf8.IsValid(content) && !content.AsSpan().Contains((byte)0) ? (Encoding.UTF8.GetString(content), "utf8", false)
            : (Convert.ToBase64String(content), "base64", true);

    /// <summary>Whether a path of a message holds keys or passwords by its name, however it is written there.</summary>
    public static bool IsSecret(string path)
        => SecretReads.IsSecret(PathText.Unescape(path) is { } raw ? Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(raw)) : path);

    /// <summary>For the commands that take a path only as an argument.</summary>
    private static string Text(byte[] path)
        => Utf8.IsValid(path) ? Encoding.UTF8.GetString(path)
            : throw GitErrors.Invalid("The history of a path that is not UTF-8 is not available here.");

    private static IReadOnlyList<GitCommit> Parse(GitResult output) => GitRepository.Checked(() => LogParser.Parse(output.Output.Span));

    private static async Task<ParsedDiff> ParseAsync(
        GitRepository repo, IReadOnlyList<string> arguments, bool word, CancellationToken cancellationToken)
    {
        var output = await repo.RunAsync(new GitCommand(arguments) { TimeLimit = TimeSpan.FromSeconds(60) }, cancellationToken);
        return GitRepository.Checked(() => DiffParser.Parse(output.Output, output.Truncated, word));
    }

    private static async Task<string[]> CommitAsync(GitRepository repo, string id, string[] options, CancellationToken cancellationToken)
    {
        var parents = (await repo.ReadAsync(cancellationToken, "rev-list", "--parents", "--max-count=1", id)).Text.Trim().Split(' ');
        return parents.Length > 1 ? ["diff", .. options, parents[1], id] : ["diff-tree", "--root", "--no-commit-id", "-r", .. options, id];
    }

    private static async Task<string[]> BranchAsync(
        GitRepository repo, GitDiffRequest request, string[] options, CancellationToken cancellationToken)
    {
        var (from, to) = (await repo.IdAsync(request.From, cancellationToken), await repo.IdAsync(request.To ?? "HEAD", cancellationToken));
        var left = (await repo.RunAsync(new GitCommand("merge-base", from, to) { AlsoFine = [1] }, cancellationToken)).Text.Trim();
        return GitNames.IsId(left) ? ["diff", .. options, left, to]
            : throw new RequestFailure(ErrorCode.GitError, "These have no common history.");
    }
}
