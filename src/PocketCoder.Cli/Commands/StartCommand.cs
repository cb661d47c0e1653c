using System.CommandLine.Parsing;
using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Gateway.Tls;
using PocketCoder.Gateway;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Machine.Starting;
using PocketCoder.Machine.Status;
using PocketCoder.Machine;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder start</c>: in the background by starting itself again, or in the foreground.</summary>
internal static class StartCommand
{
    private const int PortOff = -1;
    private const int OutputUsual = 300;

    private static readonly TimeSpan s_approvalUsual = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan s_stopLimit = TimeSpan.FromSeconds(15);

    private static readonly Option<bool> s_foreground = new("--foreground")
    { Description = "Stay in this terminal and show the log; Ctrl-C stops" };
    private static readonly Option<bool> s_detached = new("--detached") { Hidden = true };
    private static readonly Option<bool> s_demo = new("--demo")
    { Description = "Try it with a scripted agent and a sample project, in a separate home" };
    private static readonly Option<bool> s_behindProxy = new("--behind-proxy")
    { Description = "Run behind a proxy that handles TLS (tailscale serve, Caddy, nginx)" };
    private static readonly Option<bool> s_noTls = new("--no-tls")
    { Description = "Serve plain HTTP on loopback even if 'tls init' created a certificate" };
    private static readonly Option<string[]> s_names = new("--name")
    {
        Description = "Host name that browsers use to open it; repeatable",
        HelpName = "HOST[:PORT]",
        CustomParser = result => [.. result.Tokens.Select(t => HostName(t.Value, result))],
    };

    private static readonly Option<IPEndPoint[]> s_listen = new("--listen")
    {
        Description = "Address to listen on; repeatable (default 127.0.0.1:8090 and [::1]:8090)",
        HelpName = "ADDR:PORT",
        CustomParser = result => [.. result.Tokens.Select(t => Endpoint(t.Value, result))],
    };

    private static readonly Option<IPAddress[]> s_proxies = new("--proxy")
    {
        Description = "With --behind-proxy: the proxy's address if it is not on this machine",
        HelpName = "ADDR",
        CustomParser = result => [.. result.Tokens.Select(t => Address(t.Value, result))],
    };

    /// <summary>Those that say how a gateway listens, with or without a daemon behind it.</summary>
    internal static IReadOnlyList<Option> OfGateway { get; } =
        [s_listen, s_names, s_behindProxy, s_proxies, s_noTls, .. AcmeSettings.Options];

    private static readonly Option<TimeSpan?> s_approvalTimeout = Limit(
        "--approval-timeout", "How long an approval waits for you before it is denied: 10s to 24h (default 10m)");

    private static readonly Option<Dictionary<string, Uri>> s_upstreams = new("--model-upstream")
    {
        Description = "Send a provider's requests to another URL: anthropic=https://…; repeatable",
        HelpName = "PROVIDER=URL",
        CustomParser = Upstreams,
    };

    private static readonly Option<int?> s_outputLimit = Values.Whole(
        "--output-limit", "KB",
        "Kilobytes of a command's output that an agent gets, head and tail; people see all of it: 4 to 16384 (default 300)", 4, 16_384);

    private static readonly Option<TimeSpan?> s_silenceLimit = Limit(
        "--silence-limit", "Stop a turn whose agent has been silent for this long: 10s to 24h (default 30m)");

    private static readonly Option<TimeSpan?> s_turnLimit = Limit(
        "--turn-limit", "Stop a turn that runs longer than this, not counting time waiting for you: 10s to 24h (default: no limit)");

    private static readonly Option<TimeSpan?> s_retryTime = Limit(
        "--retry-time", "Stop an agent that keeps retrying one model request for this long: 10s to 24h (default 15m)");

    private static readonly Option<int?> s_retryLimit = Values.Whole(
        "--retry-limit", "N", "Stop an agent that tries one model request more often than this: 1 to 1000 (default 10)", 1, 1000);

    private static readonly Option<int?> s_warmAgents = Values.Whole(
        "--warm-agents", "N", "How many idle agents to keep running, so that their next prompt starts at once: 0 to 100 (default 3)", 0,
        100);

    private static readonly Option<int?> s_warmMemory = Values.Whole(
        "--warm-memory", "MB", "Total memory for idle agents in megabytes: 16 to 1000000 (default 1024)", 16, 1_000_000);

    private const long Megabyte = 1024 * 1024;

    private static readonly Option<SandboxKind?> s_sandbox = new("--sandbox")
    {
        Description = "Default sandbox: auto (bubblewrap, else docker, else refused), bubblewrap, docker, landlock (reduced), none",
        HelpName = "KIND",
        CustomParser = Sandbox,
        CompletionSources = { "auto", "bubblewrap", "docker", "landlock", "none" },
    };

    private static readonly Option<int?> s_controlPort = new("--control-port")
    {
        Description = "Port of the HTTP control plane on 127.0.0.1, 0 for any free port, or off (default 17333; off with --demo)",
        HelpName = "PORT",
        CustomParser = Port,
    };

    /// <summary>Those that a settings' file may give too.</summary>
    internal static IReadOnlyList<Option> Settings { get; } =
        [s_listen, s_names, s_behindProxy, s_proxies, s_noTls, s_sandbox, s_approvalTimeout, s_upstreams, s_outputLimit, s_silenceLimit,
            s_turnLimit, s_retryLimit, s_retryTime, s_warmAgents, s_warmMemory, s_controlPort, .. AcmeSettings.Options];

    /// <summary>What an option is when nobody says otherwise, as it is typed; empty: nothing.</summary>
    internal static string DefaultOf(Option option) => AcmeSettings.DefaultOf(option.Name) ?? option.Name switch
    {
        "--listen" => "127.0.0.1:8090, [::1]:8090",
        "--behind-proxy" or "--no-tls" => "false",
        "--sandbox" => "auto",
        "--approval-timeout" => "10m",
        "--output-limit" => OutputUsual.ToString(CultureInfo.InvariantCulture),
        "--silence-limit" => "30m",
        "--retry-limit" => "10",
        "--max-devices" => GatewayOptions.Default.MaxConnections.ToString(CultureInfo.InvariantCulture),
        "--retry-time" => "15m",
        "--warm-agents" => WarmLimits.Default.Agents.ToString(CultureInfo.InvariantCulture),
        "--warm-memory" => (WarmLimits.Default.MemoryBytes / Megabyte).ToString(CultureInfo.InvariantCulture),
        "--control-port" => ControlServer.DefaultPort.ToString(CultureInfo.InvariantCulture),
        _ => "",
    };

    public static Command Create(Terminal terminal)
        => WithAcme(new Command("start", "Start the daemon")
            { s_foreground, s_detached, s_demo, s_listen, s_names, s_behindProxy, s_proxies, s_noTls, s_sandbox, s_approvalTimeout,
            s_upstreams, s_outputLimit, s_silenceLimit, s_turnLimit, s_retryLimit, s_retryTime, s_warmAgents, s_warmMemory, s_controlPort })
            .Does(terminal, async (context, parsed, ct) =>
            {
                try
                {
                    StartChecks.RequireUsable(context.Home);
                    context.Home.Prepare();
                    CheckDemo(context.Home, parsed.GetValue(s_demo));
                    var typed = parsed;
                    parsed = Configuration.Settings.OfDaemon.Complete(parsed, context.Home, terminal);
                    if (parsed.GetValue(s_foreground) || parsed.GetValue(s_detached))
                    {
                        return await RunAsync(context, parsed);
                    }

                    if (!DaemonLock.IsTaken(context.Home))
                    {
                        // what is refused for its form is refused here, where the person looks
                        GatewayServer.Require(GatewayFrom(parsed, context.Home), TimeProvider.System);
                    }

                    // As typed: it reads the settings itself, and a restart goes by what was typed.
                    return await Launch.RunAsync(
                        context, [.. typed.Tokens.Select(t => t.Value), s_detached.Name],
                        (status, already) => WelcomeAsync(context, status, already, ct), ct);
                }
                catch (Exception e) when (FullDisk.Explain(e, context.Home) is { } why)
                {
                    throw new CommandFailure(why, code: OwnCodes.StartFailed);
                }
            },
            demo: parsed => parsed.GetValue(s_demo));

    /// <summary>Whether a daemon with these options stays where it was started.</summary>
    internal static bool IsInForeground(ParseResult parsed) => parsed.GetValue(s_foreground);

    /// <summary>Refuses, as a start does, options and settings of now that a start would be refused for because of their form.</summary>
    /// <exception cref="CommandFailure">The settings can't be read, or a value can't be.</exception>
    /// <exception cref="GatewayRefusal">It can't be safe, or its certificate can't be used.</exception>
    /// <exception cref="HomeRefusal">What is set for the Feishu bot can't be read.</exception>
    internal static void Check(ParseResult parsed, Home home, Terminal terminal)
    {
        GatewayServer.Require(GatewayFrom(Configuration.Settings.OfDaemon.Complete(parsed, home, terminal), home), TimeProvider.System);
        _ = EntrySetting.Read(home);
    }

    /// <summary>Whether this is the daemon itself, in the background.</summary>
    internal static bool IsDetached(ParseResult parsed) => parsed.CommandResult.Command.Options.Contains(s_detached)
        && parsed.GetValue(s_detached);

    /// <summary>What a start without options would listen on, as the settings have it.</summary>
    /// <exception cref="CommandFailure">The settings can't be read, or a value can't be.</exception>
    /// <exception cref="GatewayRefusal">It can't be safe, or its certificate can't be used.</exception>
    internal static (GatewayOptions Gateway, int? ControlPort) Planned(RootCommand root, Home home, Terminal terminal)
    {
        var parsed = Configuration.Settings.OfDaemon.Complete(root.Parse(["start"], Configuration.Settings.Parser), home, terminal);
        var gateway = GatewayFrom(parsed, home);
        GatewayServer.Require(gateway, TimeProvider.System);
        return (gateway, ControlPortFrom(parsed, Directory.Exists(home.Demo)));
    }

    private static int? ControlPortFrom(ParseResult parsed, bool demo)
        => parsed.GetValue(s_controlPort) switch { null => demo ? null : ControlServer.DefaultPort, PortOff => null, var port => port };

    internal static GatewayOptions GatewayFrom(ParseResult parsed, Home home)
    {
        var behindProxy = parsed.GetValue(s_behindProxy);
        if (!behindProxy && parsed.GetValue(s_proxies) is { Length: > 0 })
        {
            throw new CommandFailure(
                "--proxy has no effect without --behind-proxy. Add --behind-proxy, or remove --proxy.", ExitCode.Usage);
        }

        var acme = AcmeSettings.From(parsed, home, parsed.GetValue(s_names) ?? [], behindProxy, parsed.GetValue(s_noTls));
        var tls = acme is null && !behindProxy && !parsed.GetValue(s_noTls) && TlsFiles.Exist(home) ? TlsFiles.Of(home) : null;
        return new GatewayOptions
        {
            Listen = parsed.GetValue(s_listen) ?? [],
            Names = [.. (parsed.GetValue(s_names) ?? []).Concat(tls is null ? [] : CertifiedNames(tls))
                .Distinct(StringComparer.OrdinalIgnoreCase)],
            BehindProxy = behindProxy,
            Proxies = parsed.GetValue(s_proxies) ?? [],
            Tls = tls,
            Acme = acme,
        };
    }

    private static Command WithAcme(Command command)
    {
        foreach (var option in AcmeSettings.Options)
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>Demonstration and real data never share a home: the ledger of one must not stand in the other.</summary>
    private static void CheckDemo(Home home, bool demo)
    {
        if (demo != Directory.Exists(home.Demo) && (!demo || File.Exists(home.Database)))
        {
            throw new CommandFailure(demo
                ? $"{home} holds real data; the demo needs a separate home: POCKETCODER_HOME={home}-demo pocketcoder start --demo"
                : $"{home} belongs to the demo. Start with --demo, or set POCKETCODER_HOME to another directory.");
        }
    }

    private static IEnumerable<string> CertifiedNames(GatewayTls tls)
    {
        using var certificate = TlsFiles.Load(tls.CertificateFile);
        return [.. LocalAuthority.NamesOf(certificate).Where(n => n is not ("localhost" or "127.0.0.1" or "[::1]"))];
    }

    /// <summary>Says where it is. At a terminal a machine without devices offers itself at once: it is of no use before.</summary>
    internal static async Task WelcomeAsync(CommandContext context, ControlStatus status, bool already, CancellationToken ct)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new Started(already, status.Pid, status.Listen), CliJson.Default.Started);
            return;
        }

        // The demonstration may have been given its own home here; what is typed next must name it.
        var home = context.Terminal.Environment(CommandContext.HomeVariable) is null or ""
            && status.Demo ? $"{CommandContext.HomeVariable}='{context.Home}' " : "";
        context.Say(already ? $"PocketCoder is already running (pid {status.Pid})." : $"PocketCoder is running (pid {status.Pid}).");
        context.Say($"  Open   {string.Join("  or  ", status.Listen)}");
        context.Say(status.DevicesPaired == 0 ? $"  Pair   {home}pocketcoder pair"
            : $"  {status.DevicesPaired} device{(status.DevicesPaired == 1 ? "" : "s")} paired; another: {home}pocketcoder pair");
        context.Say($"  Stop   {home}pocketcoder stop");
        if (status.DevicesPaired == 0 && context.Terminal.Interactive)
        {
            PairCommand.Show(context, await context.Daemon.PairAsync(new PairingRequest(null, null), ct));
        }
    }

    /// <summary>The daemon itself.</summary>
    private static async Task<int> RunAsync(CommandContext context, ParseResult parsed)
    {
        var detached = parsed.GetValue(s_detached);
        if (detached)
        {
            Detachment.LeaveSession();
        }

        var home = context.Home;
        var time = TimeProvider.System;
        var level = LogFile.LevelFrom(Configuration.Settings.OfDaemon.Find(
            Configuration.Settings.OfDaemon.Get(Configuration.Settings.LogLevel), home, context.Terminal).Value);
        await using var log = new LogFile(home.LogFile, level, time, new KnownSecrets(),
            detached ? null : line => context.Terminal.Error.WriteLine(LogReader.Show(line)));
        var stop = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, s => OnSignal(s, stop));
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, s => OnSignal(s, stop));
        using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, s => OnHangUp(s, detached, stop));

        var gateway = GatewayFrom(parsed, home);
        var host = await Launch.BeginAsync(
            log,
            new DaemonOptions
            {
                Home = home,
                Demo = parsed.GetValue(s_demo),
                Gateway = gateway,
                EntryPoints = FeishuEntry.Of(home, gateway, time, log),
                Sandbox = parsed.GetValue(s_sandbox),
                ApprovalTimeout = parsed.GetValue(s_approvalTimeout) ?? s_approvalUsual,
                ModelUpstreams = parsed.GetValue(s_upstreams) ?? [],
                OutputLimit = (parsed.GetValue(s_outputLimit) ?? OutputUsual) * 1024,
                Limits = new TurnLimits
                {
                    Silence = parsed.GetValue(s_silenceLimit) ?? TurnLimits.Default.Silence,
                    Turn = parsed.GetValue(s_turnLimit),
                    Retries = parsed.GetValue(s_retryLimit) ?? TurnLimits.Default.Retries,
                    RetryTime = parsed.GetValue(s_retryTime) ?? TurnLimits.Default.RetryTime,
                },
                ControlPort = ControlPortFrom(parsed, parsed.GetValue(s_demo)),
                Warm = new WarmLimits
                {
                    Agents = parsed.GetValue(s_warmAgents) ?? WarmLimits.Default.Agents,
                    MemoryBytes = parsed.GetValue(s_warmMemory) is { } megabytes ? megabytes * Megabyte : WarmLimits.Default.MemoryBytes,
                },
                Rests = SpareMemory.GiveBack,
                LoggerFactory = log,
                TimeProvider = time,
            });
        if (host is null)
        {
            if (!detached)
            {
                context.Say("PocketCoder is already running. See: pocketcoder status");
            }

            return ExitCode.Ok;
        }

        await using (host)
        {
            if (detached)
            {
                Detachment.LeaveTerminal(Path.Combine(home.Logs, "daemon.out"));
            }
            else
            {
                await WelcomeAsync(context, await host.StatusAsync(CancellationToken.None), already: false, CancellationToken.None);
            }

            var reason = await await Task.WhenAny(stop.Task, host.StopRequested);
            return await host.StopAsync(reason, s_stopLimit) ? ExitCode.Ok : ExitCode.Failure;
        }
    }

    private static void OnSignal(PosixSignalContext signal, TaskCompletionSource<string> stop)
    {
        if (stop.TrySetResult($"Stopped by {signal.Signal}."))
        {
            signal.Cancel = true; // in good order; a second one is not held up
        }
    }

    private static void OnHangUp(PosixSignalContext signal, bool detached, TaskCompletionSource<string> stop)
    {
        signal.Cancel = true;
        if (!detached)
        {
            _ = stop.TrySetResult("The terminal was closed.");
        }
    }

    internal static IPEndPoint Endpoint(string text, ArgumentResult result)
    {
        // IPEndPoint.Parse takes a missing port for 0, which would listen somewhere unknown.
        var hasPort = text.StartsWith('[') ? text.Contains("]:", StringComparison.Ordinal) : text.Count(c => c == ':') == 1;
        if (text.StartsWith("localhost:", StringComparison.Ordinal))
        {
            text = "127.0.0.1" + text["localhost".Length..];
        }

        if (hasPort && IPEndPoint.TryParse(text, out var endpoint) && IsWhole(text, endpoint.Address))
        {
            return endpoint;
        }

        result.AddError($"'{text}' is not an address to listen on. Use ADDR:PORT, such as 127.0.0.1:8090 or [::1]:8090");
        return new IPEndPoint(IPAddress.Loopback, 0);
    }

    private static string HostName(string text, ArgumentResult result)
    {
        if (!GatewayOptions.IsName(text))
        {
            result.AddError($"'{text}' is not a valid host. Use a host name or an address, with :port if it differs from the listening port, without scheme or path.");
        }

        return text;
    }

    /// <summary>The runtime reads <c>0</c> and <c>1.5</c> as addresses of four numbers; nobody means those.</summary>
    private static bool IsWhole(string text, IPAddress address) => address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork
        || text.Count(c => c == '.') == 3;

    private static IPAddress Address(string text, ArgumentResult result)
    {
        if (IPAddress.TryParse(text, out var address) && IsWhole(text, address))
        {
            return address;
        }

        result.AddError($"'{text}' is not an address.");
        return IPAddress.None;
    }

    private static int? Port(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text == "off")
        {
            return PortOff;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= IPEndPoint.MaxPort)
        {
            return port;
        }

        result.AddError($"'{text}' is not a port. Use 0 to 65535, or off");
        return null;
    }

    private static Option<TimeSpan?> Limit(string name, string description)
        => new(name) { Description = description, HelpName = "TIME", CustomParser = result => Duration(result) };

    private static SandboxKind? Sandbox(ArgumentResult result)
    {
        switch (result.Tokens[0].Value)
        {
            case "auto": return null;
            case "bubblewrap": return SandboxKind.Bubblewrap;
            case "docker": return SandboxKind.Docker;
            case "landlock": return SandboxKind.Landlock;
            case "none": return SandboxKind.None;
            case var other:
                result.AddError($"'{other}' is not a sandbox. Use auto, bubblewrap, docker, landlock or none");
                return null;
        }
    }

    private static TimeSpan Duration(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        double seconds = text.Length < 2 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
        if (seconds > 0 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number * seconds is >= 10 and <= 86_400)
        {
            return TimeSpan.FromSeconds(number * seconds);
        }

        result.AddError($"'{text}' is not a time from 10s to 24h. Use a number with s, m or h, such as 10m");
        return TimeSpan.Zero;
    }

    /// <summary>Keys go there, so in clear only within this machine.</summary>
    private static Dictionary<string, Uri> Upstreams(ArgumentResult result)
    {
        var upstreams = new Dictionary<string, Uri>(StringComparer.Ordinal);
        foreach (var token in result.Tokens)
        {
            var parts = token.Value.Split('=', 2);
            if (parts.Length == 2 && ModelProviders.All.Contains(parts[0], StringComparer.Ordinal)
                && Uri.TryCreate(parts[1], UriKind.Absolute, out var url)
                && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)) && url.Query.Length == 0
                && url.Fragment.Length == 0 && url.UserInfo.Length == 0)
            {
                upstreams[parts[0]] = url;
            }
            else
            {
                result.AddError($"'{token.Value}' is not an upstream. Use PROVIDER=URL with {string.Join(", ", ModelProviders.All)} and https, such as anthropic=https://gateway.example");
            }
        }

        return upstreams;
    }
}
