using System.Globalization;
using System.Text;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Git;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>Push, fetch and pull: over a real sshd on loopback, with keys that git's sandbox never sees.</summary>
public sealed class TransferTests
{
    [Theory]
    [InlineData(SandboxKind.Bubblewrap)]
    [InlineData(SandboxKind.None)]
    public async Task What_is_allowed_is_pushed_exactly_and_fetched_and_pulled(SandboxKind sandbox)
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        await using var server = await SshServer.StartAsync();
        await using var bench = await GitBench.StartAsync(
            $"printf 'a\\n' > a; git add a; git commit -qm first; printf '#!/bin/sh\\nexit 1\\n' > .git/hooks/pre-push; chmod +x .git/hooks/pre-push; git remote add origin \"{server.Url}\"",
            sandbox, server.Client());
        var head = (await bench.ShellAsync("git rev-parse HEAD")).Trim();
        var asked = (await bench.AskAsync<GitPushRequest, GitPushResponse>(
            MessageTypes.GitPush, new GitPushRequest(bench.Project, SetUpstream: true))).Approval;
        var subject = Assert.IsType<GitSubject>(asked.Subject);
        Assert.Equal((GitOperation.Push, "origin", server.Url), (subject.Operation, subject.Remote, subject.Url));
        Assert.Equal(new GitRefChange("refs/heads/main", null, head), Assert.Single(subject.Refs));
        Assert.Equal("first", Assert.Single(subject.Commits).Subject);
        await bench.ShellAsync("printf 'b\\n' > b; git add b; git commit -qm second"); // what comes after is not sent
        var pushed = await bench.EndAsync(asked);
        Assert.True(pushed.Execution!.Failed == false, pushed.Execution.Error);
        Assert.Equal(head, (await GitBench.ShellAsync(server.Repository, "git rev-parse main")).Trim());
        var status = await bench.StatusAsync();
        Assert.Equal(("origin/main", 1, 0), (status.Upstream!, status.Ahead!.Value, status.Behind!.Value));

        await GitBench.ShellAsync(server.Repository, "git branch extra main");

        // Somebody else pushes; then ours is refused, and joined by a pull.
        await GitBench.ShellAsync(
            server.Repository,
            "git clone -q . ../clone; cd ../clone; git config user.name B; git config user.email b@example.org; printf 'c\\n' > c; git add c; git commit -qm theirs; git push -q origin main");
        var late = await bench.EndAsync(MessageTypes.GitPush, new GitPushRequest(bench.Project));
        Assert.StartsWith("CONFLICT: ", late.Execution!.Error, StringComparison.Ordinal);
        var fetched = await bench.EndAsync(MessageTypes.GitFetch, new GitFetchRequest(bench.Project));
        Assert.True(fetched.Execution!.Failed == false, fetched.Execution.Error);
        Assert.Equal((1, 1), ((await bench.StatusAsync()).Ahead!.Value, (await bench.StatusAsync()).Behind!.Value));
        var pulled = await bench.EndAsync(MessageTypes.GitPull, new GitPullRequest(bench.Project, GitPullMode.Rebase));
        Assert.True(pulled.Execution!.Failed == false, pulled.Execution.Error);
        Assert.True(File.Exists(bench.Path("c")));
        var again = await bench.EndAsync(MessageTypes.GitPush, new GitPushRequest(bench.Project));
        Assert.True(again.Execution!.Failed == false, again.Execution.Error);
        Assert.Equal("second\n", await GitBench.ShellAsync(server.Repository, "git log -1 --format=%s main"));
        // all is there
        Assert.Equal(ErrorCode.Conflict,
            (await bench.RefusedAsync<GitPushRequest, GitPushResponse>(MessageTypes.GitPush, new GitPushRequest(bench.Project))).Code);
        await bench.DoneAsync(MessageTypes.GitRemoteDelete, new GitRemoteDeleteRequest(bench.Project, Branch: "extra"));
        Assert.Equal("refs/heads/main\n", await GitBench.ShellAsync(server.Repository, "git for-each-ref --format='%(refname)'"));
    }

    [Fact]
    public async Task A_conflict_that_was_staged_with_its_marks_is_told_before_the_commit_and_before_the_push()
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        await using var server = await SshServer.StartAsync();
        await using var bench = await GitBench.StartAsync(
            $"printf 'a\\n' > f; printf 'plain\\n=======\\n' > g; git add f g; git commit -qm first; git checkout -qb other; printf 'b\\n' > f; git commit -qam other; git checkout -q main; printf 'c\\n' > f; git commit -qam main; git merge -q other || true; git remote add origin \"{server.Url}\"",
            SandboxKind.Bubblewrap, server.Client());
        await File.WriteAllTextAsync(bench.Path("g"), "plain\n=======\nmore <<<<<<< no mark\n");
        await bench.AskAsync<GitStageRequest, GitStageResponse>(MessageTypes.GitStage, new GitStageRequest(bench.Project, All: true));
        Assert.Equal(["f"], (await bench.StatusAsync()).Marked!);
        await bench.AskAsync<GitCommitRequest, GitCommitResponse>(MessageTypes.GitCommit, new GitCommitRequest(bench.Project, "merged"));
        Assert.Null((await bench.StatusAsync()).Marked);

        var asked = (await bench.AskAsync<GitPushRequest, GitPushResponse>(
            MessageTypes.GitPush, new GitPushRequest(bench.Project))).Approval;
        Assert.Contains("f still has conflict markers", Assert.Single(asked.Risk!.Consequences).Sentence, StringComparison.Ordinal);
        Assert.True((await bench.EndAsync(asked)).Execution!.Failed == false);

        await File.WriteAllTextAsync(bench.Path("f"), "both\n");
        await bench.ShellAsync("git commit -qam resolved");
        Assert.Null(
            (await bench.AskAsync<GitPushRequest, GitPushResponse>(MessageTypes.GitPush, new GitPushRequest(bench.Project))).Approval.Risk);
    }

    [Fact]
    public async Task A_push_that_hangs_there_is_stopped_by_a_person_and_the_repository_is_free_again()
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        await using var server = await SshServer.StartAsync();
        await using var bench = await GitBench.StartAsync(
            $"printf 'a\\n' > a; git add a; git commit -qm first; git remote add origin \"{server.Url}\"", SandboxKind.Bubblewrap,
            server.Client());
        await GitBench.ShellAsync(server.Repository,
            "mkfifo gate; printf '#!/bin/sh\\ntouch entered\\ntimeout 60 cat gate\\nexit 1\\n' > hooks/pre-receive; chmod +x hooks/pre-receive");
        var asked = (await bench.AskAsync<GitPushRequest, GitPushResponse>(
            MessageTypes.GitPush, new GitPushRequest(bench.Project))).Approval;
        Assert.Equal(ErrorCode.Conflict, (await StopRefusedAsync(asked.ApprovalId)).Code); // nobody decided yet
        Assert.Equal(ErrorCode.ApprovalNotFound, (await StopRefusedAsync(Guid.CreateVersion7())).Code);
        await bench.Phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await Wait.UntilAsync(() => File.Exists($"{server.Repository}/entered"), "the server has the push");

        var stopped = await StopAsync();
        Assert.Equal((ApprovalState.Finished, true, "Stopped by phone. Completed work is kept."),
            (stopped.State, stopped.Execution!.Failed!.Value, stopped.Execution.Error));
        await bench.DoneAsync(MessageTypes.GitFetch, new GitFetchRequest(bench.Project)); // the next one does not wait for it
        await GitBench.ShellAsync(server.Repository, "timeout 5 sh -c 'echo > gate' || true");
        Assert.Equal(stopped.Execution.Error, (await StopAsync()).Execution!.Error); // what is over stays as it ended

        async Task<ApprovalInfo> StopAsync() => (await bench.AskAsync<GitTransferCancelRequest, GitTransferCancelResponse>(
            MessageTypes.GitTransferCancel, new GitTransferCancelRequest(asked.ApprovalId))).Approval;
        Task<WireError> StopRefusedAsync(Guid id) => bench.RefusedAsync<GitTransferCancelRequest, GitTransferCancelResponse>(
            MessageTypes.GitTransferCancel, new GitTransferCancelRequest(id));
    }

    [Fact]
    public async Task Without_a_key_it_says_so_and_where_it_must_not_go_it_does_not()
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        await using var server = await SshServer.StartAsync();
        await using var bench = await GitBench.StartAsync(
            $"printf 'a\\n' > a; git add a; git commit -qm first; git remote add origin \"{server.Url}\"; git remote add bad 'ext::sh -c evil'; git remote add dash 'ssh://-oProxyCommand=x/y'",
            SandboxKind.Bubblewrap, server.Client(key: false));
        var refused = await bench.EndAsync(MessageTypes.GitPush, new GitPushRequest(bench.Project));
        Assert.StartsWith("GIT_AUTH_REQUIRED: ", refused.Execution!.Error, StringComparison.Ordinal);
        foreach (var remote in (string[])["bad", "dash"])
        {
            Assert.Equal(ErrorCode.InvalidRequest, (await bench.RefusedAsync<GitPushRequest, GitPushResponse>(
                MessageTypes.GitPush, new GitPushRequest(bench.Project, Remote: remote))).Code);
        }

        // What the repository makes of the bridge's address leads nowhere, and what is denied is not sent.
        await bench.ShellAsync("git config url.'ext::sh -c touch%20/tmp/x %S'.insteadOf ssh://bridge/");
        Assert.True((await bench.EndAsync(MessageTypes.GitPush, new GitPushRequest(bench.Project, SetUpstream: true))).Execution!.Failed);
        Assert.Equal("", await GitBench.ShellAsync(server.Repository, "git for-each-ref"));
    }

    [Fact]
    public void A_push_that_asks_for_anything_else_does_not_get_through()
    {
        var (old, @new, other) = (new string('0', 40), new string('1', 40), new string('2', 40));
        var allowed = new PushedRef("refs/heads/main", null, @new);
        var good = Encoding.ASCII.GetBytes($"{Packet($"{old} {@new} refs/heads/main\0 report-status agent=git")}0000PACK");
        for (var cut = 0; cut <= good.Length; cut++)
        {
            var gate = new PushGate(allowed);
            Assert.Equal(good, gate.Pass(good.AsMemory(0, cut)).ToArray().Concat(gate.Pass(good.AsMemory(cut)).ToArray()));
        }

        foreach (var bad in (string[])[$"{old} {other} refs/heads/main", $"{old} {@new} refs/heads/other", $"{@new} {old} refs/heads/main",
            "push-cert\0", $"{old} {@new}", "garbage"])
        {
            Assert.Throws<InvalidDataException>(
                () => new PushGate(allowed).Pass(Encoding.ASCII.GetBytes($"{Packet($"{old} {@new} refs/heads/main\0")}{Packet(bad)}0000")));
        }

        Assert.Throws<InvalidDataException>(() => new PushGate(allowed).Pass("SSH-2.0"u8.ToArray()));
        var deletes = new PushedRef("refs/heads/main", @new, null);
        var gate2 = new PushGate(deletes);
        gate2.Pass(Encoding.ASCII.GetBytes($"{Packet($"{@new} {old} refs/heads/main\0 delete-refs")}0000"));
        Assert.Equal((1, true), (gate2.Asked, gate2.OnlyDeletes));
        foreach (var bad in (string[])[$"{other} {old} refs/heads/main", $"{@new} {old} refs/heads/other",
            $"{@new} {other} refs/heads/main"])
        {
            Assert.Throws<InvalidDataException>(() => new PushGate(deletes).Pass(Encoding.ASCII.GetBytes($"{Packet(bad)}0000")));
        }

        Assert.Throws<InvalidDataException>(() => new PushGate(allowed).Pass(Encoding.ASCII.GetBytes("fff0" + new string('x', 70000))));
    }

    [Fact]
    public async Task Any_bytes_are_lines_of_the_protocol_or_are_refused()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string[] pieces = ["0000", "0004", "0001", "0003", "0005", "a", "\n", "fff0", "fff1", "-001", "+005", " 005", "000G",
            Packet("have x\n"), Packet("done\n"), "\0"];
        for (var i = 0; i < 5000; i++)
        {
            var bytes = Encoding.ASCII.GetBytes(
                string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => pieces[random.Next(pieces.Length)])));
            using var stream = new MemoryStream(bytes);
            var read = new List<byte>();
            try
            {
                while (await PacketLine.ReadAsync(stream, CancellationToken.None) is { } line)
                {
                    read.AddRange(line.Bytes.ToArray());
                    Assert.Equal(line.IsFlush, line.Bytes.Span.SequenceEqual("0000"u8));
                }

                Assert.Equal(bytes, read);
            }
            catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
            {
                Assert.Equal(read, bytes[..read.Count]);
            }
        }
    }

    private static string Packet(string text) => (text.Length + 4).ToString("x4", CultureInfo.InvariantCulture) + text;
}
