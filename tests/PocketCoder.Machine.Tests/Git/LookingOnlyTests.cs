using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>
/// Every message about a repository that needs only <c>view</c>: whatever the repository names, nothing of it runs to any effect, and
/// nothing is written.
/// </summary>
public sealed class LookingOnlyTests
{
    /// <summary>One good request of each type. A type of the table that is not here fails the test: so a new one is attacked too.</summary>
    private static readonly Dictionary<string, Func<Guid, string>> s_requests = new(StringComparer.Ordinal)
    {
        [MessageTypes.GitStatus] = p => $$"""{"projectId":"{{p}}"}""",
        [MessageTypes.GitBranches] = p => $$"""{"projectId":"{{p}}"}""",
        [MessageTypes.GitTags] = p => $$"""{"projectId":"{{p}}"}""",
        [MessageTypes.GitRemotes] = p => $$"""{"projectId":"{{p}}"}""",
        [MessageTypes.GitStashes] = p => $$"""{"projectId":"{{p}}"}""",
        [MessageTypes.GitWorktrees] = p => $$"""{"projectId":"{{p}}"}""",
        [MessageTypes.GitSubmodules] = p => $$"""{"projectId":"{{p}}"}""",
        [MessageTypes.GitFileBase] = p => $$"""{"projectId":"{{p}}","path":"x.evil","ref":"HEAD"}""",
        [MessageTypes.GitDiff] = p => $$"""{"projectId":"{{p}}","scope":"unstaged"}""",
        [MessageTypes.GitLog] = p => $$"""{"projectId":"{{p}}","all":true}""",
        [MessageTypes.GitShow] = p => $$"""{"projectId":"{{p}}","ref":"HEAD"}""",
        [MessageTypes.GitBlame] = p => $$"""{"projectId":"{{p}}","path":"x.evil"}""",
        [MessageTypes.GitConflict] = p => $$"""{"projectId":"{{p}}","path":"c.evil"}""",
    };

    /// <summary>Further requests of the same types that take other ways through git.</summary>
    private static readonly (string Type, Func<Guid, string> Request)[] s_more =
    [
        .. ((string[])["staged", "commit", "range"]).Select(
            s => (MessageTypes.GitDiff, (Func<Guid, string>)(p => $$"""{"projectId":"{{p}}","scope":"{{s}}"}"""))),
        (MessageTypes.GitDiff, p => $$"""{"projectId":"{{p}}","scope":"branch","from":"main","to":"other"}"""),
        (MessageTypes.GitDiff, p => $$"""{"projectId":"{{p}}","scope":"unstaged","word":true}"""),
        (MessageTypes.GitLog, p => $$"""{"projectId":"{{p}}","path":"x.evil"}"""),
        (MessageTypes.GitFileBase, p => $$"""{"projectId":"{{p}}","path":"x.evil","ref":":"}"""),
        (MessageTypes.FsList, p => $$"""{"projectId":"{{p}}","path":""}"""),
    ];

    /// <summary>
    /// A repository with a trap in everything that git runs. The trap is within the project, so that a sandbox sees it, and writes what an
    /// attacker would.
    /// </summary>
    private static async Task<GitBench> TrappedAsync(SandboxKind sandbox, string more = "", bool conflict = false)
    {
        var bench = await GitBench.StartAsync(more, sandbox);
        Directory.CreateDirectory(bench.Path("trap/hooks"));
        var run = bench.Path("trap/run");
        await File.WriteAllTextAsync(
            run,
            $$"""
            #!/bin/sh
            cd {{bench.Folder}} || exit 1
            for f in .mcp.json .envrc .git/hooks/pre-commit .claude/settings.json trap/ran PLAIN; do
              { mkdir -p "$(dirname "$f")" && echo "$1" >> "$f"; } 2>/dev/null
            done
            git config user.name evil 2>/dev/null
            cat 2>/dev/null

            """);
        await bench.ShellAsync(
            $$"""
            chmod +x trap/run; t="$PWD/trap/run"
            printf 'a\n' > a; printf 'x\n' > x.evil; printf 'c\n' > c.evil; printf 'trap\nPLAIN\n' > .gitignore; git add a x.evil c.evil .gitignore; git commit -qm first
            git checkout -qb other; printf 'b\n' > a; printf 'd\n' > c.evil; git commit -qam other; git checkout -q main; printf 'e\n' > c.evil; git commit -qam mine
            git init -q -b main sub; ( cd sub; git config user.name S; git config user.email s@s; echo s > f; git add f; git commit -qm sub )
            printf '[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n\tignore = none\n' > .gitmodules; git add .gitmodules sub 2>/dev/null; git commit -qm sub
            {{(conflict ? "git merge -q other > /dev/null 2>&1 || true" : "")}}
            printf '*.evil filter=evil diff=evil merge=evil\na filter=proc\n' > .gitattributes
            for h in post-index-change reference-transaction fsmonitor-watchman post-checkout; do cp trap/run trap/hooks/$h; done
            ( cd sub; printf 'f filter=deep\n' > .git/info/attributes; git config filter.deep.clean "$t deep"; git config core.fsmonitor "$t fsmonitor-deep" )
            sleep 1.1; printf 'b\n' > a; printf 'y\n' > x.evil; printf 't\n' > sub/f
            git config filter.evil.clean "$t clean"; git config filter.evil.smudge "$t smudge"; git config filter.proc.process "$t process"; git config filter.proc.clean "$t clean2"
            git config diff.evil.textconv "$t textconv"; git config diff.evil.command "$t command"; git config merge.evil.driver "$t driver"
            git config diff.external "$t external"; git config core.pager "$t pager"; git config core.alternateRefsCommand "$t refs"
            git config gpg.program "$t gpg"; git config log.showSignature true; git config core.sshCommand "$t ssh"; git config core.hooksPath "$PWD/trap/hooks"; git config core.fsmonitor "$t fsmonitor"
            """);
        return bench;
    }

    [Theory]
    [InlineData(SandboxKind.Bubblewrap)]
    [InlineData(SandboxKind.None)]
    public async Task A_device_that_may_only_look_runs_and_writes_nothing_of_a_hostile_repository(SandboxKind sandbox)
    {
        await using var bench = await TrappedAsync(sandbox, conflict: true);
        await using var guest = await bench.Daemon.PairAsync("guest", Scope.View);
        var table = bench.Daemon.Daemon.Table.Routes;
        Assert.Equal(
            table.Where(r => r.Scope == Scope.View && r.Type.StartsWith("git_", StringComparison.Ordinal)).Select(r => r.Type)
                .Order(StringComparer.Ordinal),
            s_requests.Keys.Order(StringComparer.Ordinal));
        var before = Tree(bench.Folder);
        var rows = await HeadAsync(bench);
        foreach (var (type, request) in s_requests.Select(r => (r.Key, r.Value)).Concat(s_more))
        {
            using var payload = JsonDocument.Parse(request(bench.Project));
            var failure = await Record.ExceptionAsync(() => guest.AskRawAsync(type, payload.RootElement));
            Assert.True(failure is null, $"{type} {payload.RootElement.GetRawText()}: {failure?.Message}");
            Assert.True(before == Tree(bench.Folder),
                $"{type} {payload.RootElement.GetRawText()} changed:\n{Difference(before, Tree(bench.Folder))}");
        }

        Assert.Equal(rows, await HeadAsync(bench));
        Assert.Equal(["evil", "proc"], (await bench.StatusAsync()).Filters!);
        await bench.ShellAsync("git status > /dev/null 2>&1 || true");
        Assert.True(File.Exists(bench.Path("trap/ran")), "the traps are real");
    }

    [Fact]
    public async Task What_a_filter_does_when_something_is_staged_does_not_reach_protected_configuration()
    {
        await using var bench = await TrappedAsync(
            SandboxKind.Bubblewrap, "echo '{}' > .mcp.json; mkdir .claude; echo '{}' > .claude/settings.json; echo x > .envrc");
        var guarded = ((string[])[".mcp.json", ".envrc", ".claude/settings.json", ".git/config"]).ToDictionary(
            f => f, f => File.ReadAllText(bench.Path(f)), StringComparer.Ordinal);
        await bench.StageAsync("x.evil");
        Assert.Contains("clean", await bench.ReadAsync("PLAIN"), StringComparison.Ordinal); // it ran, and wrote what it may
        Assert.All(guarded, g => Assert.Equal(g.Value, File.ReadAllText(bench.Path(g.Key))));
        Assert.False(File.Exists(bench.Path(".git/hooks/pre-commit")));
        var ledger = await bench.AskAsync<LedgerListRequest, LedgerListResponse>(MessageTypes.LedgerList, new LedgerListRequest());
        Assert.Contains(ledger.Rows, r => r.Body.Contains("\"git_changed\"", StringComparison.Ordinal)
            && r.Body.Contains(MessageTypes.GitStage, StringComparison.Ordinal));

        // What is not there can't be bound: then it is told.
        await bench.ShellAsync("rm .mcp.json; printf 'z\\n' > x.evil");
        await bench.StageAsync("x.evil");
        var told = (await bench.AskAsync<LedgerListRequest, LedgerListResponse>(MessageTypes.LedgerList, new LedgerListRequest())).Rows;
        Assert.Contains(told, r => r.Body.Contains("\"alarm_raised\"", StringComparison.Ordinal)
            && r.Body.Contains(".mcp.json", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_sandbox_git_is_not_let_into_a_submodule()
    {
        await using var bench = await TrappedAsync(SandboxKind.None);
        var before = Tree(bench.Folder);
        Assert.Equal(ErrorCode.GitError, (await bench.RefusedAsync<GitStageRequest, GitStageResponse>(
            MessageTypes.GitStage, new GitStageRequest(bench.Project, All: true))).Code);
        Assert.Equal(ErrorCode.GitError, (await bench.RefusedAsync<GitStashRequest, GitStashResponse>(
            MessageTypes.GitStash, new GitStashRequest(bench.Project, GitStashAction.Push))).Code);
        Assert.Equal(before, Tree(bench.Folder));
        await bench.StageAsync("a"); // other files are no matter
        Assert.False(File.Exists(bench.Path("trap/ran")));
    }

    [Fact]
    public async Task What_is_left_of_a_rebase_is_not_gone_on_with_when_it_would_run_a_program()
    {
        await using var bench = await GitBench.StartAsync(
            """
            printf '1\n' > f; git add f; git commit -qm one; git checkout -qb topic; printf '2\n' > f; git commit -qam two; printf 'n\n' > n; git add n; git commit -qm three
            git checkout -q main; printf '3\n' > f; git commit -qam four; git checkout -q topic; git rebase -q main > /dev/null 2>&1 || true
            printf '3\n2\n' > f; git add f; printf 'exec touch ran\n' >> .git/rebase-merge/git-rebase-todo
            """);
        var request = new GitOperationRequest(bench.Project, GitOperationStep.Continue);
        Assert.Equal(ErrorCode.GitError,
            (await bench.RefusedAsync<GitOperationRequest, GitOperationResponse>(MessageTypes.GitOperation, request)).Code);
        Assert.False(File.Exists(bench.Path("ran")));
        await bench.ShellAsync("sed -i '/^exec/d' .git/rebase-merge/git-rebase-todo");
        Assert.Null((await bench.AskAsync<GitOperationRequest, GitOperationResponse>(MessageTypes.GitOperation, request)).Operation);
        Assert.Equal("3\n2\n", await bench.ReadAsync("f"));
    }

    private static async Task<long> HeadAsync(GitBench bench)
        => (await bench.AskAsync<LedgerListRequest, LedgerListResponse>(
            MessageTypes.LedgerList, new LedgerListRequest(Limit: 1))).Rows[0].Seq;

    /// <summary>Every file with its content and every folder, as one text.</summary>
    private static string Tree(string folder)
    {
        var text = new StringBuilder();
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", new EnumerationOptions
        { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }).OrderBy(e => e.FullName, StringComparer.Ordinal))
        {
            text.Append(Path.GetRelativePath(folder, entry.FullName)).Append(' ')
                .Append(entry is FileInfo { LinkTarget: null } file
                    ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file.FullName)))[..16] : entry.LinkTarget ?? "/").Append('\n');
        }

        return text.ToString();
    }

    private static string Difference(string before, string after)
        => string.Join('\n', after.Split('\n').Except(before.Split('\n'), StringComparer.Ordinal)
            .Concat(before.Split('\n').Except(after.Split('\n'), StringComparer.Ordinal).Select(l => $"gone: {l}")));
}
