using PocketCoder.Sandboxes.Landlock;
using PocketCoder.Sandboxes.None;
using PocketCoder.Protocol;

namespace PocketCoder.Sandboxes.Tests.Attacks;

public sealed class NoneTests
{
    /// <summary>
    /// The control for the attack suite: where nothing defends, the attacks get through, so that "held" means something elsewhere.
    /// </summary>
    [Fact]
    public async Task Without_a_sandbox_the_attacks_get_through()
    {
        Assert.SkipUnless(Ground.IsRoot, "an ordinary user's own limits stop some of them");
        await using var ground = new Ground();
        await using var suite = await AttackSuite.StartAsync(
            new NoneBackend(ground.Options), ground.Root, null, TimeProvider.System, default);
        var held = new List<string>();
        foreach (var attack in AttackSuite.All.Where(a => !a.ReachesOut && !Harmful(a.Id)))
        {
            var result = await suite.RunAsync(attack, default);
            if (result.Verdict != AttackVerdict.Broken)
            {
                held.Add($"{attack.Id}: {result.Verdict} {result.Detail}");
            }
        }

        // The environment and command lines are clean, descriptors closed and leftovers killed by the process layer itself; the rest must
        // get through.
        string[] heldAnyway = ["descriptors", "environments", "command-lines", "outlive-command", "replace-sockets", "holder-files",
            "engine-sockets", "memory-of-init", "kernel-crypto"];
        Assert.DoesNotContain(held, h => !heldAnyway.Contains(h.Split(':')[0]));
    }

    [Fact]
    public async Task It_says_that_nothing_is_isolated_and_has_no_terminals()
    {
        await using var ground = new Ground();
        var backend = new NoneBackend(ground.Options);
        var probe = await backend.ProbeAsync(default);
        Assert.Equal((SandboxKind.None, LimitSource.None), (probe.Kind, probe.Limits));
        Assert.Contains("Nothing is isolated", Assert.Single(probe.Reasons), StringComparison.Ordinal);
        var sandbox = await backend.CreateAsync(ground.Spec(), default);
        await Assert.ThrowsAsync<SandboxException>(() => sandbox.OpenTerminalAsync(new TerminalSpec { Name = "t" }, default));
        var (outcome, output, errors) = await sandbox.ShellAsync("echo a; echo b >&2; exit 9");
        Assert.Equal((9, "a\n", "b\n"), (outcome.ExitCode, output, errors));
        await sandbox.KillAsync(default);
    }

    /// <summary>
    /// Takes what the machine has when nothing holds it, writes where it should not even when that is allowed, or is answered by a kernel
    /// that lacks it as by the filter.
    /// </summary>
    private static bool Harmful(string id) => id is "processes-without-end" or "memory-without-end" or "memory-of-many" or "nameless-files"
        or "growth-without-end" or "files-without-end" or "memory-files" or "big-file" or "kernel-module" or "clock" or "change-system"
        or "new-namespace-by-clone" or "change-root" or "kernel-settings" or "core-pattern" or "sysrq" or "later-call" or "homes"
            or "make-device" or "guarded-folder" or "raise-limits"
        or "multipath-tcp" or "multipath-tcp-ipv6" or "sequenced-packets";
}

/// <summary>One suite for all cases.</summary>
public sealed class LandlockUnderAttack : IAsyncLifetime
{
    private readonly Ground _ground = new();

    public AttackSuite? Suite { get; private set; }

    public async ValueTask InitializeAsync()
    {
        var backend = new LandlockBackend(_ground.Options);
        if ((await backend.ProbeAsync(default)).Usable)
        {
            Suite = await AttackSuite.StartAsync(backend, _ground.Root, Ground.IsRoot ? Ground.Owner : null, TimeProvider.System, default);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Suite is not null)
        {
            await Suite.DisposeAsync();
        }

        await _ground.DisposeAsync();
    }
}

public sealed class LandlockTests(LandlockUnderAttack fixture) : IClassFixture<LandlockUnderAttack>
{
    /// <summary>
    /// What Landlock does not cover: it shares the host's processes, network view and file system layout. This is why it is called reduced.
    /// </summary>
    private static readonly string[] s_notCovered =
    [
        "see-processes", "see-sockets", "names", "metadata", "guarded-folder", "password-hashes", "homes", "holder-files", "engine-sockets",
        "memory-files", "processes-without-end", "raise-limits",
    ];

    public static TheoryData<string> Ids => [.. AttackSuite.All.Select(a => a.Id).Except(s_notCovered)];

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Landlock_holds_against(string attack)
    {
        Assert.SkipWhen(fixture.Suite is null, "this kernel has no Landlock, or too old a one");
        var result = await fixture.Suite!.RunAsync(AttackSuite.All.Single(a => a.Id == attack), default);
        Assert.True(result.Verdict == AttackVerdict.Held, $"{result.Verdict}: {result.Detail}");
    }
}
