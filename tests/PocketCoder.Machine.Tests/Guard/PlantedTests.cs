using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Guard;

/// <summary>
/// An allowed command in a real sandbox leaves something by which the owner's git, on the machine itself, would run a program: it does not
/// come to that.
/// </summary>
public sealed class PlantedTests
{
    public static TheoryData<string> Names => [.. Planting.All.Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task What_a_command_plants_is_not_run_by_the_owners_git(string name)
    {
        var planting = Planting.All.Single(p => p.Name == name);

        // It works where nobody guards: else this would show nothing.
        await using (var unguarded = await Owner.CreateAsync())
        {
            await unguarded.ShAsync(planting.Setup);
            Assert.False(unguarded.Ran);
            await unguarded.ShAsync(planting.Plant);
            _ = unguarded.Ran;
            var said = await unguarded.LookAsync(planting);
            Assert.True(unguarded.Ran, said);
        }

        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var owner = await Owner.CreateAsync(phone.Project.Path);
        await owner.ShAsync(planting.Setup);
        await File.WriteAllTextAsync(phone.PathOf("work.sh"), $"EVIL='{owner.Evil}'\n{planting.Plant}\n");
        _ = owner.Ran;

        await phone.StartAsync("run: sh work.sh", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        NoticeEvent? alarm = null;
        if (!planting.Prevented)
        {
            alarm = await phone.Device.NextEventAsync<NoticeEvent>(e => e.Level == NoticeLevel.Warning); // before the result
        }

        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.False(owner.Ran, "it ran at once");
        var output = await owner.LookAsync(planting);
        Assert.False(owner.Ran, $"{alarm?.Text}\n{result.Output}\n{output}");
        var rows = await phone.LedgerAsync(asked.ApprovalId);
        if (!planting.Prevented)
        {
            Assert.Contains("alarm_raised", rows);
            Assert.True(rows.ToList().IndexOf("alarm_raised") <= rows.ToList().IndexOf("execution_finished") + 1);
        }

        Assert.Contains("first", await owner.ShAsync("git log --oneline"), StringComparison.Ordinal); // nothing of the owner's is lost
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task A_command_that_plants_and_goes_on_is_ended_and_what_it_planted_is_gone_before_that()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var owner = await Owner.CreateAsync(phone.Project.Path);
        await File.WriteAllTextAsync(phone.PathOf("work.sh"),
            "mkdir -p x/objects x/refs\nprintf '[core]\\n\\tfsmonitor = true\\n' > x/config\necho \"$PWD/x\" > .git/commondir\nwhile :; do sleep 0.1; done\n");
        await phone.StartAsync("run: sh work.sh", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);

        var alarm = await phone.Device.NextEventAsync<NoticeEvent>(e => e.Level == NoticeLevel.Warning);
        Assert.Contains(".git/commondir", alarm.Text, StringComparison.Ordinal);
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.True(result.Failed);
        Assert.False(File.Exists(phone.PathOf(".git/commondir")));
        Assert.Single(Directory.EnumerateFiles(daemon.Options.Home.TakenAway)); // nothing is lost
    }

    [Fact]
    public async Task Ordinary_work_goes_on_and_raises_no_alarm()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var owner = await Owner.CreateAsync(phone.Project.Path);
        await owner.ShAsync(
            "git init -q sub; (cd sub; echo x > f; git add f; git commit -qm sub); git -c protocol.file.allow=always submodule --quiet add ./sub sub; git submodule --quiet absorbgitdirs; git commit -qm sub; git worktree add -q wt; git branch other");
        await File.WriteAllTextAsync(phone.PathOf("work.sh"), """
            set -e
            export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
            echo 1 > one; git add one; git commit -qm one
            git checkout -q other; echo 2 > two; git add two; git commit -qm two
            git rebase -q main; git checkout -q main; git merge -q --no-ff -m merged other
            echo more >> f; git stash -q; git stash pop -q; git commit -qam more
            git tag t; git gc -q; git status --short; git fsck
            (cd sub; echo 3 > three; git add three; git commit -qm three)
            (cd wt; echo 4 > four; git add four; git commit -qm four)
            git worktree list; git submodule status
            git init -q new; (cd new; echo 5 > five; git add five; git commit -qm five)
            git init -q --bare store.git; git clone -q . clone
            git reset -q --hard HEAD~1
            echo ALL DONE
            """);
        await phone.StartAsync("run: sh work.sh", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var first = await phone.Device.NextEventAsync<AgentEventPayload>(e => e is NoticeEvent or ToolResultEvent);
        var notice = first as NoticeEvent;
        Assert.True(notice?.Level == NoticeLevel.Info, notice?.Text ?? ((ToolResultEvent)first).Output);
        Assert.Contains("new/.git", notice!.Text, StringComparison.Ordinal);
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.Contains("ALL DONE", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("alarm_raised", await phone.LedgerAsync(asked.ApprovalId));

        // The owner's git is content with what the sandbox made.
        await owner.ShAsync(
            "git status; git worktree list; git submodule status; git gc -q; git fsck; git config branch.main.description x; git worktree add -q wt2; (cd new; git status); (cd wt; git log -1); (cd sub; git log -1)");
    }

    [Fact]
    public async Task A_worktree_is_added_when_that_was_allowed_and_not_by_the_way()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var owner = await Owner.CreateAsync(phone.Project.Path);
        await File.WriteAllTextAsync(phone.PathOf("sly.sh"), "git worktree add -q sly\n");
        var session = await phone.StartAsync("run: sh sly.sh", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        Assert.True((await phone.Device.NextEventAsync<ToolResultEvent>()).Failed);

        await phone.DoneAsync();
        await phone.PromptAsync(session, "run: git worktree add -q wt");
        var asked = await phone.AskedAsync();
        Assert.Contains(asked.Risk!.Consequences, c => c.Subject == ".git/worktrees");
        Assert.Null(asked.Reach);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.True(result.ExitCode == 0, result.Output);
        Assert.DoesNotContain("alarm_raised", await phone.LedgerAsync(asked.ApprovalId));
        await owner.ShAsync("cd wt; git status");
    }

    [Fact]
    public async Task What_an_agent_without_a_sandbox_plants_is_found_too()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var owner = await Owner.CreateAsync(phone.Project.Path);
        var planting = Planting.All[0];
        await File.WriteAllTextAsync(phone.PathOf("work.sh"), $"EVIL='{owner.Evil}'\n{planting.Plant}\n");
        await phone.StartAsync("run: sh work.sh", SandboxKind.None);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var alarm = await phone.Device.NextEventAsync<NoticeEvent>(e => e.Level == NoticeLevel.Warning);
        Assert.Contains(".git/commondir", alarm.Text, StringComparison.Ordinal);
        await phone.Device.NextEventAsync<ToolResultEvent>();
        await owner.LookAsync(planting);
        Assert.False(owner.Ran);
    }
}
