using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>
/// Names as the messages about files write them, also where they are no text at all; and files that are not what they seem: kept by LFS,
/// signed elsewhere.
/// </summary>
public sealed class NameTests
{
    [Fact]
    public async Task A_name_that_is_no_text_is_looked_at_staged_resolved_and_thrown_away_like_any_other()
    {
        await using var bench = await GitBench.StartAsync(
            """
            mkdir "$(printf 'd\377')"; for n in "$(printf 'bad\377')" "$(printf 'd\377/in')" 'back\slash' "$(printf 'li\nne')"; do printf '1\n2\n3\n' > "$n"; done; printf 'x\n' > other
            git add .; git commit -qm first; git checkout -qb theirs; printf '1\ntheirs\n3\n' > "$(printf 'bad\377')"; git commit -qam theirs
            git checkout -q main; printf '1\nours\n3\n' > "$(printf 'bad\377')"; printf 'more\n' >> 'back\slash'; printf 'more\n' >> "$(printf 'd\377/in')"; printf 'more\n' >> "$(printf 'li\nne')"; printf 'y\n' >> other
            """);
        string[] names = [@"back\\slash", @"bad\x{ff}", @"d\x{ff}/in", @"li\u{a}ne", "other"];
        Assert.Equal(names, (await bench.StatusAsync()).Unstaged.Select(c => c.Path).Order(StringComparer.Ordinal));
        foreach (var name in names)
        {
            var file = Assert.Single((await bench.AskAsync<GitDiffRequest, GitDiffResponse>(
                MessageTypes.GitDiff, new GitDiffRequest(bench.Project, GitDiffScope.Unstaged, Paths: [name]))).Files);
            Assert.Equal(name, file.Path);
            Assert.NotEqual("", (await bench.AskAsync<GitFileBaseRequest, GitFileBaseResponse>(
                MessageTypes.GitFileBase, new GitFileBaseRequest(bench.Project, name))).Content);
            await bench.AskAsync<GitStageRequest, GitStageResponse>(
                MessageTypes.GitStage, new GitStageRequest(bench.Project, Selections: [new GitSelection(name, file.Hunks[0].Id)]));
        }

        Assert.Equal(5, (await bench.StatusAsync()).Staged.Count);
        Assert.Equal(ErrorCode.InvalidRequest, (await bench.RefusedAsync<GitBlameRequest, GitBlameResponse>(
            MessageTypes.GitBlame, new GitBlameRequest(bench.Project, @"bad\x{ff}"))).Code);
        Assert.Equal(@"back\\slash", Assert.Single((await bench.AskAsync<GitBlameRequest, GitBlameResponse>(
            MessageTypes.GitBlame, new GitBlameRequest(bench.Project, @"back\\slash", "HEAD"))).Commits).Path);
        await bench.CommitAsync("ours");

        await bench.ShellAsync("git merge theirs >/dev/null 2>&1 || true");
        Assert.Equal(@"bad\x{ff}", Assert.Single((await bench.StatusAsync()).Conflicted).Path);
        var sides = await bench.AskAsync<GitConflictRequest, GitConflictResponse>(
            MessageTypes.GitConflict, new GitConflictRequest(bench.Project, @"bad\x{ff}"));
        Assert.Equal(("1\nours\n3\n", "1\ntheirs\n3\n"), (sides.Ours.Content, sides.Theirs.Content));
        Assert.Contains("<<<<<<<", sides.File.Content, StringComparison.Ordinal);
        Assert.Equal(0, (await bench.AskAsync<GitConflictResolveRequest, GitConflictResolveResponse>(
            MessageTypes.GitConflictResolve,
            new GitConflictResolveRequest(bench.Project, @"bad\x{ff}", GitResolution.Content, "1\nboth\n3\n"))).Left);
        Assert.Equal("1\nboth\n3\n", await bench.ShellAsync("cat bad*"));
        await bench.CommitAsync("joined");

        await bench.ShellAsync("printf 'dirty\\n' > \"$(printf 'd\\377/in')\"");
        var thrown = await bench.AskAsync<GitDiscardRequest, GitDiscardResponse>(
            MessageTypes.GitDiscard, new GitDiscardRequest(bench.Project, [@"d\x{ff}"]));
        Assert.Empty((await bench.StatusAsync()).Unstaged);
        await bench.AskAsync<GitDiscardUndoRequest, GitDiscardUndoResponse>(
            MessageTypes.GitDiscardUndo, new GitDiscardUndoRequest(bench.Project, thrown.DiscardId));
        Assert.Equal(@"d\x{ff}/in", Assert.Single((await bench.StatusAsync()).Unstaged).Path);
        await bench.ShellAsync("rm -r bad* d*"); // a test's folder is removed by name
    }

    [Fact]
    public async Task A_secret_asks_first_however_its_name_is_written()
    {
        await using var bench = await GitBench.StartAsync(
            "printf 'KEY=1\\n' > .env; git add -f .env; git commit -qm first; printf 'KEY=2\\n' > .env");
        foreach (var name in (string[])[".env", @"\u{2e}env", @".\x{65}nv"])
        {
            Assert.Equal(ErrorCode.ApprovalRequired, (await bench.RefusedAsync<GitFileBaseRequest, GitFileBaseResponse>(
                MessageTypes.GitFileBase, new GitFileBaseRequest(bench.Project, name))).Code);
            Assert.True(Assert.Single((await bench.AskAsync<GitDiffRequest, GitDiffResponse>(
                MessageTypes.GitDiff, new GitDiffRequest(bench.Project, GitDiffScope.Unstaged, Paths: [name]))).Files).Withheld);
        }
    }

    [Fact]
    public async Task What_lfs_keeps_elsewhere_is_named_and_neither_stored_whole_nor_pushed_without_it()
    {
        await using var bench = await GitBench.StartAsync(
            """
            printf '*.bin filter=lfs diff=lfs merge=lfs -text\n' > .gitattributes
            p() { printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize %d\n' $1 $2; }
            p 1 5000000 > old.bin; git add .; git commit -qm pointer; p 2 6000000 > old.bin; git add .; git commit -qm changed
            printf 'not a pointer' > new.bin; printf 't\n' > text; git remote add origin git@example.org:x
            """);
        var file = Assert.Single(
            (await bench.AskAsync<GitShowRequest, GitShowResponse>(MessageTypes.GitShow, new GitShowRequest(bench.Project, "HEAD"))).Files);
        Assert.Equal((new GitLargeFile(5_000_000, 6_000_000), 0), (file.LargeFile!, file.Hunks.Count));
        Assert.Equal([("new.bin", true), ("text", false)], (await bench.StatusAsync()).Untracked.Select(c => (c.Path, c.LargeFile)));
        foreach (var request in (GitStageRequest[])[new GitStageRequest(bench.Project, ["new.bin"]),
            new GitStageRequest(bench.Project, All: true)])
        {
            var refused = await bench.RefusedAsync<GitStageRequest, GitStageResponse>(MessageTypes.GitStage, request);
            Assert.Equal((ErrorCode.GitError, "lfs_unsupported", "new.bin"),
                (refused.Code, refused.Details!["reason"], refused.Details["paths"]));
        }

        await bench.StageAsync("text");
        Assert.Equal("lfs_unsupported", (await bench.RefusedAsync<GitPushRequest, GitPushResponse>(
            MessageTypes.GitPush, new GitPushRequest(bench.Project))).Details!["reason"]);
    }

    [Fact]
    public async Task A_commit_that_would_be_signed_in_a_terminal_says_that_it_is_not()
    {
        await using var bench = await GitBench.StartAsync("git config commit.gpgSign true; printf 'a\\n' > a");
        await bench.StageAsync("a");
        Assert.True((await bench.CommitAsync("first")).SigningSkipped);
        Assert.Equal("N\n", await bench.ShellAsync("git log -1 --format=%G?"));
        await bench.ShellAsync("git config commit.gpgSign false; printf 'b\\n' > a");
        await bench.StageAsync("a");
        Assert.False((await bench.CommitAsync("second")).SigningSkipped);
    }
}
