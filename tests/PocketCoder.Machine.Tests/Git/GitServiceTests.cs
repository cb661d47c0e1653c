using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>Where git runs: its sandbox comes and goes, and where there is none git does not run.</summary>
public sealed class GitServiceTests
{
    [Fact]
    public async Task The_sandbox_of_a_repository_ends_when_nobody_used_it_for_ten_minutes_and_comes_again()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(sandbox: SandboxKind.Bubblewrap, seams: s => s with { GitTime = time });
        await using var bench = await GitBench.StartAsync(daemon, "printf 'a\\n' > a; git add a; git commit -qm first");
        Assert.Empty(Sandboxes(daemon));
        await bench.StatusAsync();
        var first = Assert.Single(Sandboxes(daemon));
        time.Advance(TimeSpan.FromMinutes(9));
        await bench.StatusAsync(); // counts anew from here
        time.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(first, Assert.Single(Sandboxes(daemon)));
        for (var i = 0; i < 3; i++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
        }

        await Wait.UntilAsync(() => Sandboxes(daemon).Count == 0, "the end of git's sandbox");
        await bench.StatusAsync();
        Assert.NotEqual(first, Assert.Single(Sandboxes(daemon)));
    }

    [Fact]
    public async Task Where_no_sandbox_works_git_does_not_run_and_says_so()
    {
        await using var daemon = await TestDaemon.StartAsync(sandbox: SandboxKind.Docker);
        await using var bench = await GitBench.StartAsync(
            daemon, "printf 'a\\n' > a; git config core.fsmonitor 'touch ran'; git remote add origin git@example.org:x");
        var refused = await Record.ExceptionAsync(bench.StatusAsync);
        Assert.SkipWhen(refused is null, "Docker works on this machine");
        Assert.Equal(ErrorCode.SandboxUnavailable, Assert.IsType<Testing.Devices.WireErrorException>(refused).Error.Code);
        Assert.Equal(ErrorCode.SandboxUnavailable, (await bench.RefusedAsync<GitStageRequest, GitStageResponse>(
            MessageTypes.GitStage, new GitStageRequest(bench.Project, All: true))).Code);
        Assert.Equal(ErrorCode.SandboxUnavailable,
            (await bench.RefusedAsync<GitFetchRequest, GitFetchResponse>(MessageTypes.GitFetch, new GitFetchRequest(bench.Project))).Code);
        Assert.False(File.Exists(bench.Path("ran")));
    }

    private static IReadOnlyList<string> Sandboxes(TestDaemon daemon)
        => Directory.Exists(daemon.Options.Home.Sandboxes) ? [.. Directory.EnumerateDirectories(
            daemon.Options.Home.Sandboxes, "git-*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)] : [];
}
