using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Sessions.Tools;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Approvals;

/// <summary>What a request would do is told with it.</summary>
public sealed class RiskTests
{
    [Theory]
    [InlineData("run: ls", RiskTier.Read)]
    [InlineData("run: echo x > here.txt", RiskTier.WorkspaceWrite)]
    [InlineData("run: curl https://example.org", RiskTier.ReachesOut)]
    [InlineData("run: sudo rm -rf /etc", RiskTier.Destructive)]
    [InlineData("write: .git/hooks/pre-commit | #!/bin/sh", RiskTier.Destructive)]
    public async Task A_request_says_how_far_it_goes(string prompt, RiskTier least)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync(prompt);
        var risk = (await phone.AskedAsync()).Risk;
        Assert.NotNull(risk);
        Assert.True(risk.Tier >= least, $"{risk.Tier}: {string.Join(' ', risk.Consequences.Select(c => c.Sentence))}");
        Assert.True(least == RiskTier.Read ? risk.Tier == RiskTier.Read : risk.Consequences.Count > 0);
    }

    [Theory]
    [InlineData("rm f", true)]
    [InlineData("rm -rf dir", true)]
    [InlineData("echo x > f", true)]
    [InlineData("echo x > dir/new", true)]
    [InlineData("rm -rf gone", true)]
    [InlineData("rm ignored.log", false)] // no snapshot holds what is ignored
    [InlineData("echo x > ignored.log", false)]
    [InlineData("rm -rf mixed", false)]
    [InlineData("rm -rf empty", false)]
    [InlineData("rm -rf .git", false)]
    [InlineData("rm *", false)]
    [InlineData("rm linked", true)]
    [InlineData("rm -rf .", false)]
    [InlineData("rm f; curl http://example.org", false)]
    [InlineData("sudo rm f", false)]
    [InlineData("git reset --hard", false)]
    public async Task What_undo_brings_back_is_said_to_be_reversible_and_nothing_else_is(string command, bool reversible)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var project = phone.Project.Path;
        foreach (var file in (string[])["f", "dir/a", "dir/b/c", "ignored.log", "mixed/a", "mixed/b.log", "hard"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(project, file))!);
            await File.WriteAllTextAsync(Path.Combine(project, file), file);
        }

        Directory.CreateDirectory(Path.Combine(project, "empty"));
        Directory.CreateDirectory(Path.Combine(project, ".git"));
        await File.WriteAllTextAsync(Path.Combine(project, ".gitignore"), "*.log\n");
        File.CreateSymbolicLink(Path.Combine(project, "linked"), "hard");
        await phone.StartAsync($"run: {command}");
        var risk = (await phone.AskedAsync()).Risk!;
        Assert.True(risk.Reversible == reversible, string.Join(' ', risk.Consequences.Select(c => c.Sentence)));
    }

    [Fact]
    public async Task A_request_that_writes_to_another_project_says_so_and_is_red()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var other = Directory.CreateTempSubdirectory("pc-neighbour-").FullName;
        try
        {
            await daemon.Daemon.AsOwner().AddProjectAsync(other, "the neighbour", CancellationToken.None);
            await phone.StartAsync($"run: echo x > {other}/edit.txt");
            var risk = (await phone.AskedAsync()).Risk!;
            Assert.Equal((RiskTier.Destructive, false), (risk.Tier, risk.Reversible));
            Assert.Contains(risk.Consequences, c => c.Sentence.Contains("another project: the neighbour", StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(other, recursive: true);
        }
    }

    [Theory]
    [InlineData(SandboxKind.None, false)]
    [InlineData(SandboxKind.Landlock, false)]
    [InlineData(SandboxKind.Bubblewrap, true)]
    [InlineData(SandboxKind.Docker, true)]
    public void Only_a_sandbox_with_a_file_system_of_its_own_has_a_temporary_folder_of_its_own(SandboxKind sandbox, bool own)
        => Assert.Equal(own ? ["/tmp"] : [], Surroundings.OwnTemporary(sandbox));
}
