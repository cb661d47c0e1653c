using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Ledger;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Starting;
using PocketCoder.Processes;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder doctor</c>: what this machine has and lacks, each with what to do. Changes nothing.</summary>
internal static class DoctorCommand
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private static readonly Option<bool> s_attack = new("--attack")
    { Description = "Try to break out of the sandbox in many ways and report which attempts it blocked" };

    private static readonly Option<string?> s_sandbox = Sandbox();

    public static Command Create(Terminal terminal) => new Command("doctor", "Check that this machine has what PocketCoder needs")
        { s_attack, s_sandbox }.Does(terminal, async (context, parsed, ct) =>
    {
        if (parsed.GetValue(s_attack))
        {
            return await DoctorAttack.RunAsync(context, parsed.GetValue(s_sandbox), ct);
        }

        await using var sandboxes = new DoctorSandboxes(context.Terminal.Environment);
        List<CheckShown> checks =
        [
            Database(),
            .. Start(context),
            await LedgerAsync(context.Home, ct),
            await ProgramAsync("git", "--version", "fail", "Install it: sudo apt-get install git", ct),
            await ProgramAsync("tmux", "-V", "warn", "Needed for terminals: sudo apt-get install tmux", ct),
            await ProgramAsync("bwrap", "--version", "warn", "Needed for the sandbox: sudo apt-get install bubblewrap", ct),
            .. await sandboxes.CheckAsync(ct),
            .. await AgentsAsync(context.Home, ct),
            .. await PortsAsync(context, ct),
            App(),
            Space(context.Home),
            Clock(),
        ];
        if (context.Json)
        {
            CliJson.Write(context.Terminal, checks, CliJson.Default.IReadOnlyListCheckShown);
        }
        else
        {
            foreach (var check in checks)
            {
                context.Say($"{check.State,-4}  {check.Name,-10}  {Untrusted.Show(check.Found)}");
                if (check.Advice is not null)
                {
                    context.Say($"                  {Untrusted.Show(check.Advice)}");
                }
            }
        }

        return checks.Exists(c => c.State == "fail") ? ExitCode.Failure : ExitCode.Ok;
    });

    private static Option<string?> Sandbox()
    {
        var option = new Option<string?>("--sandbox")
        {
            Description =
            "With --attack: the sandbox to attack: bubblewrap, docker or landlock (default: the first that works)",
            HelpName = "KIND"
        };
        return option.Among("bubblewrap", "docker", "landlock");
    }

    /// <summary>What a start looks at too, in the same order: the home, and the settings.</summary>
    private static IEnumerable<CheckShown> Start(CommandContext context)
    {
        var home = true;
        foreach (var check in StartChecks.Run(context.Home, thorough: true))
        {
            home &= check.Problem is null;
            yield return check.Problem is { } problem ? new(check.Name, "fail", problem.Cause, problem.Advice)
                : new(check.Name, "ok", check.Found, null);
        }

        if (home)
        {
            yield return Settings(context);
        }
    }

    private static CheckShown Settings(CommandContext context)
    {
        try
        {
            _ = StartCommand.Planned(CommandLine.Build(context.Terminal), context.Home, context.Terminal);
            return new("settings", "ok", File.Exists(context.Home.Config) ? context.Home.Config : "the defaults", null);
        }
        catch (Exception e) when (Failure.Of(e) is { } told)
        {
            return new("settings", "fail", told.Message, null);
        }
    }

    private static CheckShown Database()
    {
        foreach (var name in (string[])["libsqlite3.so.0", "libsqlite3.dylib", "winsqlite3.dll", "sqlite3.dll"])
        {
            if (NativeLibrary.TryLoad(name, out var library))
            {
                try
                {
                    unsafe
                    {
                        var version = Marshal.PtrToStringUTF8(
                            ((delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "sqlite3_libversion"))());
                        return new("sqlite", "ok", $"{version} ({name})", null);
                    }
                }
                finally
                {
                    NativeLibrary.Free(library);
                }
            }
        }

        return new("sqlite", "fail", "libsqlite3 is not installed", "Install it: sudo apt-get install libsqlite3-0");
    }

    /// <summary>Whether the database holds the chain whose head this machine signed last; also while the daemon runs.</summary>
    private static async Task<CheckShown> LedgerAsync(Home home, CancellationToken ct)
    {
        if (!File.Exists(home.Database) || !File.Exists(home.MachineKey))
        {
            return new("ledger", "ok", "none yet", null);
        }

        try
        {
            using var identity = ChannelIdentity.Load(home.MachineKey);
            return await LedgerStore.CompareFileAsync(
                home.Database, home.LedgerHead, identity.Id, identity.SigningPublicKey.ToArray(), ct) is { } problem
                ? new("ledger", "fail", $"is not the one this machine signed: {problem}",
                    "Approvals and commands are blocked until you accept it. Start the daemon, then run: pocketcoder ledger verify")
                : new("ledger", "ok", "matches what this machine signed", null);
        }
        catch (Exception e) when (e is LedgerException or ChannelException)
        {
            return new("ledger", "warn", "not checked: can't use the key or the database", null);
        }
    }

    private static async Task<CheckShown> ProgramAsync(
        string name, string versionFlag, string stateWhenMissing, string advice, CancellationToken ct)
    {
        var environment = EnvironmentAllowList.SelectFromOwn();
        if (Executables.Find(name, environment.GetValueOrDefault("PATH")) is not { } program)
        {
            return new(name, stateWhenMissing, "is not installed", advice);
        }

        try
        {
            var result = await CommandRun.RunAsync(
                new ProcessStart { Program = program, Arguments = [versionFlag], WorkingDirectory = "/", Environment = environment },
                s_limit, 1000, TimeProvider.System, ct);
            return result.ExitCode == 0
                ? new(name, "ok", $"{result.Output.Trim().Split('\n')[0]} ({program})", null)
                : new(name, "warn", $"{program} {versionFlag} exited with {result.ExitCode}", advice);
        }
        catch (ProcessStartException e)
        {
            return new(name, "warn", e.Message, advice);
        }
    }

    /// <summary>One agent is enough; a missing one is no fault.</summary>
    private static async Task<IReadOnlyList<CheckShown>> AgentsAsync(Home home, CancellationToken ct)
    {
        var found = await AgentsCommand.ProbeAsync(home, ct);
        var isAny = found.Any(a => a.Probe.Installed);
        return [.. found.Select(a => new CheckShown(
            a.Agent.Id,
            a.Probe.Installed ? (a.Probe.Advice is null ? "ok" : "warn") : isAny ? "ok" : "warn",
            $"{(a.Probe.Unanswered ? $"{a.Agent.Name} has not answered yet ({a.Probe.Path})" : a.Probe.Installed ? $"{a.Agent.Name} {a.Probe.Version} ({a.Probe.Path})" : $"{a.Agent.Name} is not installed")}{AgentsCommand.Tested(a.Agent)}",
            a.Probe.Installed || !isAny ? a.Probe.Advice : null))];
    }

    /// <summary>Whether a daemon runs; else whether the addresses that it would listen on are free.</summary>
    private static async Task<IReadOnlyList<CheckShown>> PortsAsync(CommandContext context, CancellationToken ct)
    {
        try
        {
            if (await context.Daemon.IsHealthyAsync(ct))
            {
                return [new("daemon", "ok", "is running", null)];
            }

            var (gateway, control) = StartCommand.Planned(CommandLine.Build(context.Terminal), context.Home, context.Terminal);
            IReadOnlyList<IPEndPoint> listen = gateway.Listen.Count > 0 ? gateway.Listen
                : [new IPEndPoint(IPAddress.Loopback, GatewayOptions.DefaultPort)];
            return
            [
                .. listen.Where(e => e.Port != 0).DistinctBy(e => e.Port)
                    .Select(e => Port(e, $"Choose another: pocketcoder start --listen 127.0.0.1:{e.Port + 1}")),
                .. control is null or 0 ? [] : (CheckShown[])[Port(new IPEndPoint(IPAddress.Loopback, control.Value),
                    $"Choose another: pocketcoder start --control-port {control + 1}, or off")],
            ];
        }
        catch (DaemonNotAnswering e)
        {
            return [new("daemon", "fail", e.Message, null)];
        }
        catch (ControlException e)
        {
            return [new("daemon", "fail", e.Message, "Always run PocketCoder as the same user: check who owns its home.")];
        }
        catch (Exception e) when (Failure.Of(e) is not null)
        {
            return []; // told with the settings
        }
    }

    private static CheckShown Port(IPEndPoint endpoint, string advice)
    {
        try
        {
            using var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(endpoint);
            socket.Listen();
            return new("port", "ok", $"{endpoint.Port} is free", null);
        }
        catch (SocketException e)
        {
            return new("port", "warn", e.SocketErrorCode == SocketError.AddressAlreadyInUse
                ? $"{endpoint.Port} is in use by another program" : $"can't listen on {endpoint}: {e.Message}", advice);
        }
    }

    private static CheckShown App() => GatewayServer.HasApp
        ? new("app", "ok", "included in this program", null)
        : new("app", "warn", "not included in this build, so phones would get no page", "In a checkout, run ./start.sh");

    private static CheckShown Space(Home home)
    {
        var place = home.Root;
        while (!Directory.Exists(place) && Path.GetDirectoryName(place) is { } parent)
        {
            place = parent;
        }

        var free = new DriveInfo(place).AvailableFreeSpace / (1024 * 1024);
        return free switch
        {
            < 100 => new("disk", "fail", $"{free} MB free at {place}", "The ledger stops working without disk space. Free some space."),
            < 1024 => new("disk", "warn", $"{free} MB free at {place}", "Free some space soon."),
            _ => new("disk", "ok", $"{free / 1024} GB free at {place}", null),
        };
    }

    private static CheckShown Clock()
    {
        // Certificates and approvals' ends depend on it. A machine that lost its time is years off, not seconds.
        var now = TimeProvider.System.GetUtcNow();
        return now.Year is >= 2026 and < 2100
            ? new("clock", "ok", $"{now:yyyy-MM-dd HH:mm} UTC", null)
            : new("clock", "fail", $"{now:yyyy-MM-dd HH:mm} UTC", "Set the clock: sudo timedatectl set-ntp true");
    }
}
