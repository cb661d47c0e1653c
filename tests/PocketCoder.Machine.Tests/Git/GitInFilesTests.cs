using PocketCoder.Machine.Git;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>Where git and files meet: marks in listings, and secrets that git has too.</summary>
public sealed class GitInFilesTests
{
    [Fact]
    public async Task A_listing_says_how_git_sees_what_is_in_it_and_a_projects_secrets_are_not_read_through_git_either()
    {
        await using var bench = await GitBench.StartAsync(
            """
            mkdir src
            echo one > src/a; echo one > same; echo KEY=first > .env
            git add -A; git commit -qm first
            echo two > src/a; echo KEY=second > .env; echo new > 'new "file"'; mkdir drafts; echo x > drafts/x
            git add .env
            """);
        await Wait.UntilAsync(async () => (await MarksAsync("")).Count > 0, "git's marks");
        Assert.Equal([(".env", "M."), ("drafts", "??"), ("new \"file\"", "??"), ("src", ".M")],
            (await MarksAsync("")).OrderBy(m => m.Item1, StringComparer.Ordinal));
        Assert.Equal([("a", ".M")], await MarksAsync("src"));

        var staged = Assert.Single((await bench.DiffAsync(GitDiffScope.Staged)).Files);
        Assert.Equal((".env", true, 0), (staged.Path, staged.Withheld, staged.Hunks.Count));
        Assert.False(Assert.Single((await bench.DiffAsync(GitDiffScope.Unstaged)).Files).Withheld);
        var shown = await bench.AskAsync<GitShowRequest, GitShowResponse>(MessageTypes.GitShow, new GitShowRequest(bench.Project, "HEAD"));
        Assert.Equal([".env"], shown.Files.Where(f => f.Withheld).Select(f => f.Path));
        Assert.DoesNotContain(shown.Files, f => f.Hunks.Any(h => h.Lines.Any(l => l.Text.Contains("KEY", StringComparison.Ordinal))));

        var asked = await bench.RefusedAsync<GitFileBaseRequest, GitFileBaseResponse>(
            MessageTypes.GitFileBase, new GitFileBaseRequest(bench.Project, ".env"));
        Assert.Equal(ErrorCode.ApprovalRequired, asked.Code);
        Assert.Equal(ErrorCode.ApprovalRequired, (await bench.RefusedAsync<GitBlameRequest, GitBlameResponse>(
            MessageTypes.GitBlame, new GitBlameRequest(bench.Project, ".env"))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await bench.RefusedAsync<GitBlameRequest, GitBlameResponse>(
            MessageTypes.GitBlame, new GitBlameRequest(bench.Project, "./.env"))).Code);
        Assert.Equal(ErrorCode.ApprovalRequired, (await bench.RefusedAsync<GitConflictRequest, GitConflictResponse>(
            MessageTypes.GitConflict, new GitConflictRequest(bench.Project, ".env"))).Code);
        var approval = Guid.Parse(asked.Details!["approvalId"]);
        var waits = (await bench.AskAsync<ApprovalsListRequest, ApprovalsListResponse>(
            MessageTypes.ApprovalsList, new ApprovalsListRequest())).Approvals.Single(a => a.ApprovalId == approval);
        await bench.Phone.Device.DecideAsync(waits, DecisionVerdict.Allow);
        var base64 = await bench.AskAsync<GitFileBaseRequest, GitFileBaseResponse>(
            MessageTypes.GitFileBase, new GitFileBaseRequest(bench.Project, ".env", ApprovalId: approval));
        Assert.Equal("KEY=first\n", base64.Content);
        // one decision, one file
        Assert.Equal("KEY=second\n", (await bench.AskAsync<FsReadRequest, FsReadResponse>(
            MessageTypes.FsRead, new FsReadRequest(bench.Project, ".env") { ApprovalId = approval })).Content);

        async Task<IReadOnlyList<(string, string)>> MarksAsync(string folder)
            => [.. (await bench.AskAsync<FsListRequest, FsListResponse>(MessageTypes.FsList, new FsListRequest(
                bench.Project, folder))).Children.Where(c => c.GitStatus is not null).Select(c => (c.Name, c.GitStatus!))];
    }

    [Fact]
    public async Task Where_git_can_not_run_files_are_listed_all_the_same()
    {
        // no repository any more, as git sees it
        await using var bench = await GitBench.StartAsync("echo one > a; mkdir .git/refs/heads/x; rm -rf .git/objects");
        Assert.NotEqual(ErrorCode.UnknownError, (await bench.RefusedAsync<GitStatusRequest, GitStatusResponse>(
            MessageTypes.GitStatus, new GitStatusRequest(bench.Project))).Code);
        var list = await bench.AskAsync<FsListRequest, FsListResponse>(MessageTypes.FsList, new FsListRequest(bench.Project));
        Assert.Contains(list.Children, c => c.Name == "a");
    }

    [Fact]
    public void Marks_of_a_folder_are_those_of_what_is_in_it()
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal)
        { ["a/x"] = "??", ["a/y"] = "??", ["b/x"] = "M.", ["b/y"] = "??", ["c"] = "A.", ["d/"] = "??", ["ab"] = "UU" };
        Assert.Equal([("a", "??"), ("ab", "UU"), ("b", ".M"), ("c", "A."), ("d", "??")],
            GitFileStatus.In("", all).OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => (m.Key, m.Value)));
        Assert.Equal([("x", "M."), ("y", "??")],
            GitFileStatus.In("b", all).OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => (m.Key, m.Value)));
    }
}
