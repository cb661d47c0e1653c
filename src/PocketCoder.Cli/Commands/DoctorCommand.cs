using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using PocketCoder.Cli.Output;
using PocketCoder.Gateway;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Processes;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder doctor</c>: what this machine has and lacks, each with what to do. Changes nothing.</summary>
internal static class DoctorCommand
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private static readonly Option<bool> s_attack = new("--attack") { Description = "Try to break out of the sandbox, one way after the other, and tell what held" };

    private static readonly Option<string?> s_sandbox = Sandbox();

    public static Command Create(Terminal terminal) => new Command("doctor", "Check what PocketCoder needs from this machine") { s_attack, s_sandbox }.Does(terminal, async (context, parsed, ct) =>
    {
        if (parsed.GetValue(s_attack))
        {
            return await DoctorAttack.RunAsync(context, parsed.GetValue(s_sandbox), ct);
        }

        await using var sandboxes = new DoctorSandboxes(context.Terminal.Environment);
        List<CheckShown> checks =
        [
            Directories(context.Home),
            Database(),
            await ProgramAsync("git", "--version", "fail", "Install it: sudo apt-get install git", ct),
            await ProgramAsync("tmux", "-V", "warn", "Terminals will need it: sudo apt-get install tmux", ct),
            await ProgramAsync("bwrap", "--version", "warn", "The sandbox will need it: sudo apt-get install bubblewrap", ct),
            .. await sandboxes.CheckAsync(ct),
            .. await AgentsAsync(context.Home, ct),
            await PortAsync(context, ct),
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
        var option = new Option<string?>("--sandbox") { Description = "With --attack: which one: bubblewrap, docker or landlock. Default: the first that works", HelpName = "KIND" };
        return option.AcceptOnlyFromAmong("bubblewrap", "docker", "landlock");
    }

    private static CheckShown Directories(Home home)
    {
        if (!Directory.Exists(home.Root))
        {
            return new("home", "ok", $"{home} is not there yet; 'start' makes it", null);
        }

        try
        {
            home.Inspect();
            return new("home", "ok", home.Root, null);
        }
        catch (HomeRefusal e)
        {
            return new("home", "fail", home.Root, e.Message);
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
                        var version = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "sqlite3_libversion"))());
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

    private static async Task<CheckShown> ProgramAsync(string name, string versionFlag, string stateWhenMissing, string advice, CancellationToken ct)
    {
        var environment = EnvironmentAllowList.SelectFromOwn();
        if (Executables.Find(name, environment.GetValueOrDefault("PATH")) is not { } program)
        {
            return new(name, stateWhenMissing, "is not installed", advice);
        }

        try
        {
            var result = await CommandRun.RunAsync(
                new ProcessStart { Program = program, Arguments = [versionFlag], WorkingDirectory = "/", Environment = environment }, s_limit, 1000, TimeProvider.System, ct);
            return result.ExitCode == 0
                ? new(name, "ok", $"{result.Output.Trim().Split('\n')[0]} ({program})", null)
                : new(name, "warn", $"{program} {versionFlag} ends with {result.ExitCode}", advice);
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
            $"{(a.Probe.Installed ? $"{a.Agent.Name} {a.Probe.Version} ({a.Probe.Path})" : $"{a.Agent.Name} is not installed")}{AgentsCommand.Tested(a.Agent)}",
            a.Probe.Installed || !isAny ? a.Probe.Advice : null))];
    }

    private static async Task<CheckShown> PortAsync(CommandContext context, CancellationToken ct)
    {
        try
        {
            if (await context.Daemon.IsHealthyAsync(ct))
            {
                return new("daemon", "ok", "is running", null);
            }
        }
        catch (ControlException e)
        {
            return new("daemon", "fail", e.Message, "Run PocketCoder as one user: see the owner of its home.");
        }

        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, GatewayOptions.DefaultPort));
            socket.Listen();
            return new("port", "ok", $"{GatewayOptions.DefaultPort} is free", null);
        }
        catch (SocketException)
        {
            return new("port", "warn", $"{GatewayOptions.DefaultPort} is taken by another program", $"Choose another: pocketcoder start --listen 127.0.0.1:{GatewayOptions.DefaultPort + 1}");
        }
    }

    private static CheckShown App() => GatewayServer.HasApp
        ? new("app", "ok", "is in this program", null)
        : new("app", "warn", "is not in this build, so phones would get no page", "In a checkout, type ./start.sh");

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
            < 100 => new("disk", "fail", $"{free} MB free at {place}", "The ledger needs room to write, and refuses to work without: free some space."),
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
