using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Git;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>
/// Operations of git that would change protected configuration of the work tree are decided on first, and done as they were shown.
/// </summary>
public sealed class ProtectedTreeTests
{
    private const string Evil = "evil\n";

    /// <summary>main without configuration; <c>evil</c> with it; a stash that has it.</summary>
    private const string Setup =
        """
        printf '1\n' > f; git add f; git commit -qm first; git branch start
        git checkout -qb evil; printf 'evil\n' > .mcp.json; mkdir -p sub/.vscode; printf 'evil\n' > sub/.vscode/tasks.json; git add .; git commit -qm evil
        git checkout -q main; printf '2\n' > g; git add g; git commit -qm second
        """;

    /// <summary>Operations that never write a file of the work tree.</summary>
    private static readonly string[] s_harmless =
    [
        MessageTypes.GitStage, MessageTypes.GitUnstage, MessageTypes.GitCommit, MessageTypes.GitTagCreate, MessageTypes.GitTagDelete,
        MessageTypes.GitWorktreeRemove, // takes a further checkout away, and only as it was committed unless that is forced
    ];

    /// <summary>One request of each other type, with what makes the repository ready for it.</summary>
    private static readonly (string Type, string Before, Func<GitBench, Task> Ask)[] s_asking =
    [
        (MessageTypes.GitCheckout, "",
            b => b.AskAsync<GitCheckoutRequest, GitCheckoutResponse>(MessageTypes.GitCheckout, new GitCheckoutRequest(b.Project, "evil"))),
        (MessageTypes.GitCheckout, "", async b => await b.AskAsync<GitCheckoutRequest, GitCheckoutResponse>(
            MessageTypes.GitCheckout, new GitCheckoutRequest(b.Project, (await b.ShellAsync("git rev-parse evil")).Trim()))),
        (MessageTypes.GitBranchCreate, "", b => b.AskAsync<GitBranchCreateRequest, GitBranchCreateResponse>(
            MessageTypes.GitBranchCreate, new GitBranchCreateRequest(b.Project, "new", "evil", Checkout: true))),
        (MessageTypes.GitWorktreeCreate, "", b => b.AskAsync<GitWorktreeCreateRequest, GitWorktreeCreateResponse>(
            MessageTypes.GitWorktreeCreate, new GitWorktreeCreateRequest(b.Project, "w", "evil"))),
        (
            MessageTypes.GitWorktreeMerge, "printf '*\\n' > .git/info/exclude; git worktree add -q .worktrees/w evil",
            b => b.AskAsync<GitWorktreeMergeRequest, GitWorktreeMergeResponse>(
                MessageTypes.GitWorktreeMerge, new GitWorktreeMergeRequest(b.Project, "w"))),
        (
            MessageTypes.GitWorktreeMerge, // ours renames into protection what theirs changes
            "git checkout -q start; git checkout -qb theirs; printf '1\\nevil\\n' > f; git commit -qam theirs; git checkout -q main; git mv f .envrc; git commit -qm renamed; printf '*\\n' > .git/info/exclude; git worktree add -q .worktrees/w theirs",
            b => b.AskAsync<GitWorktreeMergeRequest, GitWorktreeMergeResponse>(
                MessageTypes.GitWorktreeMerge, new GitWorktreeMergeRequest(b.Project, "w"))),
        (MessageTypes.GitStash, "printf 'mine\\n' > .mcp.json",
            b => b.AskAsync<GitStashRequest, GitStashResponse>(MessageTypes.GitStash, new GitStashRequest(b.Project, GitStashAction.Push))),
        (MessageTypes.GitStash, "printf 'evil\\n' > .mcp.json; git stash push -q -u", b => StashAsync(b, GitStashAction.Apply)),
        (MessageTypes.GitStash, "printf 'evil\\n' > .mcp.json; git add .mcp.json; git stash push -q",
            b => StashAsync(b, GitStashAction.Pop)),
        (MessageTypes.GitDiscard, "git checkout -q evil; printf 'x\\n' > .mcp.json", b => b.AskAsync<GitDiscardRequest, GitDiscardResponse>(
            MessageTypes.GitDiscard, new GitDiscardRequest(b.Project, [".mcp.json"]))),
        (MessageTypes.GitDiscard, "printf 'x\\n' > sub.txt; mkdir sub; mkdir sub/.vscode; printf 'x\\n' > sub/.vscode/new",
            b => b.AskAsync<GitDiscardRequest, GitDiscardResponse>(MessageTypes.GitDiscard, new GitDiscardRequest(b.Project, ["sub"]))),
        (
            MessageTypes.GitConflictResolve,
            "git checkout -q evil; git checkout -qb mine; printf 'mine\\n' > .mcp.json; git commit -qam mine; git checkout -q evil; printf 'other\\n' > .mcp.json; git commit -qam other; git merge mine > /dev/null 2>&1 || true",
            b => b.AskAsync<GitConflictResolveRequest, GitConflictResolveResponse>(
                MessageTypes.GitConflictResolve, new GitConflictResolveRequest(b.Project, ".mcp.json", GitResolution.Theirs))),
        (
            MessageTypes.GitOperation,
            "git checkout -q evil; git checkout -qb mine; printf 'mine\\n' > .mcp.json; git commit -qam mine; git checkout -q evil; printf 'other\\n' > .mcp.json; git commit -qam other; git merge mine > /dev/null 2>&1 || true",
            b => b.AskAsync<GitOperationRequest, GitOperationResponse>(
                MessageTypes.GitOperation, new GitOperationRequest(b.Project, GitOperationStep.Abort))),
        (
            MessageTypes.GitOperation, // what a rebase still has to take
            "git checkout -q evil; git checkout -q start; git checkout -qb work; printf '9\\n' > f; git commit -qam nine; git cherry-pick evil > /dev/null; git checkout -q main; printf '3\\n' > f; git commit -qam three; git checkout -q work; git rebase main > /dev/null 2>&1 || true; printf '9\\n' > f; git add f",
            b => b.AskAsync<GitOperationRequest, GitOperationResponse>(
                MessageTypes.GitOperation, new GitOperationRequest(b.Project, GitOperationStep.Continue))),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, s_asking.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task It_asks_first_and_leaves_everything_as_it_is(int at)
    {
        var (type, before, ask) = s_asking[at];
        await using var bench = await GitBench.StartAsync($"{Setup}\n{before}");
        var state = await StateAsync(bench);
        var failure = await Record.ExceptionAsync(() => ask(bench));
        Assert.True(failure is WireErrorException { Error.Code: ErrorCode.ApprovalRequired },
            $"{type}: {(failure as WireErrorException)?.Error.Code.ToString() ?? failure?.Message ?? "done"}");
        Assert.Equal(state, await StateAsync(bench));
        var again = Assert.IsType<WireErrorException>(await Record.ExceptionAsync(() => ask(bench))).Error;
        // the same is not asked twice
        Assert.Equal(((WireErrorException)failure!).Error.Details!["approvalId"], again.Details!["approvalId"]);

        // Allowed, it is done as it was asked for.
        var approval = await ApprovalAsync(bench, again);
        var ended = await bench.EndAsync(approval);
        Assert.True(ended is { State: ApprovalState.Finished, Execution.Failed: false }, $"{type}: {ended.State} {ended.Execution?.Error}");
        Assert.NotEqual(state, await StateAsync(bench));
        var rows = (await bench.AskAsync<LedgerListRequest, LedgerListResponse>(
            MessageTypes.LedgerList, new LedgerListRequest(Limit: 20))).Rows;
        Assert.Contains(rows, r => r.Body.Contains("\"git_changed\"", StringComparison.Ordinal)
            && r.Body.Contains($"\"{type}\"", StringComparison.Ordinal));
        Assert.DoesNotContain(rows, r => r.Body.Contains("\"alarm_raised\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_message_that_changes_a_repository_is_tried_here_or_never_writes_the_work_tree()
    {
        await using var bench = await GitBench.StartAsync(Setup);
        Assert.Equal(
            bench.Daemon.Daemon.Table.Routes.Where(r => r.Scope == Scope.Decide && r.Type.StartsWith("git_", StringComparison.Ordinal))
                .Select(r => r.Type).Order(StringComparer.Ordinal),
            s_asking.Select(a => a.Type).Concat(s_harmless).Append(MessageTypes.GitDiscardUndo).Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_it_would_bring_is_shown_and_another_thing_is_not_done()
    {
        await using var bench = await GitBench.StartAsync(Setup);
        var request = new GitCheckoutRequest(bench.Project, "evil");
        var asked = await ApprovalAsync(
            bench, await bench.RefusedAsync<GitCheckoutRequest, GitCheckoutResponse>(MessageTypes.GitCheckout, request));
        var subject = Assert.IsType<FileSubject>(asked.Subject);
        Assert.Equal((".mcp.json", FileOperation.Write), (subject.Path, subject.Operation));
        Assert.Contains("sub/.vscode/tasks.json", subject.Why, StringComparison.Ordinal);
        Assert.Equal([".mcp.json", "sub/.vscode/tasks.json"], subject.Diffs!.Select(d => d.Path));
        Assert.Equal("evil", Assert.Single(Assert.Single(subject.Diffs![0].Hunks).Lines).Text);

        // the branch moves before somebody decides
        await bench.ShellAsync("git checkout -q evil; printf 'worse\\n' > .mcp.json; git commit -qam worse; git checkout -q main");
        await bench.EndAsync(asked);
        Assert.False(File.Exists(bench.Path(".mcp.json")));
        Assert.Equal("main", (await bench.StatusAsync()).Branch);
    }

    [Fact]
    public async Task What_touches_nothing_protected_is_not_asked_about_and_an_undone_discard_is()
    {
        await using var bench = await GitBench.StartAsync($"{Setup}\ngit branch evil2 evil");
        await bench.AskAsync<GitCheckoutRequest, GitCheckoutResponse>(
            MessageTypes.GitCheckout, new GitCheckoutRequest(bench.Project, "start"));
        await bench.AskAsync<GitCheckoutRequest, GitCheckoutResponse>(
            MessageTypes.GitCheckout, new GitCheckoutRequest(bench.Project, "main"));
        await bench.ShellAsync("git checkout -q evil");
        // the same configuration
        await bench.AskAsync<GitCheckoutRequest, GitCheckoutResponse>(
            MessageTypes.GitCheckout, new GitCheckoutRequest(bench.Project, "evil2"));
        await bench.WriteAsync(".mcp.json", "mine\n");
        await bench.WriteAsync("f", "mine\n");
        await bench.AskAsync<GitDiscardRequest, GitDiscardResponse>(MessageTypes.GitDiscard, new GitDiscardRequest(bench.Project, ["f"]));

        await bench.EndAsync(await ApprovalAsync(bench, await bench.RefusedAsync<GitDiscardRequest, GitDiscardResponse>(
            MessageTypes.GitDiscard, new GitDiscardRequest(bench.Project, [".mcp.json"]))));
        Assert.Equal(Evil, await bench.ReadAsync(".mcp.json"));
        var id = (await bench.ShellAsync(
            "git for-each-ref --sort=-refname --count=1 --format='%(refname)' refs/pocketcoder/discards")).Trim().Split('/')[3];
        var undo = await bench.RefusedAsync<GitDiscardUndoRequest, GitDiscardUndoResponse>(
            MessageTypes.GitDiscardUndo, new GitDiscardUndoRequest(bench.Project, Guid.Parse(id)));
        Assert.Equal(Evil, await bench.ReadAsync(".mcp.json"));
        await bench.EndAsync(await ApprovalAsync(bench, undo));
        Assert.Equal("mine\n", await bench.ReadAsync(".mcp.json"));
    }

    [Theory]
    [InlineData(GitPullMode.FastForward)]
    [InlineData(GitPullMode.Merge)]
    [InlineData(GitPullMode.Rebase)]
    public async Task A_pull_that_brings_protected_configuration_only_fetches_and_asks_about_what_came(GitPullMode mode)
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        await using var server = await SshServer.StartAsync();
        await using var bench = await GitBench.StartAsync(
            $"printf 'a\\n' > a; git add a; git commit -qm first; git remote add origin \"{server.Url}\"", ssh: server.Client());
        await bench.DoneAsync(MessageTypes.GitPush, new GitPushRequest(bench.Project, SetUpstream: true));
        await GitBench.ShellAsync(
            server.Repository,
            "git clone -q . ../clone; cd ../clone; git config user.name B; git config user.email b@example.org; printf 'evil\\n' > .mcp.json; git add .mcp.json; git commit -qm theirs; git push -q origin main");
        if (mode != GitPullMode.FastForward)
        {
            await bench.ShellAsync("printf 'b\\n' > b; git add b; git commit -qm ours");
        }

        var pulled = await bench.EndAsync(MessageTypes.GitPull, new GitPullRequest(bench.Project, mode));
        Assert.StartsWith("APPROVAL_REQUIRED", pulled.Execution!.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(bench.Path(".mcp.json")));
        var waits = Assert.Single((await bench.AskAsync<ApprovalsListRequest, ApprovalsListResponse>(
            MessageTypes.ApprovalsList, new ApprovalsListRequest())).Approvals);
        Assert.Equal(".mcp.json", Assert.IsType<FileSubject>(waits.Subject).Path);
        var joined = await bench.EndAsync(waits);
        Assert.True(joined.Execution!.Failed == false, joined.Execution.Error);
        Assert.Equal(Evil, await bench.ReadAsync(".mcp.json"));

        // What is in there already is not asked about again.
        var again = await bench.EndAsync(MessageTypes.GitPull, new GitPullRequest(bench.Project, mode));
        Assert.True(again.Execution!.Failed == false, again.Execution.Error);
    }

    private static async Task StashAsync(GitBench bench, GitStashAction action)
    {
        var stash = (await bench.AskAsync<GitStashesRequest, GitStashesResponse>(
            MessageTypes.GitStashes, new GitStashesRequest(bench.Project))).Stashes[0];
        await bench.AskAsync<GitStashRequest, GitStashResponse>(
            MessageTypes.GitStash, new GitStashRequest(bench.Project, action, stash.Commit));
    }

    private static Task<string> StateAsync(GitBench bench) => bench.ShellAsync(
        "git rev-parse HEAD; git symbolic-ref HEAD || true; git stash list --format=%H; git --no-optional-locks status --porcelain -uall; find . -path ./.git -prune -o -type f -print | sort | xargs -d '\\n' sha256sum");

    private static async Task<ApprovalInfo> ApprovalAsync(GitBench bench, WireError required)
    {
        Assert.Equal(ErrorCode.ApprovalRequired, required.Code);
        var list = await bench.AskAsync<ApprovalsListRequest, ApprovalsListResponse>(
            MessageTypes.ApprovalsList, new ApprovalsListRequest());
        return list.Approvals.Single(a => a.ApprovalId == Guid.Parse(required.Details!["approvalId"]));
    }
}
