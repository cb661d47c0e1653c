using PocketCoder.Hands.Docker;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Hands.Tests.Docker;

/// <summary>A real engine of its own, in its own mount and network namespaces, so that the machine's firewall and engines stay as they are.</summary>
public sealed class EngineFixture : IAsyncLifetime
{
    private const string Run = """
        ip link set lo up 2> /dev/null
        mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir -p /run/docker || exit 9
        exec dockerd --data-root "$1/data" --exec-root /run/docker -p /run/dockerd.pid -H "unix://$1/docker.sock" --storage-driver overlay2 --iptables=false --bridge=none --cgroup-parent "$2"
        """;

    private readonly Ground ground = new();
    private readonly string cgroup = $"/pocketcoder-docker-{Environment.ProcessId}";
    private OwnedProcess? engine;

    /// <summary>Why there is none.</summary>
    public string? Missing { get; private set; }

    public DockerBackend Backend { get; private set; } = null!;

    public AttackSuite? Suite { get; private set; }

    public HandsOptions Options => ground.Options;

    public SandboxSpec Spec() => ground.Spec();

    public async ValueTask InitializeAsync()
    {
        Missing = !Ground.IsRoot ? "only root can start an engine"
            : Executables.Find("dockerd", "/usr/bin:/usr/sbin") is null ? "dockerd is not installed (apt-get install docker.io)"
            : null;
        if (Missing is not null)
        {
            return;
        }

        var folder = Path.Combine(ground.Root, "engine");
        Directory.CreateDirectory(folder);
        engine = OwnedProcess.Start(
            new ProcessStart
            {
                Program = "unshare",
                Arguments = ["-m", "-n", "/bin/sh", "-c", Run, "sh", folder, cgroup],
                WorkingDirectory = "/",
                Environment = new Dictionary<string, string> { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin", ["HOME"] = folder },
            },
            TimeProvider.System);
        var log = new OutputCapture(20_000);
        _ = log.ReadToEndAsync(engine.StandardError, default);
        _ = log.ReadToEndAsync(engine.StandardOutput, default);
        Backend = new DockerBackend(ground.Options, new DockerOptions { Socket = Path.Combine(folder, "docker.sock") });
        SandboxProbe? probe = null;
        await Wait.UntilAsync(
            async () => engine.Exited.IsCompleted || (probe = await Backend.ProbeAsync(default)).Facts.ContainsKey("engine"), "the engine to answer");
        if (engine.Exited.IsCompleted)
        {
            Missing = "the engine does not run here: " + log;
            return;
        }

        Probe = probe!;
        if (probe!.Usable)
        {
            Suite = await AttackSuite.StartAsync(Backend, ground.Root, Ground.Owner, TimeProvider.System, default);
        }
    }

    public SandboxProbe? Probe { get; private set; }

    public async ValueTask DisposeAsync()
    {
        if (Suite is not null)
        {
            await Suite.DisposeAsync();
        }

        if (engine is not null)
        {
            await engine.KillAsync(TimeSpan.FromSeconds(15));
            await engine.DisposeAsync();
            foreach (var controller in Directory.GetDirectories("/sys/fs/cgroup"))
            {
                foreach (var group in Directory.Exists(controller + cgroup) ? Directory.GetDirectories(controller + cgroup).Append(controller + cgroup) : [])
                {
                    Directory.Delete(group);
                }
            }
        }

        Backend?.Dispose();
        await ground.DisposeAsync();
    }
}

[Trait("Category", "Slow")]
public sealed class DockerTests(EngineFixture fixture) : IClassFixture<EngineFixture>
{
    public static TheoryData<string> Ids => [.. AttackSuite.All.Select(a => a.Id)];

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
    public async Task Commands_run_with_input_outputs_codes_limits_and_ends()
    {
        Assert.SkipWhen(fixture.Missing is not null, fixture.Missing ?? "");
        var sandbox = await fixture.Backend.CreateAsync(fixture.Spec(), default);
        try
        {
            var (outcome, output, errors) = await sandbox.ShellAsync("echo \"$KEY\"; pwd; echo err >&2; exit 42", new ExecSpec { Command = [], Environment = new Dictionary<string, string> { ["KEY"] = "a b\n$(id)" } });
            Assert.Equal((42, $"a b\n$(id)\n{fixture.Spec().Workspace}\n", "err\n"), (outcome.ExitCode, output, errors));

            await using (var exec = await sandbox.ExecAsync(new ExecSpec { Command = ["wc", "-c"], KeepInputOpen = true }, default))
            {
                var spool = CommandSpool.Start(exec);
                await exec.StandardInput.WriteAsync(new byte[300_000]);
                exec.StandardInput.Close();
                await spool.Completed.WaitAsync(Wait.Limit);
                Assert.Equal("300000\n", spool.StandardOutputText);
            }

            var (late, _, _) = await sandbox.ShellAsync("trap '' TERM; while :; do sleep 1; done", new ExecSpec { Command = [], TimeLimit = TimeSpan.FromSeconds(1) });
            Assert.Equal(ExecEnd.TimedOut, late.End);
            var (big, bytes, _) = await sandbox.ShellAsync("head -c 5000000 /dev/zero | wc -c; head -c 100000 /dev/zero | tr '\\0' x", new ExecSpec { Command = [] });
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
        Assert.Contains("could not be spoken to", Assert.Single(probe.Reasons), StringComparison.Ordinal);
    }
}
