using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>A repository from the phone, from looking to committing: real git in a real sandbox.</summary>
public sealed class GitStoryTests
{
    [Fact]
    public async Task A_status_tells_what_is_staged_changed_new_renamed_and_strangely_named()
    {
        await using var bench = await GitBench.StartAsync(
            """
            printf 'one\n' > kept; printf 'two\n' > 'mo ved'; printf 'x\n' > gone; git add .; git commit -qm first
            printf 'more\n' >> kept; git mv 'mo ved' 'new name'; rm gone; printf 'n\n' > -dash; printf 'n\n' > "$(printf 'li\nne')"; printf x > "$(printf 'bad\377')"
            mkdir sub; printf x > sub/untracked; git add -- -dash
            printf '#!/bin/sh\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit
            """);
        var status = await bench.StatusAsync();
        Assert.Equal(("main", false, null, true, "", 0),
            (status.Branch!, status.Detached, status.Upstream, status.Sandboxed, status.Prefix, status.Stashes));
        Assert.Equal(40, status.Head!.Length);
        Assert.Equal([("-dash", GitChangeKind.Added, null), ("new name", GitChangeKind.Renamed, "mo ved")],
            status.Staged.Select(c => (c.Path, c.Kind, c.OldPath)));
        Assert.Equal([("gone", GitChangeKind.Deleted), ("kept", GitChangeKind.Modified)], status.Unstaged.Select(c => (c.Path, c.Kind)));
        Assert.Equal([@"bad\x{ff}", @"li\u{a}ne", "sub/"], status.Untracked.Select(c => c.Path).Order(StringComparer.Ordinal));
        Assert.Equal(["pre-commit"], status.Hooks);

        await bench.AskAsync<GitStageRequest, GitStageResponse>(
            MessageTypes.GitStage, new GitStageRequest(bench.Project, [@"li\u{a}ne", "gone", @"bad\x{ff}"]));
        Assert.Equal(5, (await bench.StatusAsync()).Staged.Count);
        await bench.ShellAsync("git reset -q; rm bad*");
    }

    [Fact]
    public async Task Before_the_first_commit_one_can_stage_unstage_commit_branch_and_go_back()
    {
        await using var bench = await GitBench.StartAsync(
            "printf 'a\\n' > a; printf 'b\\n' > b; printf 'touch ran\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit");
        Assert.Equal((null, "main"), ((await bench.StatusAsync()).Head, (await bench.StatusAsync()).Branch));
        await bench.StageAsync("a", "b");
        await bench.AskAsync<GitUnstageRequest, GitUnstageResponse>(MessageTypes.GitUnstage, new GitUnstageRequest(bench.Project, ["b"]));
        Assert.Equal(["a"], (await bench.StatusAsync()).Staged.Select(c => c.Path));

        var made = await bench.CommitAsync("First\n\n# not a comment\n");
        Assert.Equal(("main", "First", "pre-commit"), (made.Branch!, made.Subject, Assert.Single(made.HooksSkipped)));
        Assert.Equal("First\n\n# not a comment\n\n", await bench.ShellAsync("git log -1 --format=%B"));
        Assert.False(File.Exists(bench.Path("ran")));
        Assert.Equal("nothing_to_commit", (await bench.RefusedAsync<GitCommitRequest, GitCommitResponse>(
            MessageTypes.GitCommit, new GitCommitRequest(bench.Project, "again"))).Details!["reason"]);

        await bench.AskAsync<GitBranchCreateRequest, GitBranchCreateResponse>(
            MessageTypes.GitBranchCreate, new GitBranchCreateRequest(bench.Project, "topic/one", Checkout: true));
        await bench.WriteAsync("a", "changed\n");
        await bench.StageAsync("a");
        await bench.CommitAsync("Second");
        await bench.WriteAsync("a", "not committed\n");
        var overwrites = await bench.RefusedAsync<GitCheckoutRequest, GitCheckoutResponse>(
            MessageTypes.GitCheckout, new GitCheckoutRequest(bench.Project, "main"));
        Assert.Equal((ErrorCode.Conflict, "a"), (overwrites.Code, overwrites.Details!["paths"]));
        await bench.ShellAsync("git checkout -q -- a");
        var out_ = await bench.AskAsync<GitCheckoutRequest, GitCheckoutResponse>(
            MessageTypes.GitCheckout, new GitCheckoutRequest(bench.Project, "main"));
        Assert.Equal(("main", made.Sha, false), (out_.Branch!, out_.Commit, out_.Detached));
        Assert.True((await bench.AskAsync<GitCheckoutRequest, GitCheckoutResponse>(
            MessageTypes.GitCheckout, new GitCheckoutRequest(bench.Project, made.Sha))).Detached);

        var branches = await bench.AskAsync<GitBranchesRequest, GitBranchesResponse>(
            MessageTypes.GitBranches, new GitBranchesRequest(bench.Project));
        Assert.Equal(["main", "topic/one"], branches.Branches.Select(b => b.Name).Order(StringComparer.Ordinal));
        var rows = await bench.Phone.Device.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(),
            ProtocolJson.Default.LedgerListRequest, ProtocolJson.Default.LedgerListResponse);
        // the refused ones were asked for too
        Assert.Equal(10, rows.Rows.Count(r => r.Body.Contains("\"git_changed\"", StringComparison.Ordinal)));
        Assert.DoesNotContain(rows.Rows, r => r.Body.Contains("not a comment", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Hunks_and_single_lines_are_staged_unstaged_and_thrown_away_like_git_does_it_and_that_can_be_undone()
    {
        await using var bench = await GitBench.StartAsync(
            "seq 1 30 > f; git add f; git commit -qm first; sed -i -e 's/^3$/three/' -e 's/^25$/twenty five/' -e '28a\\new line' f; printf 'no end' >> f");
        var diff = Assert.Single((await bench.DiffAsync(GitDiffScope.Unstaged)).Files);
        Assert.Equal((2, 4, 2), (diff.Hunks.Count, diff.Added, diff.Removed));
        Assert.True(diff.Hunks[1].Lines[^1].NoNewline);

        // The first hunk whole, of the second only the new line.
        var line = diff.Hunks[1].Lines.Select((l, i) => (l, i)).Single(l => l.l.Text == "new line").i;
        await StageAsync(bench, new GitSelection("f", diff.Hunks[0].Id), new GitSelection("f", diff.Hunks[1].Id, [line]));
        Assert.Equal(await bench.ShellAsync("{ seq 1 2; echo three; seq 4 28; echo 'new line'; seq 29 30; }"),
            await bench.ShellAsync("git show :f"));
        Assert.Equal(ErrorCode.Conflict, (await RefusedAsync(bench, new GitSelection("f", diff.Hunks[0].Id))).Code); // staged already
        // context
        Assert.Equal(ErrorCode.InvalidRequest, (await RefusedAsync(
            bench, new GitSelection("f", Assert.Single((await bench.DiffAsync(GitDiffScope.Unstaged)).Files).Hunks[0].Id, [0]))).Code);

        // Back out with the first, keep the line.
        var staged = Assert.Single((await bench.DiffAsync(GitDiffScope.Staged)).Files);
        await bench.AskAsync<GitUnstageRequest, GitUnstageResponse>(
            MessageTypes.GitUnstage, new GitUnstageRequest(bench.Project, Selections: [new GitSelection("f", staged.Hunks[0].Id)]));
        Assert.Equal(await bench.ShellAsync("{ seq 1 28; echo 'new line'; seq 29 30; }"), await bench.ShellAsync("git show :f"));

        // Throw one line of the files' change away, and everything, and bring both back.
        var full = await bench.ReadAsync("f");
        var now = Assert.Single((await bench.DiffAsync(GitDiffScope.Unstaged)).Files);
        var some = await bench.AskAsync<GitDiscardRequest, GitDiscardResponse>(
            MessageTypes.GitDiscard, new GitDiscardRequest(bench.Project, Selections: [new GitSelection("f", now.Hunks[0].Id)]));
        Assert.Equal(full.Replace("three\n", "3\n", StringComparison.Ordinal), await bench.ReadAsync("f"));
        await bench.WriteAsync("untracked", "mine\n");
        var all = await bench.AskAsync<GitDiscardRequest, GitDiscardResponse>(
            MessageTypes.GitDiscard, new GitDiscardRequest(bench.Project, ["f", "untracked"]));
        Assert.Equal((2, false, await bench.ShellAsync("git show :f")),
            (all.Files, File.Exists(bench.Path("untracked")), await bench.ReadAsync("f")));
        await bench.WriteAsync("untracked", "other\n");
        var refused = await bench.RefusedAsync<GitDiscardUndoRequest, GitDiscardUndoResponse>(
            MessageTypes.GitDiscardUndo, new GitDiscardUndoRequest(bench.Project, all.DiscardId));
        Assert.Equal((ErrorCode.Conflict, "untracked"), (refused.Code, refused.Details!["paths"]));
        File.Delete(bench.Path("untracked"));
        await bench.AskAsync<GitDiscardUndoRequest, GitDiscardUndoResponse>(
            MessageTypes.GitDiscardUndo, new GitDiscardUndoRequest(bench.Project, all.DiscardId));
        Assert.Equal("mine\n", await bench.ReadAsync("untracked"));
        await bench.AskAsync<GitDiscardUndoRequest, GitDiscardUndoResponse>(
            MessageTypes.GitDiscardUndo, new GitDiscardUndoRequest(bench.Project, some.DiscardId));
        Assert.Equal(full, await bench.ReadAsync("f"));
        Assert.Equal(ErrorCode.SnapshotNotFound, (await bench.RefusedAsync<GitDiscardUndoRequest, GitDiscardUndoResponse>(
            MessageTypes.GitDiscardUndo, new GitDiscardUndoRequest(bench.Project, some.DiscardId))).Code);
    }

    [Fact]
    public async Task History_blame_old_files_words_tags_and_stashes_are_shown()
    {
        await using var bench = await GitBench.StartAsync(
            """
            printf 'alpha beta\nsecond\n' > f; git add f; git commit -qm first; git tag light; git tag -a heavy -m 'A tag'
            git checkout -qb side; printf 's\n' > s; git add s; git commit -qm side; git checkout -q main
            printf 'alpha gamma\nsecond\n' > f; git commit -qam second; git merge -q -m joined side
            printf 'dirty\n' >> f
            """);
        var log = await bench.AskAsync<GitLogRequest, GitLogResponse>(MessageTypes.GitLog, new GitLogRequest(bench.Project));
        Assert.Equal(["joined", "second", "side", "first"], log.Commits.OrderBy(
            c => c.Subject is "joined" ? 0 : c.Subject is "second" ? 1 : c.Subject is "side" ? 2 : 3).Select(c => c.Subject));
        Assert.Equal((2, 2, "Ada"), (log.Commits[0].Parents.Count, log.Commits[0].Edges.Count, log.Commits[0].Author));
        Assert.Contains("HEAD", log.Commits[0].Refs);
        Assert.Contains("light", log.Commits.Single(c => c.Subject == "first").Refs);
        var page = await bench.AskAsync<GitLogRequest, GitLogResponse>(
            MessageTypes.GitLog, new GitLogRequest(bench.Project, Skip: 1, Limit: 1));
        Assert.Equal((log.Commits[1].Sha, true), (Assert.Single(page.Commits).Sha, page.More));
        Assert.Equal(["second", "first"], (await bench.AskAsync<GitLogRequest, GitLogResponse>(
            MessageTypes.GitLog, new GitLogRequest(bench.Project, Path: "f"))).Commits.Select(c => c.Subject));

        var show = await bench.AskAsync<GitShowRequest, GitShowResponse>(MessageTypes.GitShow, new GitShowRequest(bench.Project, "light"));
        Assert.Equal(("first", GitChangeKind.Added, 2), (show.Message, Assert.Single(show.Files).Kind, show.Files[0].Added));
        var blame = await bench.AskAsync<GitBlameRequest, GitBlameResponse>(
            MessageTypes.GitBlame, new GitBlameRequest(bench.Project, "f", "HEAD"));
        Assert.Equal(["second", "first"], blame.Lines.Select(l => blame.Commits[l.Commit].Subject));

        var words = Assert.Single(
            (await bench.DiffAsync(GitDiffScope.Range, word: true, from: "light", to: "main")).Files, f => f.Path == "f");
        var changed = words.Hunks[0].Lines.Single(l => l.Kind == GitLineKind.Changed).Words!;
        Assert.Equal([(GitLineKind.Context, "alpha "), (GitLineKind.Removed, "beta"), (GitLineKind.Added, "gamma")],
            changed.Select(w => (w.Kind, w.Text)));
        Assert.Equal(["s"], (await bench.DiffAsync(GitDiffScope.Branch, from: "light", to: "side")).Files.Select(f => f.Path));

        var was = await bench.AskAsync<GitFileBaseRequest, GitFileBaseResponse>(
            MessageTypes.GitFileBase, new GitFileBaseRequest(bench.Project, "f"));
        Assert.Equal(("alpha gamma\nsecond\n", true, "utf8"), (was.Content, was.Exists, was.Encoding));
        Assert.False((await bench.AskAsync<GitFileBaseRequest, GitFileBaseResponse>(
            MessageTypes.GitFileBase, new GitFileBaseRequest(bench.Project, "new"))).Exists);

        var tags = await bench.AskAsync<GitTagsRequest, GitTagsResponse>(MessageTypes.GitTags, new GitTagsRequest(bench.Project));
        Assert.Equal([("heavy", true), ("light", false)],
            tags.Tags.OrderBy(t => t.Name, StringComparer.Ordinal).Select(t => (t.Name, t.Annotated)));
        Assert.Single(tags.Tags.Select(t => t.Commit).Distinct());
        await bench.AskAsync<GitTagCreateRequest, GitTagCreateResponse>(
            MessageTypes.GitTagCreate, new GitTagCreateRequest(bench.Project, "v1", Message: "One"));
        Assert.Equal(ErrorCode.Conflict, (await bench.RefusedAsync<GitTagCreateRequest, GitTagCreateResponse>(
            MessageTypes.GitTagCreate, new GitTagCreateRequest(bench.Project, "v1"))).Code);
        await bench.AskAsync<GitTagDeleteRequest, GitTagDeleteResponse>(
            MessageTypes.GitTagDelete, new GitTagDeleteRequest(bench.Project, "v1"));

        var stash = Assert.Single((await bench.AskAsync<GitStashRequest, GitStashResponse>(
            MessageTypes.GitStash, new GitStashRequest(bench.Project, GitStashAction.Push, Message: "for later"))).Stashes);
        Assert.Equal(("On main: for later", 1, was.Content),
            (stash.Message, (await bench.StatusAsync()).Stashes, await bench.ReadAsync("f")));
        Assert.Empty((await bench.AskAsync<GitStashRequest, GitStashResponse>(
            MessageTypes.GitStash, new GitStashRequest(bench.Project, GitStashAction.Pop, stash.Commit))).Stashes);
        Assert.EndsWith("dirty\n", await bench.ReadAsync("f"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Worktrees_are_made_within_the_project_merged_back_with_conflicts_resolved_and_removed()
    {
        await using var bench = await GitBench.StartAsync("printf '1\\n2\\n3\\n' > f; git add f; git commit -qm first");
        var tree = (await bench.AskAsync<GitWorktreeCreateRequest, GitWorktreeCreateResponse>(
            MessageTypes.GitWorktreeCreate, new GitWorktreeCreateRequest(bench.Project, "try", "topic/try"))).Worktree;
        Assert.Equal((bench.Path(".worktrees/try"), "topic/try", true, false), (tree.Path, tree.Branch!, tree.Reachable, tree.Main));
        Assert.Empty((await bench.StatusAsync()).Untracked);
        await bench.ShellAsync(
            "cd .worktrees/try; printf '1\\ntheirs\\n3\\n' > f; git commit -qam theirs; cd ../..; printf '1\\nours\\n3\\n' > f; git commit -qam ours");

        var conflict = await bench.RefusedAsync<GitWorktreeMergeRequest, GitWorktreeMergeResponse>(
            MessageTypes.GitWorktreeMerge, new GitWorktreeMergeRequest(bench.Project, "try"));
        Assert.Equal(ErrorCode.GitConflict, conflict.Code);
        var status = await bench.StatusAsync();
        Assert.Equal((GitOperationKind.Merge, GitConflictKind.BothModified), (status.Operation, Assert.Single(status.Conflicted).Kind));
        var sides = await bench.AskAsync<GitConflictRequest, GitConflictResponse>(
            MessageTypes.GitConflict, new GitConflictRequest(bench.Project, "f"));
        Assert.Equal(("1\n2\n3\n", "1\nours\n3\n", "1\ntheirs\n3\n", "topic/try"),
            (sides.Base.Content, sides.Ours.Content, sides.Theirs.Content, sides.TheirsName!));
        Assert.Contains("<<<<<<<", sides.File.Content, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.GitConflict, (await bench.RefusedAsync<GitCommitRequest, GitCommitResponse>(
            MessageTypes.GitCommit, new GitCommitRequest(bench.Project, "too early"))).Code);
        Assert.Equal(0, (await bench.AskAsync<GitConflictResolveRequest, GitConflictResolveResponse>(
            MessageTypes.GitConflictResolve,
            new GitConflictResolveRequest(bench.Project, "f", GitResolution.Content, "1\nboth\n3\n"))).Left);
        Assert.Equal("1\nboth\n3\n", await bench.ReadAsync("f"));
        Assert.Null((await bench.AskAsync<GitOperationRequest, GitOperationResponse>(
            MessageTypes.GitOperation, new GitOperationRequest(bench.Project, GitOperationStep.Continue))).Operation);
        Assert.True((await bench.AskAsync<GitWorktreeMergeRequest, GitWorktreeMergeResponse>(
            MessageTypes.GitWorktreeMerge, new GitWorktreeMergeRequest(bench.Project, "try"))).AlreadyMerged);

        await bench.WriteAsync(".worktrees/try/f", "dirty");
        Assert.Equal(ErrorCode.Conflict, (await bench.RefusedAsync<GitWorktreeRemoveRequest, GitWorktreeRemoveResponse>(
            MessageTypes.GitWorktreeRemove, new GitWorktreeRemoveRequest(bench.Project, "try"))).Code);
        await bench.AskAsync<GitWorktreeRemoveRequest, GitWorktreeRemoveResponse>(
            MessageTypes.GitWorktreeRemove, new GitWorktreeRemoveRequest(bench.Project, "try", Force: true));
        Assert.False(Directory.Exists(tree.Path));
        Assert.True(Assert.Single((await bench.AskAsync<GitWorktreesRequest, GitWorktreesResponse>(
            MessageTypes.GitWorktrees, new GitWorktreesRequest(bench.Project))).Worktrees).Main);
    }

    private static Task<GitStageResponse> StageAsync(GitBench bench, params GitSelection[] selections)
        => bench.AskAsync<GitStageRequest, GitStageResponse>(
            MessageTypes.GitStage, new GitStageRequest(bench.Project, Selections: selections));

    private static Task<WireError> RefusedAsync(GitBench bench, params GitSelection[] selections)
        => bench.RefusedAsync<GitStageRequest, GitStageResponse>(
            MessageTypes.GitStage, new GitStageRequest(bench.Project, Selections: selections));
}
