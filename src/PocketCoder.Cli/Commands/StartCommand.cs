using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using PocketCoder.Cli.Output;
using PocketCoder.Gateway;
using PocketCoder.Gateway.Tls;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder start</c>: in the background by starting itself again, or in the foreground.</summary>
internal static class StartCommand
{
    private static readonly TimeSpan s_readyLimit = TimeSpan.FromSeconds(30);
    private const int PortOff = -1;

    private static readonly TimeSpan s_stopLimit = TimeSpan.FromSeconds(15);

    private static readonly Option<bool> s_foreground = new("--foreground") { Description = "Stay in this terminal and show the log; Ctrl-C stops" };
    private static readonly Option<bool> s_detached = new("--detached") { Hidden = true };
    private static readonly Option<bool> s_demo = new("--demo") { Description = "Try it with a scripted agent and a sample project, in a home of its own" };
    private static readonly Option<bool> s_behindProxy = new("--behind-proxy") { Description = "A proxy with TLS stands in front (tailscale serve, Caddy, nginx)" };
    private static readonly Option<bool> s_noTls = new("--no-tls") { Description = "Serve plain HTTP on loopback even though 'tls init' made a certificate" };
    private static readonly Option<string[]> s_names = new("--name") { Description = "A name clients open this under; may be given several times", HelpName = "HOST[:PORT]" };

    private static readonly Option<IPEndPoint[]> s_listen = new("--listen")
    {
        Description = "Where to listen; may be given several times. Default 127.0.0.1:8090 and [::1]:8090",
        HelpName = "ADDR:PORT",
        CustomParser = result => [.. result.Tokens.Select(t => Endpoint(t.Value, result))],
    };

    private static readonly Option<IPAddress[]> s_proxies = new("--proxy")
    {
        Description = "With --behind-proxy: the proxy's address when it is not on this machine",
        HelpName = "ADDR",
        CustomParser = result => [.. result.Tokens.Select(t => Address(t.Value, result))],
    };

    private static readonly Option<TimeSpan> s_approvalTimeout = new("--approval-timeout")
    {
        Description = "How long an approval waits for you before it counts as denied: 10s to 24h (default 10m)",
        HelpName = "TIME",
        CustomParser = Duration,
        DefaultValueFactory = _ => TimeSpan.FromMinutes(10),
    };

    private static readonly Option<Dictionary<string, Uri>> s_upstreams = new("--model-upstream")
    {
        Description = "Where a provider's models are asked instead: anthropic=https://…; may be given several times",
        HelpName = "PROVIDER=URL",
        CustomParser = Upstreams,
    };

    private static readonly Option<int> s_outputLimit = new("--output-limit")
    {
        Description = "Kilobytes of a command's output that an agent gets, head and tail; people get all: 4 to 16384 (default 300)",
        HelpName = "KB",
        CustomParser = Kilobytes,
        DefaultValueFactory = _ => 300,
    };

    private static readonly Option<TimeSpan> s_silenceLimit = Limit("--silence-limit", "A turn whose agent gives no sign of life for so long is stopped: 10s to 24h (default 30m)", TurnLimits.Default.Silence);

    private static readonly Option<TimeSpan?> s_turnLimit = new("--turn-limit")
    {
        Description = "A turn that takes longer is stopped, what waits for you not counted: 10s to 24h (default: none)",
        HelpName = "TIME",
        CustomParser = result => Duration(result),
    };

    private static readonly Option<TimeSpan> s_retryTime = Limit("--retry-time", "An agent that tries one request to its models again for so long is stopped: 10s to 24h (default 15m)", TurnLimits.Default.RetryTime);

    private static readonly Option<int> s_retryLimit = new("--retry-limit")
    {
        Description = "An agent that tries one request to its models more often is stopped: 1 to 1000 (default 10)",
        HelpName = "N",
        CustomParser = result => Whole(result, 1, 1000),
        DefaultValueFactory = _ => TurnLimits.Default.Retries,
    };

    private static readonly Option<int> s_warmAgents = new("--warm-agents")
    {
        Description = "Agents without work that are kept, so that their next prompt starts at once; 0: none: 0 to 100 (default 3)",
        HelpName = "N",
        CustomParser = result => Whole(result, 0, 100),
        DefaultValueFactory = _ => WarmLimits.Default.Agents,
    };

    private static readonly Option<int> s_warmMemory = new("--warm-memory")
    {
        Description = "Megabytes of memory that such agents have together: 16 to 1000000 (default 1024)",
        HelpName = "MB",
        CustomParser = result => Whole(result, 16, 1_000_000),
        DefaultValueFactory = _ => (int)(WarmLimits.Default.MemoryBytes / Megabyte),
    };

    private const long Megabyte = 1024 * 1024;

    private static readonly Option<SandboxKind?> s_sandbox = new("--sandbox")
    {
        Description = "Where sessions run that don't choose: auto (bubblewrap, else docker, else refused), bubblewrap, docker, landlock (reduced), none",
        HelpName = "KIND",
        CustomParser = Sandbox,
    };

    private static readonly Option<int?> s_controlPort = new("--control-port")
    {
        Description = "Port of the HTTP control plane on 127.0.0.1; 0: any that is free; off (default 17333, with --demo off)",
        HelpName = "PORT",
        CustomParser = Port,
    };

    /// <summary>Those that a settings' file may give too.</summary>
    internal static IReadOnlyList<Option> Settings { get; } =
        [s_listen, s_names, s_behindProxy, s_proxies, s_noTls, s_sandbox, s_approvalTimeout, s_upstreams, s_outputLimit, s_silenceLimit, s_turnLimit, s_retryLimit, s_retryTime, s_warmAgents, s_warmMemory, s_controlPort];

    /// <summary>What an option is when nobody says otherwise, as it is typed; empty: nothing.</summary>
    internal static string DefaultOf(Option option) => option.Name switch
    {
        "--listen" => "127.0.0.1:8090, [::1]:8090",
        "--behind-proxy" or "--no-tls" => "false",
        "--sandbox" => "auto",
        "--approval-timeout" => "10m",
        "--output-limit" => "300",
        "--silence-limit" => "30m",
        "--retry-limit" => "10",
        "--retry-time" => "15m",
        "--warm-agents" => WarmLimits.Default.Agents.ToString(CultureInfo.InvariantCulture),
        "--warm-memory" => (WarmLimits.Default.MemoryBytes / Megabyte).ToString(CultureInfo.InvariantCulture),
        "--control-port" => ControlServer.DefaultPort.ToString(CultureInfo.InvariantCulture),
        _ => "",
    };

    public static Command Create(Terminal terminal)
        => new Command("start", "Start the daemon") { s_foreground, s_detached, s_demo, s_listen, s_names, s_behindProxy, s_proxies, s_noTls, s_sandbox, s_approvalTimeout, s_upstreams, s_outputLimit, s_silenceLimit, s_turnLimit, s_retryLimit, s_retryTime, s_warmAgents, s_warmMemory, s_controlPort }
            .Does(terminal, async (context, parsed, ct) =>
            {
                context.Home.Prepare();
                CheckDemo(context.Home, parsed.GetValue(s_demo));
                parsed = Configuration.Settings.Complete(parsed, context.Home, terminal);
                return parsed.GetValue(s_foreground) || parsed.GetValue(s_detached) ? await RunAsync(context, parsed) : await LaunchAsync(context, parsed, ct);
            },
            demo: parsed => parsed.GetValue(s_demo));

    internal static GatewayOptions GatewayFrom(ParseResult parsed, Home home)
    {
        var behindProxy = parsed.GetValue(s_behindProxy);
        var tls = !behindProxy && !parsed.GetValue(s_noTls) && TlsFiles.Exist(home) ? TlsFiles.Of(home) : null;
        return new GatewayOptions
        {
            Listen = parsed.GetValue(s_listen) ?? [],
            Names = [.. (parsed.GetValue(s_names) ?? []).Concat(tls is null ? [] : CertifiedNames(tls)).Distinct(StringComparer.OrdinalIgnoreCase)],
            BehindProxy = behindProxy,
            Proxies = parsed.GetValue(s_proxies) ?? [],
            Tls = tls,
        };
    }

    /// <summary>Demonstration and real data never share a home: the ledger of one must not stand in the other.</summary>
    private static void CheckDemo(Home home, bool demo)
    {
        if (demo != Directory.Exists(home.Demo) && (!demo || File.Exists(home.Database)))
        {
            throw new CommandFailure(demo
                ? $"{home} holds real data; the demonstration wants a home of its own: POCKETCODER_HOME={home}-demo pocketcoder start --demo"
                : $"{home} is the demonstration's. Start it with --demo, or set POCKETCODER_HOME to another directory.");
        }
    }

    private static IEnumerable<string> CertifiedNames(GatewayTls tls)
    {
        using var certificate = TlsFiles.Load(tls.CertificateFile);
        return [.. LocalAuthority.NamesOf(certificate).Where(n => n is not ("localhost" or "127.0.0.1" or "[::1]"))];
    }

    /// <summary>Starts this program again without the terminal and waits until it answers.</summary>
    private static async Task<int> LaunchAsync(CommandContext context, ParseResult parsed, CancellationToken ct)
    {
        if (DaemonLock.IsTaken(context.Home))
        {
            return await TellRunningAsync(context, already: true, ct);
        }

        _ = GatewayFrom(parsed, context.Home); // what is refused for its form is refused here, where the person looks
        using var child = StartDetached(parsed, context.Home);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(s_readyLimit);
        try
        {
            while (!child.HasExited)
            {
                if (await context.Daemon.IsHealthyAsync(limit.Token))
                {
                    return await TellRunningAsync(context, already: false, ct);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            child.Kill();
            throw new CommandFailure($"The daemon did not answer within {s_readyLimit.TotalSeconds:0} s and was ended.{LastLines(context.Home)}");
        }

        // Another start was faster: that is what was wanted.
        if (child.ExitCode == ExitCode.Ok && DaemonLock.IsTaken(context.Home))
        {
            return await TellRunningAsync(context, already: true, ct);
        }

        // It said why on this terminal, which it still had.
        throw new CommandFailure($"The daemon ended while starting (exit code {child.ExitCode}).{LastLines(context.Home)}");
    }

    private static Process StartDetached(ParseResult parsed, Home home)
    {
        try
        {
            return OwnProgram.StartAgain(
                [.. parsed.Tokens.Select(t => t.Value), s_detached.Name],
                home.Root,
                new Dictionary<string, string>(StringComparer.Ordinal) { ["POCKETCODER_HOME"] = home.Root }); // a relative one would mean another place from there
        }
        catch (ProcessStartException e)
        {
            throw new CommandFailure($"{e.Message} Try: pocketcoder start --foreground");
        }
    }

    private static async Task<int> TellRunningAsync(CommandContext context, bool already, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(s_readyLimit);
        try
        {
            while (!await context.Daemon.IsHealthyAsync(limit.Token))
            {
                if (!DaemonLock.IsTaken(context.Home))
                {
                    throw new CommandFailure("The daemon stopped meanwhile. Start it again: pocketcoder start");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new CommandFailure($"A daemon has this home but did not answer within {s_readyLimit.TotalSeconds:0} s. End it with: pocketcoder stop. It may say why in: pocketcoder logs");
        }

        Welcome(context, await context.Daemon.StatusAsync(ct), already);
        return ExitCode.Ok;
    }

    private static void Welcome(CommandContext context, ControlStatus status, bool already)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new Started(already, status.Pid, status.Listen), CliJson.Default.Started);
            return;
        }

        // The demonstration may have been given its own home here; what is typed next must name it.
        var home = context.Terminal.Environment(CommandContext.HomeVariable) is null or "" && status.Demo ? $"{CommandContext.HomeVariable}='{context.Home}' " : "";
        context.Say(already ? $"PocketCoder is running already (pid {status.Pid})." : $"PocketCoder is running (pid {status.Pid}).");
        context.Say($"  Open   {string.Join("  or  ", status.Listen)}");
        context.Say(status.DevicesPaired == 0 ? $"  Pair   {home}pocketcoder pair" : $"  {status.DevicesPaired} device{(status.DevicesPaired == 1 ? "" : "s")} paired; another: {home}pocketcoder pair");
        context.Say($"  Stop   {home}pocketcoder stop");
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
        await using var log = new LogFile(home.LogFile, LogFile.LevelFrom(Configuration.Settings.Get(Configuration.Settings.LogLevel).Find(home, context.Terminal).Value), time, detached ? null : line => context.Terminal.Error.WriteLine(LogReader.Show(line)));
        var stop = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, s => OnSignal(s, stop));
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, s => OnSignal(s, stop));
        using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, s => OnHangUp(s, detached, stop));

        var host = await DaemonHost.StartAsync(
            new DaemonOptions
            {
                Home = home,
                Demo = parsed.GetValue(s_demo),
                Gateway = GatewayFrom(parsed, home),
                Sandbox = parsed.GetValue(s_sandbox),
                ApprovalTimeout = parsed.GetValue(s_approvalTimeout),
                ModelUpstreams = parsed.GetValue(s_upstreams) ?? [],
                OutputLimit = parsed.GetValue(s_outputLimit) * 1024,
                Limits = new TurnLimits
                {
                    Silence = parsed.GetValue(s_silenceLimit),
                    Turn = parsed.GetValue(s_turnLimit),
                    Retries = parsed.GetValue(s_retryLimit),
                    RetryTime = parsed.GetValue(s_retryTime),
                },
                ControlPort = parsed.GetValue(s_controlPort) switch { null => parsed.GetValue(s_demo) ? null : ControlServer.DefaultPort, PortOff => null, var port => port },
                Warm = new WarmLimits { Agents = parsed.GetValue(s_warmAgents), MemoryBytes = parsed.GetValue(s_warmMemory) * Megabyte },
                Rests = SpareMemory.GiveBack,
                LoggerFactory = log,
                TimeProvider = time,
            },
            CancellationToken.None);
        if (host is null)
        {
            if (!detached)
            {
                context.Say("PocketCoder is running already. See: pocketcoder status");
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
                Welcome(context, await host.StatusAsync(CancellationToken.None), already: false);
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

    private static string LastLines(Home home)
    {
        var lines = LogReader.Tail(home.LogFile, 5).Select(l => "  " + LogReader.Show(l)).ToList();
        return lines.Count == 0 ? "" : $" The last lines of its log ({home.LogFile}):\n{string.Join('\n', lines)}";
    }

    private static IPEndPoint Endpoint(string text, ArgumentResult result)
    {
        // IPEndPoint.Parse takes a missing port for 0, which would listen somewhere unknown.
        var hasPort = text.StartsWith('[') ? text.Contains("]:", StringComparison.Ordinal) : text.Count(c => c == ':') == 1;
        if (text.StartsWith("localhost:", StringComparison.Ordinal))
        {
            text = "127.0.0.1" + text["localhost".Length..];
        }

        if (hasPort && IPEndPoint.TryParse(text, out var endpoint))
        {
            return endpoint;
        }

        result.AddError($"'{text}' is no address to listen on. Write ADDR:PORT, such as 127.0.0.1:8090 or [::1]:8090");
        return new IPEndPoint(IPAddress.Loopback, 0);
    }

    private static IPAddress Address(string text, ArgumentResult result)
    {
        if (IPAddress.TryParse(text, out var address))
        {
            return address;
        }

        result.AddError($"'{text}' is no address.");
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

        result.AddError($"'{text}' is no port. Write 0 to 65535, or off");
        return null;
    }

    private static int Kilobytes(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 4 and <= 16_384)
        {
            return number;
        }

        result.AddError($"'{text}' is no number of kilobytes between 4 and 16384.");
        return 0;
    }

    private static int Whole(ArgumentResult result, int least, int most)
    {
        if (int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
        {
            return number;
        }

        result.AddError($"'{result.Tokens[0].Value}' is no number between {least} and {most}.");
        return 0;
    }

    private static Option<TimeSpan> Limit(string name, string description, TimeSpan otherwise)
        => new(name) { Description = description, HelpName = "TIME", CustomParser = Duration, DefaultValueFactory = _ => otherwise };

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
                result.AddError($"'{other}' is no sandbox. There are: auto, bubblewrap, docker, landlock, none");
                return null;
        }
    }

    private static TimeSpan Duration(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        double seconds = text.Length < 2 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
        if (seconds > 0 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number * seconds is >= 10 and <= 86_400)
        {
            return TimeSpan.FromSeconds(number * seconds);
        }

        result.AddError($"'{text}' is no time between 10s and 24h. Write a number with s, m or h, such as 10m");
        return TimeSpan.Zero;
    }

    /// <summary>Keys go there, so in clear only within this machine.</summary>
    private static Dictionary<string, Uri> Upstreams(ArgumentResult result)
    {
        var upstreams = new Dictionary<string, Uri>(StringComparer.Ordinal);
        foreach (var token in result.Tokens)
        {
            var parts = token.Value.Split('=', 2);
            if (parts.Length == 2 && ModelProviders.All.Contains(parts[0], StringComparer.Ordinal) && Uri.TryCreate(parts[1], UriKind.Absolute, out var url)
                && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)) && url.Query.Length == 0 && url.Fragment.Length == 0 && url.UserInfo.Length == 0)
            {
                upstreams[parts[0]] = url;
            }
            else
            {
                result.AddError($"'{token.Value}' is no upstream. Write PROVIDER=URL with {string.Join(", ", ModelProviders.All)} and https, such as anthropic=https://gateway.example");
            }
        }

        return upstreams;
    }
}
