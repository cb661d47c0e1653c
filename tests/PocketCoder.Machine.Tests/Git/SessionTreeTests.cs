using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>Sessions in worktrees of their own, with real git and a real sandbox.</summary>
public sealed class SessionTreeTests
{
    private const string Repository = "printf 'one\\ntwo\\nthree\\n' > f; git add f; git commit -qm first";
    private const string Author = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b\n";

    [Fact]
    public async Task Two_sessions_work_side_by_side_and_what_they_did_is_merged_or_thrown_away()
    {
        await using var bench = await GitBench.StartAsync(Repository);
        var before = await bench.ShellAsync("git config --list --local; cat .git/HEAD");
        var (first, second) = (await MakeAsync(bench, "fix/login"), await MakeAsync(bench, "spike"));
        Assert.Equal(new WorktreeInfo(bench.Project, "fix/login", "main", Gone: false), first.Worktree);
        Assert.StartsWith(bench.Daemon.Options.Home.Worktrees + "/", first.Path, StringComparison.Ordinal);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            new DirectoryInfo(Path.GetDirectoryName(first.Path)!).UnixFileMode);

        // Both at once, each in its own folder.
        await WriteAsync(first, $"set -e\n{Author}pwd; git status --short f; sed -i 's/one/ONE/' f; git add f; git commit -qm 'the first'; git log --oneline -1; git branch --show-current");
        await WriteAsync(second, $"set -e\n{Author}echo new > g; git add g; git commit -qm 'the second'; git branch --show-current; echo left > h");
        var results = await Task.WhenAll(RunAsync(bench, first), RunAsync(bench, second));
        Assert.Contains(first.Path, results[0].Output, StringComparison.Ordinal);
        Assert.Contains("fix/login", results[0].Output, StringComparison.Ordinal);
        Assert.False(results[0].Failed || results[1].Failed, results[0].Output + results[1].Output);
        Assert.Equal("one\ntwo\nthree\n", await bench.ReadAsync("f"));
        Assert.False(File.Exists(bench.Path("g")));
        Assert.Equal("", (await bench.ShellAsync("git status --short")).Trim());
        Assert.Equal(before, await bench.ShellAsync("git config --list --local; cat .git/HEAD"));

        // The worktree's own screens: files, status and the difference to the base.
        var read = await bench.AskAsync<FsReadRequest, FsReadResponse>(MessageTypes.FsRead, new FsReadRequest(first.ProjectId, "f"));
        Assert.Equal("ONE\ntwo\nthree\n", read.Content);
        var diff = await bench.AskAsync<GitDiffRequest, GitDiffResponse>(
            MessageTypes.GitDiff, new GitDiffRequest(first.ProjectId, GitDiffScope.Range, From: "main"));
        Assert.Contains(diff.Files, f => f.Path == "f");
        var state = await StateAsync(bench, first);
        Assert.Equal((1, 0, 1, 1, true), (state.Ahead, state.Behind, state.Files, state.Uncommitted, state.BaseCheckedOut));
        Assert.Equal("uncommitted", (await MergeRefusedAsync(bench, first, state.Commit!)).Details!["reason"]); // work.sh

        File.Delete(Path.Combine(first.Path, "work.sh"));
        state = await StateAsync(bench, first);
        Assert.Equal((0, 0), (state.Uncommitted, state.Conflicts.Count));
        Assert.Equal("moved", (await MergeRefusedAsync(bench, first, new string('0', 40))).Details!["reason"]);
        var merged = await bench.AskAsync<SessionWorktreeMergeRequest, SessionWorktreeMergeResponse>(
            MessageTypes.SessionWorktreeMerge, new SessionWorktreeMergeRequest(first.ProjectId, state.Commit!));
        Assert.False(merged.AlreadyMerged);
        Assert.Equal("ONE\ntwo\nthree\n", await bench.ReadAsync("f"));

        // Merged, so nothing is lost; the other is not, so it is held.
        Assert.Null((await StateAsync(bench, first)).Loss);
        await DiscardAsync(bench, first, null);
        Assert.False(Directory.Exists(first.Path));
        Assert.DoesNotContain("fix/login", await bench.ShellAsync("git branch --list; git worktree list"), StringComparison.Ordinal);
        var held = await bench.RefusedAsync<SessionWorktreeDiscardRequest, SessionWorktreeDiscardResponse>(
            MessageTypes.SessionWorktreeDiscard, new SessionWorktreeDiscardRequest(second.ProjectId));
        Assert.Equal((ErrorCode.Conflict, "would_lose"), (held.Code, held.Details!["reason"]));
        Assert.True(File.Exists(Path.Combine(second.Path, "h")));
        var loss = (await StateAsync(bench, second)).Loss;
        await File.WriteAllTextAsync(Path.Combine(second.Path, "later"), "x"); // something else by now
        await bench.RefusedAsync<SessionWorktreeDiscardRequest, SessionWorktreeDiscardResponse>(
            MessageTypes.SessionWorktreeDiscard, new SessionWorktreeDiscardRequest(second.ProjectId, loss));
        var gone = await DiscardAsync(bench, second, (await StateAsync(bench, second)).Loss);
        Assert.Equal(gone, await DiscardAsync(bench, second, null)); // again: the same
        Assert.False(Directory.Exists(second.Path));
        Assert.False(Directory.Exists(bench.Path(".git/worktrees")));
        Assert.Contains("the second", await bench.ShellAsync($"git log --oneline -1 {gone}"), StringComparison.Ordinal);

        // What was said there can be read; nothing runs there any more.
        var machine = await bench.AskAsync<MachineStateRequest, MachineStateResponse>(MessageTypes.MachineState, new MachineStateRequest());
        Assert.Equal(2, machine.Sessions.Count(s => s.ProjectId == first.ProjectId || s.ProjectId == second.ProjectId));
        Assert.All(machine.Projects.Where(p => p.Worktree is not null), p => Assert.True(p is { Missing: true, Worktree.Gone: true }));
        var late = await Assert.ThrowsAsync<WireErrorException>(() => NewAsync(bench, first.ProjectId, "run: true"));
        Assert.Equal(ErrorCode.ProjectNotFound, late.Error.Code);
        Directory.CreateDirectory(first.Path); // whatever is there by now is not it
        var session = machine.Sessions.First(s => s.ProjectId == first.ProjectId).AgentSessionId;
        await bench.Phone.Device.SubscribeAsync($"session/{session}");
        await bench.Phone.PromptAsync(session, "run: echo again");
        var ended = await bench.Phone.Device.NextEventAsync<DoneEvent>(e => e.Outcome == TurnState.Failed);
        Assert.NotNull(ended);
        Assert.Contains((await bench.Phone.GetAsync(session)).Turns, t => t.Error?.Contains("thrown away", StringComparison.Ordinal) == true);
        Assert.True((await bench.Phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task A_command_in_a_worktree_changes_nothing_of_the_repository_but_objects_branches_and_its_own()
    {
        await using var bench = await GitBench.StartAsync(
            $"{Repository}; git branch packed; git pack-refs --all; git tag t; mkdir -p .git/info; echo x > .git/info/exclude");
        var (own, other) = (await MakeAsync(bench, "own"), await MakeAsync(bench, "other"));
        var git = bench.Path(".git");
        var name = Path.GetFileName(own.Path);
        const string Look = "cd .git; find . -type f ! -path './objects/??/*' ! -path './worktrees/*/index' ! -path './worktrees/*/logs/*' ! -path './logs/refs/heads/own' | sort | xargs sha256sum";
        var before = await bench.ShellAsync(Look);
        var script = $$"""
            G='{{git}}'
            try() { if eval "$1" 2> /dev/null; then echo "DONE $1"; fi; }
            try 'printf "[core]\n\tfsmonitor = evil\n" >> $G/config'
            try 'printf "[core]\n\tfsmonitor = evil\n" > $G/new && mv $G/new $G/config'
            try 'mv $G/config $G/config2'
            try 'git config core.fsmonitor evil'
            try 'git config --global core.x y && cp ~/.gitconfig $G/config.worktree'
            try 'echo x > $G/hooks/pre-commit'
            try 'mkdir -p $G/hooks && echo x > $G/hooks/pre-commit'
            try 'echo x > $G/commondir'
            try 'echo "ref: refs/heads/evil" > $G/HEAD'
            try 'echo x > $G/index'
            try 'echo x > $G/packed-refs'
            try 'echo x > $G/refs/tags/evil'
            try 'echo "* filter=x" > $G/info/attributes'
            try 'mkdir $G/modules/x'
            try 'echo x > $G/worktrees/{{Path.GetFileName(other.Path)}}/HEAD'
            try 'rm -r $G/worktrees/{{Path.GetFileName(other.Path)}}'
            try 'mkdir $G/worktrees/evil'
            try 'echo /tmp > $G/worktrees/{{name}}/commondir'
            try 'echo /tmp > $G/worktrees/{{name}}/gitdir'
            try 'rm $G/worktrees/{{name}}/locked'
            try 'mv $G/worktrees/{{name}} $G/worktrees/evil'
            try 'mv $G/refs/heads $G/refs/x'
            try 'echo /tmp > $G/objects/info/alternates'
            try 'echo "gitdir: /tmp" > .git'
            try 'rm .git'
            try 'ls {{other.Path}}'
            echo x >> {{bench.Folder}}/f 2> /dev/null || true # where that is in the sandbox's own /tmp, it reaches nobody
            echo end
            """;
        await WriteAsync(own, script);
        var result = await RunAsync(bench, own);
        Assert.Equal("end", result.Output.Trim());
        File.Delete(Path.Combine(own.Path, "work.sh"));
        Assert.Equal(before, await bench.ShellAsync(Look));
        Assert.Equal("one\ntwo\nthree\n", await bench.ReadAsync("f"));

        // What no mount can cover is put back before anybody is told.
        await WriteAsync(own, $"printf '[core]\\n\\tfsmonitor = evil\\n' > {git}/worktrees/{name}/config.worktree; mkdir -p {git}/objects/pack; echo end");
        await RunAsync(bench, own, expectsAlarm: true);
        Assert.False(File.Exists($"{git}/worktrees/{name}/config.worktree"));

        // Also a command that was allowed with protected configuration in view gets no further.
        await WriteAsync(own, "echo evil > .envrc; git config core.fsmonitor evil; echo ended");
        var opened = await RunAsync(bench, own, "run: sh work.sh; touch .envrc");
        Assert.DoesNotContain("fsmonitor", await bench.ShellAsync("cat .git/config"), StringComparison.Ordinal);
        Assert.Contains("ended", opened.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_conflict_is_said_and_the_project_stays_as_it_is()
    {
        await using var bench = await GitBench.StartAsync(Repository);
        var tree = await MakeAsync(bench, "own");
        await GitBench.ShellAsync(tree.Path, "sed -i s/two/THEIRS/ f; git commit -qam theirs");
        await bench.ShellAsync("sed -i s/two/OURS/ f; git commit -qam ours");
        var head = await bench.ShellAsync("git rev-parse HEAD; git status --short; ls .git");
        var state = await StateAsync(bench, tree);
        Assert.Equal(["f"], state.Conflicts);
        Assert.Equal((1, 1), (state.Ahead, state.Behind));
        var refused = await MergeRefusedAsync(bench, tree, state.Commit!);
        Assert.Equal((ErrorCode.GitConflict, "f"), (refused.Code, refused.Details!["paths"]));
        Assert.Equal(head, await bench.ShellAsync("git rev-parse HEAD; git status --short; ls .git"));

        await bench.ShellAsync("git checkout -q -b elsewhere");
        await GitBench.ShellAsync(tree.Path, "git merge -q -X ours main -m both");
        state = await StateAsync(bench, tree);
        Assert.Equal((0, false), (state.Conflicts.Count, state.BaseCheckedOut));
        Assert.Equal("base", (await MergeRefusedAsync(bench, tree, state.Commit!)).Details!["reason"]);
    }

    [Fact]
    public async Task A_repeated_request_makes_no_second_worktree_and_what_a_crash_cut_off_is_finished_or_taken_away()
    {
        var at = "worktree_made";
        await using var daemon = await TestDaemon.StartAsync(
            sandbox: SandboxKind.Bubblewrap,
            seams: s => s with { Seam = step => _ = step == at ? throw new InvalidOperationException("as if killed here") : 0 });
        await using var bench = await GitBench.StartAsync(daemon, Repository);
        var id = Guid.CreateVersion7();
        var request = new SessionWorktreeCreateRequest(id, bench.Project, "own");
        foreach (var step in (string[])["worktree_made", "worktree_recorded"])
        {
            at = step;
            Assert.Equal(ErrorCode.UnknownError, (await CreateRefusedAsync(bench, request)).Code);
        }

        at = "";
        var made = await CreateAsync(bench, request);
        Assert.Equal(made, await CreateAsync(bench, request));
        Assert.Single(Directory.EnumerateDirectories(daemon.Options.Home.Worktrees));
        Assert.Equal(2, (await bench.ShellAsync("git worktree list")).Trim().Split('\n').Length);
        Assert.Equal(ErrorCode.Conflict, (await CreateRefusedAsync(bench, request with { Branch = "another" })).Code);
        Assert.Equal("branch_exists",
            (await CreateRefusedAsync(bench, request with { WorktreeId = Guid.CreateVersion7() })).Details!["reason"]);

        // Nobody asks again: the next start takes it away, and finishes what was being removed.
        at = "worktree_made";
        await CreateRefusedAsync(bench, request with { WorktreeId = Guid.CreateVersion7(), Branch = "left" });
        Assert.Contains("left", await bench.ShellAsync("git branch --list"), StringComparison.Ordinal);
        at = "worktree_removing";
        await bench.RefusedAsync<SessionWorktreeDiscardRequest, SessionWorktreeDiscardResponse>(
            MessageTypes.SessionWorktreeDiscard, new SessionWorktreeDiscardRequest(id));
        at = "";
        Assert.True(Directory.Exists(made.Path));
        await daemon.RestartAsync();
        await Wait.UntilAsync(
            () => !Directory.EnumerateDirectories(daemon.Options.Home.Worktrees).Any() && !Directory.Exists(bench.Path(".git/worktrees")),
            "the end of what was cut off");
        await Wait.UntilAsync(
            async () => (await bench.ShellAsync("git branch --list")).Trim() == "* main", "the end of its branch");
        await using var again = await bench.AgainAsync();
        await Wait.UntilAsync(
            async () => (await again.AskAsync<ProjectsListRequest, ProjectsListResponse>(
                MessageTypes.ProjectsList, new ProjectsListRequest())).Projects.Count(p => p.Worktree is { Gone: true }) == 1,
            "what was thrown away, told as gone");
    }

    [Fact]
    public async Task A_worktree_that_the_owner_removed_by_hand_runs_nothing_and_says_why()
    {
        await using var bench = await GitBench.StartAsync(Repository);
        var (folder, known) = (await MakeAsync(bench, "folder"), await MakeAsync(bench, "known"));
        await WriteAsync(known, "echo ran");
        var session = await NewAsync(bench, known.ProjectId, "run: sh work.sh");
        var asked = await bench.Phone.AskedAsync();
        await bench.ShellAsync($"rm -rf '{folder.Path}'; rm -rf '.git/worktrees/{Path.GetFileName(known.Path)}'");

        await bench.Phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var result = await bench.Phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.True(result.Failed);
        Assert.Contains("does not know this worktree any more", result.Output, StringComparison.Ordinal);
        var git = await bench.RefusedAsync<GitStatusRequest, GitStatusResponse>(
            MessageTypes.GitStatus, new GitStatusRequest(known.ProjectId));
        Assert.Contains("does not know this worktree any more", git.Message, StringComparison.Ordinal);
        var late = await Assert.ThrowsAsync<WireErrorException>(() => NewAsync(bench, folder.ProjectId, "run: true"));
        Assert.Equal(ErrorCode.ProjectNotFound, late.Error.Code);
        var state = await StateAsync(bench, folder);
        Assert.Contains("no longer exists", state.Problem, StringComparison.Ordinal);
        Assert.Equal("broken", (await MergeRefusedAsync(bench, folder, state.Commit!)).Details!["reason"]);
        await DiscardAsync(bench, folder, state.Loss);
        Assert.DoesNotContain("folder", await bench.ShellAsync("git worktree list; git branch --list"), StringComparison.Ordinal);
        Assert.NotEqual(Guid.Empty, session);
    }

    [Fact]
    public async Task Making_merging_and_throwing_away_need_the_right_to_decide_and_the_parents_rules_hold()
    {
        await using var bench = await GitBench.StartAsync(Repository);
        var tree = await MakeAsync(bench, "own");
        await using var asked = GitBench.Of(bench.Daemon, await bench.Daemon.PhoneAsync("tablet", Scope.View, Scope.Prompt));
        Assert.Equal(ErrorCode.Unauthorized, (await CreateRefusedAsync(
            asked, new SessionWorktreeCreateRequest(Guid.CreateVersion7(), bench.Project, "theirs"))).Code);
        Assert.Equal(ErrorCode.Unauthorized, (await MergeRefusedAsync(asked, tree, new string('0', 40))).Code);
        Assert.Equal(ErrorCode.Unauthorized, (await asked.RefusedAsync<SessionWorktreeDiscardRequest, SessionWorktreeDiscardResponse>(
            MessageTypes.SessionWorktreeDiscard, new SessionWorktreeDiscardRequest(tree.ProjectId))).Code);
        Assert.Equal("own", (await StateAsync(asked, tree)).Branch);

        // A worktree is no way around what holds for its project.
        await bench.AskAsync<CommandPolicySetRequest, CommandPolicySetResponse>(MessageTypes.CommandPolicySet,
            new CommandPolicySetRequest(
                bench.Project, new CommandPolicy(CommandVerdict.Allow, [new CommandRule(CommandVerdict.Deny, "rm *")])));
        var refused = await bench.RefusedAsync<CommandExecRequest, CommandExecResponse>(
            MessageTypes.CommandExec, new CommandExecRequest(Guid.CreateVersion7(), tree.ProjectId, "rm f"));
        Assert.Equal(ErrorCode.Unauthorized, refused.Code);

        await Assert.ThrowsAsync<ControlException>(
            () => bench.Daemon.Daemon.AsOwner().RemoveProjectAsync(bench.Project, CancellationToken.None));

        // What the shared repository makes git run is on the card of a command in the worktree.
        await bench.ShellAsync("git config core.fsmonitor ./evil");
        await NewAsync(bench, tree.ProjectId, "run: git status");
        Assert.Contains((await bench.Phone.AskedAsync()).Risk!.Consequences,
            c => c.Sentence.Contains("file system monitor", StringComparison.OrdinalIgnoreCase));

        foreach (var name in (string[])["-x", "a b", "a..b", "x.lock", "a\u202eb", "a\u0085b"])
        {
            Assert.Equal(ErrorCode.InvalidRequest, (await CreateRefusedAsync(
                bench, new SessionWorktreeCreateRequest(Guid.CreateVersion7(), bench.Project, name))).Code);
        }

        Assert.Equal(ErrorCode.Conflict, (await CreateRefusedAsync(
            bench, new SessionWorktreeCreateRequest(Guid.CreateVersion7(), bench.Project, "x", "nowhere"))).Code);
        Assert.Equal(ErrorCode.PermissionDenied, (await CreateRefusedAsync(
            bench, new SessionWorktreeCreateRequest(Guid.CreateVersion7(), tree.ProjectId, "x"))).Code);
    }

    [Fact]
    public async Task What_brings_protected_configuration_is_decided_first_and_done_once()
    {
        await using var bench = await GitBench.StartAsync(
            $"{Repository}; git checkout -q -b tools; mkdir .vscode; echo x > .vscode/a; git add .; git commit -qm tools; git checkout -q main");
        var request = new SessionWorktreeCreateRequest(Guid.CreateVersion7(), bench.Project, "own", "tools");
        var first = await CreateRefusedAsync(bench, request);
        Assert.False(Directory.Exists(bench.Daemon.Options.Home.Worktrees));
        Assert.Equal(first.Details!["approvalId"], (await CreateRefusedAsync(bench, request)).Details!["approvalId"]);
        await AllowAsync(bench, first);
        var tree = await CreateAsync(bench, request); // it is there: nothing is made or asked again
        Assert.True(File.Exists(Path.Combine(tree.Path, ".vscode", "a")));
        Assert.False(Directory.Exists(bench.Path(".vscode")));

        var other = await MakeAsync(bench, "other");
        await GitBench.ShellAsync(other.Path, "echo x > .envrc; git add .envrc; git commit -qm envrc");
        await AllowAsync(bench, await MergeRefusedAsync(bench, other, (await StateAsync(bench, other)).Commit!));
        Assert.True(File.Exists(bench.Path(".envrc")));
        Assert.Null((await StateAsync(bench, other)).Loss);
    }

    private static async Task AllowAsync(GitBench bench, WireError required)
    {
        Assert.Equal(ErrorCode.ApprovalRequired, required.Code);
        var list = await bench.AskAsync<ApprovalsListRequest, ApprovalsListResponse>(
            MessageTypes.ApprovalsList, new ApprovalsListRequest());
        var ended = await bench.EndAsync(list.Approvals.Single(a => a.ApprovalId == Guid.Parse(required.Details!["approvalId"])));
        Assert.True(ended is { State: ApprovalState.Finished, Execution.Failed: false }, $"{ended.State} {ended.Execution?.Error}");
    }

    private static async Task<ProjectInfo> MakeAsync(GitBench bench, string branch)
        => await CreateAsync(bench, new SessionWorktreeCreateRequest(Guid.CreateVersion7(), bench.Project, branch));

    private static async Task<ProjectInfo> CreateAsync(GitBench bench, SessionWorktreeCreateRequest request)
        => (await bench.AskAsync<SessionWorktreeCreateRequest, SessionWorktreeCreateResponse>(MessageTypes.SessionWorktreeCreate, request))
            .Project;

    private static Task<WireError> CreateRefusedAsync(GitBench bench, SessionWorktreeCreateRequest request)
        => bench.RefusedAsync<SessionWorktreeCreateRequest, SessionWorktreeCreateResponse>(MessageTypes.SessionWorktreeCreate, request);

    private static Task<SessionWorktreeStateResponse> StateAsync(GitBench bench, ProjectInfo tree)
        => bench.AskAsync<SessionWorktreeStateRequest, SessionWorktreeStateResponse>(
            MessageTypes.SessionWorktreeState, new SessionWorktreeStateRequest(tree.ProjectId));

    private static Task<WireError> MergeRefusedAsync(GitBench bench, ProjectInfo tree, string commit)
        => bench.RefusedAsync<SessionWorktreeMergeRequest, SessionWorktreeMergeResponse>(
            MessageTypes.SessionWorktreeMerge, new SessionWorktreeMergeRequest(tree.ProjectId, commit));

    private static async Task<string?> DiscardAsync(GitBench bench, ProjectInfo tree, string? loss)
        => (await bench.AskAsync<SessionWorktreeDiscardRequest, SessionWorktreeDiscardResponse>(
            MessageTypes.SessionWorktreeDiscard, new SessionWorktreeDiscardRequest(tree.ProjectId, loss))).Commit;

    private static Task WriteAsync(ProjectInfo tree, string script)
        => File.WriteAllTextAsync(Path.Combine(tree.Path, "work.sh"), script + "\n");

    private static async Task<Guid> NewAsync(GitBench bench, Guid project, string prompt)
    {
        var session = Guid.CreateVersion7();
        await bench.AskAsync<AgentSessionNewRequest, AgentSessionNewResponse>(MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), project, "stub", prompt, Sandbox: SandboxKind.Bubblewrap));
        await bench.Phone.Device.SubscribeAsync($"session/{session}");
        return session;
    }

    /// <summary>A session of the demo agent, on a phone of its own, that runs the worktree's script.</summary>
    private static async Task<ToolResultEvent> RunAsync(
        GitBench bench, ProjectInfo tree, string prompt = "run: sh work.sh", bool expectsAlarm = false)
    {
        await using var mine = GitBench.Of(bench.Daemon, await bench.Daemon.PhoneAsync("another"));
        var phone = mine.Phone;
        await NewAsync(mine, tree.ProjectId, prompt);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        var rows = await phone.LedgerAsync(asked.ApprovalId);
        if (expectsAlarm)
        {
            Assert.Contains("alarm_raised", rows);
        }

        await phone.DoneAsync();
        return result;
    }
}
