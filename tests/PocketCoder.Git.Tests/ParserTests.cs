using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Git.Tests;

/// <summary>What git says, byte for byte as git 2.39 says it.</summary>
public sealed class ParserTests
{
    private const string A = "1111111111111111111111111111111111111111";
    private const string B = "2222222222222222222222222222222222222222";

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    [Fact]
    public void A_status_is_read_with_renames_conflicts_submodules_and_names_that_are_no_text()
    {
        var status = StatusParser.Parse(
            Bytes($"# branch.oid {A}\0# branch.head topic/x\0# branch.upstream origin/topic/x\0# branch.ab +2 -3\0# stash 4\0"
                + $"1 MM N... 100644 100644 100644 {A} {B} p/a b\0" + $"2 R. N... 100644 100644 100644 {A} {A} R100 p/new\0p/o\nld\0"
                + $"u UD N... 100644 100644 000000 100644 {A} {A} {B} p/both\0" + $"1 .M SC.U 160000 160000 160000 {A} {A} p/module\0"
                    + $"1 A. N... 000000 100644 100644 {A} {B} outside\0? p/b\u00ffd\0! p/ignored\0"),
            "p/"u8);
        Assert.Equal((A, "topic/x", "origin/topic/x", 2, 3, 4, true), (status.Head!, status.Branch!, status.Upstream!, status.Ahead!.Value,
            status.Behind!.Value, status.Stashes, status.StagedOutside));
        Assert.Equal([("a b", GitChangeKind.Modified, null), ("new", GitChangeKind.Renamed, @"o\u{a}ld")],
            status.Staged.Select(c => (c.Path, c.Kind, c.OldPath)));
        Assert.Equal(["a b", "module"], status.Unstaged.Select(c => c.Path));
        Assert.Equal(new GitSubmoduleState(CommitChanged: true, Modified: false, Untracked: true), status.Unstaged[1].Submodule);
        Assert.Equal(new GitConflict("both", GitConflictKind.DeletedByThem), Assert.Single(status.Conflicted));
        Assert.Equal(@"b\x{ff}d", Assert.Single(status.Untracked).Path);
        Assert.True(StatusParser.Parse(Bytes("? a\0? b\0"), [], limit: 1).Truncated);
        Assert.Null(StatusParser.Parse(Bytes("# branch.oid (initial)\0# branch.head main\0"), []).Head);
    }

    [Fact]
    public void Branches_tags_worktrees_stashes_remotes_and_submodules_are_read()
    {
        var refs = Bytes(
            $"refs/heads/main\0{A}\0refs/remotes/origin/main\0ahead 1, behind 2\0*\0/r\0\0Sub ject\0Ada\02026-01-02T03:04:05+00:00\0\n"
            + $"refs/remotes/origin/HEAD\0{A}\0\0\0 \0\0\0s\0a\0\0\n"
                + $"refs/heads/x\0{B}\0refs/remotes/origin/x\0gone\0 \0/w\0\0s\0a\0nonsense\0\n"
                + $"refs/tags/v1\0{A}\0\0\0 \0\0{B}\0t\0a\0\0\n");
        var branches = RefParser.Branches(refs, "/r");
        Assert.Equal(new GitBranch("main", false, true, "origin/main", false, 1, 2, A, "Sub ject", "Ada",
            new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), null), branches[0]);
        Assert.Equal(new GitBranch("x", false, false, "origin/x", true, null, null, B, "s", "a", null, "/w"), branches[1]);
        Assert.Equal(new GitTag("v1", B, true, "t", null), Assert.Single(RefParser.Tags(refs)));

        var trees = RefParser.Worktrees(
            Bytes($"worktree /r\0HEAD {A}\0branch refs/heads/main\0\0worktree /r/w\0HEAD {B}\0detached\0locked why\0prunable gone\0\0"),
            "/r", p => p == "/r");
        Assert.Equal([new GitWorktree("/r", "main", A, true, true, false, false, true),
            new GitWorktree("/r/w", null, B, false, false, true, true, false)], trees);
        Assert.Equal(new GitStash(0, A, "On main: x", null), Assert.Single(RefParser.Stashes(Bytes($"{A}\0On main: x\0\0"))));
        Assert.Equal([("o.x", "u1", "p1"), ("z", "u2", "u2")],
            RefParser.RemoteUrls(Bytes("remote.z.url\nu2\0remote.o.x.url\nu1\0remote.o.x.pushurl\np1\0remote.only\0")));
        Assert.Equal(new GitSubmodule("m", A, "https://example.org/m"), Assert.Single(SubmoduleParser.Parse(
            Bytes($"160000 {A} 0\tp/m\0100644 {A} 0\tp/f\0160000 {A} 0\toutside\0"),
            Bytes("submodule.x.y.path\np/m\0submodule.x.y.url\nhttps://example.org/m\0"), "p/"u8)));
    }

    [Fact]
    public void A_graph_gives_each_line_of_history_its_lane()
    {
        static GitCommit Commit(string sha, params string[] parents) => new(sha, parents, "", "", null, "", null, "", [], 0, []);
        var laid = LogGraph.Lay([Commit("m", "a", "b"), Commit("b", "c"), Commit("a", "c"), Commit("c")]);
        Assert.Equal([0, 1, 0, 1], laid.Select(c => c.Lane));
        Assert.Equal([new GitGraphEdge(0, 0), new GitGraphEdge(0, 1)], laid[0].Edges);
        Assert.Equal([new GitGraphEdge(1, 1), new GitGraphEdge(0, 0)], laid[1].Edges);
        Assert.Contains(new GitGraphEdge(0, 1), laid[2].Edges); // c is awaited in the second lane already
        Assert.Equal(1, LogGraph.Lay([Commit("x", "y"), Commit("z", "y"), Commit("y")])[1].Lane);
    }

    [Fact]
    public void Addresses_are_taken_apart_and_nothing_strange_becomes_one()
    {
        Assert.Equal(new RemoteAddress("git", "example.org", null, "team/x.git"), RemoteAddress.Parse("git@example.org:team/x.git"));
        Assert.Equal(new RemoteAddress(null, "example.org", 2222, "/x y"), RemoteAddress.Parse("ssh://example.org:2222/x y"));
        Assert.Equal(new RemoteAddress("a", "::1", 22, "/x"), RemoteAddress.Parse("ssh://a@[::1]:22/x"));
        Assert.Equal(new RemoteAddress(null, "h", null, "x"), RemoteAddress.Parse("ssh://h/~/x"));
        foreach (var url in (string[])["ext::sh -c x", "http://example.org/x", "https://example.org", "https://example.org/",
            "https://a:b@example.org/x", "https://127.0.0.1/x", "https://0x7f.1/x", "https://[::1]/x", "https://a_b/x", "https://-a/x",
            "https://a..b/x", "https://h:0/x", "https://h/../x", "https://h/a//b", "https://h/%2e%2E/x", "https://h/x?y", "https://h/x#y",
            "https://h/x\\y", "https://h/\u00fc", "https://x@y@h/x", "file:///x", "/x", "../x", "-oProxyCommand=x:y",
            "ssh://-oProxyCommand=x/y", "ssh://h", "ssh://h:0/x", "ssh://h:99999/x", "h:-x", "h:", "a b@h:x", "ssh://h/~other/x",
            "ssh://a%b@h/x", "h:x\n", "", "fd::3", "ssh://[x]/y", "$(x):y", "git://h/x"])
        {
            Assert.NotNull(RemoteAddress.Problem(url));
        }

        var https = RemoteAddress.Parse("HTTPS://me@Git.Example.org:8443/team/x%20y.git");
        Assert.Equal(new RemoteAddress("me", "git.example.org", 8443, "/team/x%20y.git", Https: true), https);
        Assert.Equal(("https://me@git.example.org:8443/team/x%20y.git", "git-token.git.example.org_8443"), (https.Url, https.TokenName!));
        Assert.Equal(("https://h.org/x", "git-token.h.org"),
            (RemoteAddress.Parse("https://h.org:443/x").Url, RemoteAddress.Parse("https://h.org:443/x").TokenName!));
        Assert.Null(RemoteAddress.Parse("git@h:x").TokenName);
        Assert.Equal("https://me@h/x", RemoteAddress.WithoutPassword("https://me:secret@h/x"));
        Assert.Equal("https://h/x:y@z", RemoteAddress.WithoutPassword("https://h/x:y@z"));
    }

    [Fact]
    public void Names_are_written_as_in_messages_about_files_and_lead_back_to_their_bytes()
    {
        byte[][] names = [[(byte)'a', 0xff], Bytes("li\nne"), Bytes("back\\slash"), Encoding.UTF8.GetBytes("\u202eevil"),
            Encoding.UTF8.GetBytes("\U0001F600 \u00fc")];
        foreach (var name in names)
        {
            var shown = Assert.Single(StatusParser.Parse([.. "? "u8, .. name, 0], []).Untracked).Path;
            Assert.Equal(name, GitNames.Path(shown));
            Assert.DoesNotContain(shown, char.IsControl);
        }

        foreach (var bad in (string?[])[@"a\q", @"a\x{100}", @"a\u{d800}", "\ud800", null, @"\u{2e}\u{2e}/x", @"\x{2e}git/config",
            @"a\x{0}b", @"\u{2f}etc"])
        {
            Assert.Throws<GitException>(() => GitNames.Path(bad));
        }

        var blame = BlameParser.Parse(Bytes($"{A} 1 1 1\nfilename \"p/a\\tb\\303\\274\\\\\"\n\tx\n"), "p/"u8);
        Assert.Equal("a\\u{9}b\u00fc\\\\", blame.Commits[0].Path);
    }

    [Fact]
    public void A_pointer_to_a_large_file_is_recognised_and_nothing_else_is_taken_for_one()
    {
        static string Pointer(char oid, int size)
            => $"version https://git-lfs.github.com/spec/v1\noid sha256:{new string(oid, 64)}\nsize {size}\n";
        Assert.True(LargeFilePointer.Is(Bytes(Pointer('a', 12345))));
        foreach (var bad in (string[])["", "x", Pointer('a', 1) + "more\n", Pointer('a', 1)[..^1],
            Pointer('a', 1).Replace("size", "sice", StringComparison.Ordinal), new string('x', 130)])
        {
            Assert.False(LargeFilePointer.Is(Bytes(bad)));
        }

        GitFileDiff Diff(string lines) => DiffParser.Show(
            DiffParser.Parse(Bytes($":100644 100644 {A} {B} M\0f\0\0diff --git a/f b/f\n--- a/f\n+++ b/f\n{lines}")), []).Files[0];
        var changed = Diff(
            $"@@ -1,3 +1,3 @@\n version https://git-lfs.github.com/spec/v1\n-oid sha256:{new string('a', 64)}\n-size 10\n+oid sha256:{new string('b', 64)}\n+size 20\n");
        Assert.Equal((new GitLargeFile(10, 20), 0), (changed.LargeFile!, changed.Hunks.Count));
        var became = Diff(
            $"@@ -1,1 +1,3 @@\n-text\n+version https://git-lfs.github.com/spec/v1\n+oid sha256:{new string('b', 64)}\n+size 20\n");
        Assert.Equal((new GitLargeFile(null, 20), 1), (became.LargeFile!, became.Hunks.Count));
        Assert.Null(Diff("@@ -1,1 +1,1 @@\n-size 10\n+size 20\n").LargeFile);
    }

    [Fact]
    public void Drivers_of_a_repository_are_switched_off_whatever_they_are_called()
    {
        var off = GitHardening.WithoutDrivers(["filter.lfs.clean", "filter.a=b.c.smudge", "merge.x.driver", "diff.x.textconv", "core.bare",
            "filter.lfs.clean", "diff.external", ""]);
        Assert.Equal("11", off["GIT_CONFIG_COUNT"]);
        var pairs = Enumerable.Range(0, 11).Select(i => (off[$"GIT_CONFIG_KEY_{i}"], off[$"GIT_CONFIG_VALUE_{i}"])).ToList();
        Assert.Contains(("filter.a=b.c.process", ""), pairs);
        Assert.Contains(("merge.x.driver", "false"), pairs);
        Assert.Contains(("diff.x.command", ""), pairs);
    }

    [Fact]
    public void No_bytes_make_a_parser_fail_otherwise_than_it_says()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string[] pieces = ["# branch.ab +1 -1", "1 MM N... 100644 100644 100644 a b p", "2 R. ", "u UU ", "? x", "\0", "\n", " ", "\t", A,
            "diff --git a/x b/x", ":100644 100644 1 2 M", "x", "@@ -1,2 +1 @@", "+a", "-b", " c", "\\ No newline", "~", "worktree /x",
            "author-time 99999999999999", "author x", "-1", "@@ -99999999999 +1 @@", "Binary files a and b differ", "\u00ff"];
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = Bytes(string.Concat(Enumerable.Range(0, random.Next(12))
                .Select(_ => pieces[random.Next(pieces.Length)] + (random.Next(2) == 0 ? random.Next(2) == 0 ? "\0" : "\n" : ""))));
            Action[] reads =
            [
                () => StatusParser.Parse(bytes, "p/"u8),
                () => RefParser.Branches(bytes, "/"),
                () => RefParser.Worktrees(bytes, "/", _ => true),
                () => RefParser.Stashes(bytes),
                () => RefParser.RemoteUrls(bytes),
                () => LogParser.Parse(bytes),
                () => BlameParser.Parse(bytes),
                () => IndexParser.Parse(bytes),
                () => SubmoduleParser.Parse(default, bytes, default),
                () => DiffParser.Show(DiffParser.Parse(bytes, truncated: random.Next(2) == 0), [], word: false),
                () => DiffParser.Show(DiffParser.Parse(bytes, truncated: true, word: true), [], word: true),
                () => RemoteAddress.Parse(Encoding.Latin1.GetString(bytes)),
            ];
            foreach (var read in reads)
            {
                try
                {
                    read();
                }
                catch (GitException)
                {
                    // it may say no, in its own words
                }
            }
        }
    }
}
