using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>
/// What changes the index, commits and what is checked out, on a person's word. One at a time in a repository. Thread-safe.
/// </summary>
internal sealed class GitChanges(GitService git, GitGuard guard, GitNotes notes, TimeProvider time)
{
    public async Task<GitStageResponse> StageAsync(DeviceCaller caller, GitStageRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        One(request.All, request.Paths is { Count: > 0 }, request.Selections);
        var list = request.Paths is { Count: > 0 } ? repo.PathList(request.Paths) : null;
        if (request.Selections is not { Count: > 0 })
        {
            await LargeFiles.RequireStageableAsync(repo, list, cancellationToken);
            await Submodules.RequireNoneAsync(repo, list, cancellationToken);
        }

        var named = request.Paths ?? request.Selections?.Select(s => s.Path).ToList();
        return await guard.ChangeAsync(caller, repo, new GitAct(MessageTypes.GitStage) { Paths = named }, async repo =>
        {
            if (request.Selections is { Count: > 0 } selections)
            {
                await ApplyAsync(repo, selections, request.Context, staged: false, ["--cached"], reverse: false, CancellationToken.None);
            }
            else if (list is not null)
            {
                await repo.RunAsync(Paths(list, "add", "--all"), CancellationToken.None);
            }
            else
            {
                await repo.WriteAsync(CancellationToken.None, "add", "--all", "--", repo.Everything);
            }

            return new GitStageResponse(Success: true);
        });
    }

    public async Task<GitUnstageResponse> UnstageAsync(DeviceCaller caller, GitUnstageRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        One(request.All, request.Paths is { Count: > 0 }, request.Selections);
        var list = request.Paths is { Count: > 0 } ? repo.PathList(request.Paths)
            : request.All ? Encoding.UTF8.GetBytes(repo.Everything + "\0")
            : null;
        var named = request.Paths ?? request.Selections?.Select(s => s.Path).ToList();
        return await guard.ChangeAsync(caller, repo, new GitAct(MessageTypes.GitUnstage) { Paths = named }, async repo =>
        {
            if (list is null)
            {
                await ApplyAsync(repo, request.Selections!, request.Context, staged: true, ["--cached"], reverse: true,
                    CancellationToken.None);
            }
            else if (await repo.HeadAsync(CancellationToken.None) is null)
            {
                // there is nothing to go back to
                await repo.RunAsync(Paths(list, "rm", "--cached", "-r", "-f", "--quiet", "--ignore-unmatch"), CancellationToken.None);
            }
            else
            {
                await repo.RunAsync(Paths(list, "reset", "--quiet"), CancellationToken.None);
            }

            return new GitUnstageResponse(Success: true);
        });
    }

    public async Task<GitCommitResponse> CommitAsync(DeviceCaller caller, GitCommitRequest request, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(request.Message) || Encoding.UTF8.GetByteCount(request.Message) > GitLimits.MessageBytes
            || request.Message.Contains('\0', StringComparison.Ordinal))
        {
            throw GitErrors.Invalid($"A commit needs a message of at most {GitLimits.MessageBytes} bytes.");
        }

        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        return await repo.ExclusiveAsync(async () =>
        {
            var status = await repo.StatusAsync(CancellationToken.None);
            if (status.StagedOutside)
            {
                throw new RequestFailure(ErrorCode.Conflict,
                    "Something outside of this project is staged in its repository and would be committed too. Unstage it there first.");
            }

            if (status.Conflicted.Count > 0)
            {
                throw new RequestFailure(ErrorCode.GitConflict, "Resolve the conflicts first.");
            }

            if (request.Amend && status.Upstream is not null && await IsPublishedAsync(repo))
            {
                throw new RequestFailure(ErrorCode.Conflict,
                    $"{status.Upstream} has the last commit already: changing it would need a forced push. Make a new commit.");
            }

            await notes.BeforeAsync(caller, repo, MessageTypes.GitCommit, status.Branch, head: status.Head);
            await repo.RunAsync(
                new GitCommand(["commit", "--quiet", "--no-verify", "--no-gpg-sign", "--no-status", "--cleanup=whitespace", "--file=-",
                    .. request.Amend ? (string[])["--amend"] : []])
                {
                    Writes = true,
                    Input = Encoding.UTF8.GetBytes(request.Message),
                    Environment = await GitIdentity.ForAsync(repo, time, CancellationToken.None),
                    TimeLimit = TimeSpan.FromSeconds(60),
                },
                CancellationToken.None);
            notes.Changed(repo);
            var subject = (await repo.ReadAsync(
                CancellationToken.None, "log", "-1", "--format=%s", "--no-show-signature", "--encoding=UTF-8")).Text.TrimEnd('\n');
            var hooks = GitFiles.Hooks(repo.Place)
                .Where(h => h is "pre-commit" or "prepare-commit-msg" or "commit-msg" or "post-commit" or "post-rewrite").ToList();
            return new GitCommitResponse(await repo.HeadAsync(CancellationToken.None) ?? "", status.Branch, subject, hooks,
                await GitIdentity.SignsAsync(repo, time, CancellationToken.None));
        });
    }

    public async Task<GitBranchCreateResponse> CreateBranchAsync(
        DeviceCaller caller, GitBranchCreateRequest request, CancellationToken cancellationToken)
    {
        var name = GitRepository.Checked(() => GitNames.Ref(request.Name, "branch"));
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        if (request.Checkout)
        {
            Whole(repo);
        }

        var start = await repo.IdAsync(request.StartPoint ?? "HEAD", cancellationToken);
        return await guard.ChangeAsync(caller, repo,
            new GitAct(MessageTypes.GitBranchCreate, name, request.Checkout ? r => GitPlans.CheckoutAsync(r, start) : null), async repo =>
        {
            await repo.WriteAsync(CancellationToken.None,
                request.Checkout ? ["switch", "--quiet", "--no-track", "--create", name, start] : ["branch", "--no-track", name, start]);
            return new GitBranchCreateResponse(name, start, request.Checkout);
        });
    }

    public async Task<GitCheckoutResponse> CheckoutAsync(
        DeviceCaller caller, GitCheckoutRequest request, CancellationToken cancellationToken)
    {
        var name = GitRepository.Checked(() => GitNames.Revision(request.Ref));
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        Whole(repo);
        var local = GitNames.IsRef(name) && await ExistsAsync(repo, $"refs/heads/{name}");
        var remote = GitNames.IsRef(name) && !local ? await RemoteAsync(repo, name) : null;
        var to = await repo.IdAsync(local ? $"refs/heads/{name}" : remote?.Ref ?? name, cancellationToken);
        return await guard.ChangeAsync(
            caller, repo, new GitAct(MessageTypes.GitCheckout, name, r => GitPlans.CheckoutAsync(r, to)), async repo =>
        {
            if (local && await repo.IdAsync($"refs/heads/{name}", CancellationToken.None) != to)
            {
                throw new RequestFailure(ErrorCode.Conflict, $"{name} moved at the same moment. Try again.");
            }

            await repo.WriteAsync(CancellationToken.None, local ? ["switch", "--quiet", "--no-guess", name]
                : remote is not null ? ["switch", "--quiet", "--no-track", "--create", name, to]
                : ["switch", "--quiet", "--detach", to]);
            if (remote is { } tracked)
            {
                // apart: what checks files out may not write the configuration
                await repo.SetUpstreamAsync(name, tracked.Remote, $"refs/heads/{name}");
            }

            var branch = await repo.BranchAsync(CancellationToken.None);
            return new GitCheckoutResponse(branch, await repo.HeadAsync(CancellationToken.None) ?? "", branch is null);
        });
    }

    public async Task<GitTagCreateResponse> CreateTagAsync(
        DeviceCaller caller, GitTagCreateRequest request, CancellationToken cancellationToken)
    {
        var name = GitRepository.Checked(() => GitNames.Ref(request.Name, "tag"));
        if (request.Message is { } text && (string.IsNullOrWhiteSpace(text) || Encoding.UTF8.GetByteCount(text) > GitLimits.MessageBytes
            || text.Contains('\0', StringComparison.Ordinal)))
        {
            throw GitErrors.Invalid($"A tag's message has at most {GitLimits.MessageBytes} bytes and is not empty.");
        }

        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        return await guard.ChangeAsync(caller, repo, new GitAct(MessageTypes.GitTagCreate, name), async repo =>
        {
            var id = await repo.IdAsync(request.Ref ?? "HEAD", CancellationToken.None);
            await repo.RunAsync(
                request.Message is null
                    ? new GitCommand("tag", "--no-sign", name, id) { Writes = true }
                    : new GitCommand("tag", "--annotate", "--no-sign", "--cleanup=whitespace", "--file=-", name, id)
                    {
                        Writes = true,
                        Input = Encoding.UTF8.GetBytes(request.Message),
                        Environment = await GitIdentity.ForAsync(repo, time, CancellationToken.None),
                    },
                CancellationToken.None);
            return new GitTagCreateResponse(name, id);
        });
    }

    public async Task<GitTagDeleteResponse> DeleteTagAsync(
        DeviceCaller caller, GitTagDeleteRequest request, CancellationToken cancellationToken)
    {
        var name = GitRepository.Checked(() => GitNames.Ref(request.Name, "tag"));
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        var commit = await repo.IdAsync($"refs/tags/{name}", cancellationToken);
        return await guard.ChangeAsync(caller, repo, new GitAct(MessageTypes.GitTagDelete, $"{name} {commit}"), async repo =>
        {
            await repo.WriteAsync(CancellationToken.None, "update-ref", "-d", $"refs/tags/{name}");
            return new GitTagDeleteResponse(name, commit);
        });
    }

    public async Task<GitStashResponse> StashAsync(DeviceCaller caller, GitStashRequest request, CancellationToken cancellationToken)
    {
        if (request.Message is { } text && (text.Length > GitLimits.NameLength || text.Any(char.IsControl)))
        {
            throw GitErrors.Invalid($"A stash's message is one line of at most {GitLimits.NameLength} characters.");
        }

        var wanted = request.Action == GitStashAction.Push ? null : GitRepository.Checked(() => GitNames.Id(request.Commit, "stash"));
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        Whole(repo);
        if (request.Action == GitStashAction.Push)
        {
            await Submodules.RequireNoneAsync(repo, null, cancellationToken);
        }

        Func<GitRepository, Task<GitPlan>>? plan = request.Action switch
        {
            GitStashAction.Push => r => GitPlans.ResetAsync(r, request.IncludeUntracked),
            GitStashAction.Pop or GitStashAction.Apply => async r =>
                (await GitReads.StashesAsync(r, CancellationToken.None)).Any(s => s.Commit == wanted)
                    ? await GitPlans.StashAsync(r, wanted!) : GitPlan.Nothing,
            _ => null,
        };
        var act = new GitAct(MessageTypes.GitStash, $"{request.Action} {wanted}".TrimEnd(), plan)
        { Exactly = [request.Message, request.IncludeUntracked ? "untracked" : null] };
        return await guard.ChangeAsync(caller, repo, act, async repo =>
        {
            var entry = wanted is null ? null
                : (await GitReads.StashesAsync(repo, CancellationToken.None)).FirstOrDefault(s => s.Commit == wanted)
                    ?? throw new RequestFailure(ErrorCode.GitError, "That stash no longer exists.");
            string[] how = request.Action switch
            {
                GitStashAction.Push => ["push", "--quiet", .. request.IncludeUntracked ? (string[])["--include-untracked"] : [],
                    .. request.Message is { Length: > 0 } message ? (string[])["--message", message] : []],
                GitStashAction.Pop => ["pop", "--quiet", "--index", $"stash@{{{entry!.Index}}}"],
                GitStashAction.Apply => ["apply", "--quiet", "--index", $"stash@{{{entry!.Index}}}"],
                _ => ["drop", "--quiet", $"stash@{{{entry!.Index}}}"],
            };
            await repo.RunAsync(
                new GitCommand(["stash", .. how])
                {
                    Writes = true,
                    TimeLimit = TimeSpan.FromSeconds(60),
                    Environment = await GitIdentity.ForAsync(repo, time, CancellationToken.None)
                }, CancellationToken.None);
            return new GitStashResponse(await GitReads.StashesAsync(repo, CancellationToken.None));
        });
    }

    public async Task<GitOperationResponse> OperationAsync(
        DeviceCaller caller, GitOperationRequest request, CancellationToken cancellationToken)
    {
        var repo = await git.OpenAsync(request.ProjectId, cancellationToken);
        Whole(repo);
        return await guard.ChangeAsync(caller, repo,
            new GitAct(MessageTypes.GitOperation, request.Step.ToString(), r => GitPlans.OperationAsync(r, request.Step)), async repo =>
        {
            var name = GitFiles.Operation(repo.Place) switch
            {
                GitOperationKind.Merge => "merge",
                GitOperationKind.Rebase => "rebase",
                GitOperationKind.CherryPick => "cherry-pick",
                GitOperationKind.Revert => "revert",
                null => throw new RequestFailure(ErrorCode.Conflict, "No merge, rebase or similar operation is in progress."),
                _ => throw new RequestFailure(ErrorCode.GitError, "Finish that in a terminal."),
            };
            await repo.RunAsync(
                new GitCommand(name, request.Step == GitOperationStep.Abort ? "--abort" : "--continue")
                {
                    Writes = true,
                    TimeLimit = TimeSpan.FromSeconds(60),
                    Environment = await GitIdentity.ForAsync(repo, time, CancellationToken.None),
                },
                CancellationToken.None);
            return new GitOperationResponse(await repo.HeadAsync(CancellationToken.None), GitFiles.Operation(repo.Place));
        });
    }

    /// <summary>Refused where only a part of the repository is the project: it would change files outside of it.</summary>
    /// <exception cref="RequestFailure">PERMISSION_DENIED</exception>
    public static void Whole(GitRepository repo)
    {
        if (repo.Place.Prefix.Length > 0)
        {
            throw new RequestFailure(
                ErrorCode.PermissionDenied,
                $"This project is a part of the repository {repo.Place.Top}, and that would change files outside of the project. Register the repository itself, with: pocketcoder add {repo.Place.Top}");
        }
    }

    /// <summary>Applies a part of a diff, after trying whether it fits.</summary>
    public static async Task ApplyAsync(
        GitRepository repo, IReadOnlyList<GitSelection> selections, int context, bool staged, IReadOnlyList<string> where, bool reverse,
        CancellationToken cancellationToken)
    {
        var diff = await GitHistory.SelectableAsync(repo, staged, selections, context, cancellationToken);
        var patch = GitRepository.Checked(() => PatchBuilder.Build(diff, selections, repo.Prefix, reverse));
        await repo.RunAsync(
            new GitCommand(["apply", .. where, .. reverse ? (string[])["--reverse"] : [],
                .. context == 0 ? (string[])["--unidiff-zero"] : [], "--whitespace=nowarn", "-"])
            { Writes = true, Input = patch },
            cancellationToken);
    }

    private static GitCommand Paths(byte[] list, params string[] arguments)
        => new([.. arguments, "--pathspec-from-file=-", "--pathspec-file-nul"])
        { Writes = true, Input = list, TimeLimit = TimeSpan.FromSeconds(60) };

    private static void One(bool all, bool paths, IReadOnlyList<GitSelection>? selections)
    {
        if ((all ? 1 : 0) + (paths ? 1 : 0) + (selections is { Count: > 0 } ? 1 : 0) != 1)
        {
            throw GitErrors.Invalid("Name paths, or parts of a diff, or all: one of them.");
        }
    }

    private static async Task<bool> IsPublishedAsync(GitRepository repo)
        => (await repo.RunAsync(new GitCommand("merge-base", "--is-ancestor", "HEAD", "@{upstream}") { AlsoFine = [1, 128] },
            CancellationToken.None)).ExitCode == 0;

    private static async Task<bool> ExistsAsync(GitRepository repo, string name)
        => (await repo.RunAsync(
            new GitCommand("show-ref", "--verify", "--quiet", name) { AlsoFine = [1, 128] }, CancellationToken.None)).ExitCode == 0;

    /// <summary>The one remote that has a branch of that name; null: none.</summary>
    /// <exception cref="RequestFailure">CONFLICT: several have.</exception>
    private static async Task<(string Remote, string Ref)?> RemoteAsync(GitRepository repo, string name)
    {
        const string Remotes = "refs/remotes/";
        var found = (await repo.ReadAsync(CancellationToken.None, "for-each-ref", "--count=2", "--format=%(refname)",
            $"{Remotes}*/{name}")).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return found.Length switch
        {
            0 => null,
            1 => (found[0][Remotes.Length..^(name.Length + 1)], found[0]),
            _ => throw new RequestFailure(ErrorCode.Conflict,
                $"More than one remote has a branch {name}. Check out the one you mean by its full name, like {found[0][Remotes.Length..]}."),
        };
    }
}
