using PocketCoder.Git;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>
/// What the repository is at present: status, branches, tags, remotes, stashes, worktrees, submodules. Thread-safe; takes no lock.
/// </summary>
internal sealed class GitReads(GitService git)
{
    public async Task<GitStatusResponse> StatusAsync(GitStatusRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var status = await LargeFiles.MarkAsync(repo, await repo.StatusAsync(cancellationToken), cancellationToken);
        return new GitStatusResponse(
            status.Branch,
            status.Head,
            status.Detached,
            status.Upstream,
            status.Ahead,
            status.Behind,
            status.Staged,
            status.Unstaged,
            status.Untracked,
            status.Conflicted,
            GitFiles.Operation(repo.Place),
            status.Stashes,
            GitFiles.Hooks(repo.Place),
            repo.Place.Prefix,
            repo.Sandbox != SandboxKind.None,
            status.Truncated,
            await repo.FiltersAsync(cancellationToken),
            await ConflictMarkers.StagedAsync(repo, status.Staged, cancellationToken) is { Count: > 0 } marked ? marked : null);
    }

    public async Task<GitBranchesResponse> BranchesAsync(GitBranchesRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var output = await RefsAsync(repo, cancellationToken, "refs/heads", "refs/remotes");
        var branches = GitRepository.Checked(() => RefParser.Branches(output.Output.Span, repo.Place.Top));
        return new GitBranchesResponse(
            [.. branches.Take(GitLimits.Refs)], await repo.BranchAsync(cancellationToken), branches.Count > GitLimits.Refs);
    }

    public async Task<GitTagsResponse> TagsAsync(GitTagsRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var output = await RefsAsync(repo, cancellationToken, "refs/tags");
        var tags = GitRepository.Checked(() => RefParser.Tags(output.Output.Span));
        return new GitTagsResponse([.. tags.Take(GitLimits.Refs)], tags.Count > GitLimits.Refs);
    }

    public async Task<GitRemotesResponse> RemotesAsync(GitRemotesRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        return new GitRemotesResponse([.. (await RemotesAsync(repo, cancellationToken)).Select(r => new GitRemote(
            r.Name, RemoteAddress.WithoutPassword(r.FetchUrl), RemoteAddress.WithoutPassword(r.PushUrl), RemoteAddress.Problem(r.FetchUrl)
                ?? RemoteAddress.Problem(r.PushUrl)))]);
    }

    public static async Task<IReadOnlyList<(string Name, string FetchUrl, string PushUrl)>> RemotesAsync(
        GitRepository repo, CancellationToken cancellationToken)
    {
        var output = await repo.RunAsync(new GitCommand(RefParser.RemoteArguments) { AlsoFine = [1] }, cancellationToken);
        return RefParser.RemoteUrls(output.Output.Span);
    }

    public async Task<GitStashesResponse> StashesAsync(GitStashesRequest request, CancellationToken cancellationToken)
        => new(await StashesAsync(await git.OpenAsync(request.ProjectId, cancellationToken), cancellationToken));

    public static async Task<IReadOnlyList<GitStash>> StashesAsync(GitRepository repo, CancellationToken cancellationToken)
    {
        var output = await repo.ReadAsync(cancellationToken, [.. RefParser.StashArguments, $"--max-count={GitLimits.Refs}"]);
        return GitRepository.Checked(() => RefParser.Stashes(output.Output.Span));
    }

    public async Task<GitWorktreesResponse> WorktreesAsync(GitWorktreesRequest request, CancellationToken cancellationToken)
        => new(await WorktreesAsync(await git.OpenAsync(request.ProjectId, cancellationToken), cancellationToken));

    public static async Task<IReadOnlyList<GitWorktree>> WorktreesAsync(GitRepository repo, CancellationToken cancellationToken)
    {
        var output = await repo.ReadAsync(cancellationToken, "worktree", "list", "--porcelain", "-z");
        var bound = repo.Place.Bound + "/";
        return [.. RefParser.Worktrees(output.Output.Span, repo.Place.Top, p => p + "/" == bound
            || p.StartsWith(bound, StringComparison.Ordinal)).Take(GitLimits.Refs)];
    }

    public async Task<GitSubmodulesResponse> SubmodulesAsync(GitSubmodulesRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var index = await repo.ReadAsync(cancellationToken, "ls-files", "--stage", "-z", "--", repo.Everything);
        var named = await repo.RunAsync(
            new GitCommand("config", "--no-includes", "--file", ".gitmodules", "--null", "--get-regexp", @"^submodule\..*\.(path|url)$")
            { AlsoFine = [1, 128] }, cancellationToken);
        return new GitSubmodulesResponse(
            SubmoduleParser.Parse(index.Output.Span, named.ExitCode == 0 ? named.Output.Span : default, repo.Prefix));
    }

    private static Task<GitResult> RefsAsync(GitRepository repo, CancellationToken cancellationToken, params string[] below)
        => repo.ReadAsync(
        cancellationToken, ["for-each-ref", $"--format={RefParser.Format}", "--sort=-creatordate", $"--count={GitLimits.Refs + 1}",
            .. below]);
}
