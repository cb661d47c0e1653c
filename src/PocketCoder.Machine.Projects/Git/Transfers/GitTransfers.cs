using System.Globalization;
using PocketCoder.Git;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>
/// Push, delete, fetch and pull: asked for, allowed with the real address in view, then done once by the machine with exactly what was
/// allowed. Thread-safe.
/// </summary>
internal sealed class GitTransfers(
    GitService git, GitGuard guard, GitNotes notes, PersonApprovals approvals, TransferRunner way, TimeProvider time)
{
    private const int ShownCommits = 50;
    private const string Origin = "origin";

    public async Task<GitPushResponse> PushAsync(DeviceCaller caller, GitPushRequest request, CancellationToken cancellationToken)
    {
        if (request.Tag is not null && (request.Branch is not null || request.SetUpstream))
        {
            throw GitErrors.Invalid("Push a branch or a tag.");
        }

        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var current = await repo.BranchAsync(cancellationToken);
        var tag = request.Tag is null ? null : GitRepository.Checked(() => GitNames.Ref(request.Tag, "tag"));
        var branch = tag is not null ? "" : request.Branch is { } named ? GitRepository.Checked(() => GitNames.Ref(named, "branch"))
            : current ?? throw new RequestFailure(ErrorCode.Conflict, "No branch is checked out. Name one.");
        var remote = await RemoteAsync(repo, request.Remote, tag is null ? branch : current, cancellationToken);
        var address = GitRepository.Checked(() => RemoteAddress.Parse(remote.PushUrl));
        way.RequireToken(address);
        var name = tag is null ? $"refs/heads/{branch}" : $"refs/tags/{tag}";
        // a tag with a message is an object of its own
        var id = await repo.IdAsync(name, cancellationToken, tag is null ? "commit" : "object");
        var known = tag is null ? await TrackedAsync(repo, remote.Name, branch, cancellationToken) : null;
        if (known == id)
        {
            throw new RequestFailure(ErrorCode.Conflict, $"{remote.Name} already has everything of {branch}.");
        }

        await LargeFiles.RequireNoneAsync(repo, [id, "--not", $"--remotes={remote.Name}"], cancellationToken);
        var log = await repo.ReadAsync(cancellationToken, "log", "-z", $"--format={LogParser.Format}", "--no-show-signature", "--no-color",
            "--encoding=UTF-8", $"--max-count={ShownCommits}", id, "--not", $"--remotes={remote.Name}", "--");
        var commits = GitRepository.Checked(() => LogParser.Parse(log.Output.Span));
        var count = int.TryParse((await repo.ReadAsync(cancellationToken, "rev-list", "--count", id, "--not", $"--remotes={remote.Name}",
            "--")).Text, CultureInfo.InvariantCulture, out var all) ? all : commits.Count;
        var marked = await ConflictMarkers.CommittedAsync(repo, id, [id, "--not", $"--remotes={remote.Name}"], cancellationToken);
        var risk = marked.Count == 0 ? null : new RiskInfo(
            RiskTier.ReachesOut, Understood: true, Reversible: false, [.. marked.Select(
                f => new Consequence(ConsequenceKind.Repository, f, $"{f} still has conflict markers (<<<<<<<, >>>>>>>)."))]);
        var subject = new GitSubject(
            GitOperation.Push, remote.Name, address.Url, [new GitRefChange(name, known, id)],
            [.. commits.Select(c => new GitCommitLine(c.Sha, c.Subject, c.Author, c.CommittedAt ?? DateTimeOffset.UnixEpoch))],
            Math.Max(0, count - commits.Count));
        return new GitPushResponse(await AskAsync(caller, repo, subject, [name, id, request.SetUpstream ? "upstream" : ""], async ct =>
        {
            await way.RunAsync(
                repo, "git-receive-pack", address, new PushGate(new PushedRef(name, null, id)),
                ["push", "--porcelain", "--progress", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no",
                    TransferRunner.Bridged, $"{id}:{name}"], ct);
            if (tag is not null)
            {
                return;
            }

            await repo.WriteAsync(CancellationToken.None, "update-ref", $"refs/remotes/{remote.Name}/{branch}", id);
            if (request.SetUpstream)
            {
                await repo.SetUpstreamAsync(branch, remote.Name, name);
            }
        }, risk));
    }

    /// <summary>
    /// Deletes a branch or tag there, when it still is what is known of it here: what somebody else put there meanwhile is not lost.
    /// </summary>
    public async Task<GitRemoteDeleteResponse> DeleteAsync(
        DeviceCaller caller, GitRemoteDeleteRequest request, CancellationToken cancellationToken)
    {
        if ((request.Branch is null) == (request.Tag is null))
        {
            throw GitErrors.Invalid("Name a branch or a tag.");
        }

        var (kind, shortName) = request.Branch is not null ? ("branch", request.Branch) : ("tag", request.Tag);
        GitRepository.Checked(() => GitNames.Ref(shortName, kind));
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var remote = await RemoteAsync(repo, request.Remote, await repo.BranchAsync(cancellationToken), cancellationToken);
        var address = GitRepository.Checked(() => RemoteAddress.Parse(remote.PushUrl));
        way.RequireToken(address);
        var (name, here) = request.Branch is not null ? ($"refs/heads/{shortName}", $"refs/remotes/{remote.Name}/{shortName}")
            : ($"refs/tags/{shortName}", $"refs/tags/{shortName}");
        var known = (await repo.RunAsync(
            new GitCommand("rev-parse", "--verify", "--quiet", here) { AlsoFine = [1, 128] }, cancellationToken)).Text.Trim();
        if (!GitNames.IsId(known))
        {
            throw new RequestFailure(ErrorCode.Conflict, $"The {kind} {shortName} of {remote.Name} is not known here. Fetch first.");
        }

        var subject = new GitSubject(
            GitOperation.Delete, remote.Name, address.Url, [new GitRefChange(name, known, null, Forces: true, Deletes: true)], []);
        var risk = new RiskInfo(RiskTier.Destructive, Understood: true, Reversible: false, [new Consequence(ConsequenceKind.Repository,
            name, $"Deletes the {kind} {GitNames.Shown(shortName)} on {GitNames.Shown(remote.Name)}, for everybody who uses it.")]);
        return new GitRemoteDeleteResponse(await AskAsync(caller, repo, subject, [name, known], async ct =>
        {
            await way.RunAsync(
                repo, "git-receive-pack", address, new PushGate(new PushedRef(name, known, null)),
                ["push", "--porcelain", "--progress", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no",
                    $"--force-with-lease={name}:{known}", TransferRunner.Bridged, $":{name}"], ct);
            if (request.Branch is not null)
            {
                await repo.WriteAsync(CancellationToken.None, "update-ref", "-d", here, known);
            }
        }, risk));
    }

    public async Task<GitFetchResponse> FetchAsync(DeviceCaller caller, GitFetchRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var remote = await RemoteAsync(repo, request.Remote, await repo.BranchAsync(cancellationToken), cancellationToken);
        var address = GitRepository.Checked(() => RemoteAddress.Parse(remote.FetchUrl));
        var subject = new GitSubject(GitOperation.Fetch, remote.Name, address.Url,
            [new GitRefChange($"refs/remotes/{remote.Name}/*", null, null, Forces: true)], []);
        return new GitFetchResponse(await AskAsync(caller, repo, subject, [request.Prune ? "prune" : ""],
            ct => GetAsync(repo, remote.Name, address, request.Prune, ct), request.Prune ? Pruning(remote.Name) : null));
    }

    public async Task<GitPullResponse> PullAsync(DeviceCaller caller, GitPullRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        GitChanges.Whole(repo);
        var branch = await repo.BranchAsync(cancellationToken) ?? throw new RequestFailure(ErrorCode.Conflict, "No branch is checked out.");
        var remote = await RemoteAsync(repo, null, branch, cancellationToken);
        var address = GitRepository.Checked(() => RemoteAddress.Parse(remote.FetchUrl));
        var merge = (await repo.RunAsync(
            new GitCommand("config", "--get", $"branch.{branch}.merge") { AlsoFine = [1] }, cancellationToken)).Text.Trim();
        const string Heads = "refs/heads/";
        var there = merge.StartsWith(Heads, StringComparison.Ordinal)
            && GitNames.IsRef(merge[Heads.Length..]) ? merge[Heads.Length..] : branch;
        var subject = new GitSubject(GitOperation.Pull, remote.Name, address.Url,
            [new GitRefChange($"{Heads}{branch}", await repo.HeadAsync(cancellationToken), null)], []);
        return new GitPullResponse(await AskAsync(caller, repo, subject, [there, request.Mode.ToString()], async ct =>
        {
            await GetAsync(repo, remote.Name, address, prune: false, ct);
            ct.ThrowIfCancellationRequested();
            if (await repo.BranchAsync(CancellationToken.None) != branch)
            {
                throw new RequestFailure(ErrorCode.Conflict, $"{branch} is no longer checked out, so it was only fetched.");
            }

            var id = await TrackedAsync(repo, remote.Name, there, CancellationToken.None)
                ?? throw new RequestFailure(ErrorCode.GitError, $"{remote.Name} has no branch {there}.");
            string[] join = request.Mode switch
            {
                GitPullMode.Rebase => ["rebase", "--quiet", "--no-autostash", id],
                GitPullMode.Merge => ["merge", "--no-edit", "--no-verify", "--no-gpg-sign", "--no-stat", "-m",
                    $"Merge branch '{there}' of {remote.Name}", id],
                _ => ["merge", "--ff-only", "--no-stat", id],
            };
            // What comes is known only now: when it changes protected configuration, that is a decision of its own, about exactly these
            // commits.
            var act = new GitAct(MessageTypes.GitPull, $"{request.Mode} {id}", r => request.Mode == GitPullMode.Rebase
                ? GitPlans.RebaseAsync(r, id) : GitPlans.MergeAsync(r, id))
            { Exactly = [branch, there, remote.Name] };
            await guard.WithinAsync(caller, repo, act, async r => await r.RunAsync(
                new GitCommand(join)
                {
                    Writes = true,
                    TimeLimit = TimeSpan.FromSeconds(60),
                    Environment = await GitIdentity.ForAsync(r, time, CancellationToken.None)
                }, CancellationToken.None));
        }));
    }

    /// <summary>Ends what runs; what is over already is answered as it ended.</summary>
    public async Task<GitTransferCancelResponse> CancelAsync(
        DeviceCaller caller, GitTransferCancelRequest request, CancellationToken cancellationToken)
        => new(await approvals.StopAsync(request.ApprovalId, ApprovalKind.Git, caller.Device, cancellationToken));

    private static RiskInfo Pruning(string remote) => new(
        RiskTier.ReachesOut, Understood: true, Reversible: false,
        [new Consequence(ConsequenceKind.Repository, remote,
            $"Deletes remote-tracking branches that {GitNames.Shown(remote)} no longer has. Your own branches stay.")]);

    private Task GetAsync(GitRepository repo, string remote, RemoteAddress address, bool prune, CancellationToken cancellationToken)
        => way.RunAsync(
        repo, "git-upload-pack", address, null,
        ["fetch", "--progress", "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head",
            .. prune ? (string[])["--prune"] : [], TransferRunner.Bridged, $"+refs/heads/*:refs/remotes/{remote}/*"],
        cancellationToken);

    private async Task<ApprovalInfo> AskAsync(DeviceCaller caller, GitRepository repo, GitSubject subject, IReadOnlyList<string?> more,
        Func<CancellationToken, Task> run, RiskInfo? risk = null)
    {
        var exactly = ApprovalDigest.OfProject(repo.Project.ProjectId, "git", [subject.Operation.ToString(), repo.Place.CommonDir,
            subject.Remote, subject.Url, .. subject.Refs.SelectMany(r => (string?[])[r.Name, r.Before, r.After]), .. more]);
        return await approvals.AskAsync(new ProjectAsk(
            repo.Project.ProjectId, caller.Device, ApprovalKind.Git, subject, exactly, RunAsync, Sandbox: repo.Sandbox, Risk: risk));

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
            catch (RequestFailure e) when (e.Error.Code == ErrorCode.ApprovalRequired)
            {
                return ProjectOutcome.Failed(
                    "APPROVAL_REQUIRED: Fetched only. The new commits change configuration that other programs obey; that needs a separate approval.", 1);
            }
            catch (RequestFailure e)
            {
                return ProjectOutcome.Failed(
                    $"{System.Text.Json.JsonNamingPolicy.SnakeCaseUpper.ConvertName(e.Error.Code.ToString())}: {e.Error.Message}", 1);
            }
            catch (PocketCoder.Sandboxes.SandboxException e)
            {
                return ProjectOutcome.Failed($"SANDBOX_UNAVAILABLE: {e.Message}", 1);
            }
            finally
            {
                notes.Changed(repo);
            }
        }
    }

    private static async Task<(string Name, string FetchUrl, string PushUrl)> RemoteAsync(
        GitRepository repo, string? wanted, string? branch, CancellationToken cancellationToken)
    {
        var name = wanted;
        if (name is null && branch is not null)
        {
            name = (await repo.RunAsync(
                new GitCommand("config", "--get", $"branch.{branch}.remote") { AlsoFine = [1] }, cancellationToken)).Text.Trim();
        }

        name = GitNames.IsRef(name) ? name! : Origin;
        var found = (await GitReads.RemotesAsync(repo, cancellationToken)).FirstOrDefault(r => r.Name == name);
        return found.Name is not null ? found : throw new RequestFailure(ErrorCode.GitError, $"This repository has no remote {name}.");
    }

    private static async Task<string?> TrackedAsync(GitRepository repo, string remote, string branch, CancellationToken cancellationToken)
    {
        var output = await repo.RunAsync(new GitCommand("rev-parse", "--verify", "--quiet", $"refs/remotes/{remote}/{branch}^{{commit}}")
        { AlsoFine = [1, 128] }, cancellationToken);
        return GitNames.IsId(output.Text.Trim()) ? output.Text.Trim() : null;
    }
}
