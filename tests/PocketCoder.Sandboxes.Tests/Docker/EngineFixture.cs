using PocketCoder.Sandboxes.Docker;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Sandboxes.Tests.Docker;

/// <summary>
/// A real engine of its own, in its own mount and network namespaces, so that the machine's firewall and engines stay as they are.
/// </summary>
public sealed class EngineFixture : IAsyncLifetime
{
    private const string Run = """
        ip link set lo up 2> /dev/null
        mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir -p /run/docker || exit 9
        exec dockerd --data-root "$1/data" --exec-root /run/docker -p /run/dockerd.pid -H "unix://$1/docker.sock" --storage-driver overlay2 --iptables=false --bridge=none --cgroup-parent "$2"
        """;

    /// <summary>An engine that takes longer is taken for one that can't run here.</summary>
    private static readonly TimeSpan s_startLimit = TimeSpan.FromMinutes(1) * Wait.Slowness;

    private readonly Ground _ground = new();
    private readonly string _cgroup = $"/pocketcoder-docker-{Environment.ProcessId}";
    private OwnedProcess? _engine;

    /// <summary>Why there is none.</summary>
    public string? Missing { get; private set; }

    public DockerBackend Backend { get; private set; } = null!;

    public AttackSuite? Suite { get; private set; }

    public SandboxOptions Options => _ground.Options;

    public SandboxSpec Spec() => _ground.Spec();

    public async ValueTask InitializeAsync()
    {
        Missing = !Ground.IsRoot ? "only root can start an engine"
            : Executables.Find("dockerd", "/usr/bin:/usr/sbin") is null ? "dockerd is not installed (apt-get install docker.io)"
            : null;
        if (Missing is not null)
        {
            return;
        }

        var folder = Path.Combine(_ground.Root, "engine");
        Directory.CreateDirectory(folder);
        _engine = OwnedProcess.Start(
            new ProcessStart
            {
                Program = "unshare",
                Arguments = ["-m", "-n", "/bin/sh", "-c", Run, "sh", folder, _cgroup],
                WorkingDirectory = "/",
                Environment = new Dictionary<string, string> { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin", ["HOME"] = folder },
            },
            TimeProvider.System);
        var log = new OutputCapture(20_000);
        _ = log.ReadToEndAsync(_engine.StandardError, default);
        _ = log.ReadToEndAsync(_engine.StandardOutput, default);
        Backend = new DockerBackend(_ground.Options, new DockerOptions { Socket = Path.Combine(folder, "docker.sock") });
        SandboxProbe? probe = null;
        try
        {
            await Wait.UntilAsync(
                async () => _engine.Exited.IsCompleted || (probe = await Backend.ProbeAsync(default)).Facts.ContainsKey("engine"),
                "the engine to answer",
                s_startLimit);
        }
        catch (TimeoutException e)
        {
            Missing = $"{e.Message}: {log}";
            return;
        }

        if (_engine.Exited.IsCompleted)
        {
            Missing = "the engine does not run here: " + log;
            return;
        }

        Probe = probe!;
        if (probe!.Usable)
        {
            Suite = await AttackSuite.StartAsync(Backend, _ground.Root, Ground.Owner, TimeProvider.System, default);
        }
    }

    public SandboxProbe? Probe { get; private set; }

    public async ValueTask DisposeAsync()
    {
        if (Suite is not null)
        {
            await Suite.DisposeAsync();
        }

        if (_engine is not null)
        {
            await _engine.KillAsync(TimeSpan.FromSeconds(15));
            await _engine.DisposeAsync();
            foreach (var controller in Directory.GetDirectories("/sys/fs/cgroup"))
            {
                foreach (var group in Directory.Exists(controller + _cgroup)
                    ? Directory.GetDirectories(controller + _cgroup).Append(controller + _cgroup) : [])
                {
                    Directory.Delete(group);
                }
            }
        }

        Backend?.Dispose();
        await _ground.DisposeAsync();
    }
}

[Trait("Category", "Slow")]
public sealed class DockerTests(EngineFixture fixture) : IClassFixture<EngineFixture>
{
    public static TheoryData<string> Ids => [.. AttackSuite.All.Where(a => !a.NeedsWatch).Select(a => a.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task A_container_holds_against(string attack)
    {
        Assert.SkipWhen(fixture.Missing is not null, fixture.Missing ?? "");
        Assert.True(fixture.Suite is not null, string.Join('\n', fixture.Probe!.Reasons));
        var result = await fixture.Suite!.RunAsync(AttackSuite.All.Single(a => a.Id == attack), default);
        Assert.True(result.Verdict == AttackVerdict.Held, $"{result.Verdict}: {result.Detail}");
    }

    [Fact]
    public async Task An_attack_that_nobody_watches_for_is_told_as_not_run()
    {
        Assert.SkipWhen(fixture.Missing is not null, fixture.Missing ?? "");
        foreach (var attack in AttackSuite.All.Where(a => a.NeedsWatch))
        {
            Assert.Equal(AttackVerdict.NotRun, (await fixture.Suite!.RunAsync(attack, default)).Verdict);
        }
    }

    [Fact]
    public async Task Commands_run_with_input_outputs_codes_limits_and_ends()
    {
        Assert.SkipWhen(fixture.Missing is not null, fixture.Missing ?? "");
        var sandbox = await fixture.Backend.CreateAsync(fixture.Spec(), default);
        try
        {
            var (outcome, output, errors) = await sandbox.ShellAsync("echo \"$KEY\"; pwd; echo err >&2; exit 42",
                new ExecSpec { Command = [], Environment = new Dictionary<string, string> { ["KEY"] = "a b\n$(id)" } });
            Assert.Equal((42, $"a b\n$(id)\n{fixture.Spec().Workspace}\n", "err\n"), (outcome.ExitCode, output, errors));

            await using (var exec = await sandbox.ExecAsync(new ExecSpec { Command = ["wc", "-c"], KeepInputOpen = true }, default))
            {
                var spool = CommandSpool.Start(exec);
                await exec.StandardInput.WriteAsync(new byte[300_000]);
                exec.StandardInput.Close();
                await spool.Completed.WaitAsync(Wait.Limit);
                Assert.Equal("300000\n", spool.StandardOutputText);
            }

            var (late, _, _) = await sandbox.ShellAsync(
                "trap '' TERM; while :; do sleep 1; done", new ExecSpec { Command = [], TimeLimit = TimeSpan.FromSeconds(1) });
            Assert.Equal(ExecEnd.TimedOut, late.End);
            var (big, bytes, _) = await sandbox.ShellAsync(
                "head -c 5000000 /dev/zero | wc -c; head -c 100000 /dev/zero | tr '\\0' x", new ExecSpec { Command = [] });
            Assert.Equal((0, 100_008), (big.ExitCode, bytes.Length));

            var found = Assert.Single(await fixture.Backend.RecoverAsync(default), s => s.Id == sandbox.Id);
            Assert.Equal("again\n", (await found.ShellAsync("echo again")).Output);
        }
        finally
        {
            await sandbox.KillAsync(default);
        }

        var gone = await Assert.ThrowsAsync<SandboxException>(() => sandbox.ExecAsync(new ExecSpec { Command = ["true"] }, default));
        Assert.Equal(SandboxError.Lost, gone.Code);
        Assert.DoesNotContain(await fixture.Backend.RecoverAsync(default), s => s.Id == sandbox.Id);
    }

    [Fact]
    public async Task Where_no_engine_listens_the_probe_says_so()
    {
        await using var ground = new Ground();
        using var backend = new DockerBackend(ground.Options, new DockerOptions { Socket = Path.Combine(ground.Root, "nobody.sock") });
        var probe = await backend.ProbeAsync(default);
        Assert.False(probe.Usable);
        Assert.Contains("could not be reached", Assert.Single(probe.Reasons), StringComparison.Ordinal);
    }
}
