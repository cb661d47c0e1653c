using PocketCoder.Git;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git.Clones;

/// <summary>
/// What git does for a clone, in a repository that we made: no <c>git clone</c>, so no templates, no recursion into submodules, and no
/// configuration but the remote and the branch. Nothing of what comes can run: hooks are off, and no filter (Git LFS neither) is defined.
/// </summary>
/// <param name="repo">Empty, with its sandbox.</param>
/// <param name="written">The address as a person wrote it, for the remote.</param>
internal sealed class CloneGit(
    GitRepository repo, TransferRunner way, RemoteAddress address, string written, CloneAttempt attempt, TimeSpan limit)
{
    private const string Service = "git-upload-pack";
    private const string Heads = "refs/heads/";
    private const string Tracked = "refs/remotes/origin/";
    private const int Sha256Length = 64;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var (head, id) = await HeadAsync(cancellationToken);
        if (id?.Length == Sha256Length)
        {
            await SetAsync("core.repositoryformatversion", "1", cancellationToken);
            await SetAsync("extensions.objectformat", "sha256", cancellationToken);
        }

        await SetAsync("remote.origin.url", written, cancellationToken);
        await SetAsync("remote.origin.fetch", $"+{Heads}*:{Tracked}*", cancellationToken);
        attempt.Tell(ClonePhase.Counting, null);
        await way.RunAsync(
            repo, Service, address, null,
            new GitCommand(
                "fetch", "--progress", "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head", "--no-tags",
                TransferRunner.Bridged, $"+{Heads}*:{Tracked}*", "+refs/tags/*:refs/tags/*")
            { TimeLimit = limit, Said = Progress() },
            cancellationToken);
        if (await BranchAsync(head, cancellationToken) is not { } branch)
        {
            return; // nothing is in it yet
        }

        attempt.Tell(ClonePhase.CheckingOut, null);
        await repo.RunAsync(
            new GitCommand("checkout", "--progress", "-b", branch, "--track", $"{Tracked}{branch}")
            { Writes = true, TimeLimit = limit, Said = Progress() },
            cancellationToken);
        await repo.WriteAsync(cancellationToken, "symbolic-ref", $"{Tracked}HEAD", $"{Tracked}{branch}");
    }

    /// <summary>What the other side has checked out; the first connection, so what keeps us out is known at once.</summary>
    /// <returns>The branch's name, null when it is none; its commit.</returns>
    private async Task<(string? Branch, string? Id)> HeadAsync(CancellationToken cancellationToken)
    {
        var said = await way.RunAsync(
            repo, Service, address, null,
            new GitCommand("ls-remote", "--symref", TransferRunner.Bridged, "HEAD")
            { OutputLimit = 64 * 1024, TimeLimit = TimeSpan.FromSeconds(120) },
            cancellationToken);
        const string ends = "\tHEAD";
        var lines = said.Text.Split('\n').Where(l => l.EndsWith(ends, StringComparison.Ordinal)).Select(l => l[..^ends.Length]).ToList();
        const string symbolic = $"ref: {Heads}";
        var branch = lines.Find(l => l.StartsWith(symbolic, StringComparison.Ordinal))?[symbolic.Length..];
        return (GitNames.IsRef(branch) ? branch : null, lines.Find(GitNames.IsId));
    }

    /// <summary>The branch to check out: what is checked out there, else the usual one, else the first.</summary>
    private async Task<string?> BranchAsync(string? head, CancellationToken cancellationToken)
    {
        foreach (var name in (string?[])[head, "main", "master"])
        {
            if (name is not null && await HasAsync(name, cancellationToken))
            {
                return name;
            }
        }

        var first = (await repo.ReadAsync(cancellationToken, "for-each-ref", "--count=1", "--format=%(refname)", Tracked)).Text.Trim();
        return first.StartsWith(Tracked, StringComparison.Ordinal) && first[Tracked.Length..] is var branch && GitNames.IsRef(branch)
            ? branch : null;
    }

    private async Task<bool> HasAsync(string branch, CancellationToken cancellationToken) => (await repo.RunAsync(
        new GitCommand("rev-parse", "--verify", "--quiet", "--end-of-options", $"{Tracked}{branch}^{{commit}}") { AlsoFine = [1, 128] },
        cancellationToken)).ExitCode == 0;

    private async Task SetAsync(string name, string value, CancellationToken cancellationToken)
        => await repo.WriteAsync(cancellationToken, "config", "--local", name, value);

    private GitSaid Progress() => new ProgressLines(line =>
    {
        if (ProgressParser.Parse(line) is var (phase, percent))
        {
            attempt.Tell(phase, percent);
        }
    }).Hear;
}
