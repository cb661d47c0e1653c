using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Guard;

/// <summary>A git command is said to read only where nothing of the repository's would run.</summary>
public sealed class GitConsequencesTests
{
    [Theory]
    [InlineData("", "git status", null)]
    [InlineData("git config core.fsmonitor true", "git status", null)]
    [InlineData("git config core.fsmonitor \"$EVIL\"", "git status", "file system monitor")]
    [InlineData("git config filter.x.clean \"$EVIL\"", "git diff", "filter x")]
    [InlineData("git config diff.x.textconv \"$EVIL\"", "git show", "diff program")]
    [InlineData("git config include.path ../more", "git log", "more settings")]
    [InlineData("git init -q v; git -C v config core.fsmonitor \"$EVIL\"", "cd v && git status", "file system monitor")]
    [InlineData("git config alias.st \"!$EVIL\"", "git st", "alias st")]
    [InlineData("cp evil.sh .git/hooks/pre-commit", "git commit -m x", "pre-commit")]
    public async Task The_card_says_what_the_repository_makes_git_run(string setup, string command, string? told)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var owner = await Owner.CreateAsync(phone.Project.Path);
        await owner.ShAsync(setup);
        await phone.StartAsync($"run: {command}", SandboxKind.Bubblewrap);
        var risk = (await phone.AskedAsync()).Risk!;
        if (told is null)
        {
            Assert.Equal(RiskTier.Read, risk.Tier);
            return;
        }

        Assert.NotEqual(RiskTier.Read, risk.Tier);
        Assert.Contains(risk.Consequences, c => c.Kind == ConsequenceKind.RunsCode
            && c.Sentence.Contains(told, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_look_at_the_repository_runs_neither_its_monitor_nor_its_hooks_and_has_a_snapshot_where_something_could()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var owner = await Owner.CreateAsync(phone.Project.Path);

        // The mark lies in the project: what runs in the sandbox can make it.
        await File.WriteAllTextAsync(owner.Evil, $"#!/bin/sh\n: > '{phone.PathOf("ran")}'\n");
        await owner.ShAsync("cp evil.sh .git/hooks/post-index-change; touch f");
        var session = await phone.StartAsync("run: git status; git diff", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Assert.Equal(RiskTier.Read, asked.Risk!.Tier);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.Equal(0, (await phone.Device.NextEventAsync<ToolResultEvent>()).ExitCode);
        Assert.False(File.Exists(phone.PathOf("ran")));

        await owner.ShAsync("git config core.fsmonitor \"$EVIL\"; touch f");
        File.Delete(phone.PathOf("ran"));
        await phone.DoneAsync();
        await phone.PromptAsync(session, "run: git -c core.hooksPath=/dev/null status");
        asked = await phone.AskedAsync();
        Assert.NotEqual(RiskTier.Read, asked.Risk!.Tier);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var finished = await phone.BecameAsync(ApprovalState.Finished);
        Assert.Equal(0, finished.Approval.Execution!.ExitCode);
        Assert.False(File.Exists(phone.PathOf("ran")));
        Assert.True(finished.Approval.Execution.Undoable);
    }
}
