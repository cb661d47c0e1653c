using System.CommandLine;
using PocketCoder.Cli.Output;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder status</c>.</summary>
internal static class StatusCommand
{
    public static Command Create(Terminal terminal)
        => new Command("status", "Show the daemon's status").Does(terminal, async (context, _, ct) =>
    {
        var status = await context.Daemon.StatusAsync(ct);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, status, CliJson.Default.ControlStatus);
            return ExitCode.Ok;
        }

        context.Say($"PocketCoder {status.Version} on {Untrusted.Show(status.Name)}{(status.Demo ? " (demo)" : "")}");
        context.Say($"  Running   pid {status.Pid} since {status.StartedAt.ToLocalTime():yyyy-MM-dd HH:mm}");
        context.Say($"  Open      {string.Join("  ", status.Listen)}");
        if (status.Control is { } control)
        {
            context.Say($"  Control   {control}");
        }

        if (status.Link is { } link)
        {
            context.Say($"  Gateway   {Untrusted.Show(LinkCommands.Line(link))}");
        }

        context.Say($"  Machine   {status.MachineId}");
        context.Say(
            $"  Sandbox   {(status.Sandbox is { } kind ? kind.ToString().ToLowerInvariant() : "none available; see: pocketcoder doctor")}");
        context.Say($"  Sessions  {status.SessionsWorking} working");
        context.Say($"  Devices   {status.DevicesPaired} paired, {status.DevicesConnected} connected");
        foreach (var agent in status.Agents)
        {
            context.Say($"  Agent     {Untrusted.Show(agent.Name)} {(agent.Unanswered ? "no answer yet" : agent.Installed ? Untrusted.Show(agent.Version ?? "") : "not installed")}");
        }

        foreach (var project in status.Projects)
        {
            context.Say(
                $"  Project   {Untrusted.Show(project.Name)}  {Untrusted.Show(project.Path)}{(project.Missing ? "  (missing)" : "")}");
        }

        foreach (var warning in status.Warnings)
        {
            context.Say($"  ! {Untrusted.Show(warning)}");
        }

        return ExitCode.Ok;
    });
}
