using System.Globalization;
using PocketCoder.Git;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>
/// Push, fetch and pull: asked for, allowed with the real address in view, then done once by the machine with exactly what was allowed. Thread-safe.
/// </summary>
internal sealed class GitTransfers(GitRoom room, GitNotes notes, ProjectDesk desk, Store store, IReadOnlyList<string> sshOptions, TimeProvider time)
{
    private const int ShownCommits = 50;
    private const string Origin = "origin";

    /// <summary>How git names the other side in its sandbox; where that is, is decided outside.</summary>
    private const string Bridged = "ssh://bridge/repository";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(120);

    public async Task<GitPushResponse> PushAsync(Caller caller, GitPushRequest request, CancellationToken cancellationToken)
    {
        var repo = await room.OpenAsync(request.ProjectId, cancellationToken);
        var branch = request.Branch is { } named ? GitRepository.Checked(() => GitNames.Ref(named, "branch")) : await repo.BranchAsync(cancellationToken) ?? throw new RequestFailure(ErrorCode.Conflict, "No branch is checked out. Name one.");
        var remote = await RemoteAsync(repo, request.Remote, branch, cancellationToken);
        var address = GitRepository.Checked(() => RemoteAddress.Parse(remote.PushUrl));
        var name = $"refs/heads/{branch}";
        var id = await repo.IdAsync(name, cancellationToken);
        var known = await TrackedAsync(repo, remote.Name, branch, cancellationToken);
        if (known == id)
        {
            throw new RequestFailure(ErrorCode.Conflict, $"{remote.Name} has everything of {branch} already.");
        }

        var log = await repo.ReadAsync(cancellationToken, "log", "-z", $"--format={LogParser.Format}", "--no-show-signature", "--no-color", "--encoding=UTF-8", $"--max-count={ShownCommits}", id, "--not", $"--remotes={remote.Name}", "--");
        var commits = GitRepository.Checked(() => LogParser.Parse(log.Output.Span));
        var count = int.TryParse((await repo.ReadAsync(cancellationToken, "rev-list", "--count", id, "--not", $"--remotes={remote.Name}", "--")).Text, CultureInfo.InvariantCulture, out var all) ? all : commits.Count;
        var subject = new GitSubject(
            GitOperation.Push, remote.Name, address.Url, [new GitRefChange(name, known, id)],
            [.. commits.Select(c => new GitCommitLine(c.Sha, c.Subject, c.Author, c.CommittedAt ?? DateTimeOffset.UnixEpoch))], Math.Max(0, count - commits.Count));
        return new GitPushResponse(await AskAsync(caller, repo, subject, [name, id, request.SetUpstream ? "upstream" : ""], async ct =>
        {
            await TransferAsync(
                repo, "git-receive-pack", address, new PushGate(new Dictionary<string, string>(StringComparer.Ordinal) { [name] = id }),
                ["push", "--porcelain", "--progress", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no", Bridged, $"{id}:{name}"], ct);
            await repo.WriteAsync(CancellationToken.None, "update-ref", $"refs/remotes/{remote.Name}/{branch}", id);
            if (request.SetUpstream)
            {
                await repo.WriteAsync(CancellationToken.None, "config", "--local", $"branch.{branch}.remote", remote.Name);
                await repo.WriteAsync(CancellationToken.None, "config", "--local", $"branch.{branch}.merge", name);
            }
        }));
    }

    public async Task<GitFetchResponse> FetchAsync(Caller caller, GitFetchRequest request, CancellationToken cancellationToken)
    {
        var repo = await room.OpenAsync(request.ProjectId, cancellationToken);
        var remote = await RemoteAsync(repo, request.Remote, await repo.BranchAsync(cancellationToken), cancellationToken);
        var address = GitRepository.Checked(() => RemoteAddress.Parse(remote.FetchUrl));
        var subject = new GitSubject(GitOperation.Fetch, remote.Name, address.Url, [new GitRefChange($"refs/remotes/{remote.Name}/*", null, null, Forces: true)], []);
        return new GitFetchResponse(await AskAsync(caller, repo, subject, [request.Prune ? "prune" : ""], ct => GetAsync(repo, remote.Name, address, request.Prune, ct)));
    }

    public async Task<GitPullResponse> PullAsync(Caller caller, GitPullRequest request, CancellationToken cancellationToken)
    {
        var repo = await room.OpenAsync(request.ProjectId, cancellationToken);
        GitChanges.Whole(repo);
        var branch = await repo.BranchAsync(cancellationToken) ?? throw new RequestFailure(ErrorCode.Conflict, "No branch is checked out.");
        var remote = await RemoteAsync(repo, null, branch, cancellationToken);
        var address = GitRepository.Checked(() => RemoteAddress.Parse(remote.FetchUrl));
        var merge = (await repo.RunAsync(new GitCommand("config", "--get", $"branch.{branch}.merge") { AlsoFine = [1] }, cancellationToken)).Text.Trim();
        const string Heads = "refs/heads/";
        var there = merge.StartsWith(Heads, StringComparison.Ordinal) && GitNames.IsRef(merge[Heads.Length..]) ? merge[Heads.Length..] : branch;
        var subject = new GitSubject(GitOperation.Pull, remote.Name, address.Url, [new GitRefChange($"{Heads}{branch}", await repo.HeadAsync(cancellationToken), null)], []);
        return new GitPullResponse(await AskAsync(caller, repo, subject, [there, request.Mode.ToString()], async ct =>
        {
            await GetAsync(repo, remote.Name, address, prune: false, ct);
            if (await repo.BranchAsync(CancellationToken.None) != branch)
            {
                throw new RequestFailure(ErrorCode.Conflict, $"{branch} is not checked out any more, so it was only fetched.");
            }

            var id = await TrackedAsync(repo, remote.Name, there, CancellationToken.None) ?? throw new RequestFailure(ErrorCode.GitError, $"{remote.Name} has no branch {there}.");
            string[] join = request.Mode switch
            {
                GitPullMode.Rebase => ["rebase", "--quiet", "--no-autostash", id],
                GitPullMode.Merge => ["merge", "--no-edit", "--no-verify", "--no-gpg-sign", "--no-stat", "-m", $"Merge branch '{there}' of {remote.Name}", id],
                _ => ["merge", "--ff-only", "--no-stat", id],
            };
            await repo.RunAsync(
                new GitCommand(join) { Writes = true, TimeLimit = TimeSpan.FromSeconds(60), Environment = await GitIdentity.ForAsync(repo, time, CancellationToken.None) }, CancellationToken.None);
        }));
    }

    private Task GetAsync(GitRepository repo, string remote, RemoteAddress address, bool prune, CancellationToken cancellationToken) => TransferAsync(
        repo, "git-upload-pack", address, null,
        ["fetch", "--progress", "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head", .. prune ? (string[])["--prune"] : [], Bridged, $"+refs/heads/*:refs/remotes/{remote}/*"],
        cancellationToken);

    private async Task<ApprovalInfo> AskAsync(Caller caller, GitRepository repo, GitSubject subject, IReadOnlyList<string?> more, Func<CancellationToken, Task> run)
    {
        var digest = ApprovalDigest.OfProject(repo.Project.ProjectId, "git", [subject.Operation.ToString(), repo.Place.CommonDir, subject.Remote, subject.Url, .. subject.Refs.SelectMany(r => (string?[])[r.Name, r.Before, r.After]), .. more]);
        return await desk.AskAsync(new ProjectAsk(repo.Project.ProjectId, caller.Device, ApprovalKind.Git, subject, digest, RunAsync, Sandbox: repo.Sandbox));

        async Task<ProjectOutcome> RunAsync(CancellationToken cancellationToken)
        {
            try
            {
                await repo.ExclusiveAsync(async () =>
                {
                    await run(cancellationToken);
                    return true;
                });
                return ProjectOutcome.Done;
            }
            catch (RequestFailure e)
            {
                return ProjectOutcome.Failed($"{System.Text.Json.JsonNamingPolicy.SnakeCaseUpper.ConvertName(e.Error.Code.ToString())}: {e.Error.Message}", 1);
            }
            catch (PocketCoder.Hands.SandboxException e)
            {
                return ProjectOutcome.Failed($"SANDBOX_UNAVAILABLE: {e.Message}", 1);
            }
            finally
            {
                notes.Changed(repo);
            }
        }
    }

    /// <summary>Runs git with its way to the one repository that was allowed, and none else.</summary>
    private async Task TransferAsync(GitRepository repo, string service, RemoteAddress address, PushGate? gate, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        await using var bridge = new SshBridge(service, address, sshOptions, gate, time);
        var socket = await ListenAsync(repo, bridge, cancellationToken);
        var progress = new TransferProgress(text => store.Announce(new GitProgress(repo.Project.ProjectId, text)), time);
        try
        {
            await repo.RunAsync(
                new GitCommand([.. arguments])
                {
                    Writes = true,
                    TimeLimit = s_limit,
                    Said = progress.Hear,
                    Environment = new Dictionary<string, string>(StringComparer.Ordinal)
                    {
                        ["GIT_SSH_COMMAND"] = SshBridge.Command(socket), ["GIT_ALLOW_PROTOCOL"] = "ssh", ["GIT_PROTOCOL"] = "version=0",
                    },
                },
                cancellationToken);
        }
        catch (RequestFailure e) when (bridge.WasRefused)
        {
            throw new RequestFailure(ErrorCode.PermissionDenied, bridge.Words, e.Error.Details);
        }
        catch (RequestFailure e) when (e.Error.Code == ErrorCode.GitError && bridge.Words.Trim() is { Length: > 0 } words)
        {
            throw GitErrors.ToRequest(GitFailures.OfWords("ssh", words)); // ssh knows better why
        }
    }

    private async Task<string> ListenAsync(GitRepository repo, SshBridge bridge, CancellationToken cancellationToken)
    {
        var name = $"g{Guid.CreateVersion7().ToString("N")[^8..]}"; // short: a socket's path has few bytes
        if (repo.Sandbox == SandboxKind.None)
        {
            var path = Path.Combine(Path.GetTempPath(), name);
            bridge.Listen(path, others: false);
            return path;
        }

        var sandbox = await room.SandboxAsync(repo.Place.Bound, repo.Sandbox, cancellationToken);
        if (sandbox.SocketDirectory is not { } folder)
        {
            throw new RequestFailure(ErrorCode.SandboxUnavailable, "This kind of sandbox has no way to ssh. Only bubblewrap has.");
        }

        bridge.Listen(Path.Combine(folder, name), others: Environment.IsPrivilegedProcess);
        return $"{PocketCoder.Hands.SandboxDefaults.SocketsInside}/{name}";
    }

    private static async Task<(string Name, string FetchUrl, string PushUrl)> RemoteAsync(GitRepository repo, string? wanted, string? branch, CancellationToken cancellationToken)
    {
        var name = wanted;
        if (name is null && branch is not null)
        {
            name = (await repo.RunAsync(new GitCommand("config", "--get", $"branch.{branch}.remote") { AlsoFine = [1] }, cancellationToken)).Text.Trim();
        }

        name = GitNames.IsRef(name) ? name! : Origin;
        var found = (await GitReads.RemotesAsync(repo, cancellationToken)).FirstOrDefault(r => r.Name == name);
        return found.Name is not null ? found : throw new RequestFailure(ErrorCode.GitError, $"This repository has no remote {name}.");
    }

    private static async Task<string?> TrackedAsync(GitRepository repo, string remote, string branch, CancellationToken cancellationToken)
    {
        var output = await repo.RunAsync(new GitCommand("rev-parse", "--verify", "--quiet", $"refs/remotes/{remote}/{branch}^{{commit}}") { AlsoFine = [1, 128] }, cancellationToken);
        return GitNames.IsId(output.Text.Trim()) ? output.Text.Trim() : null;
    }
}
