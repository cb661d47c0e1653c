using System.Runtime.Versioning;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>A repository that wants to run something: with a sandbox and without, nothing of it runs on the machine.</summary>
public sealed class HostileRepositoryTests
{
    [Theory]
    [InlineData(SandboxKind.Bubblewrap)]
    [InlineData(SandboxKind.None)]
    [UnsupportedOSPlatform("windows")]
    public async Task Nothing_that_a_repository_names_runs_on_the_machine(SandboxKind sandbox)
    {
        var marks = Directory.CreateTempSubdirectory("marks-");
        File.SetUnixFileMode(marks.FullName, (UnixFileMode)0b111_111_111);
        var trap = Path.Combine(marks.FullName, "trap");
        await File.WriteAllTextAsync(trap, $"#!/bin/sh\ntouch {marks.FullName}/ran-$1 2>/dev/null\ncat 2>/dev/null\n");
        File.SetUnixFileMode(trap, (UnixFileMode)0b111_101_101);
        await using var bench = await GitBench.StartAsync(
            $"""
            git config core.quotepath false
            printf 'a\n' > a; printf 'x\n' > x.evil; git add .; git commit -qm first
            git checkout -qb other; printf 'b\n' > a; git commit -qam other; git checkout -q main
            for h in pre-commit post-commit commit-msg prepare-commit-msg post-checkout post-merge pre-push post-index-change reference-transaction post-rewrite pre-rebase fsmonitor-watchman pre-auto-gc; do
              printf '#!/bin/sh\n{trap} hook\n' > .git/hooks/$h; chmod +x .git/hooks/$h
            done
            printf '*.evil filter=evil diff=evil merge=evil\n*.smudge filter=smudge\n' > .gitattributes
            git config filter.evil.clean '{trap} clean'; git config filter.evil.smudge '{trap} smudge'; git config filter.smudge.process '{trap} process'; git config filter.smudge.required true
            git config diff.evil.textconv '{trap} textconv'; git config diff.evil.command '{trap} command'; git config merge.evil.driver '{trap} driver'
            git config diff.external '{trap} external'; git config core.pager '{trap} pager'; git config pager.log '{trap} pager'; git config pager.diff '{trap} pager'
            git config core.editor '{trap} editor'; git config core.sshCommand '{trap} ssh'; git config core.askPass '{trap}'; git config credential.helper '!{trap} credential'
            git config gpg.program '{trap}'; git config commit.gpgSign true; git config tag.gpgSign true; git config log.showSignature true
            git config core.alternateRefsCommand '{trap} refs'; git config alias.status '!{trap} alias'; git config alias.log '!{trap} alias'; git config sequence.editor '{trap} sequence'
            git config core.worktree /; git config remote.origin.url 'ext::{trap} ext'; git config url.'ext::{trap} '.insteadOf 'ssh://'
            printf '[core]\n\tfsmonitor = {trap} fsmonitor\n' > .git/more; git config include.path more
            printf 'y\n' >> x.evil; printf 'z\n' > new.smudge
            """,
            sandbox);
        var status = await bench.StatusAsync();
        Assert.Equal(sandbox != SandboxKind.None, status.Sandboxed);
        Assert.Contains("pre-commit", status.Hooks);
        await bench.DiffAsync(GitDiffScope.Unstaged);
        await bench.DiffAsync(GitDiffScope.Branch, from: "main", to: "other");
        await bench.AskAsync<GitLogRequest, GitLogResponse>(MessageTypes.GitLog, new GitLogRequest(bench.Project, All: true));
        await bench.AskAsync<GitShowRequest, GitShowResponse>(MessageTypes.GitShow, new GitShowRequest(bench.Project, "HEAD"));
        await bench.AskAsync<GitBlameRequest, GitBlameResponse>(MessageTypes.GitBlame, new GitBlameRequest(bench.Project, "x.evil"));
        if (sandbox == SandboxKind.None)
        {
            await bench.StageAsync("x.evil", "new.smudge", ".gitattributes");
        }
        else
        {
            await bench.StageAsync("x.evil", ".gitattributes"); // its filter is not there in the sandbox, so the file is taken as it is
        }

        await bench.CommitAsync("with traps");
        await bench.AskAsync<GitTagCreateRequest, GitTagCreateResponse>(
            MessageTypes.GitTagCreate, new GitTagCreateRequest(bench.Project, "v1", Message: "one"));
        await bench.WriteAsync("a", "dirty\n");
        await bench.AskAsync<GitDiscardRequest, GitDiscardResponse>(MessageTypes.GitDiscard, new GitDiscardRequest(bench.Project, ["a"]));
        await bench.AskAsync<GitCheckoutRequest, GitCheckoutResponse>(
            MessageTypes.GitCheckout, new GitCheckoutRequest(bench.Project, "other"));
        await bench.AskAsync<GitCheckoutRequest, GitCheckoutResponse>(
            MessageTypes.GitCheckout, new GitCheckoutRequest(bench.Project, "main"));
        await bench.AskAsync<GitWorktreeCreateRequest, GitWorktreeCreateResponse>(
            MessageTypes.GitWorktreeCreate, new GitWorktreeCreateRequest(bench.Project, "w"));
        var remote = Assert.Single((await bench.AskAsync<GitRemotesRequest, GitRemotesResponse>(
            MessageTypes.GitRemotes, new GitRemotesRequest(bench.Project))).Remotes);
        Assert.NotNull(remote.Problem);

        Assert.Equal(["trap"], Directory.EnumerateFileSystemEntries(marks.FullName).Select(Path.GetFileName));
        await bench.ShellAsync("git --work-tree=. diff HEAD~1 > /dev/null 2>&1 || true");
        Assert.NotEqual(["trap"], Directory.EnumerateFileSystemEntries(marks.FullName).Select(Path.GetFileName)); // the traps are real
        marks.Delete(recursive: true);
    }

    [Fact]
    public async Task A_git_file_or_link_that_leads_out_of_the_project_is_not_followed()
    {
        var elsewhere = Directory.CreateTempSubdirectory("elsewhere-");
        await GitBench.ShellAsync(elsewhere.FullName,
            "git init -q -b main .; printf 'secret\n' > s; git add s; git -c user.name=E -c user.email=e@e commit -qm secret");
        await using var bench = await GitBench.StartAsync("printf 'a\\n' > a; git add a; git commit -qm first; mv .git kept");
        Assert.Equal(ErrorCode.GitNotInitialized, (await bench.RefusedAsync<GitStatusRequest, GitStatusResponse>(
            MessageTypes.GitStatus, new GitStatusRequest(bench.Project))).Code);

        await bench.WriteAsync(".git", $"gitdir: {elsewhere.FullName}/.git\n");
        Assert.Equal(ErrorCode.PermissionDenied, (await bench.RefusedAsync<GitStatusRequest, GitStatusResponse>(
            MessageTypes.GitStatus, new GitStatusRequest(bench.Project))).Code);
        File.Delete(bench.Path(".git"));
        File.CreateSymbolicLink(bench.Path(".git"), $"{elsewhere.FullName}/.git");
        Assert.Equal(ErrorCode.PermissionDenied, (await bench.RefusedAsync<GitStatusRequest, GitStatusResponse>(
            MessageTypes.GitStatus, new GitStatusRequest(bench.Project))).Code);
        File.Delete(bench.Path(".git"));

        // Objects and the common folder of another repository are beyond the sandbox.
        await bench.ShellAsync($"mv kept .git; printf '{elsewhere.FullName}/.git/objects\\n' > .git/objects/info/alternates");
        var secret = (await GitBench.ShellAsync(elsewhere.FullName, "git rev-parse HEAD")).Trim();
        Assert.Equal(ErrorCode.GitError, (await bench.RefusedAsync<GitShowRequest, GitShowResponse>(
            MessageTypes.GitShow, new GitShowRequest(bench.Project, secret))).Code);
        await bench.WriteAsync(".git/commondir", $"{elsewhere.FullName}/.git\n");
        Assert.Equal(ErrorCode.PermissionDenied, (await bench.RefusedAsync<GitStatusRequest, GitStatusResponse>(
            MessageTypes.GitStatus, new GitStatusRequest(bench.Project))).Code);
        File.Delete(bench.Path(".git/commondir"));

        // What is read of a link in the work tree is the link.
        File.CreateSymbolicLink(bench.Path("link"), "/etc/passwd");
        await bench.StageAsync("link");
        var staged = Assert.Single((await bench.DiffAsync(GitDiffScope.Staged)).Files);
        Assert.Equal(("120000", "/etc/passwd"), (staged.NewMode!, staged.Hunks[0].Lines[0].Text));
        elsewhere.Delete(recursive: true);
    }

    [Fact]
    public async Task A_part_of_a_repository_sees_and_changes_only_itself_and_names_never_become_options()
    {
        await using var bench = await GitBench.StartAsync(
            "mkdir -p sub; printf 'a\\n' > top; printf 'b\\n' > sub/in; git add .; git commit -qm first; printf 'x\\n' >> top; printf 'y\\n' >> sub/in");
        var part = (await bench.Daemon.Daemon.AsOwner().AddProjectAsync(bench.Path("sub"), "sub", CancellationToken.None)).Project;
        var request = new GitStatusRequest(part.ProjectId);
        var status = await bench.AskAsync<GitStatusRequest, GitStatusResponse>(MessageTypes.GitStatus, request);
        Assert.Equal(("sub/", "in"), (status.Prefix, Assert.Single(status.Unstaged).Path));
        await bench.AskAsync<GitStageRequest, GitStageResponse>(MessageTypes.GitStage, new GitStageRequest(part.ProjectId, All: true));
        Assert.Equal(["in"], (await bench.AskAsync<GitDiffRequest, GitDiffResponse>(
            MessageTypes.GitDiff, new GitDiffRequest(part.ProjectId, GitDiffScope.Staged))).Files.Select(f => f.Path));
        Assert.Equal(ErrorCode.PermissionDenied, (await bench.RefusedAsync<GitCheckoutRequest, GitCheckoutResponse>(
            MessageTypes.GitCheckout, new GitCheckoutRequest(part.ProjectId, "main"))).Code);
        await bench.ShellAsync("git add top");
        Assert.Equal(ErrorCode.Conflict, (await bench.RefusedAsync<GitCommitRequest, GitCommitResponse>(
            MessageTypes.GitCommit, new GitCommitRequest(part.ProjectId, "both"))).Code);

        foreach (var name in (string[])["--help", "-d", "a..b", "a b", "x.lock", "@", "a~1", "HEAD", ".a", "a//b", "a@{1}", ""])
        {
            Assert.Equal(ErrorCode.InvalidRequest, (await bench.RefusedAsync<GitBranchCreateRequest, GitBranchCreateResponse>(
                MessageTypes.GitBranchCreate, new GitBranchCreateRequest(bench.Project, name))).Code);
        }

        foreach (var name in (string[])["--upload-pack=x", "-q", "a..b", ":/x", "HEAD^{/x}", "^HEAD", ""])
        {
            Assert.Equal(ErrorCode.InvalidRequest, (await bench.RefusedAsync<GitCheckoutRequest, GitCheckoutResponse>(
                MessageTypes.GitCheckout, new GitCheckoutRequest(bench.Project, name))).Code);
        }

        foreach (var path in (string[])["../x", "/etc/passwd", ".git/config", "a/.GIT/x", "", "a//b", "./a", "a\0b"])
        {
            Assert.Equal(ErrorCode.InvalidRequest, (await bench.RefusedAsync<GitStageRequest, GitStageResponse>(
                MessageTypes.GitStage, new GitStageRequest(bench.Project, [path]))).Code);
        }
    }
}
