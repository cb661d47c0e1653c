using System.CommandLine;
using System.Globalization;
using System.Text;
using PocketCoder.Cli.Autostarting;
using PocketCoder.Cli.Output;
using PocketCoder.Processes;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder enable-autostart|disable-autostart</c>, and the same of <c>gateway</c>. Both may be repeated.</summary>
internal static class AutostartCommands
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    public static Command Enable(Terminal terminal, AutostartService service)
    {
        var print = new Option<bool>("--print") { Description = "Print the file without writing it" };
        return new Command("enable-autostart", $"Start the {service.What} when you log in") { print }.Does(terminal, async (context, parsed, ct) =>
        {
            context.Home.Inspect();
            var (path, content) = File(context, service);
            if (parsed.GetValue(print))
            {
                if (context.Json)
                {
                    CliJson.Write(context.Terminal, new AutostartFileShown(path, content), CliJson.Default.AutostartFileShown);
                }
                else
                {
                    await context.Terminal.Out.WriteAsync(content);
                }

                return ExitCode.Ok;
            }

            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await System.IO.File.WriteAllTextAsync(
                path, content, OperatingSystem.IsWindows() ? Encoding.Unicode : new UTF8Encoding(false), ct);
            var problem = await RunAllAsync(context, Enabling(service, path), ct);
            return Tell(context, service, path, enabled: true, problem);
        });
    }

    public static Command Disable(Terminal terminal, AutostartService service) => new Command(
        "disable-autostart", $"Stop starting the {service.What} at login; a running {service.What} keeps running").Does(terminal, async (context, _, ct) =>
    {
        var (path, _) = File(context, service);
        var problem = System.IO.File.Exists(path) ? await RunAllAsync(context, Disabling(service, path), ct) : null;
        System.IO.File.Delete(path);
        return Tell(context, service, path, enabled: false, problem);
    });

    private static int Tell(CommandContext context, AutostartService service, string path, bool enabled, string? problem)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new AutostartShown(enabled, path, problem), CliJson.Default.AutostartShown);
            return ExitCode.Ok;
        }

        context.Say(enabled ? $"{service.Title} starts when you log in: {Untrusted.Show(path)}"
            : $"{service.Title} does not start when you log in.");
        if (problem is not null)
        {
            context.Say($"  Takes effect at your next login: {Untrusted.Show(problem)}");
        }

        if (enabled && OperatingSystem.IsLinux() && !System.IO.File.Exists($"/var/lib/systemd/linger/{Environment.UserName}"))
        {
            context.Say($"  To start it at boot, without a login: loginctl enable-linger {Untrusted.Show(Environment.UserName)}");
        }

        return ExitCode.Ok;
    }

    private static (string Path, string Content) File(CommandContext context, AutostartService service)
    {
        var program = Environment.ProcessPath is { } own && Path.GetFileNameWithoutExtension(own) != "dotnet" ? own
            : throw new CommandFailure("The path of this program is unknown. Run pocketcoder itself, not through dotnet.");
        var environment = context.Terminal.Environment;
        var spec = new AutostartSpec(
            program, context.Home.Root, environment("PATH") is { Length: > 0 } path ? path : "/usr/local/bin:/usr/bin:/bin")
        { Service = service };
        var user = environment("HOME") is { Length: > 0 } set ? set : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (OperatingSystem.IsWindows())
        {
            return (Path.Combine(context.Home.Root, service == AutostartService.Daemon ? "autostart.xml" : "autostart-gateway.xml"),
                AutostartFiles.Task(spec, $"{Environment.UserDomainName}\\{Environment.UserName}"));
        }

        if (OperatingSystem.IsMacOS())
        {
            return (Path.Combine(user, "Library", "LaunchAgents", service.Agent + ".plist"), AutostartFiles.Launchd(spec));
        }

        var settings = environment("XDG_CONFIG_HOME") is { Length: > 0 } xdg
            && Path.IsPathFullyQualified(xdg) ? xdg : Path.Combine(user, ".config");
        return (Path.Combine(settings, "systemd", "user", service.Unit), AutostartFiles.Systemd(spec));
    }

    private static IReadOnlyList<IReadOnlyList<string>> Enabling(AutostartService service, string path)
        => OperatingSystem.IsWindows() ? [["schtasks", "/Create", "/F", "/TN", service.Task, "/XML", path]]
            : OperatingSystem.IsMacOS() ? [["launchctl", "load", "-w", path]]
            : [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", service.Unit]];

    private static IReadOnlyList<IReadOnlyList<string>> Disabling(AutostartService service, string path)
        => OperatingSystem.IsWindows() ? [["schtasks", "/Delete", "/F", "/TN", service.Task]]
            : OperatingSystem.IsMacOS() ? [["launchctl", "unload", "-w", path]]
            : [["systemctl", "--user", "disable", service.Unit], ["systemctl", "--user", "daemon-reload"]];

    /// <returns>What kept the system from taking notice now; null: nothing.</returns>
    private static async Task<string?> RunAllAsync(
        CommandContext context, IReadOnlyList<IReadOnlyList<string>> commands, CancellationToken ct)
    {
        foreach (var command in commands)
        {
            if ((await RunAsync(context, command, s_limit, ct)).Problem is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    /// <summary>One command of the service manager.</summary>
    /// <returns>What it said, and why it failed; null: it did not.</returns>
    internal static async Task<(string Said, string? Problem)> RunAsync(
        CommandContext context, IReadOnlyList<string> command, TimeSpan limit, CancellationToken ct)
    {
        var environment = EnvironmentAllowList.SelectFromOwn("DBUS_SESSION_BUS_ADDRESS");
        foreach (var (name, set) in environment.Keys.Append("PATH").ToList().Select(n => (n, context.Terminal.Environment(n))))
        {
            if (set is { Length: > 0 })
            {
                environment[name] = set;
            }
        }

        try
        {
            var result = await CommandRun.RunAsync(
                new ProcessStart
                {
                    Program = command[0],
                    Arguments = [.. command.Skip(1)],
                    WorkingDirectory = "/",
                    Environment = environment
                }, limit, 2000, TimeProvider.System, ct);
            return (result.Output, result.TimedOut || result.ExitCode != 0
                ? string.Create(CultureInfo.InvariantCulture, $"{command[0]} said: {result.Output.Trim()}") : null);
        }
        catch (ProcessStartException e)
        {
            return ("", e.Message);
        }
    }
}
