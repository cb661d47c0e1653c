using System.Text;
using System.Text.Json;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>Remotes by HTTPS: git's own server behind TLS on loopback, with a token that git's sandbox never sees.</summary>
public sealed class HttpsTests
{
    [Theory]
    [InlineData(SandboxKind.Bubblewrap)]
    [InlineData(SandboxKind.None)]
    public async Task With_a_token_for_its_host_a_repository_is_fetched_pulled_and_pushed_and_the_token_stays_outside(SandboxKind sandbox)
    {
        Assert.SkipWhen(GitHttpServer.Missing is not null, GitHttpServer.Missing ?? "");
        await using var server = await GitHttpServer.StartAsync();
        await server.TheirsAsync("printf 'a\\n' > a; git add a; git commit -qm first");
        await using var bench = await GitBench.StartAsync($"git remote add origin {server.Url()}", sandbox, https: server.Way);
        Assert.Null(Assert.Single((await bench.AskAsync<GitRemotesRequest, GitRemotesResponse>(
            MessageTypes.GitRemotes, new GitRemotesRequest(bench.Project))).Remotes).Problem);

        // Without a token, and with one that is not right.
        Assert.StartsWith("GIT_AUTH_REQUIRED: ", (await bench.FetchAsync()).Execution!.Error, StringComparison.Ordinal);
        await SetAsync(bench, server, "not-the-token");
        var wrong = (await bench.FetchAsync()).Execution!.Error!;
        Assert.StartsWith("GIT_AUTH_REQUIRED: ", wrong, StringComparison.Ordinal);
        Assert.Contains($"git-token set {server.Place}", wrong, StringComparison.Ordinal);

        // Into an empty repository, then onwards.
        await SetAsync(bench, server, GitHttpServer.Token);
        await bench.Phone.Device.SubscribeAsync("machine", bench.Phone.Device.Hello.Instance);
        var seen = new List<string>();
        server.Meanwhile = () => seen.AddRange(Holders(GitHttpServer.Token));
        await bench.DoneAsync(MessageTypes.GitPull, new GitPullRequest(bench.Project));
        Assert.Equal("a\n", await bench.ReadAsync("a"));
        await bench.ShellAsync(
            "for i in $(seq 60); do git commit -q --allow-empty -m \"mine $i\"; done; head -c 3000000 /dev/urandom > large; git add large; git commit -qm large");
        await server.TheirsAsync("printf 'b\\n' > b; git add b; git commit -qm second");
        var before = Requests();
        // both have what the other has not, and it is not seen at once
        await bench.DoneAsync(MessageTypes.GitFetch, new GitFetchRequest(bench.Project));
        Assert.InRange(Requests() - before, 2, 20);
        var branch = (await bench.AskAsync<GitBranchesRequest, GitBranchesResponse>(
            MessageTypes.GitBranches, new GitBranchesRequest(bench.Project))).Branches.Single(b => b.Remote);
        Assert.Equal("second", branch.Subject);

        // Fast forward is refused with what to choose; a merge joins them, and the push has exactly that.
        Assert.StartsWith("CONFLICT: ", (await bench.EndAsync(MessageTypes.GitPull, new GitPullRequest(bench.Project))).Execution!.Error,
            StringComparison.Ordinal);
        await bench.DoneAsync(MessageTypes.GitPull, new GitPullRequest(bench.Project, GitPullMode.Merge));
        Assert.Equal("Merge branch 'main' of origin\n", await bench.ShellAsync("git log -1 --format=%s"));
        var head = (await bench.ShellAsync("git rev-parse HEAD")).Trim();
        var pushed = await bench.DoneAsync(MessageTypes.GitPush, new GitPushRequest(bench.Project, SetUpstream: true));
        Assert.Equal(server.Url(), Assert.IsType<GitSubject>(pushed.Subject).Url);
        Assert.Equal(head, (await GitBench.ShellAsync(server.Repository, "git rev-parse main")).Trim());
        await bench.Phone.Device.NextAsync(
            e => e.Type == MessageTypes.MachineEvent
                && e.Payload!.Value.Deserialize(ProtocolJson.Default.MachineEvent) is GitProgress { Text: var text } progress
                && progress.ProjectId == bench.Project && text.Contains('%', StringComparison.Ordinal), "git's progress");

        // Nobody but the daemon had it, and it is nowhere.
        Assert.Empty(seen);
        Assert.DoesNotContain(GitHttpServer.Token, bench.Daemon.Log.ToString(), StringComparison.Ordinal);
        foreach (var secret in (string[])[GitHttpServer.Token,
            Convert.ToBase64String(Encoding.UTF8.GetBytes($"x-access-token:{GitHttpServer.Token}"))])
        {
            Assert.Equal("", await GitBench.ShellAsync(
                "/", $"grep -rlF -- '{secret}' '{bench.Folder}' '{bench.Daemon.Options.Home.Root}' 2>/dev/null || true"));
        }

        int Requests() => server.Asked.Count(a => a.StartsWith("POST /bare.git/git-upload-pack", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_token_goes_to_the_host_that_was_allowed_and_to_no_other()
    {
        Assert.SkipWhen(GitHttpServer.Missing is not null, GitHttpServer.Missing ?? "");
        await using var server = await GitHttpServer.StartAsync();
        await using var bench = await GitBench.StartAsync(
            $"""
            printf 'a\n' > a; git add a; git commit -qm first
            git remote add away {server.Url("away.git")}; git remote add short {server.Url("short")}; git remote add open {server.Url("open.git")}
            git remote add inside https://git.test:1/x; git remote add password https://me:secret@git.test/x; git remote add plain http://git.test/x; git remote add number https://127.0.0.1/x
            """,
            SandboxKind.Bubblewrap,
            https: server.Way);
        await bench.DoneAsync(MessageTypes.GitFetch, new GitFetchRequest(bench.Project, "open")); // what everybody may have needs no token
        Assert.Equal(ErrorCode.GitAuthRequired, (await bench.RefusedAsync<GitPushRequest, GitPushResponse>(
            MessageTypes.GitPush, new GitPushRequest(bench.Project, Remote: "away"))).Code);
        Assert.DoesNotContain(server.Asked, a => a.EndsWith("+token", StringComparison.Ordinal));
        await SetAsync(bench, server, GitHttpServer.Token);
        foreach (var (type, remote) in (IEnumerable<(string, string)>)[(MessageTypes.GitPush, "away"), (MessageTypes.GitFetch, "away")])
        {
            var error = (type == MessageTypes.GitPush ? await bench.EndAsync(type, new GitPushRequest(bench.Project, Remote: remote))
                : await bench.EndAsync(type, new GitFetchRequest(bench.Project, remote))).Execution!.Error!;
            Assert.StartsWith("GIT_ERROR: It leads to another address, https://other.test", error, StringComparison.Ordinal);
        }

        Assert.Empty(server.AskedElsewhere);
        // the same repository by its whole name
        await bench.DoneAsync(MessageTypes.GitPush, new GitPushRequest(bench.Project, Remote: "short"));
        Assert.Contains("POST /short.git/git-receive-pack +token", server.Asked);

        Assert.Contains("not a public address", (await bench.EndAsync(
            MessageTypes.GitFetch, new GitFetchRequest(bench.Project, "inside"))).Execution!.Error, StringComparison.Ordinal);
        foreach (var remote in (string[])["password", "plain", "number"])
        {
            Assert.Equal(ErrorCode.InvalidRequest, (await bench.RefusedAsync<GitFetchRequest, GitFetchResponse>(
                MessageTypes.GitFetch, new GitFetchRequest(bench.Project, remote))).Code);
        }

        // A host that nobody vouches for gets nothing.
        var count = server.Asked.Count;
        await bench.Daemon.RestartAsync(seams: s => s with { GitHttps = server.Way with { Trust = null } });
        await using var again = await bench.AgainAsync();
        Assert.Contains("no certificate that this machine trusts", (await again.EndAsync(
            MessageTypes.GitFetch, new GitFetchRequest(bench.Project, "short"))).Execution!.Error, StringComparison.Ordinal);
        Assert.Equal(count, server.Asked.Count);
    }

    [Fact]
    public async Task Tags_are_pushed_branches_and_tags_deleted_there_by_name_and_what_is_gone_is_forgotten()
    {
        Assert.SkipWhen(GitHttpServer.Missing is not null, GitHttpServer.Missing ?? "");
        await using var server = await GitHttpServer.StartAsync();
        await server.TheirsAsync("printf 'a\\n' > a; git add a; git commit -qm first; git push -q origin main:old main:gone main:kept");
        await using var bench = await GitBench.StartAsync(
            $"git remote add origin {server.Url()}", SandboxKind.Bubblewrap, https: server.Way);
        await SetAsync(bench, server, GitHttpServer.Token);
        await bench.DoneAsync(MessageTypes.GitPull, new GitPullRequest(bench.Project));
        await bench.ShellAsync("git tag -a -m one v1; git tag v2; git branch mine");
        var tag = (await bench.ShellAsync("git rev-parse v1")).Trim();
        var asked = await bench.DoneAsync(MessageTypes.GitPush, new GitPushRequest(bench.Project, Tag: "v1"));
        Assert.Equal(new GitRefChange("refs/tags/v1", null, tag), Assert.Single(Assert.IsType<GitSubject>(asked.Subject).Refs));
        await bench.DoneAsync(MessageTypes.GitPush, new GitPushRequest(bench.Project, Tag: "v2"));
        Assert.Equal($"{tag}\n", await GitBench.ShellAsync(server.Repository, "git rev-parse refs/tags/v1"));
        await bench.ShellAsync("git tag -f v2 v1 >/dev/null"); // a tag that is there is not moved
        Assert.StartsWith("CONFLICT: ", (await bench.EndAsync(
            MessageTypes.GitPush, new GitPushRequest(bench.Project, Tag: "v2"))).Execution!.Error, StringComparison.Ordinal);

        // What is to be deleted is named, with what it is, and as what can't be undone.
        var deleted = await bench.DoneAsync(MessageTypes.GitRemoteDelete, new GitRemoteDeleteRequest(bench.Project, Branch: "old"));
        var subject = Assert.IsType<GitSubject>(deleted.Subject);
        Assert.Equal((GitOperation.Delete, "refs/heads/old", true), (subject.Operation, subject.Refs[0].Name, subject.Refs[0].Deletes));
        Assert.Equal((RiskTier.Destructive, false), (deleted.Risk!.Tier, deleted.Risk.Reversible));
        Assert.Contains("Deletes the branch old on origin", deleted.Risk.Consequences[0].Sentence, StringComparison.Ordinal);
        await bench.DoneAsync(MessageTypes.GitRemoteDelete, new GitRemoteDeleteRequest(bench.Project, Tag: "v1"));
        Assert.Equal("refs/heads/gone\nrefs/heads/kept\nrefs/heads/main\nrefs/tags/v2\n",
            await GitBench.ShellAsync(server.Repository, "git for-each-ref --format='%(refname)'"));

        // Somebody else's work that is not known here is not deleted.
        await server.TheirsAsync("git commit -q --allow-empty -m theirs; git push -q origin main:kept; git push -q origin :gone");
        Assert.StartsWith("CONFLICT: ", (await bench.EndAsync(MessageTypes.GitRemoteDelete,
            new GitRemoteDeleteRequest(bench.Project, Branch: "kept"))).Execution!.Error, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.Conflict, (await bench.RefusedAsync<GitRemoteDeleteRequest, GitRemoteDeleteResponse>(
            MessageTypes.GitRemoteDelete, new GitRemoteDeleteRequest(bench.Project, Branch: "nowhere"))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await bench.RefusedAsync<GitRemoteDeleteRequest, GitRemoteDeleteResponse>(
            MessageTypes.GitRemoteDelete, new GitRemoteDeleteRequest(bench.Project, "a", "b"))).Code);

        await bench.DoneAsync(MessageTypes.GitFetch, new GitFetchRequest(bench.Project));
        Assert.Contains("origin/gone", await bench.ShellAsync("git branch -r"), StringComparison.Ordinal);
        var pruned = await bench.DoneAsync(MessageTypes.GitFetch, new GitFetchRequest(bench.Project, Prune: true));
        Assert.Contains("Deletes remote-tracking branches", Assert.Single(pruned.Risk!.Consequences).Sentence, StringComparison.Ordinal);
        Assert.Equal("origin/kept\norigin/main\n", await bench.ShellAsync("git for-each-ref --format='%(refname:short)' refs/remotes"));
        Assert.Equal("main\nmine\n", await bench.ShellAsync("git for-each-ref --format='%(refname:short)' refs/heads"));

        // Fast forward, then nothing more to do.
        await bench.DoneAsync(MessageTypes.GitPull, new GitPullRequest(bench.Project));
        Assert.Equal("theirs\n", await bench.ShellAsync("git log -1 --format=%s"));
        await bench.DoneAsync(MessageTypes.GitPull, new GitPullRequest(bench.Project));
    }

    private static Task SetAsync(GitBench bench, GitHttpServer server, string token)
        => bench.Daemon.Daemon.AsOwner().SetSecretAsync(GitTokens.NameOf(server.Place)!, token, CancellationToken.None);

    /// <summary>Processes that have a text in their arguments or environment, except this one.</summary>
    private static IEnumerable<string> Holders(string text)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(d => Path.GetFileName(d).All(char.IsAsciiDigit)
            && Path.GetFileName(d) != Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture)))
        {
            foreach (var file in (string[])["cmdline", "environ"])
            {
                string content;
                try
                {
                    content = File.ReadAllText(Path.Combine(process, file));
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    continue; // it is gone, or somebody else's
                }

                if (content.Contains(text, StringComparison.Ordinal))
                {
                    yield return content;
                }
            }
        }
    }
}
