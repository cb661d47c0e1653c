using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>
/// Further worktrees of a repository, each in the project's folder <c>.worktrees</c>: so they lie where git's sandbox sees them, and a
/// session in one of them too. Thread-safe.
/// </summary>
internal sealed class GitTrees(GitService git, GitGuard guard, TimeProvider time)
{
    private const string Folder = ".worktrees";
    private const int NameLength = 100;

    public async Task<GitWorktreeCreateResponse> CreateAsync(
        DeviceCaller caller, GitWorktreeCreateRequest request, CancellationToken cancellationToken)
    {
        var name = Name(request.Name);
        var branch = GitRepository.Checked(() => GitNames.Ref(request.Branch ?? name, "branch"));
        var repo = await OpenAsync(request.ProjectId, cancellationToken);
        var exists = (await repo.RunAsync(new GitCommand("show-ref", "--verify", "--quiet", $"refs/heads/{branch}") { AlsoFine = [1, 128] },
            cancellationToken)).ExitCode == 0;
        if (exists && request.StartPoint is not null)
        {
            throw new RequestFailure(ErrorCode.Conflict, $"The branch {branch} already exists. Leave out the start point to use it.");
        }

        var to = await repo.IdAsync(exists ? $"refs/heads/{branch}" : request.StartPoint ?? "HEAD", cancellationToken);
        return await guard.ChangeAsync(caller, repo, new GitAct(MessageTypes.GitWorktreeCreate, $"{name} {branch}",
            r => GitPlans.CheckoutAsync(r, to, $"{Folder}/{name}/"))
        { Worktrees = true }, async repo =>
        {
            if (exists && await repo.IdAsync($"refs/heads/{branch}", CancellationToken.None) != to)
            {
                throw new RequestFailure(ErrorCode.Conflict, $"{branch} moved at the same moment. Try again.");
            }

            string[] from = exists ? [branch] : [to];
            await IgnoreAsync(repo);
            await repo.RunAsync(
                new GitCommand(["worktree", "add", "--quiet", .. exists ? (string[])[] : ["--no-track", "-b", branch], PathOf(repo, name),
                    .. from])
                { Writes = true, TimeLimit = TimeSpan.FromSeconds(120) }, CancellationToken.None);
            return new GitWorktreeCreateResponse(await FindAsync(repo, name));
        });
    }

    public async Task<GitWorktreeRemoveResponse> RemoveAsync(
        DeviceCaller caller, GitWorktreeRemoveRequest request, CancellationToken cancellationToken)
    {
        var name = Name(request.Name);
        var repo = await OpenAsync(request.ProjectId, cancellationToken);
        return await guard.ChangeAsync(caller, repo, new GitAct(MessageTypes.GitWorktreeRemove, name) { Worktrees = true }, async repo =>
        {
            var tree = await FindAsync(repo, name);
            await repo.RunAsync(
                new GitCommand(["worktree", "remove", .. request.Force ? (string[])["--force"] : [], tree.Path])
                { Writes = true, TimeLimit = TimeSpan.FromSeconds(120) }, CancellationToken.None);
            return new GitWorktreeRemoveResponse(Removed: true);
        });
    }

    public async Task<GitWorktreeMergeResponse> MergeAsync(
        DeviceCaller caller, GitWorktreeMergeRequest request, CancellationToken cancellationToken)
    {
        var name = Name(request.Name);
        var repo = await OpenAsync(request.ProjectId, cancellationToken);
        var tree = await FindAsync(repo, name);
        if (tree.Branch is null || tree.Commit is null)
        {
            throw new RequestFailure(ErrorCode.GitError, "That worktree is on no branch.");
        }

        return await guard.ChangeAsync(caller, repo, new GitAct(
            MessageTypes.GitWorktreeMerge, name, r => GitPlans.MergeAsync(r, tree.Commit))
        { Exactly = [tree.Branch] }, async repo =>
        {
            var before = await repo.HeadAsync(CancellationToken.None);
            await repo.RunAsync(
                new GitCommand("merge", "--no-edit", "--no-verify", "--no-gpg-sign", "--no-stat", "-m", $"Merge branch '{tree.Branch}'",
                    tree.Commit)
                {
                    Writes = true,
                    TimeLimit = TimeSpan.FromSeconds(60),
                    Environment = await GitIdentity.ForAsync(repo, time, CancellationToken.None),
                },
                CancellationToken.None);
            var after = await repo.HeadAsync(CancellationToken.None);
            return new GitWorktreeMergeResponse(after ?? "", before == after);
        });
    }

    private async Task<GitRepository> OpenAsync(Guid projectId, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(projectId, cancellationToken);
        GitChanges.Whole(repo);
        return repo.Place.GitDir == repo.Place.CommonDir
            ? repo
            : throw new RequestFailure(
                ErrorCode.PermissionDenied, "This project is a worktree or submodule itself. Use the project that its repository is in.");
    }

    /// <summary>The folder ignores itself. Written by git, where git runs, as everything in the project.</summary>
    private static async Task IgnoreAsync(GitRepository repo)
    {
        if (File.Exists(Path.Combine(repo.Place.Top, Folder, ".gitignore")))
        {
            return;
        }

        var index = new Dictionary<string, string>(StringComparer.Ordinal)
        { ["GIT_INDEX_FILE"] = $"{repo.Place.GitDir}/pocketcoder-{Guid.CreateVersion7():N}" };
        var blob = await repo.RunAsync(new GitCommand("hash-object", "-w", "--stdin")
        { Writes = true, Input = Encoding.ASCII.GetBytes("*\n") }, CancellationToken.None);
        await repo.RunAsync(new GitCommand("update-index", "--add", "--cacheinfo", $"100644,{blob.Text.Trim()},{Folder}/.gitignore")
        { Writes = true, Environment = index }, CancellationToken.None);
        await repo.RunAsync(new GitCommand("checkout-index", "--quiet", "--all") { Writes = true, Environment = index },
            CancellationToken.None);
        File.Delete(index["GIT_INDEX_FILE"]);
    }

    private static async Task<GitWorktree> FindAsync(GitRepository repo, string name)
        => (await GitReads.WorktreesAsync(repo, CancellationToken.None)).FirstOrDefault(t => t.Path == PathOf(repo, name))
            ?? throw new RequestFailure(ErrorCode.GitError, "No such worktree in this project.");

    private static string PathOf(GitRepository repo, string name) => Path.Combine(repo.Place.Top, Folder, name);

    private static string Name(string? name)
        => name is { Length: > 0 and <= NameLength } && name[0] is not ('.' or '-')
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && GitNames.IsRef(name)
            ? name
            : throw GitErrors.Invalid("A worktree's name has letters, digits, dashes, dots and underscores.");
}
