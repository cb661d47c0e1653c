using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using PocketCoder.Platform.Calls;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes;

/// <summary>
/// What attacks are after: a secret file, a leaked descriptor, a listener, an abstract socket, a process, an environment, another session.
/// </summary>
internal sealed class AttackTargets : IAsyncDisposable
{
    public const long FileSize = 32 << 20;
    public const long MemoryFiles = 8 << 20;
    public const long Memory = 192 << 20;
    public const int Processes = 96;
    public const long Growth = 48 << 20;
    public const int Files = 10_000;

    private const string CanaryVariable = "ATTACK_CANARY";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan s_endLimit = TimeSpan.FromSeconds(5);

    private readonly Targets _targets;
    private readonly ISandbox _other;

    private AttackTargets(Targets targets, ISandbox sandbox, ISandbox other, LimitSource limits)
    {
        _targets = targets;
        Sandbox = sandbox;
        _other = other;
        Limits = limits;
    }

    public ISandbox Sandbox { get; }

    public LimitSource Limits { get; }

    /// <summary>Whether the process on the host that attacks aim at still runs.</summary>
    public bool VictimLives => ProcessGroup.IsAlive(_targets.Victim.Identity);

    /// <summary>Waits until that process has ended, 5 s at most.</summary>
    public async Task VictimMayEndAsync(CancellationToken cancellationToken)
    {
        Task ended = _targets.Victim.Exited.WaitAsync(s_endLimit, cancellationToken);
        await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Named in every file that an attack makes, so that it is found on the host.</summary>
    public string Canary => _targets.Environment["T_CANARY"];

    public string Workspace => _targets.Environment["T_WORKSPACE"];

    public static async Task<AttackTargets> CreateAsync(
        ISandboxBackend backend, string scratch, uint? owner, TimeProvider time, CancellationToken cancellationToken)
    {
        var canary = Guid.CreateVersion7().ToString("N");
        var folder = Path.Combine(scratch, "attack-" + canary);
        Directory.CreateDirectory(folder);
        File.SetUnixFileMode(folder, (UnixFileMode)Convert.ToInt32("755", 8));
        var secret = Path.Combine(folder, "secret");
        await File.WriteAllTextAsync(secret, $"SECRET {canary}\n", cancellationToken);
        File.SetUnixFileMode(secret, (UnixFileMode)Convert.ToInt32("644", 8));
        var project = await ProjectAsync(folder, "project", canary, owner, cancellationToken);
        var otherProject = await ProjectAsync(folder, "other", canary, owner, cancellationToken);

        // What a careless parent leaves behind: a variable with a secret, and a descriptor without close-on-exec.
        Environment.SetEnvironmentVariable(CanaryVariable, canary);
        var leaked = FileCalls.OpenPath(secret, 0);
        var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        tcp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        tcp.Listen();
        var unix = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        unix.Bind(new UnixDomainSocketEndPoint("\0attack-" + canary));
        unix.Listen();
        var victim = OwnedProcess.Start(
            new ProcessStart
            {
                Program = "/bin/sh",
                Arguments = ["-c", "while :; do sleep 1; done", "victim-" + canary],
                WorkingDirectory = "/",
                Environment = new Dictionary<string, string>(StringComparer.Ordinal)
                { ["PATH"] = "/usr/bin:/bin", [CanaryVariable] = canary },
            },
            time);
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["T_SECRET"] = secret,
            ["T_CANARY"] = canary,
            ["T_PORT"] = ((IPEndPoint)tcp.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture),
            ["T_ABSTRACT"] = "attack-" + canary,
            ["T_PID"] = victim.Identity.Pid.ToString(CultureInfo.InvariantCulture),
            ["T_WORKSPACE"] = project,
            ["T_OTHER"] = otherProject,
            ["T_FOLDER"] = folder,
            ["T_FILESIZE"] = FileSize.ToString(CultureInfo.InvariantCulture),
            ["T_MEMFILES"] = MemoryFiles.ToString(CultureInfo.InvariantCulture),
            ["T_MEMORY"] = Memory.ToString(CultureInfo.InvariantCulture),
            ["T_GROWTH"] = Growth.ToString(CultureInfo.InvariantCulture),
            ["T_FILES"] = Files.ToString(CultureInfo.InvariantCulture),
            ["T_PROCESSES"] = Processes.ToString(CultureInfo.InvariantCulture),
        };
        var made = new Targets(folder, tcp, unix, victim, leaked, environment);
        ISandbox? sandbox = null;
        try
        {
            sandbox = await backend.CreateAsync(Spec("attack-" + canary, project), cancellationToken);
            var second = await backend.CreateAsync(Spec("other-" + canary, otherProject), cancellationToken);
            var limits = sandbox is Bubblewrap.BubblewrapSandbox { State.ControlGroups.Count: > 0 } ? LimitSource.CgroupV1
                : sandbox.Kind == Protocol.SandboxKind.Docker ? LimitSource.Engine : LimitSource.ResourceLimits;
            return new AttackTargets(made, sandbox, second, limits);
        }
        catch
        {
            if (sandbox is not null)
            {
                await sandbox.KillAsync(CancellationToken.None);
            }

            await CleanAsync(made);
            throw;
        }
    }

    /// <summary>Runs a fixed shell script inside, with the targets in its environment (T_…).</summary>
    public async Task<(ExecOutcome Outcome, string Output)> ShellAsync(string script, CancellationToken cancellationToken)
    {
        await using var exec = await Sandbox.ExecAsync(
            new ExecSpec { Command = ["/bin/sh", "-c", script], Environment = _targets.Environment, TimeLimit = s_limit },
            cancellationToken);
        var spool = CommandSpool.Start(exec);
        var outcome = await spool.Completed;
        return (outcome, spool.Text);
    }

    public async ValueTask DisposeAsync()
    {
        await Sandbox.KillAsync(CancellationToken.None);
        await _other.KillAsync(CancellationToken.None);
        await CleanAsync(_targets);
    }

    private static SandboxSpec Spec(string id, string project) => new()
    {
        Id = id,
        Workspace = project,
        ReadOnlyBinds = [new(Path.Combine(project, "guarded"))],
        Limits = new SandboxLimits
        {
            Memory = Memory,
            Processes = Processes,
            FileSize = FileSize,
            MemoryFiles = MemoryFiles,
            ProjectGrowth = Growth,
            Files = Files
        },
    };

    private static async Task<string> ProjectAsync(
        string folder, string name, string canary, uint? owner, CancellationToken cancellationToken)
    {
        var project = Path.Combine(folder, name);
        var guarded = Path.Combine(project, "guarded");
        Directory.CreateDirectory(guarded);
        var file = Path.Combine(project, "mine");
        await File.WriteAllTextAsync(file, $"PROJECT {canary}\n", cancellationToken);
        if (owner is { } user)
        {
            foreach (var path in (string[])[project, guarded, file])
            {
                Native.GiveTo(path, user, user);
            }
        }

        return project;
    }

    private static async Task CleanAsync(Targets targets)
    {
        Environment.SetEnvironmentVariable(CanaryVariable, null);
        _ = FileCalls.CloseDescriptor(targets.Leaked);
        targets.Tcp.Dispose();
        targets.Unix.Dispose();
        await targets.Victim.DisposeAsync();
        if (Directory.Exists(targets.Folder))
        {
            Directory.Delete(targets.Folder, recursive: true);
        }
    }

    private sealed record Targets(
        string Folder, Socket Tcp, Socket Unix, OwnedProcess Victim, int Leaked, Dictionary<string, string> Environment);
}
