using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>
/// Further worktrees of a repository, each in the project's folder <c>.worktrees</c>: so they lie where git's sandbox sees them, and a session in one of them too. Thread-safe.
/// </summary>
internal sealed class GitTrees(GitRoom room, GitNotes notes, TimeProvider time)
{
    private const string Folder = ".worktrees";
    private const int NameLength = 100;

    public async Task<GitWorktreeCreateResponse> CreateAsync(Caller caller, GitWorktreeCreateRequest request, CancellationToken cancellationToken)
    {
        var name = Name(request.Name);
        var branch = GitRepository.Checked(() => GitNames.Ref(request.Branch ?? name, "branch"));
        var repo = await OpenAsync(request.ProjectId, cancellationToken);
        return await ChangeAsync(caller, repo, MessageTypes.GitWorktreeCreate, $"{name} {branch}", async () =>
        {
            var exists = (await repo.RunAsync(new GitCommand("show-ref", "--verify", "--quiet", $"refs/heads/{branch}") { AlsoFine = [1, 128] }, CancellationToken.None)).ExitCode == 0;
            if (exists && request.StartPoint is not null)
            {
                throw new RequestFailure(ErrorCode.Conflict, $"There is a branch {branch} already. Leave the start point out to use it.");
            }

            string[] from = exists ? [branch] : [await repo.IdAsync(request.StartPoint ?? "HEAD", CancellationToken.None)];
            await IgnoreAsync(repo);
            await repo.RunAsync(
                new GitCommand(["worktree", "add", "--quiet", .. exists ? (string[])[] : ["--no-track", "-b", branch], PathOf(repo, name), .. from]) { Writes = true, TimeLimit = TimeSpan.FromSeconds(120) }, CancellationToken.None);
            return new GitWorktreeCreateResponse(await FindAsync(repo, name));
        });
    }

    public async Task<GitWorktreeRemoveResponse> RemoveAsync(Caller caller, GitWorktreeRemoveRequest request, CancellationToken cancellationToken)
    {
        var name = Name(request.Name);
        var repo = await OpenAsync(request.ProjectId, cancellationToken);
        return await ChangeAsync(caller, repo, MessageTypes.GitWorktreeRemove, name, async () =>
        {
            var tree = await FindAsync(repo, name);
            await repo.RunAsync(
                new GitCommand(["worktree", "remove", .. request.Force ? (string[])["--force"] : [], tree.Path]) { Writes = true, TimeLimit = TimeSpan.FromSeconds(120) }, CancellationToken.None);
            return new GitWorktreeRemoveResponse(Removed: true);
        });
    }

    public async Task<GitWorktreeMergeResponse> MergeAsync(Caller caller, GitWorktreeMergeRequest request, CancellationToken cancellationToken)
    {
        var name = Name(request.Name);
        var repo = await OpenAsync(request.ProjectId, cancellationToken);
        return await ChangeAsync(caller, repo, MessageTypes.GitWorktreeMerge, name, async () =>
        {
            var tree = await FindAsync(repo, name);
            if (tree.Branch is null || tree.Commit is null)
            {
                throw new RequestFailure(ErrorCode.GitError, "That worktree is on no branch.");
            }

            var before = await repo.HeadAsync(CancellationToken.None);
            await repo.RunAsync(
                new GitCommand("merge", "--no-edit", "--no-verify", "--no-gpg-sign", "--no-stat", "-m", $"Merge branch '{tree.Branch}'", tree.Commit)
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
        var repo = await room.OpenAsync(projectId, cancellationToken);
        GitChanges.Whole(repo);
        return repo.Place.GitDir == repo.Place.CommonDir
            ? repo
            : throw new RequestFailure(ErrorCode.PermissionDenied, "This project is a worktree or submodule itself. Use the project that its repository is in.");
    }

    private async Task<T> ChangeAsync<T>(Caller caller, GitRepository repo, string action, string target, Func<Task<T>> work) => await repo.ExclusiveAsync(async () =>
    {
        await notes.BeforeAsync(caller, repo, action, target);
        try
        {
            return await work();
        }
        finally
        {
            notes.Changed(repo);
        }
    });

    /// <summary>The folder ignores itself. Written by git, where git runs, as everything in the project.</summary>
    private static async Task IgnoreAsync(GitRepository repo)
    {
        if (File.Exists(Path.Combine(repo.Place.Top, Folder, ".gitignore")))
        {
            return;
        }

        var index = new Dictionary<string, string>(StringComparer.Ordinal) { ["GIT_INDEX_FILE"] = $"{repo.Place.GitDir}/pocketcoder-{Guid.CreateVersion7():N}" };
        var blob = await repo.RunAsync(new GitCommand("hash-object", "-w", "--stdin") { Writes = true, Input = Encoding.ASCII.GetBytes("*\n") }, CancellationToken.None);
        await repo.RunAsync(new GitCommand("update-index", "--add", "--cacheinfo", $"100644,{blob.Text.Trim()},{Folder}/.gitignore") { Writes = true, Environment = index }, CancellationToken.None);
        await repo.RunAsync(new GitCommand("checkout-index", "--quiet", "--all") { Writes = true, Environment = index }, CancellationToken.None);
        File.Delete(index["GIT_INDEX_FILE"]);
    }

    private static async Task<GitWorktree> FindAsync(GitRepository repo, string name)
        => (await GitReads.WorktreesAsync(repo, CancellationToken.None)).FirstOrDefault(t => t.Path == PathOf(repo, name)) ?? throw new RequestFailure(ErrorCode.GitError, "There is no such worktree in this project.");

    private static string PathOf(GitRepository repo, string name) => Path.Combine(repo.Place.Top, Folder, name);

    private static string Name(string? name)
        => name is { Length: > 0 and <= NameLength } && name[0] is not ('.' or '-') && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && GitNames.IsRef(name)
            ? name
            : throw GitErrors.Invalid("A worktree's name has letters, digits, dashes, dots and underscores.");
}
